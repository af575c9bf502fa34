//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "auth", ..crate::verb::VERB };
