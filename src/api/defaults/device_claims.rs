//! Defaults of ResourceClaim and ResourceClaimTemplate, which are stored as dynamic objects: one device per request.
//!
//! Mirrors: pkg/apis/resource/v1/defaults.go.

use serde_json::{Map, Value, json};

/// `spec` is the one that has `devices`: a template's own is two levels down.
pub(super) fn claim(spec: Option<&mut Value>) {
    let requests = spec.and_then(|spec| spec.get_mut("devices")?.get_mut("requests")?.as_array_mut());
    for request in requests.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(exactly) = request.get_mut("exactly").and_then(Value::as_object_mut) {
            one(exactly);
        }
        let alternatives = request.get_mut("firstAvailable").and_then(Value::as_array_mut);
        alternatives.into_iter().flatten().filter_map(Value::as_object_mut).for_each(one);
    }
}

fn one(request: &mut Map<String, Value>) {
    let mode = request.entry("allocationMode").or_insert_with(|| json!("ExactCount"));
    if mode == "ExactCount" && request.get("count").and_then(Value::as_i64).unwrap_or(0) == 0 {
        request.insert("count".to_owned(), json!(1));
    }
    let tolerations = request.get_mut("tolerations").and_then(Value::as_array_mut);
    for toleration in tolerations.into_iter().flatten().filter_map(Value::as_object_mut) {
        toleration.entry("operator").or_insert_with(|| json!("Equal"));
    }
}
