//! The patches kubectl makes: what to send so that the object becomes what was written.
//!
//! Mirrors: strategicpatch `CreateTwoWayMergePatch`, `CreateThreeWayMergePatch` and
//! jsonmergepatch `CreateThreeWayJSONMergePatch`. Every function returns the smallest
//! patch upstream would send; an empty map means that nothing has changed.

use serde_json::{Map, Value, json};

use super::places::Places;
use super::strategic::{DELETE_LIST, Mode, ORDER, RETAIN_KEYS, delete_item, merge_map, same_item, sort_by_order};
use super::{PatchError, Place};
use crate::order::Order;
use crate::schema::Type;

type Object = Map<String, Value>;

/// Which half of the difference is wanted.
#[derive(Debug, Clone, Copy)]
struct Want {
    /// Changes and additions.
    changes: bool,
    deletions: bool,
    /// The map is one of a union: say which keys stay.
    retain_keys: bool,
}

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

/// The strategic merge patch that turns `original` into `modified`.
///
/// # Errors
/// A list item without its merge key.
pub fn two_way_strategic(original: &Value, modified: &Value, kind: Option<&'static Type>) -> Result<Value, PatchError> {
    let want = Want { changes: true, deletions: true, retain_keys: false };
    diff_maps(&object(original), &object(modified), Place::of(kind), want).map(Value::Object)
}

/// The strategic merge patch of `kubectl apply`: changes against the live object, deletions
/// against what was applied last.
///
/// # Errors
/// A list item without its merge key.
pub fn three_way_strategic(
    original: &Value,
    modified: &Value,
    current: &Value,
    kind: Option<&'static Type>,
) -> Result<Value, PatchError> {
    let place = Place::of(kind);
    let modified = object(modified);
    let changes = Want { changes: true, deletions: false, retain_keys: false };
    let delta = diff_maps(&object(current), &modified, place, changes)?;
    let removals = Want { changes: false, deletions: true, retain_keys: false };
    let deletions = diff_maps(&object(original), &modified, place, removals)?;
    merge_map(deletions, delta, place, Mode::Patches).map(Value::Object)
}

