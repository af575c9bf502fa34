//! stub
pub static RESOURCES: crate::verb::Verb = crate::verb::Verb { name: "api-resources", ..crate::verb::VERB };
pub static VERSIONS: crate::verb::Verb = crate::verb::Verb { name: "api-versions", ..crate::verb::VERB };
