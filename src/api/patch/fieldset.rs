//! Sets of fields: `FieldsV1` of managedFields, with the operations that ownership needs.
//!
//! Mirrors: structured-merge-diff/fieldpath. An element keeps its serialized form
//! (`f:spec`, `k:{"name":"c"}`, `v:"x"`, `i:0`), whose order is upstream's order.

use crate::codec::Sink;
use crate::order::Gather;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A set of paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    members: BTreeSet<String>,
    children: BTreeMap<String, Set>,
}

/// One step of a path, in serialized form.
pub type Element = String;

/// `f:name`
pub fn field(name: &str) -> Element {
    ["f:", name].concat()
}

/// `k:{"name":"c"}`; pairs must be sorted by name, which is a field's.
pub fn key(pairs: &[(&str, &Value)]) -> Element {
    let mut text = String::from("k:{");
    for (at, (name, value)) in pairs.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}\"{name}\":{value}", if at == 0 { "" } else { "," });
    }
    text.push('}');
    text
}

/// `v:"x"`
pub fn value(value: &Value) -> Element {
    format!("v:{value}")
}

/// A path as conflicts print it: `.spec.containers[name="c"].image`.
pub fn path_text(path: &[Element]) -> String {
    let mut text = String::new();
    for element in path {
        match element.split_at(2) {
            ("f:", name) => {
                text.push('.');
                text.push_str(name);
            }
            ("k:", pairs) => {
                let pairs: Map<String, Value> = serde_json::from_str(pairs).unwrap_or_default();
                let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
                text.push_str(&format!("[{}]", pairs.join(",")));
            }
            ("v:", value) => text.push_str(&format!("[={value}]")),
            (_, index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl Set {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `fieldsV1`. Elements without a known prefix are dropped.
    pub fn from_json(fields: &Value) -> Self {
        let mut set = Self::new();
        let Value::Object(map) = fields else { return set };
        for (element, inner) in map.iter().filter(|(e, _)| ["f:", "k:", "v:", "i:"].iter().any(|p| e.starts_with(p))) {
            let child = Self::from_json(inner);
            let itself = inner.get(".").is_some();
            if itself || child.is_empty() {
                set.members.insert(element.clone());
            }
            if !child.is_empty() {
                set.children.insert(element.clone(), child);
            }
        }
        set
    }

    /// Writes it as `fieldsV1` carries it: `.` marks an element that is in the set besides its children.
    pub fn write(&self, sink: &mut dyn Sink) {
        self.write_with(false, sink);
    }

    fn write_with(&self, itself: bool, sink: &mut dyn Sink) {
        sink.open_map();
        if itself {
            sink.name(".");
            sink.open_map();
            sink.close_map();
        }
        let mut members = self.members.iter().peekable();
        let leaf = |element: &str, sink: &mut dyn Sink| {
            sink.name(element);
            sink.open_map();
            sink.close_map();
        };
        for (element, child) in &self.children {
            while let Some(before) = members.next_if(|member| *member < element) {
                leaf(before, sink);
            }
            let itself = members.next_if_eq(&element).is_some();
            sink.name(element);
            child.write_with(itself && !child.is_bare(), sink);
        }
        members.for_each(|element| leaf(element, sink));
        sink.close_map();
    }

    /// Whether nothing is written of it.
    fn is_bare(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// Enters an element, what is below it, or both, where nothing of it is known yet.
    pub(super) fn attach(&mut self, element: &str, itself: bool, below: Self) {
        if itself {
            self.members.insert(element.into());
        }
        if !below.is_empty() {
            self.children.insert(element.into(), below);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Set::is_empty)
    }

    pub fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            // Looked for first: most paths go through children that are there.
            [first, rest @ ..] => match self.children.get_mut(first) {
                Some(child) => child.insert(rest),
                None => self.children.entry(first.clone()).or_default().insert(rest),
            },
        }
    }

    /// A set of field paths, written `spec.replicas`.
    pub fn of(paths: &[&str]) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&path.split('.').map(field).collect::<Vec<_>>());
        }
        set
    }

    /// Whether every path of it is in `other` as well.
    pub fn is_within(&self, other: &Self) -> bool {
        self.members.is_subset(&other.members)
            && self.children.iter().all(|(element, child)| match other.children.get(element) {
                Some(theirs) => child.is_within(theirs),
                None => child.is_empty(),
            })
    }

    /// Whether an object has any of the fields that the set begins with.
    pub fn touches(&self, object: &Value) -> bool {
        let has = |element: &String| element.strip_prefix("f:").is_some_and(|name| object.get(name).is_some());
        self.members.iter().any(has) || self.children.keys().any(has)
    }

    pub fn has(&self, element: &str) -> bool {
        self.members.contains(element)
    }

    pub fn child(&self, element: &str) -> Option<&Set> {
        self.children.get(element)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut result = self.clone();
        result.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let merged = result.children.get(element).map_or_else(|| child.clone(), |mine| mine.union(child));
            result.children.insert(element.clone(), merged);
        }
        result
    }

    /// As [`Set::union`], in place.
    pub fn extend(&mut self, other: Self) {
        self.members.extend(other.members);
        if self.children.is_empty() {
            self.children = other.children;
            return;
        }
        for (element, child) in other.children {
            self.children.entry(element).or_default().extend(child);
        }
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self { members: self.members.intersection(&other.members).cloned().into_set(), children: children.into_map() }
    }

    /// The paths that are not in `other`. A path in `other` does not take those below it along.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let rest = other.children.get(element).map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().into_set(), children: children.into_map() }
    }

    /// The paths that are neither in `other` nor below a path in it.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            if other.members.contains(element) {
                return None;
            }
            let rest = other.children.get(element).map_or_else(|| child.clone(), |theirs| child.without(theirs));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().into_set(), children: children.into_map() }
    }

    /// Whether any path is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.members.iter().any(|element| other.members.contains(element))
            || self
                .children
                .iter()
                .any(|(element, child)| other.children.get(element).is_some_and(|theirs| child.meets(theirs)))
    }

    /// As [`Set::difference`], in place.
    pub fn subtract(&mut self, other: &Self) {
        self.members.retain(|element| !other.members.contains(element));
        for (element, theirs) in &other.children {
            if let Some(child) = self.children.get_mut(element) {
                child.subtract(theirs);
            }
        }
        self.children.retain(|_, child| !child.is_empty());
    }

    /// As [`Set::without`], in place.
    pub fn exclude(&mut self, other: &Self) {
        self.members.retain(|element| !other.members.contains(element));
        for element in &other.members {
            self.children.remove(element);
        }
        for (element, theirs) in &other.children {
            if let Some(child) = self.children.get_mut(element) {
                child.exclude(theirs);
            }
        }
        self.children.retain(|_, child| !child.is_empty());
    }

    /// Only the paths that are in `other` or below a path in it.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            if other.members.contains(element) {
                return Some((element.clone(), child.clone()));
            }
            let rest = child.within(other.children.get(element)?);
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        let members = self.members.iter().filter(|m| other.members.contains(*m)).cloned().into_set();
        Self { members, children: children.into_map() }
    }

    /// Adds every field that has something below it: so that pruning removes emptied maps too.
    #[must_use]
    pub fn with_parents(&self) -> Self {
        let mut result = Self { members: self.members.clone(), children: BTreeMap::new() };
        for (element, child) in &self.children {
            if element.starts_with("f:") {
                result.members.insert(element.clone());
            }
            result.children.insert(element.clone(), child.with_parents());
        }
        result
    }

    /// Every path of the set, in order.
    pub fn paths(&self) -> Vec<Vec<Element>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, at: &mut Vec<Element>, paths: &mut Vec<Vec<Element>>) {
        for member in &self.members {
            paths.push(at.iter().cloned().chain([member.clone()]).collect());
        }
        for (element, child) in &self.children {
            at.push(element.clone());
            child.collect(at, paths);
            at.pop();
        }
    }
}
