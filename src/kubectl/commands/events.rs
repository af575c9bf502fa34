//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "events", ..crate::verb::VERB };
