//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "top", ..crate::verb::VERB };
