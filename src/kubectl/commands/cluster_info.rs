//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "cluster-info", ..crate::verb::VERB };
