//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "scale", ..crate::verb::VERB };
