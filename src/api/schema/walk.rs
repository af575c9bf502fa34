//! One walk over a document beside its type: what decoding, lint and completion all need.
//!
//! Works on JSON values and on YAML trees with positions alike. Reports; decides nothing.

use std::fmt::Write as _;
use std::iter::Map;

use serde_json::{Number, Value};

use super::{Field, Shape, Type, go};
use crate::meta::quantity::Amount;
use crate::yaml::{Data, Entry, Node, Span};

/// How an entry of a map is read: its key, where that stands, its value.
type Member<'a, Entry, Value> = fn(Entry) -> (&'a str, Option<Span>, Value);

/// A tree of JSON values.
pub(super) trait Tree: Sized {
    /// Keys, where they stand, values.
    type Entries<'a>: Iterator<Item = (&'a str, Option<Span>, &'a Self)>
    where
        Self: 'a;
    /// Whether a map can have a key twice.
    const REPEATS: bool;
    fn view(&self) -> View<'_, Self>;
    fn span(&self) -> Option<Span> {
        None
    }
}

pub(super) enum View<'a, T: Tree> {
    Null,
    Bool,
    Number(&'a Number),
    String(&'a str),
    Seq(&'a [T]),
    Map(T::Entries<'a>),
}

impl Tree for Value {
    type Entries<'a> = Map<serde_json::map::Iter<'a>, Member<'a, (&'a String, &'a Value), &'a Value>>;
    const REPEATS: bool = false;

    fn view(&self) -> View<'_, Self> {
        match self {
            Value::Null => View::Null,
            Value::Bool(_) => View::Bool,
            Value::Number(number) => View::Number(number),
            Value::String(text) => View::String(text),
            Value::Array(items) => View::Seq(items),
            Value::Object(map) => {
                let member: Member<_, _> = |(key, value): (&String, _)| (key, None, value);
                View::Map(map.iter().map(member))
            }
        }
    }
}

impl Tree for Node {
    type Entries<'a> = Map<std::slice::Iter<'a, Entry>, Member<'a, &'a Entry, &'a Node>>;
    const REPEATS: bool = true;

    fn view(&self) -> View<'_, Self> {
        match &self.value {
            Data::Null => View::Null,
            Data::Bool(_) => View::Bool,
            Data::Number(number) => View::Number(number),
            Data::String(text) => View::String(text),
            Data::Seq(items) => View::Seq(items),
            Data::Map(entries) => {
                let member: Member<_, _> = |entry: &Entry| (&entry.key, Some(entry.key_span), &entry.value);
                View::Map(entries.iter().map(member))
            }
        }
    }

    fn span(&self) -> Option<Span> {
        Some(self.span)
    }
}

/// What the walk came across.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A field that the type does not have.
    Unknown { field: String, owner: &'static str },
    /// A key for the second time.
    Duplicate,
    /// A value of the wrong kind; Go goes on and reports the first.
    Type(String),
    /// A value that its own parser refuses; Go stops there.
    Abort(String),
    /// A required field that is not there.
    Missing { field: &'static str },
    /// A value outside its enum.
    Unsupported { value: String, values: &'static [&'static str] },
}

pub(super) struct Finding {
    pub what: What,
    /// `spec.containers[0].port`
    pub path: String,
    pub key: Option<Span>,
    pub value: Option<Span>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    /// A key of a map: part of paths, but not of Go's field stack.
    Key(&'a str),
    Index(usize),
}

pub(super) struct Walk<'a, 'r> {
    report: &'r mut dyn FnMut(Finding) -> bool,
    steps: Vec<Step<'a>>,
    /// The struct whose field is being read.
    owner: Option<&'static Type>,
    named: Option<&'static str>,
    values: &'static [&'static str],
    go_on: bool,
}

/// Walks `tree` as a value of `kind`. `report` answers whether to go on.
pub(super) fn walk<T: Tree>(kind: &'static Type, tree: &T, report: &mut dyn FnMut(Finding) -> bool) {
    let mut walk = Walk { report, steps: Vec::with_capacity(16), owner: None, named: None, values: &[], go_on: true };
    walk.object(kind, tree);
}

impl<'a> Walk<'a, '_> {
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.steps {
            match step {
                Step::Field(name) | Step::Key(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) | Step::Key(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Index(index) => {
                    // Writing to a string cannot fail.
                    let _ = write!(path, "[{index}]");
                }
            }
        }
        path
    }

    fn found(&mut self, what: What, key: Option<Span>, value: Option<Span>) {
        let finding = Finding { what, path: self.path(), key, value };
        self.go_on = self.go_on && (self.report)(finding);
    }

    /// `json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string`
    fn wrong(&mut self, found: &str, go_type: &str, at: Option<Span>) {
        let fields: Vec<&str> =
            self.steps.iter().filter_map(|s| if let Step::Field(name) = s { Some(*name) } else { None }).collect();
        let target = if fields.is_empty() {
            "value".to_string()
        } else {
            let owner = self.owner.map(Type::kind_name).unwrap_or_default();
            format!("struct field {owner}.{}", fields.join("."))
        };
        let text = format!("json: cannot unmarshal {found} into Go {target} of type {go_type}");
        self.found(What::Type(text), None, at);
    }

    fn object<T: Tree>(&mut self, kind: &'static Type, tree: &'a T) {
        let entries = match tree.view() {
            View::Map(entries) => entries,
            View::Null => return,
            other => return self.wrong(&name_of(&other), kind.go_name(), tree.span()),
        };
        // Of maps that cannot repeat themselves only what must be there.
        let mut seen: Vec<&str> = Vec::new();
        for (name, key, value) in entries {
            if !self.go_on {
                return;
            }
            self.steps.push(Step::Field(name));
            let field = kind.field(name);
            match field {
                _ if T::REPEATS && seen.contains(&name) => self.found(What::Duplicate, key, value.span()),
                None => {
                    let what = What::Unknown { field: name.into(), owner: kind.name };
                    self.found(what, key, value.span());
                }
                Some(field) if T::REPEATS || field.required => seen.push(name),
                Some(_) => {}
            }
            if let Some(field) = field {
                self.field(kind, field, value);
            }
            self.steps.pop();
        }
        for field in kind.required.iter().map(|at| &kind.fields[*at]).filter(|f| !seen.contains(&f.name)) {
            self.found(What::Missing { field: field.name }, None, tree.span());
        }
    }

    fn field<T: Tree>(&mut self, kind: &'static Type, field: &'static Field, value: &'a T) {
        let outer = (self.owner, self.named, self.values);
        (self.owner, self.named, self.values) = (Some(kind), field.go_name, &field.values);
        self.value(&field.shape, value);
        (self.owner, self.named, self.values) = outer;
    }

    fn value<T: Tree>(&mut self, shape: &'static Shape, tree: &'a T) {
        let view = tree.view();
        let at = tree.span();
        match (shape, view) {
            (_, View::Null) | (Shape::Any, _) => {}
            (Shape::Object(_), _) => {
                if let Some(kind) = shape.object() {
                    self.object(kind, tree);
                }
            }
            (Shape::List(item), View::Seq(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.steps.push(Step::Index(index));
                    self.value(item, value);
                    self.steps.pop();
                    if !self.go_on {
                        return;
                    }
                }
            }
            (Shape::Map(inner), View::Map(entries)) => {
                let mut seen = std::collections::BTreeSet::new();
                for (name, key, value) in entries {
                    self.steps.push(Step::Key(name));
                    if T::REPEATS && !seen.insert(name) {
                        self.found(What::Duplicate, key, value.span());
                    }
                    self.value(inner, value);
                    self.steps.pop();
                    if !self.go_on {
                        return;
                    }
                }
            }
            (Shape::String, View::String(text)) if !self.values.is_empty() && !self.values.contains(&text) => {
                self.found(What::Unsupported { value: text.into(), values: self.values }, None, at);
            }
            (Shape::String, View::String(_)) | (Shape::Bool, View::Bool) | (Shape::Float, View::Number(_)) => {}
            (Shape::Int32, View::Number(number)) => self.integer(number, number_fits_i32(number), "int32", at),
            (Shape::Int64, View::Number(number)) => self.integer(number, number.is_i64(), "int64", at),
            (Shape::Bytes, View::String(text)) => {
                if let Some(error) = go::base64_error(text) {
                    self.found(What::Type(error), None, at);
                }
            }
            (Shape::Quantity | Shape::IntOrString | Shape::Time | Shape::MicroTime, view) => {
                if let Some(error) = own_parser(shape, &view) {
                    self.found(What::Abort(error), None, at);
                }
            }
            (
                Shape::String
                | Shape::Bool
                | Shape::Float
                | Shape::Int32
                | Shape::Int64
                | Shape::Bytes
                | Shape::List(_)
                | Shape::Map(_),
                other,
            ) => {
                let go_type = shape.go_type(self.named);
                self.wrong(&name_of(&other), &go_type, at);
            }
        }
    }

    fn integer(&mut self, number: &Number, fits: bool, go_type: &str, at: Option<Span>) {
        if !fits {
            self.wrong(&format!("number {number}"), go_type, at);
        }
    }
}

