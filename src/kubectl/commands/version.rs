//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "version", ..crate::verb::VERB };
