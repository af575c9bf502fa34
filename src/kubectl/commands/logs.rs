//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "logs", ..crate::verb::VERB };
