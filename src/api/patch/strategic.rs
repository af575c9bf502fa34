//! Strategic merge: a patch that knows which lists have keys and which directives steer it.
//!
//! Mirrors: apimachinery/pkg/util/strategicpatch `mergeMap` and its helpers, the order of list
//! elements included. The same code merges two patches with each other, as the
//! three-way diff needs: then directives are kept instead of obeyed ([`Mode::Patches`]).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::places::Places;
use super::{PatchError, Place, go_value};
use crate::order::{Gather, Order};
use crate::schema::Type;
use crate::schema::json_type;

pub(super) const DIRECTIVE: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const DELETE_LIST: &str = "$deleteFromPrimitiveList/";
pub(super) const ORDER: &str = "$setElementOrder/";

type Merged<T> = Result<T, PatchError>;
type Object = Map<String, Value>;

/// What a patch is merged into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// An object: directives are obeyed, null deletes.
    Object,
    /// Another patch: directives and nulls are kept.
    Patches,
}

/// The object after the patch.
///
/// # Errors
/// 400 if the patch is no map, 500 where a directive or a list item makes no sense.
pub fn strategic(value: &Value, patch: &Value, kind: Option<&'static Type>) -> Result<Value, PatchError> {
    let Value::Object(patch) = patch else {
        let kind = json_type(patch);
        return Err(PatchError::malformed(format!(
            "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        )));
    };
    let original = value.as_object().cloned().unwrap_or_default();
    merge_map(original, patch.clone(), Place::of(kind), Mode::Object).map(Value::Object)
}

fn no_merge_key(item: &Value, key: &str) -> PatchError {
    PatchError::internal(format!("map: {} does not contain declared merge key: {key}", go_value(item)))
}

fn bad_type(directive: &Value, map: &Object) -> PatchError {
    let map = go_value(&Value::Object(map.clone()));
    PatchError::internal(format!("unknown patch type: {} in map: {map}", go_value(directive)))
}

pub(super) fn merge_map(mut original: Object, mut patch: Object, place: Place, mode: Mode) -> Merged<Object> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Object::new()),
            // `merge` is what happens anyway.
            Some("merge") if mode == Mode::Object => {
                patch.remove(DIRECTIVE);
                merge_map(original, patch, place, mode)
            }
            _ => Err(bad_type(directive, &patch)),
        };
    }
    retain_keys(&mut original, &mut patch, mode)?;
    merge_ordered_lists(&mut original, &mut patch, place, mode)?;
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE_LIST) {
            if mode == Mode::Patches {
                original.insert(key, value);
            } else if let (Some(Value::Array(items)), Value::Array(gone)) = (original.get_mut(list), &value) {
                let gone = Places::of(gone, "");
                items.retain(|item| !gone.has(item, ""));
            }
            continue;
        }
        if value.is_null() {
            original.remove(&key);
            if mode == Mode::Patches {
                original.insert(key, Value::Null);
            }
            continue;
        }
        let merged = match (original.remove(&key), value) {
            (None, new) => added(new, mode),
            (Some(Value::Object(old)), Value::Object(new)) => {
                Value::Object(merge_map(old, new, place.child(&key), mode)?)
            }
            (Some(Value::Array(old)), Value::Array(new)) => match place.patch_key(&key) {
                Some(merge_key) => Value::Array(merge_list(old, new, merge_key, place.child(&key).item(), mode)?),
                None => Value::Array(new),
            },
            (Some(_), new) => added(new, mode),
        };
        original.insert(key, merged);
    }
    Ok(original)
}

/// A value that is new to the object: its nulls and directives have nothing to act on.
fn added(value: Value, mode: Mode) -> Value {
    if mode == Mode::Patches { value } else { without_directives(value) }
}

fn without_directives(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(key, value)| {
                    let directive = key == DIRECTIVE
                        || key == RETAIN_KEYS
                        || key.starts_with(DELETE_LIST)
                        || key.starts_with(ORDER);
                    !value.is_null() && !directive
                })
                .map(|(key, value)| (key, without_directives(value)))
                .into_object(),
        ),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .filter(|item| item.get(DIRECTIVE).is_none_or(|d| d == "merge"))
                .map(without_directives)
                .collect(),
        ),
        other => other,
    }
}

