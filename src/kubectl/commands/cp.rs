//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "cp", ..crate::verb::VERB };
