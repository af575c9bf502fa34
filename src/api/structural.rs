//! Structural schemas: what a CustomResourceDefinition says about its objects. Pruning, defaults, validation.
//!
//! Mirrors: apiextensions-apiserver/pkg/apiserver/schema (pruning, defaulting, listtype, cel) and
//! kube-openapi/pkg/validation (its words). A schema is the JSON tree of `openAPIV3Schema`.
//! Left out: `x-kubernetes-embedded-resource` as more than an object with metadata.

mod cel;
mod patterns;
#[cfg(test)]
mod tests;
mod validate;

use serde_json::{Map, Value};

use crate::order::Order;

pub use validate::{validate, validate_update};

/// Fields of the root that the schema never describes.
const ROOT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Removes the fields that the schema does not know and gives their paths (`spec.extra`), sorted.
pub fn prune(schema: &Value, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    prune_at(schema, object, "", true, &mut unknown);
    unknown.order();
    unknown
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn prune_at(schema: &Value, value: &mut Value, path: &str, root: bool, unknown: &mut Vec<String>) {
    let join = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => {
            let keeps = flag(schema, "x-kubernetes-preserve-unknown-fields");
            let embedded = root || flag(schema, "x-kubernetes-embedded-resource");
            let mut gone = Vec::new();
            for (name, inner) in map.iter_mut() {
                if embedded && ROOT.contains(&name.as_str()) {
                    continue;
                }
                match child(schema, name) {
                    Some(known) => prune_at(known, inner, &join(name), false, unknown),
                    None if keeps || anything(schema) => {}
                    None => gone.push(name.clone()),
                }
            }
            for name in gone {
                map.remove(&name);
                unknown.push(join(&name));
            }
        }
        Value::Array(items) => {
            if let Some(known) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    prune_at(known, item, &format!("{path}[{index}]"), false, unknown);
                }
            }
        }
        _ => {}
    }
}

/// Whether a map may hold whatever it likes: `additionalProperties: true`.
fn anything(schema: &Value) -> bool {
    schema.get("additionalProperties").and_then(Value::as_bool).unwrap_or(false)
}

/// The schema of a field, or of a map's values.
fn child<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema
        .get("properties")
        .and_then(|properties| properties.get(name))
        .or_else(|| schema.get("additionalProperties").filter(|inner| inner.is_object()))
}

/// Sets what is missing and has a default; nulls where none are allowed give way to it.
pub fn default(schema: &Value, object: &mut Value) {
    match object {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, inner) in properties.into_iter().flatten() {
                let Some(value) = inner.get("default") else { continue };
                let unset = match map.get(name) {
                    None => true,
                    Some(Value::Null) => !flag(inner, "nullable"),
                    Some(_) => false,
                };
                if unset {
                    map.insert(name.clone(), value.clone());
                }
            }
            for (name, value) in map.iter_mut() {
                if let Some(inner) = child(schema, name) {
                    default(inner, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                items.iter_mut().for_each(|item| default(inner, item));
            }
        }
        _ => {}
    }
}

/// The value at a simple path: `.spec.replicas`.
pub fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut steps = path.split('.').filter(|step| !step.is_empty());
    let first = object.get(steps.next()?)?;
    steps.try_fold(first, |at, step| at.get(step))
}
