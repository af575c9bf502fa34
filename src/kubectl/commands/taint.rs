//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "taint", ..crate::verb::VERB };
