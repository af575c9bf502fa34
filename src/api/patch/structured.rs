//! Values beside their types, as field ownership sees them: which fields, what changed, merged how.
//!
//! Mirrors: structured-merge-diff/typed (`ToFieldSet`, `Compare`, `Merge`, `RemoveItems`,
//! validation). Custom resources without a type are deduced: maps by field, lists as a whole.

mod check;
mod merge;
mod outline;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::fieldset::{Element, Set, field, key, value};
use super::list_of;
use crate::order::Order;
use crate::schema::{Field, ListKind, Shape, Type};

pub use check::check;
pub use merge::{merge, remove};
pub use outline::outline;

/// How a value is owned.
#[derive(Debug, Clone, Copy)]
pub(super) enum Grain {
    /// As a whole: scalars, atomic maps and lists.
    Leaf,
    Struct(&'static Type),
    /// A map with free keys.
    Map(&'static Shape),
    /// A list by its items' keys, or by the values themselves if `keys` is empty.
    List {
        keys: &'static [&'static str],
        item: &'static Shape,
    },
    /// No type is known.
    Deduced,
}

impl Grain {
    pub(super) fn of(kind: Option<&'static Type>) -> Self {
        kind.map_or(Grain::Deduced, Grain::Struct)
    }

    fn field(field: &'static Field) -> Self {
        if let Some((list, item)) = list_of(field) {
            let keys: &'static [&'static str] = match list {
                ListKind::Map(keys) => keys,
                ListKind::Set | ListKind::Atomic => &[],
            };
            return Grain::List { keys, item };
        }
        if field.is_atomic() { Grain::Leaf } else { Grain::shape(&field.shape, field.atomic) }
    }

    fn shape(shape: &'static Shape, atomic: Option<bool>) -> Self {
        match shape {
            Shape::Object(_) => match shape.object() {
                Some(kind) if !atomic.unwrap_or(kind.atomic) => Grain::Struct(kind),
                _ => Grain::Leaf,
            },
            Shape::Map(inner) => Grain::Map(inner),
            _ => Grain::Leaf,
        }
    }

    /// Where a key of the map leads. A field that the type lacks is owned as it comes.
    pub(super) fn child(self, name: &str) -> Self {
        match self {
            Grain::Struct(kind) => kind.field(name).map_or(Grain::Deduced, Grain::field),
            Grain::Map(inner) => Grain::shape(inner, None),
            Grain::Leaf | Grain::List { .. } => Grain::Leaf,
            Grain::Deduced => Grain::Deduced,
        }
    }

    pub(super) fn item(self) -> Self {
        if let Grain::List { item, .. } = self { Grain::shape(item, None) } else { Grain::Leaf }
    }

    /// The map's entries, if the value is one that is owned by field.
    pub(super) fn map(self, value: &Value) -> Option<&Map<String, Value>> {
        match self {
            Grain::Struct(_) | Grain::Map(_) | Grain::Deduced => value.as_object(),
            Grain::Leaf | Grain::List { .. } => None,
        }
    }

    /// The list's items, if the value is one that is owned by item.
    pub(super) fn list(self, value: &Value) -> Option<&[Value]> {
        if let Grain::List { .. } = self { value.as_array().map(Vec::as_slice) } else { None }
    }
}

/// The element that names an item of a list. A protocol that is left out is TCP, as everywhere.
fn element_of(item: &Value, keys: &[&'static str]) -> Option<Element> {
    if keys.is_empty() {
        return (!item.is_object() && !item.is_array()).then(|| value(item));
    }
    static TCP: LazyLock<Value> = LazyLock::new(|| json!("TCP"));
    let found = |name: &&'static str| match item.get(*name).filter(|found| !found.is_null()) {
        None if *name == "protocol" => Some((*name, &*TCP)),
        found => Some((*name, found?)),
    };
    let mut pairs: Vec<(&str, &Value)> = keys.iter().filter_map(found).collect();
    if !pairs.is_sorted_by_key(|(name, _)| *name) {
        pairs.order_by_key(|(name, _)| *name);
    }
    (!pairs.is_empty()).then(|| key(&pairs))
}