fn number_fits_i32(number: &Number) -> bool {
    number.as_i64().is_some_and(|n| i32::try_from(n).is_ok())
}

fn name_of<T: Tree>(view: &View<'_, T>) -> String {
    match view {
        View::Null => "null",
        View::Bool => "bool",
        View::Number(_) => "number",
        View::String(_) => "string",
        View::Seq(_) => "array",
        View::Map(_) => "object",
    }
    .into()
}

/// What types say that read JSON themselves; encoding/json adds no field to their errors.
fn own_parser<T: Tree>(shape: &Shape, view: &View<'_, T>) -> Option<String> {
    match (shape, view) {
        (Shape::Quantity, View::String(text)) => text.trim().parse::<Amount>().err().map(|e| e.to_string()),
        (Shape::Quantity, View::Number(number)) => number.to_string().parse::<Amount>().err().map(|e| e.to_string()),
        (Shape::Quantity, _) => "true".parse::<Amount>().err().map(|e| e.to_string()),
        (Shape::IntOrString, View::String(_)) => None,
        (Shape::IntOrString, View::Number(number)) if number_fits_i32(number) => None,
        (Shape::IntOrString, View::Number(number)) => {
            Some(format!("json: cannot unmarshal number {number} into Go value of type int32"))
        }
        (Shape::IntOrString, other) => {
            Some(format!("json: cannot unmarshal {} into Go value of type int32", name_of(other)))
        }
        (Shape::Time | Shape::MicroTime, View::String(text)) => go::time_error(text, *shape == Shape::MicroTime),
        (_, other) => Some(format!("json: cannot unmarshal {} into Go value of type string", name_of(other))),
    }
}
