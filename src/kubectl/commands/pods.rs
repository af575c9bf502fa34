//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "pods", ..crate::verb::VERB };
