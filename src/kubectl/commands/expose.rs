//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "expose", ..crate::verb::VERB };
