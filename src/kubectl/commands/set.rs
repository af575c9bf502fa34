//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "set", ..crate::verb::VERB };
