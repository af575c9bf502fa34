//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "diff", ..crate::verb::VERB };
