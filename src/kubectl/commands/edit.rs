//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "edit", ..crate::verb::VERB };
