//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "rollout", ..crate::verb::VERB };
