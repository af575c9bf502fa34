//! ConfigMap and Secret.
//!
//! Mirrors: pkg/apis/core/validation `ValidateConfigMap`, `ValidateSecret` and their updates.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::common::{IMMUTABLE, invalid_each};
use super::field::{ErrorList, FieldError, Path};
use crate::meta::names;

/// 1 MiB for all values together.
const MAX_BYTES: usize = 1024 * 1024;
const SEALED: &str = "field is immutable when `immutable` is set";

pub(super) fn config_map(config: &ConfigMap, errors: &mut ErrorList) {
    let (data, binary) = (Path::ROOT.child("data"), Path::ROOT.child("binaryData"));
    let mut bytes = 0;
    for (key, value) in config.data.iter().flatten() {
        invalid_each(&data.key(key), key, names::config_map_key(key), errors);
        if config.binary_data.as_ref().is_some_and(|map| map.contains_key(key)) {
            errors.push(FieldError::invalid(&data.key(key), key, "duplicate of key present in binaryData"));
        }
        bytes += value.len();
    }
    for (key, value) in config.binary_data.iter().flatten() {
        invalid_each(&binary.key(key), key, names::config_map_key(key), errors);
        bytes += value.0.len();
    }
    if bytes > MAX_BYTES {
        // The whole object is too long: Go prints its empty path like this.
        errors.push(FieldError::too_long(&Path::ROOT.child("[]"), MAX_BYTES));
    }
}

pub(super) fn config_map_update(new: &ConfigMap, old: &ConfigMap, errors: &mut ErrorList) {
    if old.immutable == Some(true) {
        sealed("immutable", new.immutable == Some(true), errors);
        sealed("data", new.data == old.data, errors);
        sealed("binaryData", new.binary_data == old.binary_data, errors);
    }
    config_map(new, errors);
}

fn sealed(field: &str, same: bool, errors: &mut ErrorList) {
    if !same {
        errors.push(FieldError::forbidden(&Path::ROOT.child(field), SEALED));
    }
}

pub(super) fn secret(secret: &Secret, errors: &mut ErrorList) {
    let path = Path::ROOT.child("data");
    let mut bytes = 0;
    for (key, value) in secret.data.iter().flatten() {
        invalid_each(&path.key(key), key, names::config_map_key(key), errors);
        bytes += value.0.len();
    }
    if bytes > MAX_BYTES {
        errors.push(FieldError::too_long(&path, MAX_BYTES));
    }
    let value = |key: &str| secret.data.as_ref().and_then(|data| data.get(key));
    let mut require = |key: &str| {
        if value(key).is_none() {
            errors.push(FieldError::required(&path.key(key), ""));
        }
    };
    match secret.type_.as_deref().unwrap_or_default() {
        "kubernetes.io/tls" => {
            require("tls.crt");
            require("tls.key");
        }
        "kubernetes.io/ssh-auth" => require("ssh-privatekey"),
        "kubernetes.io/basic-auth" if value("username").is_none() && value("password").is_none() => {
            require("username");
            require("password");
        }
        "kubernetes.io/dockercfg" => docker_config(secret, ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => docker_config(secret, ".dockerconfigjson", errors),
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            let account = secret.metadata.annotations.as_ref().and_then(|annotations| annotations.get(key));
            if account.is_none_or(String::is_empty) {
                let here = Path::ROOT.child("metadata");
                errors.push(FieldError::required(&here.child("annotations").key(key), ""));
            }
        }
        _ => {}
    }
}

fn docker_config(secret: &Secret, key: &str, errors: &mut ErrorList) {
    let path = Path::ROOT.child("data");
    match secret.data.as_ref().and_then(|data| data.get(key)) {
        None => errors.push(FieldError::required(&path.key(key), "")),
        Some(value) => {
            if let Err(text) = is_json_object(&value.0) {
                errors.push(FieldError::invalid(&path.key(key), "<secret contents redacted>", text));
            }
        }
    }
}

/// In the words of Go's decoder, as far as its commonest complaints go.
fn is_json_object(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    if text.trim().is_empty() {
        return Err("unexpected end of JSON input".into());
    }
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) if value.is_object() || value.is_null() => Ok(()),
        Ok(value) => {
            let kind = match value {
                serde_json::Value::String(_) => "string",
                serde_json::Value::Number(_) => "number",
                serde_json::Value::Bool(_) => "bool",
                _ => "array",
            };
            Err(format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"))
        }
        Err(error) if error.is_eof() => Err("unexpected end of JSON input".into()),
        Err(_) => {
            let first = text.trim_start().chars().next().unwrap_or_default();
            Err(format!("invalid character '{first}' looking for beginning of value"))
        }
    }
}

pub(super) fn secret_update(new: &Secret, old: &Secret, errors: &mut ErrorList) {
    if new.type_ != old.type_ {
        let type_ = new.type_.clone().unwrap_or_default();
        errors.push(FieldError::invalid(&Path::ROOT.child("type"), type_, IMMUTABLE));
    }
    if old.immutable == Some(true) {
        sealed("immutable", new.immutable == Some(true), errors);
        sealed("data", new.data == old.data, errors);
    }
    secret(new, errors);
}
