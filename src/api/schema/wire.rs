//! How Go writes an object: which empty fields are there, and in which order fields stand.
//!
//! Mirrors: encoding/json on Kubernetes' structs. Order only matters where bytes are
//! shown (`kubectl get --raw`, a patch that is quoted in an error).

use serde_json::{Map, Value};

use super::{Field, Shape, Type, for_api_version};
use crate::order::Order;

/// Adds what Go writes even when nobody set it, at every depth: structs it embeds by value
/// (`status: {}`, `resources: {}`) and fields without `omitempty` (`lastUpdateTime: null`).
pub fn fill(kind: &'static Type, value: &mut Value) {
    let Value::Object(map) = value else { return };
    fill_own(kind, map);
    for (name, inner) in map {
        // Nothing is missing in a plain value.
        if matches!(inner, Value::Object(_) | Value::Array(_))
            && let Some(field) = kind.field(name)
        {
            fill_inside(&field.shape, inner);
        }
    }
}

/// As [`fill`], for a map in which only fields of its own can be missing.
pub(crate) fn fill_own(kind: &'static Type, map: &mut Map<String, Value>) {
    for field in kind.unset() {
        match map.get_mut(field.name) {
            Some(inner) if field.by_value && inner.is_null() => *inner = untouched(field),
            Some(_) => {}
            None => {
                map.insert(field.name.into(), untouched(field));
            }
        }
    }
}

/// As text.
pub(crate) fn write_untouched(field: &'static Field, out: &mut String) {
    write_shaped(&field.shape, &untouched(field), out);
}

/// A field that nobody set, as Go writes it.
fn untouched(field: &'static Field) -> Value {
    let mut value = if field.by_value { Value::Object(Map::new()) } else { field.shape.zero() };
    fill_inside(&field.shape, &mut value);
    value
}

fn fill_inside(shape: &'static Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::List(inner), Value::Array(items)) => items.iter_mut().for_each(|item| fill_inside(inner, item)),
        (Shape::Map(inner), Value::Object(map)) => map.values_mut().for_each(|value| fill_inside(inner, value)),
        (Shape::Object(_), value) => {
            if let Some(kind) = shape.object() {
                fill(kind, value);
            }
        }
        _ => {}
    }
}

/// An object or list of objects as one line of JSON, fields in the order of the Go structs;
/// sorted where no type is known.
pub fn go_json(value: &Value) -> String {
    let mut out = String::new();
    write_root(value, &mut out);
    out
}

/// A patched object as the library that patched it writes it: maps that the patch went through are
/// sorted, the others stand as Go wrote them before.
pub fn go_json_patched(kind: Option<&'static Type>, before: &Value, after: &Value) -> String {
    let mut out = String::new();
    match kind {
        Some(kind) => write_patched(Known::Struct(kind), Some(before), after, &mut out),
        None => out.push_str(&after.to_string()),
    }
    out
}

/// What is known about a value.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    Struct(&'static Type),
    Shape(&'static Shape),
    Nothing,
}

impl Known {
    pub(crate) fn of(kind: Option<&'static Type>) -> Self {
        kind.map_or(Known::Nothing, Known::Struct)
    }

    /// The same, as what it is if the value turns out to be a map.
    pub(crate) fn map(self) -> Self {
        match self {
            Known::Shape(shape @ Shape::Object(_)) => Known::of(shape.object()),
            other => other,
        }
    }

    /// An item of the list.
    pub(crate) fn item(self) -> Self {
        match self {
            Known::Shape(Shape::List(inner)) => Known::Shape(inner),
            _ => Known::Nothing,
        }
    }

    /// A member of the map.
    pub(crate) fn child(self, name: &str) -> Self {
        let shape = match self {
            Known::Struct(kind) => kind.field(name).map(|field| &field.shape),
            Known::Shape(Shape::Map(inner)) => Some(&**inner),
            Known::Shape(shape) => shape.object().and_then(|kind| kind.field(name)).map(|field| &field.shape),
            Known::Nothing => None,
        };
        shape.map_or(Known::Nothing, Known::Shape)
    }
}

fn write_patched(known: Known, before: Option<&Value>, after: &Value, out: &mut String) {
    match (before, after) {
        (Some(Value::Object(old)), Value::Object(new)) if old != new => {
            write_map(new, |_| 0, out, |name, value, out| write_patched(known.child(name), old.get(name), value, out));
        }
        (Some(old), new) if old == new => match known {
            Known::Struct(kind) => write_struct(kind, new, out),
            Known::Shape(shape) => write_shaped(shape, new, out),
            Known::Nothing => out.push_str(&new.to_string()),
        },
        _ => out.push_str(&after.to_string()),
    }
}

fn write_root(value: &Value, out: &mut String) {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = for_api_version(text("apiVersion"), text("kind"));
    match (kind, value) {
        (Some(kind), _) => write_struct(kind, value, out),
        (None, Value::Object(map)) if map.contains_key("kind") => {
            let order = |name: &str| match name {
                "kind" => 0,
                "apiVersion" => 1,
                "metadata" => 2,
                _ => 3,
            };
            // Items of a typed list do not say what they are.
            let items_are =
                text("kind").strip_suffix("List").and_then(|kind| for_api_version(text("apiVersion"), kind));
            write_map(map, order, out, |name, inner, out| match (name, inner) {
                ("items", Value::Array(items)) => write_list(items, out, |item, out| match items_are {
                    Some(kind) => write_struct(kind, item, out),
                    None => write_root(item, out),
                }),
                _ => write_root(inner, out),
            });
        }
        _ => out.push_str(&value.to_string()),
    }
}

fn write_map(
    map: &Map<String, Value>,
    order: impl Fn(&str) -> usize,
    out: &mut String,
    mut write: impl FnMut(&str, &Value, &mut String),
) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.order_by_key(|(name, _)| order(name));
    out.push('{');
    for (index, (name, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::String(name.clone()).to_string());
        out.push(':');
        write(name, value, out);
    }
    out.push('}');
}

fn write_list(items: &[Value], out: &mut String, write: impl Fn(&Value, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn write_struct(kind: &'static Type, value: &Value, out: &mut String) {
    let Value::Object(map) = value else {
        out.push_str(&value.to_string());
        return;
    };
    let order = |name: &str| kind.field(name).map_or(usize::MAX, Field::place);
    write_map(map, order, out, |name, inner, out| match kind.field(name) {
        Some(field) => write_shaped(&field.shape, inner, out),
        None => out.push_str(&inner.to_string()),
    });
}

fn write_shaped(shape: &'static Shape, value: &Value, out: &mut String) {
    match (shape, value) {
        (Shape::Object(_), value) => match shape.object() {
            Some(kind) => write_struct(kind, value, out),
            None => out.push_str(&value.to_string()),
        },
        (Shape::List(inner), Value::Array(items)) => write_list(items, out, |item, out| write_shaped(inner, item, out)),
        (Shape::Map(inner), Value::Object(map)) => {
            write_map(map, |_| 0, out, |_, value, out| write_shaped(inner, value, out));
        }
        (_, value) => out.push_str(&value.to_string()),
    }
}