fn diff_maps(original: &Object, modified: &Object, place: Place, want: Want) -> Result<Object, PatchError> {
    let mut patch = Object::new();
    for (key, new) in modified {
        let Some(old) = original.get(key) else {
            if want.changes {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        };
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                let retain_keys = place.field(key).is_some_and(|field| field.retain_keys);
                let inner = diff_maps(old, new, place.child(key), Want { retain_keys, ..want })?;
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Value::Array(old), Value::Array(new)) if place.patch_key(key).is_some() => {
                diff_field(key, old, new, place, want, &mut patch)?;
            }
            (old, new) if old != new && want.changes => {
                patch.insert(key.clone(), new.clone());
            }
            _ => {}
        }
    }
    if want.deletions {
        for key in original.keys().filter(|key| !modified.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    let grew = modified.iter().any(|(key, value)| !value.is_null() && !original.contains_key(key))
        || original.keys().any(|key| !modified.contains_key(key));
    let kept: Vec<&String> = modified.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
    if want.retain_keys && !kept.is_empty() && (!patch.is_empty() || grew) {
        patch.insert(RETAIN_KEYS.into(), json!(kept));
    }
    Ok(patch)
}

fn diff_field(
    key: &str,
    old: &[Value],
    new: &[Value],
    place: Place,
    want: Want,
    patch: &mut Object,
) -> Result<(), PatchError> {
    let merge_key = place.patch_key(key).unwrap_or_default();
    let retain_keys = place.field(key).is_some_and(|field| field.retain_keys);
    let want = Want { retain_keys, ..want };
    let lists = diff_lists(old, new, merge_key, place.child(key).item(), want)?;
    let names = [
        (key.to_string(), lists.changes),
        (format!("{DELETE_LIST}{key}"), lists.deletions),
        (format!("{ORDER}{key}"), lists.order),
    ];
    for (name, list) in names {
        if !list.is_empty() {
            patch.insert(name, Value::Array(list));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Lists {
    changes: Vec<Value>,
    /// Plain values only; items with a key are deleted by an item of their own.
    deletions: Vec<Value>,
    order: Vec<Value>,
}

fn diff_lists(old: &[Value], new: &[Value], key: &str, item: Place, want: Want) -> Result<Lists, PatchError> {
    let mut lists = Lists::default();
    if old.is_empty() {
        if want.changes {
            lists.changes = new.to_vec();
        }
        return Ok(lists);
    }
    if key.is_empty() {
        if want.changes {
            let known = Places::of(old, key);
            let additions = new.iter().filter(|value| !known.has(value, key)).cloned().collect();
            lists.changes = sort_by_order(additions, new, key)?;
        }
        if want.deletions {
            let kept = Places::of(new, key);
            lists.deletions = old.iter().filter(|value| !kept.has(value, key)).cloned().collect();
            lists.deletions.order_by_key(ToString::to_string);
        }
        if (want.deletions && !lists.deletions.is_empty()) || (want.changes && old != new) {
            lists.order = new.to_vec();
        }
        return Ok(lists);
    }
    for value in new.iter().chain(old) {
        // Sorting complains about an item without its key.
        sort_by_order(vec![value.clone()], &[], key)?;
    }
    let (old_places, new_places) = (Places::of(old, key), Places::of(new, key));
    for value in new {
        match old_places.get(value, key).map(|at| &old[at]) {
            None if want.changes => lists.changes.push(value.clone()),
            None => {}
            Some(other) => {
                let mut change = diff_maps(&object(other), &object(value), item, want)?;
                if !change.is_empty() {
                    change.insert(key.into(), value[key].clone());
                    lists.changes.push(Value::Object(change));
                }
            }
        }
    }
    if want.deletions {
        let mut gone: Vec<&Value> = old.iter().filter(|value| !new_places.has(value, key)).collect();
        gone.order_by_key(|value| super::go_value(&value[key]));
        lists.changes.extend(gone.into_iter().map(|value| delete_item(key, &value[key])));
    }
    // A list of another length counts as moved, even when only the server added to it.
    let moved = old.len() != new.len() || old.iter().zip(new).any(|(a, b)| !same_item(a, b, key));
    if (want.changes && (!lists.changes.is_empty() || moved)) || (want.deletions && !lists.changes.is_empty()) {
        lists.order = new.iter().map(|value| json!({ key: value[key] })).collect();
    }
    Ok(lists)
}

/// The JSON merge patch that turns `original` into `modified`.
pub fn two_way_merge(original: &Value, modified: &Value) -> Value {
    let (old, new) = (object(original), object(modified));
    let mut patch = Object::new();
    for (key, value) in &new {
        match (old.get(key), value) {
            (Some(before @ Value::Object(_)), Value::Object(_)) => {
                let inner = two_way_merge(before, value);
                if inner.as_object().is_some_and(|map| !map.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            (Some(before), _) if before == value => {}
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

/// The JSON merge patch of `kubectl apply` for kinds without a schema.
pub fn three_way_merge(original: &Value, modified: &Value, current: &Value) -> Value {
    let changes = filter_nulls(&two_way_merge(current, modified), false);
    let deletions = filter_nulls(&two_way_merge(original, modified), true);
    let mut patch = deletions.unwrap_or_else(|| json!({}));
    add(&mut patch, &changes.unwrap_or_else(|| json!({})));
    patch
}

/// Only the nulls of a patch, or everything else; `None` if nothing is left.
fn filter_nulls(patch: &Value, nulls: bool) -> Option<Value> {
    let mut kept = Object::new();
    for (key, value) in object(patch) {
        match value {
            Value::Null if nulls => {
                kept.insert(key, Value::Null);
            }
            // An empty map is a value, not a patch without effect.
            Value::Object(map) if map.is_empty() && !nulls => {
                kept.insert(key, json!({}));
            }
            Value::Object(_) => {
                if let Some(inner) = filter_nulls(&value, nulls) {
                    kept.insert(key, inner);
                }
            }
            Value::Null => {}
            other if !nulls => {
                kept.insert(key, other);
            }
            _ => {}
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// Merges two merge patches: the second wins, nulls stay.
fn add(patch: &mut Value, other: &Value) {
    let Value::Object(other) = other else { return };
    for (key, value) in other {
        match patch.get_mut(key) {
            Some(inner @ Value::Object(_)) if value.is_object() => add(inner, value),
            _ => patch[key.as_str()] = value.clone(),
        }
    }
}
