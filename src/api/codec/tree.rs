//! A sink that builds a JSON tree; of a known type with the empty fields that Go writes.

use serde_json::{Map, Number, Value};

use super::sink::Sink;
use crate::patch::Fields;
use crate::schema::{Known, fill_own};

/// A JSON tree in the making.
pub(super) struct Tree {
    /// Maps and lists that are not closed yet, and what their type says about them.
    open: Vec<(Known, Content)>,
    root: Known,
    done: Value,
}

enum Content {
    /// With the name of the value that comes next.
    Map(Map<String, Value>, String),
    List(Vec<Value>),
}

impl Tree {
    pub fn new(root: Known) -> Self {
        Self { open: Vec::with_capacity(12), root, done: Value::Null }
    }

    pub fn finish(self) -> Value {
        self.done
    }

    /// What is known about the value that comes next.
    fn next(&self) -> Known {
        match self.open.last() {
            None => self.root,
            Some((known, Content::Map(_, name))) => known.child(name),
            Some((known, Content::List(_))) => known.item(),
        }
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.done = value,
            Some((_, Content::Map(map, name))) => drop(map.insert(std::mem::take(name), value)),
            Some((_, Content::List(items))) => items.push(value),
        }
    }
}

impl Sink for Tree {
    fn null(&mut self) {
        self.put(Value::Null);
    }

    fn bool(&mut self, value: bool) {
        self.put(Value::Bool(value));
    }

    fn number(&mut self, value: Number) {
        self.put(Value::Number(value));
    }

    fn text(&mut self, value: &str) {
        self.put(Value::String(value.to_owned()));
    }

    fn open_map(&mut self) {
        let known = self.next().map();
        self.open.push((known, Content::Map(Map::new(), String::new())));
    }

    fn name(&mut self, name: &str) {
        if let Some((_, Content::Map(_, next))) = self.open.last_mut() {
            *next = name.to_owned();
        }
    }

    fn close_map(&mut self) {
        if let Some((known, Content::Map(mut map, _))) = self.open.pop() {
            if let Known::Struct(kind) = known {
                fill_own(kind, &mut map);
            }
            self.put(Value::Object(map));
        }
    }

    fn open_list(&mut self, len: usize) {
        let known = self.next();
        self.open.push((known, Content::List(Vec::with_capacity(len))));
    }

    fn close_list(&mut self) {
        if let Some((_, Content::List(items))) = self.open.pop() {
            self.put(Value::Array(items));
        }
    }

    fn fields(&mut self, fields: &Fields) {
        fields.set().write(self);
    }
}
