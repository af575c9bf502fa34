//! ComponentStatuses.
//!
//! Mirrors: pkg/printers/internalversion `printComponentStatus`.

use api::DynamicObject;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{at, text};
use super::column::{Column, NAME, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Status", "Status of the component conditions"),
    string("Message", "Message of the component conditions"),
    string("Error", "Error of the component conditions"),
];

pub(super) fn cells(component: &DynamicObject) -> Cells {
    let conditions = at(&component.fields, &["conditions"]).as_array();
    let healthy = conditions.into_iter().flatten().find(|condition| condition["type"] == "Healthy");
    let part = |key: &str| {
        healthy.map_or(json!(""), |condition| match &condition[key] {
            Value::String(text) => json!(text),
            _ => json!(""),
        })
    };
    let status = match healthy.and_then(|condition| condition["status"].as_str()) {
        Some("True") => "Healthy",
        Some("False") => "Unhealthy",
        _ => "Unknown",
    };
    vec![text(&component.metadata.name), json!(status), part("message"), part("error")]
}
