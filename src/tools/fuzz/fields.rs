//! Every field of every kind that can be made long, made as long as a body may be: lists, maps, texts.
//!
//! What the schema knows, validation, defaults, printers, patches and field ownership walk; one of them
//! that looks at all others for each item is found here, and nowhere else as surely.

use api::schema::{Field, ListKind, Shape, Type};
use engine::sim::Rng;
use serde_json::{Map, Value, json};

use super::bodies::{collection, of_shape};
use crate::swarm::manifests::{KINDS, manifest, once_in, pick};

/// A field to fill: the kind, and the names that lead there.
#[derive(Debug, Clone)]
pub struct Spot {
    pub api_version: &'static str,
    pub kind: &'static str,
    path: Vec<&'static Field>,
}

impl Spot {
    /// `v1 Pod .spec.containers`
    pub fn name(&self) -> String {
        let path: String = self.path.iter().map(|field| format!(".{}", field.name)).collect();
        format!("{} {} {path}", self.api_version, self.kind)
    }
}

/// Every spot of every kind that is served.
pub fn spots() -> Vec<Spot> {
    let mut found = Vec::new();
    for (api_version, kind) in api::schema::kinds() {
        if collection(&json!({"apiVersion": api_version, "kind": kind})).is_none() {
            continue;
        }
        let Some(of) = api::schema::for_api_version(api_version, kind) else { continue };
        below(of, &mut Vec::new(), &mut vec![of.name], &mut |path| {
            found.push(Spot { api_version, kind, path: path.to_vec() });
        });
    }
    found
}

