//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "exec", ..crate::verb::VERB };