/// `$retainKeys` names the only keys that may stay: one member of a union.
fn retain_keys(original: &mut Object, patch: &mut Object, mode: Mode) -> Merged<()> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if mode == Mode::Patches {
        original.entry(RETAIN_KEYS).or_insert(keys);
        return Ok(());
    }
    let Value::Array(keys) = keys else {
        return Err(PatchError::internal("invalid patch format of retainKeys"));
    };
    let keys = keys.iter().filter_map(Value::as_str).into_set();
    let listed = |key: &str| keys.contains(key);
    if patch.iter().any(|(key, value)| !key.starts_with('$') && !value.is_null() && !listed(key)) {
        return Err(PatchError::internal("invalid patch format of retainKeys"));
    }
    original.retain(|key, _| listed(key));
    Ok(())
}

/// Lists that come with `$setElementOrder`: merged and put in order here, and taken out of the patch.
fn merge_ordered_lists(original: &mut Object, patch: &mut Object, place: Place, mode: Mode) -> Merged<()> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
    for directive in directives {
        let order = patch.remove(&directive).unwrap_or(Value::Null);
        if mode == Mode::Patches {
            if original.get(&directive).is_some_and(|other| *other != order) {
                return Err(PatchError::internal("invalid patch format of setElementOrder list"));
            }
            original.insert(directive, order);
            continue;
        }
        let name = directive.trim_start_matches(ORDER).to_string();
        let Value::Array(order) = order else {
            return Err(PatchError::internal("invalid patch format of setElementOrder list"));
        };
        let key = place.patch_key(&name).unwrap_or_default();
        let change = match patch.remove(&name) {
            Some(Value::Array(items)) => Some(items),
            Some(other) => {
                patch.insert(name, other);
                continue;
            }
            None => None,
        };
        if let Some(items) = &change {
            check_order(items, &order, key)?;
        }
        let server: Vec<Value> = match original.get(&name) {
            Some(Value::Array(items)) => items.clone(),
            _ => Vec::new(),
        };
        let merged = match change {
            None if server.is_empty() => continue,
            None => server.clone(),
            Some(items) if original.contains_key(&name) => {
                merge_list(server.clone(), items, key, place.child(&name).item(), mode)?
            }
            Some(items) => match without_directives(Value::Array(items)) {
                Value::Array(items) => items,
                _ => continue,
            },
        };
        let merged = put_in_order(merged, &order, &server, key)?;
        original.insert(name, Value::Array(merged));
    }
    Ok(())
}

/// The items of a patch must stand in the order that its directive names.
fn check_order(items: &[Value], order: &[Value], key: &str) -> Merged<()> {
    let deleted = |item: &Value| item.get(DIRECTIVE).is_some();
    let same = |a: &Value, b: &Value| same_item(a, b, key);
    let mut rest = order.iter();
    let in_order = items.iter().filter(|item| !deleted(item)).all(|item| rest.any(|listed| same(listed, item)));
    if in_order {
        return Ok(());
    }
    let list = |items: &[Value]| go_value(&Value::Array(items.to_vec()));
    Err(PatchError::internal(format!(
        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
        list(items),
        list(order)
    )))
}

pub(super) fn same_item(a: &Value, b: &Value, key: &str) -> bool {
    if key.is_empty() { a == b } else { a.get(key).is_some() && a.get(key) == b.get(key) }
}

/// Sorts by place in `order`; unlisted items keep theirs at the end.
pub(super) fn sort_by_order(mut items: Vec<Value>, order: &[Value], key: &str) -> Merged<Vec<Value>> {
    have_keys(items.iter().chain(order), key)?;
    let places = Places::of(order, key);
    items.order_by_key(|item| places.get(item, key).unwrap_or(usize::MAX));
    Ok(items)
}

fn have_keys<'a>(mut items: impl Iterator<Item = &'a Value>, key: &str) -> Merged<()> {
    match items.find(|item| !key.is_empty() && item.get(key).is_none()) {
        Some(item) => Err(no_merge_key(item, key)),
        None => Ok(()),
    }
}

