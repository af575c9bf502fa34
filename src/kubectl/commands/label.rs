//! stub
pub static LABEL: crate::verb::Verb = crate::verb::Verb { name: "label", ..crate::verb::VERB };
pub static ANNOTATE: crate::verb::Verb = crate::verb::Verb { name: "annotate", ..crate::verb::VERB };
