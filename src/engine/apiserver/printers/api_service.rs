//! APIServices: which part of the API is served from where.
//!
//! Mirrors: kube-aggregator pkg/registry/apiservice/etcd `ConvertToTable`.

use api::DynamicObject;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, at, text};
use super::column::{AGE, Column, NAME, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Service", "The reference to the service that hosts this API endpoint."),
    string("Available", "Whether this service is available."),
    AGE,
];

pub(super) fn cells(service: &DynamicObject, now: Now) -> Cells {
    let reference = at(&service.fields, &["spec", "service"]);
    let part = |key: &str| reference[key].as_str().unwrap_or_default();
    let host = match reference {
        Value::Object(_) => format!("{}/{}", part("namespace"), part("name")),
        _ => "Local".into(),
    };
    vec![text(&service.metadata.name), json!(host), json!(available(service)), now.age(&service.metadata)]
}

fn available(service: &DynamicObject) -> String {
    let conditions = at(&service.fields, &["status", "conditions"]).as_array();
    let condition = conditions.into_iter().flatten().find(|condition| condition["type"] == "Available");
    let part = |key: &str| condition.and_then(|condition| condition[key].as_str()).unwrap_or_default();
    match (condition, part("status")) {
        (None, _) => "Unknown".into(),
        (_, "True") => "True".into(),
        (_, status) => format!("{status} ({})", part("reason")),
    }
}
