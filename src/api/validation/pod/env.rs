//! Environment variables and where their values come from.
//!
//! Mirrors: pkg/apis/core/validation `ValidateEnv`, `ValidateEnvFrom`, `validateObjectFieldSelector`.

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector};

use super::super::common::{invalid_each, required};
use super::super::field::{ErrorList, FieldError, Path};
use crate::meta::names;
use crate::meta::quantity::amount;

/// Fields that a variable may show, sorted.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// Fields that a downward API file may show, sorted.
pub const VOLUME_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Resources that either may show, sorted.
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

pub fn variables(variables: &[EnvVar], path: &Path, errors: &mut ErrorList) {
    for (i, variable) in variables.iter().enumerate() {
        let here = path.index(i);
        if variable.name.is_empty() {
            errors.push(FieldError::required(&here.child("name"), ""));
        } else {
            invalid_each(&here.child("name"), &variable.name, names::env_var_name(&variable.name), errors);
        }
        if let Some(source) = &variable.value_from {
            let has_value = variable.value.as_deref().is_some_and(|value| !value.is_empty());
            value_from(source, has_value, &here.child("valueFrom"), errors);
        }
    }
}

fn value_from(source: &EnvVarSource, has_value: bool, path: &Path, errors: &mut ErrorList) {
    let mut sources = 0;
    if let Some(field) = &source.field_ref {
        sources += 1;
        field_selector(field, &ENV_FIELDS, &path.child("fieldRef"), errors);
    }
    if let Some(resource) = &source.resource_field_ref {
        sources += 1;
        resource_selector(resource, false, &path.child("resourceFieldRef"), errors);
    }
    if let Some(key) = &source.config_map_key_ref {
        sources += 1;
        key_selector(&key.name, &key.key, &path.child("configMapKeyRef"), errors);
    }
    if let Some(key) = &source.secret_key_ref {
        sources += 1;
        key_selector(&key.name, &key.key, &path.child("secretKeyRef"), errors);
    }
    if let Some(key) = &source.file_key_ref {
        sources += 1;
        let here = path.child("fileKeyRef");
        required(&key.volume_name, &here.child("volumeName"), errors);
        required(&key.path, &here.child("path"), errors);
        required(&key.key, &here.child("key"), errors);
    }
    if sources == 0 {
        let text = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
        errors.push(FieldError::invalid(path, "", text));
    } else if has_value {
        errors.push(FieldError::invalid(path, "", "may not be specified when `value` is not empty"));
    } else if sources > 1 {
        errors.push(FieldError::invalid(path, "", "may not have more than one field specified at a time"));
    }
}

pub fn field_selector(selector: &ObjectFieldSelector, supported: &[&str], path: &Path, errors: &mut ErrorList) {
    if selector.api_version.as_deref().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(&path.child("apiVersion"), ""));
        return;
    }
    let field = selector.field_path.as_str();
    if field.is_empty() {
        errors.push(FieldError::required(&path.child("fieldPath"), ""));
        return;
    }
    if selector.api_version.as_deref() != Some("v1") {
        let text = format!(
            "error converting fieldPath: unsupported pod version: {}",
            selector.api_version.as_deref().unwrap_or_default()
        );
        errors.push(FieldError::invalid(&path.child("fieldPath"), field, text));
        return;
    }
    match subscripted(field) {
        Some(("metadata.annotations", key)) => {
            invalid_each(path, key, names::qualified_name(&key.to_lowercase()), errors);
        }
        Some(("metadata.labels", key)) => invalid_each(path, key, names::qualified_name(key), errors),
        Some((_, _)) => conversion_error(field, path, errors),
        None if !is_downward_field(field) => conversion_error(field, path, errors),
        None if !supported.contains(&field) => {
            errors.push(FieldError::not_supported(&path.child("fieldPath"), field, supported));
        }
        None => {}
    }
}

