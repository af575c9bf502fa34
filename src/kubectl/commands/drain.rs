//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "drain", ..crate::verb::VERB };
