//! stub
pub static VERB: crate::verb::Verb = crate::verb::Verb { name: "autoscale", ..crate::verb::VERB };