/// Items with their elements; items without keys go by their place.
pub(super) fn elements<'a>(items: &'a [Value], grain: Grain) -> Vec<(Element, &'a Value)> {
    let keys: &[&'static str] = if let Grain::List { keys, .. } = grain { keys } else { &[] };
    let named =
        |(index, item): (usize, &'a Value)| (element_of(item, keys).unwrap_or_else(|| format!("i:{index}")), item);
    items.iter().enumerate().map(named).collect()
}

/// The fields that an applied configuration names.
pub fn to_set(kind: Option<&'static Type>, config: &Value) -> Set {
    let mut set = Set::new();
    collect(Grain::of(kind), config, &mut Vec::new(), &mut set);
    set
}

fn collect(grain: Grain, value: &Value, path: &mut Vec<Element>, set: &mut Set) {
    if let Some(map) = grain.map(value) {
        for (name, inner) in map {
            path.push(field(name));
            collect(grain.child(name), inner, path, set);
            let empty = inner.is_null() || inner.as_object().is_some_and(Map::is_empty);
            if empty || !matches!(grain, Grain::Struct(_)) && !is_granular(grain.child(name), inner) {
                set.insert(path);
            }
            path.pop();
        }
    } else if let Some(items) = grain.list(value) {
        for (element, item) in elements(items, grain) {
            path.push(element);
            collect(grain.item(), item, path, set);
            set.insert(path);
            path.pop();
        }
    } else {
        set.insert(path);
    }
}

/// Whether the value has fields of its own to own.
fn is_granular(grain: Grain, value: &Value) -> bool {
    grain.map(value).is_some() || grain.list(value).is_some()
}

/// What differs between two versions of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    pub added: Set,
    pub modified: Set,
    pub removed: Set,
}

impl Comparison {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Leaves out what `ignored` names, and everything below it.
    #[must_use]
    pub fn without(mut self, ignored: &Set) -> Self {
        for set in [&mut self.added, &mut self.modified, &mut self.removed] {
            set.exclude(ignored);
        }
        self
    }
}

/// Compares two versions of an object. For a new object, `old` is [`zero`] of its kind.
pub fn compare(kind: Option<&'static Type>, old: &Value, new: &Value) -> Comparison {
    step(Grain::of(kind), Some(old), Some(new)).below
}

/// What differs at one place: the sets grow from the leaves, so that no path is walked twice.
#[derive(Default)]
struct Found {
    /// What became of the place itself.
    own: Option<Change>,
    below: Comparison,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Modified,
    Removed,
}

impl Found {
    fn leaf(own: Option<Change>) -> Self {
        Self { own, below: Comparison::default() }
    }
}

impl Comparison {
    /// Enters what was found below an element.
    fn attach(&mut self, element: impl FnOnce() -> Element, found: Found) {
        let Found { own, below } = found;
        if own.is_none() && below.is_empty() {
            return;
        }
        let element = element();
        for (set, change, below) in [
            (&mut self.added, Change::Added, below.added),
            (&mut self.modified, Change::Modified, below.modified),
            (&mut self.removed, Change::Removed, below.removed),
        ] {
            set.attach(&element, own == Some(change), below);
        }
    }
}

fn step(grain: Grain, old: Option<&Value>, new: Option<&Value>) -> Found {
    // Nothing below equal values differs either.
    if old == new {
        return Found::default();
    }
    let null_or = |value: Option<&Value>, fits: &dyn Fn(&Value) -> bool| value.is_none_or(|v| v.is_null() || fits(v));
    let is_map = |v: &Value| grain.map(v).is_some();
    let is_list = |v: &Value| grain.list(v).is_some();
    let empty = |value: Option<&Value>| match value {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Null) | None => true,
        Some(_) => false,
    };
    if !(empty(old) && empty(new)) {
        let mut below = Comparison::default();
        if null_or(old, &is_map) && null_or(new, &is_map) {
            let none = Map::new();
            let maps = [old, new].map(|value| value.and_then(Value::as_object).unwrap_or(&none));
            for (name, new) in maps[1] {
                below.attach(|| field(name), step(grain.child(name), maps[0].get(name), Some(new)));
            }
            for (name, old) in maps[0].iter().filter(|(name, _)| !maps[1].contains_key(*name)) {
                below.attach(|| field(name), step(grain.child(name), Some(old), None));
            }
            return Found { own: presence(old, new), below };
        }
        if null_or(old, &is_list) && null_or(new, &is_list) {
            let lists = [old, new].map(|value| value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice));
            let (mut before, after) = (grouped(lists[0], grain), grouped(lists[1], grain));
            let mut pairs: Vec<_> =
                after.into_iter().map(|(element, new)| (before.remove(&element), element, Some(new))).collect();
            pairs.extend(before.into_iter().map(|(element, old)| (Some(old), element, None)));
            for (old, element, new) in pairs {
                let found = match (old.as_deref(), new.as_deref()) {
                    (old @ (None | Some([_])), new @ (None | Some([_]))) => {
                        step(grain.item(), old.map(|items| items[0]), new.map(|items| items[0]))
                    }
                    // An item that repeats its key is owned as a whole.
                    (Some(old), Some(new)) if old != new => Found::leaf(Some(Change::Modified)),
                    (old, new) => Found::leaf(presence(old.map(|_| &Value::Null), new.map(|_| &Value::Null))),
                };
                below.attach(|| element, found);
            }
            return Found { own: presence(old, new), below };
        }
    }
    // A leaf, or an empty collection on both sides, which counts as one.
    Found::leaf(match (old, new) {
        (Some(old), Some(new)) if old != new => Some(Change::Modified),
        _ => presence(old, new),
    })
}

/// Items by their elements; more than one only where a key repeats.
fn grouped(items: &[Value], grain: Grain) -> BTreeMap<Element, Vec<&Value>> {
    let mut groups: BTreeMap<Element, Vec<&Value>> = BTreeMap::new();
    for (element, item) in elements(items, grain) {
        groups.entry(element).or_default().push(item);
    }
    groups
}

fn presence(old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
    match (old, new) {
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        _ => None,
    }
}

/// The empty object of a kind, as it is before its creation: with the structs that Go embeds by
/// value, so that nobody comes to own them.
pub fn zero(kind: Option<&'static Type>) -> Value {
    let Some(kind) = kind else { return json!({"metadata": {}}) };
    embedded(kind)
}

fn embedded(kind: &'static Type) -> Value {
    let mut map = Map::new();
    for field in &kind.fields {
        if let Some(inner) = field.shape.object().filter(|_| field.by_value) {
            map.insert(field.name.into(), embedded(inner));
        } else if field.always {
            map.insert(field.name.into(), field.shape.zero());
        }
    }
    Value::Object(map)
}
