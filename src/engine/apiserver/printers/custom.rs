//! Tables of custom resources: the columns their definition asks for, else the age.
//!
//! Mirrors: apiextensions-apiserver pkg/registry/customresource/tableconvertor.

mod jsonpath;

use api::DynamicObject;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, NAME};
use jsonpath::Path;

/// A column after the name: one of the definition's `additionalPrinterColumns`.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomColumn {
    name: String,
    kind: String,
    format: String,
    description: String,
    priority: i64,
    path: Path,
}

/// The columns of one version of a CustomResourceDefinition, given that version's entry in
/// `spec.versions`: as they stand in a `Table`, the name first, and for [`cells`].
pub fn columns(version: &Value) -> (Vec<Value>, Vec<CustomColumn>) {
    let asked = version["additionalPrinterColumns"].as_array().filter(|columns| !columns.is_empty());
    let columns = match asked {
        Some(columns) => columns.iter().map(column).collect(),
        None => vec![CustomColumn {
            name: "Age".into(),
            kind: "date".into(),
            format: String::new(),
            description: AGE.description(),
            priority: 0,
            path: Path::parse(".metadata.creationTimestamp"),
        }],
    };
    let mut values = vec![NAME.to_value()];
    values.extend(columns.iter().map(|column| {
        json!({
            "name": column.name,
            "type": column.kind,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        })
    }));
    (values, columns)
}

fn column(value: &Value) -> CustomColumn {
    let part = |key: &str| value[key].as_str().unwrap_or_default().to_string();
    let path = part("jsonPath");
    let description = match part("description") {
        text if text.is_empty() => format!("Custom resource definition column (in JSONPath format): {path}"),
        text => text,
    };
    CustomColumn {
        name: part("name"),
        kind: part("type"),
        format: part("format"),
        description,
        priority: value["priority"].as_i64().unwrap_or_default(),
        path: Path::parse(&path),
    }
}

/// What `object` shows. A value that is absent or of another type than the column's is null.
pub fn cells(object: &DynamicObject, columns: &[CustomColumn], now_ms: u64) -> Cells {
    let now = Now(now_ms);
    let whole = api::Object::Dynamic(std::sync::Arc::new(object.clone())).to_value();
    let mut cells = vec![text(&object.metadata.name)];
    cells.extend(columns.iter().map(|column| match column.path.first(&whole) {
        None | Some(Value::Null) => Value::Null,
        Some(value) => cell(&column.kind, value, now),
    }));
    cells
}

fn cell(kind: &str, value: &Value, now: Now) -> Value {
    match (kind, value) {
        ("string", Value::String(_)) => value.clone(),
        // Anything has a text.
        ("string", other) => json!(other.to_string()),
        ("integer", Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => json!(integer),
            // Cut off behind the point.
            (None, Some(float)) => json!(float as i64),
            (None, None) => Value::Null,
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(date)) => match date.parse::<Timestamp>() {
            Ok(instant) => json!(now.since_instant(Some(instant))),
            Err(_) => json!("<invalid>"),
        },
        _ => Value::Null,
    }
}