/// Items named by `order` follow it; the server's own are woven in by their order on the server.
fn put_in_order(merged: Vec<Value>, order: &[Value], server: &[Value], key: &str) -> Merged<Vec<Value>> {
    have_keys(order.iter().chain(&merged).chain(server), key)?;
    Ok(weave(merged, &Places::of(order, key), &Places::of(server, key), key))
}

fn weave(merged: Vec<Value>, order: &Places, server: &Places, key: &str) -> Vec<Value> {
    let total = merged.len();
    let sorted = |mut items: Vec<(Option<usize>, Option<usize>, Value)>, by_order: bool| {
        items.order_by_key(|(named, known, _)| if by_order { *named } else { *known }.unwrap_or(usize::MAX));
        items.into_iter().peekable()
    };
    let (named, own): (Vec<_>, Vec<_>) = merged
        .into_iter()
        .map(|item| (order.get(&item, key), server.get(&item, key), item))
        .partition(|(named, ..)| named.is_some());
    let (mut named, mut own) = (sorted(named, true), sorted(own, false));
    let mut result = Vec::with_capacity(total);
    loop {
        let take_own = match (own.peek(), named.peek()) {
            (None, None) => return result,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some((_, own, _)), Some((_, named, _))) => matches!((own, named), (Some(a), Some(b)) if a < b),
        };
        result.extend(if take_own { own.next() } else { named.next() }.map(|(.., item)| item));
    }
}

/// Merges two lists by `key`, or as sets of plain values if it is empty.
fn merge_list(original: Vec<Value>, patch: Vec<Value>, key: &str, item: Place, mode: Mode) -> Merged<Vec<Value>> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let (order, server) = (Places::of(&patch, key), Places::of(&original, key));
    let keyless = have_keys(original.iter(), key);
    let (mut merged, additions) = if key.is_empty() { (original, patch) } else { special_items(original, patch, key)? };
    let mut places = Places::of(&merged, key);
    for addition in additions {
        if !key.is_empty() && addition.get(key).is_none() {
            return Err(no_merge_key(&addition, key));
        }
        match places.get(&addition, key) {
            Some(at) => match (&mut merged[at], addition) {
                (Value::Object(old), Value::Object(new)) if !key.is_empty() => {
                    let old = std::mem::take(old);
                    merged[at] = Value::Object(merge_map(old, new, item, mode)?);
                }
                _ => {}
            },
            None => {
                places.add(&addition, key, merged.len());
                merged.push(if key.is_empty() { addition } else { added(addition, mode) });
            }
        }
    }
    keyless.map(|()| weave(merged, &order, &server, key))
}

/// Obeys the items that only carry a directive; returns what is left of both lists.
fn special_items(original: Vec<Value>, patch: Vec<Value>, key: &str) -> Merged<(Vec<Value>, Vec<Value>)> {
    let mut gone = BTreeSet::new();
    let mut additions = Vec::new();
    let mut replace = false;
    for item in patch {
        let Value::Object(map) = &item else {
            return Err(no_merge_key(&item, key));
        };
        match map.get(DIRECTIVE) {
            None => additions.push(item),
            Some(directive) => match directive.as_str() {
                Some("delete") if map.contains_key(key) => drop(gone.insert(map[key].to_string())),
                Some("delete") => return Err(no_merge_key(&item, key)),
                Some("replace") => replace = true,
                Some("merge") => {
                    return Err(PatchError::internal("merging lists cannot yet be specified in the patch"));
                }
                _ => return Err(bad_type(directive, map)),
            },
        }
    }
    if replace {
        return Ok((additions, Vec::new()));
    }
    let mut kept = original;
    if !gone.is_empty() {
        kept.retain(|item| item.get(key).is_none_or(|value| !gone.contains(&value.to_string())));
    }
    Ok((kept, additions))
}

/// The item of a patch that removes the item with this key.
pub(super) fn delete_item(key: &str, value: &Value) -> Value {
    json!({ DIRECTIVE: "delete", key: value })
}
