//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "port-forward", ..crate::verb::VERB };
