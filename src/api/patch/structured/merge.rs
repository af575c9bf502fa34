//! An applied configuration merged into the live object, and fields taken out of one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Grain, elements};
use crate::order::Gather;
use crate::patch::fieldset::{Element, Set, field};
use crate::schema::Type;

/// The live object with everything that the configuration names. Lists with keys are merged item
/// by item; the configuration's order wins where both have the same items.
pub fn merge(kind: Option<&'static Type>, live: &Value, config: &Value) -> Value {
    merged(Grain::of(kind), live, config)
}

fn merged(grain: Grain, live: &Value, config: &Value) -> Value {
    if let (Some(old), Some(new)) = (grain.map(live), grain.map(config)) {
        let mut map = old.clone();
        for (name, value) in new {
            let value = match old.get(name) {
                Some(before) => merged(grain.child(name), before, value),
                None => value.clone(),
            };
            map.insert(name.clone(), value);
        }
        return Value::Object(map);
    }
    if let (Some(old), Some(new)) = (grain.list(live), grain.list(config)) {
        return Value::Array(merge_list(grain, old, new));
    }
    config.clone()
}

/// Weaves two lists: shared items where both are, the live object's own items before
/// the shared item that follows them, new items in the configuration's order.
fn merge_list(grain: Grain, live: &[Value], config: &[Value]) -> Vec<Value> {
    let (left, right) = (elements(live, grain), elements(config, grain));
    // Of items that repeat a key the first is meant.
    let in_left: BTreeMap<&Element, &Value> = left.iter().rev().map(|(e, item)| (e, *item)).into_map();
    let in_right: BTreeSet<&Element> = right.iter().map(|(e, _)| e).into_set();
    let mut shared = right.iter().map(|(e, _)| e).filter(|e| in_left.contains_key(e));
    let mut next_shared = shared.next();
    let mut done: BTreeSet<&Element> = BTreeSet::new();
    let both = |element: &Element, item: &Value| match in_left.get(element) {
        Some(before) => merged(grain.item(), before, item),
        None => item.clone(),
    };
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some((mine, _)), Some((theirs, item))) = (left.get(l), right.get(r)) {
            if mine == theirs {
                done.insert(mine);
                out.push(both(theirs, item));
                l += 1;
                r += 1;
                next_shared = shared.next();
                continue;
            }
            if in_right.contains(mine) && next_shared.is_some_and(|next| next != mine) {
                // Shared, but its turn comes with the configuration.
                l += 1;
                continue;
            }
        }
        if let Some((mine, item)) = left.get(l) {
            if !in_right.contains(mine) {
                out.push((*item).clone());
                l += 1;
                continue;
            }
            if done.contains(mine) {
                l += 1;
            }
        }
        if let Some((theirs, item)) = right.get(r) {
            done.insert(theirs);
            out.push(both(theirs, item));
            r += 1;
            if next_shared == Some(theirs) {
                next_shared = shared.next();
            }
        }
    }
    out
}

/// The object without the fields of the set; maps and lists that become empty go too.
pub fn remove(kind: Option<&'static Type>, value: &Value, gone: &Set) -> Value {
    removed(Grain::of(kind), value, gone).unwrap_or_else(|| Value::Object(Map::new()))
}

fn removed(grain: Grain, value: &Value, gone: &Set) -> Option<Value> {
    if let Some(map) = grain.map(value) {
        let mut kept = Map::new();
        for (name, inner) in map {
            let element = field(name);
            if gone.has(&element) {
                continue;
            }
            match gone.child(&element) {
                None => {
                    kept.insert(name.clone(), inner.clone());
                }
                Some(below) => kept.extend(removed(grain.child(name), inner, below).map(|v| (name.clone(), v))),
            }
        }
        return (!kept.is_empty()).then_some(Value::Object(kept));
    }
    if let Some(items) = grain.list(value) {
        let mut kept = Vec::new();
        for (element, item) in elements(items, grain) {
            if gone.has(&element) {
                continue;
            }
            match gone.child(&element) {
                None => kept.push(item.clone()),
                Some(below) => kept.extend(removed(grain.item(), item, below)),
            }
        }
        return (!kept.is_empty()).then_some(Value::Array(kept));
    }
    Some(value.clone())
}
