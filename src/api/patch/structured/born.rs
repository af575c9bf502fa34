//! What the creator of an object owns, straight as `fieldsV1`: most objects are created and hardly ever applied.
//!
//! The same rules as comparing with [`super::zero`], whose lists are empty, so that nothing is ever removed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Grain, elements, zero};
use crate::patch::fieldset::{Element, field};
use crate::schema::Type;

/// The fields of a new object as `fieldsV1`, before anything is taken from them.
pub fn born(kind: Option<&'static Type>, new: &Value) -> Map<String, Value> {
    owned(Grain::of(kind), Some(&zero(kind)), new).1
}

/// Whether the place itself is owned, and what is owned below it.
fn owned(grain: Grain, old: Option<&Value>, new: &Value) -> (bool, Map<String, Value>) {
    let mut below = Map::new();
    if old == Some(new) {
        return (false, below);
    }
    if let (Some(map), None | Some(Value::Null | Value::Object(_))) = (grain.map(new), old)
        && !(map.is_empty() && old.is_none_or(is_empty))
    {
        for (name, new) in map {
            let found = owned(grain.child(name), old.and_then(|old| old.get(name)), new);
            attach(&mut below, || field(name), found);
        }
        return (old.is_none(), below);
    }
    if let (Some(items @ [_, ..]), None | Some(Value::Null | Value::Array(_))) = (grain.list(new), old) {
        let named = elements(items, grain);
        let mut times: BTreeMap<&Element, usize> = BTreeMap::new();
        named.iter().for_each(|(element, _)| *times.entry(element).or_default() += 1);
        for (element, item) in &named {
            // An item that repeats its key is owned as a whole.
            let alone = times.get(element) == Some(&1);
            let found = if alone { owned(grain.item(), None, item) } else { (true, Map::new()) };
            attach(&mut below, || element.clone(), found);
        }
        return (old.is_none(), below);
    }
    // A leaf, or an empty collection, which counts as one; it differs from what was there.
    (true, below)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn attach(out: &mut Map<String, Value>, element: impl FnOnce() -> Element, found: (bool, Map<String, Value>)) {
    let (own, mut below) = found;
    if own && !below.is_empty() {
        below.insert(".".into(), Value::Object(Map::new()));
    }
    if own || !below.is_empty() {
        out.insert(element(), Value::Object(below));
    }
}
