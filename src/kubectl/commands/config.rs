//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "config", ..crate::verb::VERB };
