//! JSON patch (RFC 6902) and JSON merge patch (RFC 7386), with the API server's errors.
//!
//! Mirrors: evanphx/json-patch v4 as the API server uses it: `replace` of a missing map key
//! adds it, negative indices count from the end. Whatever does not fit is one and the same 422.

use serde_json::{Map, Value};

use super::PatchError;
use crate::schema::json_type;

/// More operations than this are not even tried.
const MOST_OPERATIONS: usize = 10_000;
/// What all `copy` operations of a patch may add, in bytes of JSON: upstream's `JSONPatchMaxCopyBytes`.
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// The object after all operations; none of them happens if one fails.
///
/// # Errors
/// 400 if the patch is no list of operations, 413 if there are too many, 422 if one of them does not fit.
pub fn json_patch(value: &Value, patch: &Value) -> Result<Value, PatchError> {
    let Value::Array(operations) = patch else {
        let kind = json_type(patch);
        return Err(PatchError::malformed(format!(
            "error decoding patch: json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp"
        )));
    };
    if let Some(other) = operations.iter().find(|operation| !operation.is_object()) {
        let kind = json_type(other);
        return Err(PatchError::malformed(format!(
            "error decoding patch: json: cannot unmarshal {kind} into Go value of type handlers.jsonPatchOp"
        )));
    }
    if operations.len() > MOST_OPERATIONS {
        let count = operations.len();
        let limit = format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {count}");
        return Err(PatchError { code: 413, message: format!("Request entity too large: {limit}") });
    }
    let mut result = value.clone();
    let mut copied = 0;
    for operation in operations {
        apply(&mut result, operation, &mut copied).ok_or_else(PatchError::rejected)?;
    }
    Ok(result)
}

fn apply(root: &mut Value, operation: &Value, copied: &mut usize) -> Option<()> {
    let path = pointer(operation.get("path")?.as_str()?)?;
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match operation.get("op")?.as_str()? {
        "add" => add(root, &path, value()),
        "remove" => remove(root, &path).map(|_| ()),
        "replace" => replace(root, &path, value()),
        "test" => {
            // A missing value equals null.
            let (found, wanted) = (get(root, &path), operation.get("value"));
            (found.unwrap_or(&Value::Null) == wanted.unwrap_or(&Value::Null)).then_some(())
        }
        "move" => {
            let moved = remove(root, &pointer(operation.get("from")?.as_str()?)?)?;
            add(root, &path, moved)
        }
        "copy" => {
            let value = get(root, &pointer(operation.get("from")?.as_str()?)?)?;
            // A copy of copies doubles each time.
            *copied += length(value);
            if *copied > MOST_COPIED {
                return None;
            }
            let value = value.clone();
            add(root, &path, value)
        }
        _ => None,
    }
}

/// About how long a value is as JSON.
fn length(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| length(item) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + 4 + length(value)).sum::<usize>() + 2,
    }
}

/// The tokens of a JSON pointer, unescaped.
fn pointer(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let rest = text.strip_prefix('/')?;
    Some(rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

fn index(token: &str, length: usize) -> Option<usize> {
    let index: i64 = token.parse().ok()?;
    let index = if index < 0 { index + i64::try_from(length).ok()? } else { index };
    usize::try_from(index).ok()
}

fn get<'a>(root: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(root, |at, token| match at {
        Value::Object(map) => map.get(token),
        Value::Array(items) => items.get(index(token, items.len())?),
        _ => None,
    })
}

fn parent<'a>(root: &'a mut Value, path: &'a [String]) -> Option<(&'a mut Value, &'a str)> {
    let (last, front) = path.split_last()?;
    let parent = front.iter().try_fold(root, |at, token| match at {
        Value::Object(map) => map.get_mut(token),
        Value::Array(items) => {
            let at = index(token, items.len())?;
            items.get_mut(at)
        }
        _ => None,
    })?;
    Some((parent, last))
}

fn add(root: &mut Value, path: &[String], value: Value) -> Option<()> {
    if path.is_empty() {
        *root = value;
        return Some(());
    }
    match parent(root, path)? {
        (Value::Object(map), key) => {
            map.insert(key.into(), value);
        }
        (Value::Array(items), "-") => items.push(value),
        (Value::Array(items), token) => {
            // Counting from the end, one past it is the end itself.
            let at = index(token, items.len() + 1).filter(|at| *at <= items.len())?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(root: &mut Value, path: &[String]) -> Option<Value> {
    match parent(root, path)? {
        (Value::Object(map), key) => map.remove(key),
        (Value::Array(items), token) => {
            let at = index(token, items.len()).filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

fn replace(root: &mut Value, path: &[String], value: Value) -> Option<()> {
    if path.is_empty() {
        *root = value;
        return Some(());
    }
    match parent(root, path)? {
        (Value::Object(map), key) => {
            map.insert(key.into(), value);
        }
        (Value::Array(items), token) => {
            let at = index(token, items.len())?;
            *items.get_mut(at)? = value;
        }
        _ => return None,
    }
    Some(())
}

/// Merges `patch` into `value`: null deletes, maps merge, everything else replaces.
pub fn merge_patch(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else { return };
    for (key, change) in patch {
        if change.is_null() {
            map.remove(key);
        } else {
            merge_patch(map.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}
