//! What a request carried, in the form of the recorded timelines: patches as they were sent, the new
//! status of an update, the options of a deletion, an event in words.

use api::{Kind, Object};
use engine::apiserver::{Audit, AuditVerb, DeleteOptions, Detail, Propagation};
use serde_json::{Map, Value, json};

/// Empty where the request speaks for itself, and where it was refused.
pub fn of(entry: &Audit) -> String {
    if entry.kind == Kind::Event || entry.subresource == "binding" {
        return entry.summary.to_string();
    }
    match entry.detail.as_deref() {
        Some(Detail::Deleted(options)) => deletion(options).to_string(),
        Some(Detail::Written { old: Some(old), new }) => match entry.verb {
            AuditVerb::Patch => patch(entry, old, new).to_string(),
            AuditVerb::Update => update(entry, new),
            // The rest sends whole objects, or nothing.
            _ => String::new(),
        },
        Some(Detail::Written { old: None, .. }) | None => String::new(),
    }
}

/// The strategic merge patch that leads from the one to the other.
///
/// Nothing keeps what a component sent; this is what its helper would have made of the difference.
fn patch(entry: &Audit, old: &Object, new: &Object) -> Value {
    let resource = new.kind().resource();
    let schema =
        resource.and_then(|resource| api::schema::for_kind(resource.group, resource.version, resource.kind_name));
    let made = api::patch::two_way_strategic(&plain(old), &plain(new), schema);
    let mut made = made.unwrap_or(Value::Null);
    // Whoever writes a pod's status for others says which pod is meant.
    if entry.kind == Kind::Pod && entry.subresource == "status" && &*entry.component != "scheduler" {
        made["metadata"] = json!({ "uid": new.uid() });
    }
    made
}

/// An object without what the server itself keeps up to date.
fn plain(object: &Object) -> Value {
    let mut value = object.to_value();
    if let Some(meta) = value["metadata"].as_object_mut() {
        for key in ["resourceVersion", "generation", "managedFields"] {
            meta.remove(key);
        }
    }
    value
}

fn update(entry: &Audit, new: &Object) -> String {
    let value = new.to_value();
    match (entry.subresource, entry.kind) {
        ("status", _) => value["status"].to_string(),
        ("", Kind::ReplicaSet) => format!("spec.replicas={}", value["spec"]["replicas"]),
        _ => String::new(),
    }
}

fn deletion(options: &DeleteOptions) -> Value {
    let mut made = Map::new();
    if let Some(seconds) = options.grace_period_seconds {
        made.insert("gracePeriodSeconds".into(), seconds.into());
    }
    let mut preconditions = Map::new();
    preconditions.extend(options.uid.clone().map(|uid| ("uid".to_owned(), Value::from(uid))));
    let version = options.resource_version.clone();
    preconditions.extend(version.map(|version| ("resourceVersion".to_owned(), Value::from(version))));
    if !preconditions.is_empty() {
        made.insert("preconditions".into(), Value::Object(preconditions));
    }
    if let Some(propagation) = options.propagation {
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        made.insert("propagationPolicy".into(), policy.into());
    }
    Value::Object(made)
}