fn conversion_error(field: &str, path: &Path, errors: &mut ErrorList) {
    let text = match subscripted(field) {
        Some((base, _)) => format!("error converting fieldPath: field label does not support subscript: {base}"),
        None => format!("error converting fieldPath: field label not supported: {field}"),
    };
    errors.push(FieldError::invalid(&path.child("fieldPath"), field, text));
}

/// `metadata.labels['app']` in its two parts.
fn subscripted(field: &str) -> Option<(&str, &str)> {
    let (base, rest) = field.split_once("['")?;
    rest.strip_suffix("']").map(|key| (base, key))
}

fn is_downward_field(field: &str) -> bool {
    VOLUME_FIELDS.contains(&field)
        || ENV_FIELDS.contains(&field)
        || matches!(field, "spec.restartPolicy" | "spec.schedulerName" | "status.phase")
}

/// `in_volume`: a file must say which container is meant.
pub fn resource_selector(selector: &ResourceFieldSelector, in_volume: bool, path: &Path, errors: &mut ErrorList) {
    let resource = selector.resource.as_str();
    let huge_pages = resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
    if in_volume && selector.container_name.as_deref().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(&path.child("containerName"), ""));
    } else if resource.is_empty() {
        errors.push(FieldError::required(&path.child("resource"), ""));
    } else if !RESOURCES.contains(&resource) && !huge_pages {
        errors.push(FieldError::not_supported(&path.child("resource"), resource, &RESOURCES));
    }
    let Some(divisor) = selector.divisor.as_ref().filter(|divisor| !amount(divisor).is_zero()) else { return };
    let bytes = matches!(
        divisor.0.as_str(),
        "1" | "1k" | "1M" | "1G" | "1T" | "1P" | "1E" | "1Ki" | "1Mi" | "1Gi" | "1Ti" | "1Pi" | "1Ei"
    );
    let (valid, what) = match resource {
        "limits.cpu" | "requests.cpu" => (matches!(divisor.0.as_str(), "1m" | "1"), "cpu"),
        "limits.memory" | "requests.memory" => (bytes, "memory"),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => (bytes, "local ephemeral storage"),
        _ if huge_pages => (bytes, "hugepages"),
        _ => (true, ""),
    };
    if !valid {
        let values = if what == "cpu" { "1m and 1" } else { "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei" };
        let text = format!("only divisor's values {values} are supported with the {what} resource");
        errors.push(FieldError::invalid(&path.child("divisor"), resource, text));
    }
}

fn key_selector(name: &str, key: &str, path: &Path, errors: &mut ErrorList) {
    invalid_each(&path.child("name"), name, names::dns1123_subdomain(name), errors);
    if key.is_empty() {
        errors.push(FieldError::required(&path.child("key"), ""));
    } else {
        invalid_each(&path.child("key"), key, names::config_map_key(key), errors);
    }
}

pub fn sources(sources: &[EnvFromSource], path: &Path, errors: &mut ErrorList) {
    for (i, source) in sources.iter().enumerate() {
        let here = path.index(i);
        if let Some(prefix) = source.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            invalid_each(&here.child("prefix"), prefix, names::env_var_name(prefix), errors);
        }
        let mut count = 0;
        for (field, name) in [
            ("configMapRef", source.config_map_ref.as_ref().map(|reference| &reference.name)),
            ("secretRef", source.secret_ref.as_ref().map(|reference| &reference.name)),
        ] {
            let Some(name) = name else { continue };
            count += 1;
            let name_path = here.child(field);
            let name_path = name_path.child("name");
            if name.is_empty() {
                errors.push(FieldError::required(&name_path, ""));
            } else {
                invalid_each(&name_path, name, names::dns1123_subdomain(&names::as_prefix(name)), errors);
            }
        }
        match count {
            0 => errors.push(FieldError::invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => {
                let text = "may not have more than one field specified at a time";
                errors.push(FieldError::invalid(path, "", text));
            }
        }
    }
}
