//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "explain", ..crate::verb::VERB };