fn below(
    of: &'static Type,
    path: &mut Vec<&'static Field>,
    seen: &mut Vec<&'static str>,
    found: &mut impl FnMut(&[&'static Field]),
) {
    for field in &of.fields {
        if field.name == "managedFields" || (path.is_empty() && matches!(field.name, "apiVersion" | "kind")) {
            continue;
        }
        path.push(field);
        if matches!(field.shape, Shape::List(_) | Shape::Map(_) | Shape::String | Shape::Any | Shape::Bytes) {
            found(path);
        }
        if let Some(inner) = field.shape.leaf().object().filter(|inner| !seen.contains(&inner.name)) {
            seen.push(inner.name);
            below(inner, path, seen, found);
            seen.pop();
        }
        path.pop();
    }
}

/// An object whose field at the spot is about `size` bytes long, and one without it.
pub fn filled(rng: &mut Rng, spot: &Spot, living: &[Value], size: usize) -> (Value, Value) {
    let resource_kind = KINDS.iter().map(|(kind, _)| *kind).find(|kind| {
        kind.resource().is_some_and(|row| row.kind_name == spot.kind && row.api_version() == spot.api_version)
    });
    let same = |value: &&Value| value["apiVersion"] == spot.api_version && value["kind"] == spot.kind;
    let mut base = match (resource_kind, living.iter().find(same)) {
        (Some(kind), _) => manifest(rng, kind, "default", "long"),
        (None, Some(value)) => value.clone(),
        (None, None) => {
            let of = api::schema::for_api_version(spot.api_version, spot.kind);
            of.map_or(json!({}), |of| least(rng, of, 0, 0))
        }
    };
    base["apiVersion"] = json!(spot.api_version);
    base["kind"] = json!(spot.kind);
    base["metadata"] = json!({"name": "long", "labels": {"app": "long"}});
    let mut long = base.clone();
    long["metadata"]["name"] = json!("longer");
    put(rng, &mut long, &spot.path, size);
    base["metadata"]["name"] = json!("longer");
    (long, base)
}

fn put(rng: &mut Rng, at: &mut Value, path: &[&'static Field], size: usize) {
    let Some((field, rest)) = path.split_first() else { return };
    if !at.is_object() {
        *at = json!({});
    }
    let slot = &mut at[field.name];
    if rest.is_empty() {
        *slot = long(rng, field, size);
        return;
    }
    let Some(inner) = field.shape.leaf().object() else { return };
    match &field.shape {
        Shape::List(_) => {
            if slot.as_array().is_none_or(Vec::is_empty) {
                *slot = json!([least(rng, inner, 0, 0)]);
            }
            put(rng, &mut slot[0], rest, size);
        }
        Shape::Map(_) => {
            *slot = json!({"a": least(rng, inner, 0, 0)});
            put(rng, &mut slot["a"], rest, size);
        }
        _ => {
            if !slot.is_object() {
                *slot = least(rng, inner, 0, 0);
            }
            put(rng, slot, rest, size);
        }
    }
}

/// A value of the field's shape, as long as this.
fn long(rng: &mut Rng, field: &Field, size: usize) -> Value {
    // Once in a while each item is the same: what repeats is complained about, each time.
    let same = once_in(rng, 5);
    let keys: &[&str] = if let ListKind::Map(keys) = &field.list { keys } else { &[] };
    let mut left = size as i64;
    let mut number = 0;
    let mut next = |rng: &mut Rng, shape: &Shape| {
        number += usize::from(!same) + usize::from(number == 0);
        let item = item(rng, shape, keys, number);
        left -= item.to_string().len() as i64 + 1;
        (item, number, left > 0)
    };
    match &field.shape {
        Shape::List(of) => {
            let mut items = Vec::new();
            loop {
                let (item, _, more) = next(rng, of);
                items.push(item);
                if !more {
                    return Value::Array(items);
                }
            }
        }
        Shape::Map(of) => {
            let mut map = Map::new();
            loop {
                let (item, _, more) = next(rng, of);
                map.insert(format!("example.com/key-{}", map.len()), item);
                if !more || map.len() > size / 24 {
                    return Value::Object(map);
                }
            }
        }
        Shape::Any => (0..size / 16).map(|i| (format!("k{i}"), json!({"a": i}))).collect::<Map<_, _>>().into(),
        Shape::Bytes => json!("YWJj".repeat(size / 4)),
        _ => {
            let word = *pick(rng, &["a", "a.", "a-b/", "$(A)", "\n", "é", "1", "{}", "a,", "\\", "(", "a=b,"]);
            json!(word.repeat(size / word.len()))
        }
    }
}

/// One item among many, told apart from the others by its number.
fn item(rng: &mut Rng, shape: &Shape, keys: &[&str], number: usize) -> Value {
    match shape {
        Shape::String => json!(format!("v{number}")),
        Shape::Int32 | Shape::Int64 => json!(number),
        Shape::IntOrString => json!(number),
        Shape::Bytes => json!("YQ=="),
        Shape::Object(_) => {
            let Some(of) = shape.object() else { return json!({}) };
            let mut value = least(rng, of, number, 0);
            for key in keys {
                if let Some(field) = of.field(key) {
                    value[*key] = item(rng, &field.shape, &[], number);
                }
            }
            value
        }
        other => of_shape(rng, other, 7),
    }
}

/// A struct with what must be there, and most of what is short.
fn least(rng: &mut Rng, of: &Type, number: usize, depth: usize) -> Value {
    let mut map = Map::new();
    for field in &of.fields {
        let short = matches!(field.shape, Shape::String | Shape::Int32 | Shape::Bool | Shape::IntOrString);
        if depth > 4 || !(field.required || (depth < 2 && short && once_in(rng, 3))) {
            continue;
        }
        let value = match (&field.shape, field.name) {
            _ if !field.values.is_empty() => json!(pick(rng, &field.values)),
            (Shape::String, "image") => json!("nginx:1.27"),
            (Shape::String, "mountPath" | "path") => json!(format!("/p{number}")),
            (Shape::String, _) => json!(format!("n{number}")),
            (Shape::Int32 | Shape::Int64, _) => json!(number + 1),
            (Shape::Object(_), _) => {
                field.shape.object().map_or(Value::Null, |inner| least(rng, inner, number, depth + 1))
            }
            (Shape::List(inner), _) => json!([item_of(rng, inner, number, depth)]),
            (other, _) => of_shape(rng, other, 7),
        };
        map.insert(field.name.into(), value);
    }
    Value::Object(map)
}

fn item_of(rng: &mut Rng, shape: &Shape, number: usize, depth: usize) -> Value {
    match shape.object() {
        Some(of) => least(rng, of, number, depth + 1),
        None => item(rng, shape, &[], number),
    }
}
