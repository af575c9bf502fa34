//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "patch", ..crate::verb::VERB };
