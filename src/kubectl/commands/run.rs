//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "run", ..crate::verb::VERB };
