//! stub
pub static CORDON: crate::verb::Verb = crate::verb::Verb { name: "cordon", ..crate::verb::VERB };
pub static UNCORDON: crate::verb::Verb = crate::verb::Verb { name: "uncordon", ..crate::verb::VERB };
