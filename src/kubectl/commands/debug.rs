//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "debug", ..crate::verb::VERB };
