//! CustomResourceDefinition, which is stored as a dynamic object.
//!
//! Mirrors: apiextensions-apiserver/pkg/apis/apiextensions/validation, its commonest rules.

use std::collections::BTreeSet;

use serde_json::Value;

use super::common::{invalid_each, one_of};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use crate::meta::names;
use crate::object::DynamicObject;

pub(super) fn definition(object: &DynamicObject, errors: &mut ErrorList) {
    let spec = object.fields.get("spec").cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    let path = Path::ROOT.child("spec");
    let names = spec.get("names").cloned().unwrap_or_default();
    let (group, plural) = (text(&spec, "group"), text(&names, "plural"));
    let expected = format!("{plural}.{group}");
    let name = object.metadata.name.as_deref().unwrap_or_default();
    if !name.is_empty() && name != expected {
        let here = Path::ROOT.child("metadata");
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid(&here.child("name"), name, detail));
    }
    group_name(&group, &path.child("group"), errors);
    match text(&spec, "scope").as_str() {
        "" => errors.push(FieldError::required(&path.child("scope"), "")),
        scope => one_of(scope, &["Cluster", "Namespaced"], &path.child("scope"), errors),
    }
    let versions = spec.get("versions").and_then(Value::as_array).cloned().unwrap_or_default();
    self::versions(&versions, &path.child("versions"), errors);
    kind_names(&names, &path.child("names"), errors);
}

fn group_name(group: &str, path: &Path, errors: &mut ErrorList) {
    if group.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let breaches = names::dns1123_subdomain(group);
    if !breaches.is_empty() {
        errors.push(FieldError::invalid(path, group, breaches.join(",")));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid(path, group, "should be a domain with at least one dot"));
    }
}

fn versions(list: &[Value], path: &Path, errors: &mut ErrorList) {
    let flag = |version: &Value, key: &str| version.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (i, version) in list.iter().enumerate() {
        let here = path.index(i);
        let name = version.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() {
            errors.push(FieldError::required(&here.child("name"), ""));
        } else {
            invalid_each(&here.child("name"), name, names::dns1035_label(name), errors);
        }
        let schema = version.get("schema").and_then(|schema| schema.get("openAPIV3Schema"));
        let schema_path = here.child("schema");
        let schema_path = schema_path.child("openAPIV3Schema");
        match schema {
            None => errors.push(FieldError::required(&schema_path, "schemas are required")),
            Some(schema) => match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
                "object" => {}
                "" => errors.push(FieldError::required(&schema_path.child("type"), "must not be empty at the root")),
                other => {
                    errors.push(FieldError::invalid(&schema_path.child("type"), other, "must be object at the root"))
                }
            },
        }
        seen.insert(name);
    }
    if seen.len() < list.len() {
        let text = "must contain unique version names";
        errors.push(FieldError::invalid(path, GoValue::from(Value::Array(list.to_vec())), text));
    }
    if list.iter().filter(|version| flag(version, "storage")).count() != 1 {
        let text = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid(path, GoValue::from(Value::Array(list.to_vec())), text));
    }
}

fn kind_names(all: &Value, path: &Path, errors: &mut ErrorList) {
    let text = |key: &str| all.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    for (field, check_kind) in [("plural", false), ("singular", false), ("kind", true), ("listKind", true)] {
        let value = text(field);
        let here = path.child(field);
        if value.is_empty() {
            errors.push(FieldError::required(&here, ""));
            continue;
        }
        let label = if check_kind { value.to_lowercase() } else { value.clone() };
        let breaches = names::dns1035_label(&label);
        if !breaches.is_empty() {
            let detail = if check_kind {
                format!("may have mixed case, but should otherwise match: {}", breaches.join(","))
            } else {
                breaches.join(",")
            };
            errors.push(FieldError::invalid(&here, value, detail));
        }
    }
    if !text("kind").is_empty() && text("kind") == text("listKind") {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(&path.child("listKind"), text("listKind"), detail));
    }
}
