//! Defaults of CustomResourceDefinition, which is stored as a dynamic object.
//!
//! Mirrors: apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go.

use serde_json::{Map, Value, json};

pub(super) fn definition(fields: &mut Map<String, Value>) {
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
    set_absent(spec, "scope", || json!("Namespaced"));
    set_absent(spec, "conversion", || json!({"strategy": "None"}));
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_string();
        if !kind.is_empty() {
            set_absent(names, "singular", || json!(kind.to_lowercase()));
            set_absent(names, "listKind", || json!(format!("{kind}List")));
        }
    }
    if let Some(columns) = spec.get_mut("versions").and_then(Value::as_array_mut) {
        for version in columns.iter_mut().filter_map(Value::as_object_mut) {
            version.entry("served").or_insert(json!(false));
            version.entry("storage").or_insert(json!(false));
        }
    }
}

fn set_absent(map: &mut Map<String, Value>, key: &str, value: impl FnOnce() -> Value) {
    let unset = match map.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    if unset {
        map.insert(key.into(), value());
    }
}
