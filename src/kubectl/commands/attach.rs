//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "attach", ..crate::verb::VERB };
