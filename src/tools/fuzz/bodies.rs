//! Bodies: valid manifests, what the field schema allows, and what a slip of the hand makes of them.

use api::Kind;
use api::schema::{Shape, Type};
use api::wire::{Method, Request};
use engine::sim::Rng;
use serde_json::{Map, Value, json};

use crate::swarm::manifests::{KINDS, manifest, name, once_in, pick, weighed};

/// Values that sit at some edge.
fn odd(rng: &mut Rng) -> Value {
    match rng.below(24) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(0),
        3 => json!(i64::MAX),
        4 => json!(i64::MIN),
        5 => json!(2_147_483_648_i64),
        6 => json!(u64::MAX),
        7 => json!(1e308),
        8 => json!(0.5),
        9 => json!(""),
        10 => json!(" "),
        11 => json!("a".repeat(1 + rng.below(400) as usize)),
        12 => json!("피자 🍕\u{0}\u{feff}\n\t"),
        13 => json!("100%"),
        14 => json!("1e400"),
        15 => json!("-5Mi"),
        16 => json!("99999999999999999999999999"),
        17 => json!("2026-02-30T25:61:00Z"),
        18 => json!([]),
        19 => json!({}),
        20 => json!([[[[[]]]]]),
        21 => json!(true),
        22 => json!("$(A) ${B} {{ .C }} *&!|>%@`"),
        _ => json!("../../etc"),
    }
}

/// A value of this shape, right or nearly so.
pub fn of_shape(rng: &mut Rng, shape: &Shape, depth: usize) -> Value {
    if once_in(rng, 25) {
        return odd(rng);
    }
    match shape {
        Shape::String => {
            json!(pick(
                rng,
                &[
                    "a",
                    "web",
                    "nginx:1.27",
                    "default",
                    "Always",
                    "app",
                    "10.0.0.1",
                    "IfNotPresent",
                    "kubernetes.io/hostname",
                    "v1"
                ]
            ))
        }
        Shape::Int32 | Shape::Int64 => json!(pick(rng, &[0, 1, 1, 2, 3, 30, 80, 443, 65535, -1])),
        Shape::Bool => json!(once_in(rng, 2)),
        Shape::Float => json!(0.25),
        Shape::Quantity => json!(pick(rng, &["1", "100m", "64Mi", "1Gi", "0", "1.5", "3e2"])),
        Shape::IntOrString => pick(rng, &[json!(1), json!("50%"), json!(0), json!("http")]).clone(),
        Shape::Time | Shape::MicroTime => json!("2026-01-01T00:00:00Z"),
        Shape::Bytes => json!(pick(rng, &["YQ==", "", "!!", "YWJj"])),
        Shape::Any => odd(rng),
        Shape::List(of) => {
            let count = if depth > 7 { 0 } else { rng.below(3) };
            (0..count).map(|_| of_shape(rng, of, depth + 1)).collect()
        }
        Shape::Map(of) => {
            let mut map = Map::new();
            for _ in 0..rng.below(3) {
                let key = *pick(rng, &["app", "cpu", "memory", "pods", "a/b", "key", "storage"]);
                map.insert(key.into(), of_shape(rng, of, depth + 1));
            }
            Value::Object(map)
        }
        Shape::Object(_) => shape.object().map_or(Value::Null, |kind| of_type(rng, kind, depth + 1)),
    }
}

/// A struct with some of its fields: the needed ones, and fewer of the others the deeper it lies.
pub fn of_type(rng: &mut Rng, of: &Type, depth: usize) -> Value {
    let mut map = Map::new();
    let most = of.fields.len().max(1) as u64;
    for field in &of.fields {
        let likely = field.required || rng.below(most) < 2;
        if depth > 8 || !likely || field.name == "managedFields" {
            continue;
        }
        let value = match field.values.is_empty() {
            false => json!(pick(rng, &field.values)),
            true if field.name == "name" => json!(format!("fuzz-{}", rng.below(4))),
            true => of_shape(rng, &field.shape, depth + 1),
        };
        map.insert(field.name.into(), value);
    }
    Value::Object(map)
}

/// A manifest of any kind, most of them valid; `living` are objects of the cluster.
pub fn body(rng: &mut Rng, living: &[Value]) -> Value {
    let mut value = match rng.below(11) {
        0 => thing(rng),
        1..=4 => {
            let kind = weighed(rng, KINDS);
            let name = name(rng, kind);
            manifest(rng, kind, "default", &name)
        }
        5..=8 if !living.is_empty() => {
            let mut value = pick(rng, living).clone();
            if let Some(metadata) =
                value.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !once_in(rng, 4))
            {
                metadata.retain(|key, _| matches!(key.as_str(), "namespace" | "labels" | "annotations"));
                metadata.insert("name".into(), json!(format!("fuzz-{}", rng.below(6))));
            }
            value
        }
        _ => {
            let kinds: Vec<(&str, &str)> = api::schema::kinds().collect();
            let (version, kind) = *pick(rng, &kinds);
            let mut value = api::schema::for_api_version(version, kind).map_or(json!({}), |of| of_type(rng, of, 0));
            value["apiVersion"] = json!(version);
            value["kind"] = json!(kind);
            value["metadata"] = json!({"name": format!("fuzz-{}", rng.below(6)), "namespace": "default"});
            value
        }
    };
    if once_in(rng, 2) {
        grow(rng, &mut value);
    }
    for _ in 0..rng.below(3) {
        slip(rng, &mut value);
    }
    value
}

/// Adds a field that its type has, somewhere.
fn grow(rng: &mut Rng, value: &mut Value) {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let Some(mut of) = api::schema::for_api_version(&text("apiVersion"), &text("kind")) else { return };
    let mut at = value;
    for _ in 0..12 {
        let Some(map) = at.as_object_mut() else { return };
        let inside: Vec<String> =
            map.iter().filter(|(_, value)| value.is_object() || value.is_array()).map(|(key, _)| key.clone()).collect();
        let down = if inside.is_empty() || once_in(rng, 4) { None } else { Some(pick(rng, &inside).clone()) };
        let Some(key) = down.filter(|key| of.field(key).is_some_and(|field| field.shape.leaf().object().is_some()))
        else {
            if of.fields.is_empty() {
                return;
            }
            let field = pick(rng, &of.fields);
            let new =
                if field.values.is_empty() { of_shape(rng, &field.shape, 3) } else { json!(pick(rng, &field.values)) };
            map.insert(field.name.into(), new);
            return;
        };
        let Some(inner) = of.field(&key).and_then(|field| field.shape.leaf().object()) else { return };
        of = inner;
        let Some(next) = map.get_mut(&key) else { return };
        let items = next.as_array().map_or(0, Vec::len);
        at = if items > 0 { &mut next[rng.below(items as u64) as usize] } else { next };
    }
}

/// Changes one place of a tree: drops, doubles, renames, replaces.
pub fn slip(rng: &mut Rng, value: &mut Value) {
    let mut at = value;
    for _ in 0..20 {
        let stop = once_in(rng, 4);
        if let Some(keys) =
            at.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).filter(|keys| !keys.is_empty())
        {
            let key = pick(rng, &keys);
            if !stop {
                at = &mut at[key.as_str()];
                continue;
            }
            let map = at.as_object_mut().expect("it has keys");
            match rng.below(5) {
                0 => drop(map.remove(key)),
                1 => {
                    let held = map.remove(key).unwrap_or_default();
                    let long = "x".repeat(300);
                    map.insert((*pick(rng, &["", "name", "spec", "Kind", &long, "a.b/c", "$patch"])).to_owned(), held);
                }
                _ => drop(map.insert(key.clone(), odd(rng))),
            }
            return;
        }
        let count = at.as_array().map_or(0, Vec::len);
        if count == 0 {
            *at = odd(rng);
            return;
        }
        let index = rng.below(count as u64) as usize;
        if !stop {
            at = &mut at[index];
            continue;
        }
        let items = at.as_array_mut().expect("it has items");
        match rng.below(3) {
            0 => drop(items.remove(index)),
            1 => items.push(items[index].clone()),
            _ => items[index] = odd(rng),
        }
        return;
    }
}

/// Changes a text: cuts, doubles, inserts what means something to a parser.
pub fn scratch(rng: &mut Rng, text: &str) -> String {
    const BITS: &[&str] = &[
        "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n\n", "\t", " ", "  ", "&a ", "*a", "<<: *a\n", "!!str ", "|\n",
        ">-\n", "---\n", "...\n", "\"", "'", "#", ",", "%", "\\", "\\u0000", "\\ud800", "\u{feff}", "🍕", "0x1F",
        "0o7", "1_000", ".nan", "~", "y", "? ", "@", "`", "\r\n", "\0",
    ];
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..1 + rng.below(4) {
        let at = rng.below(text.len() as u64 + 1) as usize;
        let to = (at + 1 + rng.below(12) as usize).min(text.len());
        match rng.below(4) {
            0 => drop(text.drain(at..to)),
            1 => {
                let copied: Vec<char> = text[at..to].to_vec();
                text.splice(at..at, copied);
            }
            2 => text.truncate(at.max(1)),
            _ => drop(text.splice(at..at, pick(rng, BITS).chars())),
        }
    }
    text.into_iter().collect()
}

/// A patch and its content type, for an object like this one.
pub fn patch(rng: &mut Rng, object: &Value) -> (&'static str, Value) {
    let mut changed = object.clone();
    for _ in 0..1 + rng.below(3) {
        if once_in(rng, 2) { grow(rng, &mut changed) } else { slip(rng, &mut changed) }
    }
    match rng.below(4) {
        0 => {
            let operations = (0..1 + rng.below(3)).map(|_| {
                let path = path_into(rng, object);
                let op = *pick(rng, &["add", "replace", "remove", "test", "move", "copy", "frob"]);
                json!({"op": op, "path": path, "from": path_into(rng, object), "value": odd(rng)})
            });
            ("application/json-patch+json", operations.collect())
        }
        1 => {
            let mut part = partly(rng, &changed);
            if once_in(rng, 2) {
                direct(rng, &mut part);
            }
            ("application/strategic-merge-patch+json", part)
        }
        2 => ("application/merge-patch+json", partly(rng, &changed)),
        _ => {
            if let Some(metadata) = changed.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("managedFields");
                metadata.remove("resourceVersion");
            }
            ("application/apply-patch+yaml", changed)
        }
    }
}

/// Some of a tree's branches.
fn partly(rng: &mut Rng, value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|_| !once_in(rng, 3)).map(|(key, value)| (key.clone(), value.clone()));
            let kept: Vec<(String, Value)> = kept.collect();
            kept.into_iter().map(|(key, value)| (key, partly(rng, &value))).collect()
        }
        other => other.clone(),
    }
}

/// Puts a directive of strategic merge somewhere.
fn direct(rng: &mut Rng, value: &mut Value) {
    let Some(map) = value.as_object_mut() else { return };
    let keys: Vec<String> = map.keys().cloned().collect();
    if !keys.is_empty() && !once_in(rng, 3) {
        let key = pick(rng, &keys).clone();
        let inner = map.get_mut(&key).expect("the key was just seen");
        if let Some(first) = inner.as_array_mut().and_then(|items| items.first_mut()) {
            return direct(rng, first);
        }
        return direct(rng, inner);
    }
    let some = keys.first().cloned().unwrap_or_default();
    match rng.below(5) {
        0 => map.insert("$patch".into(), json!(pick(rng, &["delete", "replace", "merge", "frob"]))),
        1 => map.insert(format!("$setElementOrder/{some}"), json!([{"name": "main"}, {"name": "x"}])),
        2 => map.insert(format!("$deleteFromPrimitiveList/{some}"), json!(["a"])),
        3 => map.insert("$retainKeys".into(), json!([some])),
        _ => map.insert(format!("$setElementOrder/{some}"), odd(rng)),
    };
}

/// A JSON pointer into a tree, or just past it.
fn path_into(rng: &mut Rng, value: &Value) -> String {
    let (mut at, mut path) = (value, String::new());
    while !once_in(rng, 5) {
        let key = match at {
            Value::Object(map) if !map.is_empty() => {
                let keys: Vec<&String> = map.keys().collect();
                (*pick(rng, &keys)).clone()
            }
            Value::Array(items) if !items.is_empty() => rng.below(items.len() as u64).to_string(),
            _ => break,
        };
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        at = at.pointer(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))).unwrap_or(&Value::Null);
    }
    match rng.below(8) {
        0 => path + "/-",
        1 => path + "/99999999999999999999",
        2 => path + "/~",
        _ => path,
    }
}

/// The definition of a custom kind, which every cluster here has.
pub fn definition_request() -> Request {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "integer", "minimum": 0, "maximum": 100, "default": 1},
            "color": {"type": "string", "enum": ["red", "blue"], "nullable": true},
            "name": {"type": "string", "pattern": "^[a-z]*$", "maxLength": 12},
            "when": {"type": "string", "format": "date-time"},
            "either": {"x-kubernetes-int-or-string": true},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string"}, "weight": {"type": "number", "default": 0.5}}}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }, "x-kubernetes-validations": [
            {"rule": "!has(self.tags) || self.tags.all(t, size(t) < 20)"},
            {"rule": "!has(self.size) || !has(oldSelf.size) || self.size >= oldSelf.size - 50", "message": "too much less"},
        ]},
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "text": {"type": "string"}}},
    }});
    Request::new(Method::Post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions").with_json(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "odds.fuzz.example.com"},
        "spec": {
            "group": "fuzz.example.com", "scope": "Namespaced",
            "names": {"plural": "odds", "singular": "odd", "kind": "Odd", "listKind": "OddList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas"}},
                "schema": {"openAPIV3Schema": schema}}],
        },
    }))
}

/// A custom object, most of them valid.
pub fn thing(rng: &mut Rng) -> Value {
    let mut spec = Map::new();
    for (name, value) in [
        ("size", json!(rng.below(120))),
        ("color", pick(rng, &[json!("red"), json!("blue"), Value::Null, json!("green")]).clone()),
        ("name", json!(pick(rng, &["a", "web", "Bad", ""]))),
        ("when", json!(pick(rng, &["2026-01-01T00:00:00Z", "now"]))),
        ("either", pick(rng, &[json!(1), json!("50%"), json!(0.5)]).clone()),
        ("tags", json!([pick(rng, &["a", "b"]), "c"])),
        ("parts", json!([{"name": "x"}, {"name": pick(rng, &["y", "x"]), "weight": 2}])),
        ("labels", json!({"k": "v"})),
        ("free", odd(rng)),
        ("unknown", odd(rng)),
    ] {
        if once_in(rng, 3) {
            spec.insert(name.into(), value);
        }
    }
    json!({
        "apiVersion": "fuzz.example.com/v1", "kind": "Odd", "spec": spec,
        "metadata": {"name": format!("odd-{}", rng.below(4)), "namespace": "default"},
    })
}

/// Where objects of this kind live.
pub fn collection(value: &Value) -> Option<String> {
    let (group, version) = api::scheme::split_api_version(value["apiVersion"].as_str()?);
    if (group, version, value["kind"].as_str()?) == ("fuzz.example.com", "v1", "Odd") {
        let namespace = value["metadata"]["namespace"].as_str().unwrap_or("default");
        return Some(format!("/apis/fuzz.example.com/v1/namespaces/{namespace}/odds"));
    }
    let resource = api::scheme::by_gvk(group, version, value["kind"].as_str()?)?;
    let namespace = value["metadata"]["namespace"].as_str().unwrap_or("default");
    Some(resource.path(if resource.kind == Kind::Namespace { "" } else { namespace }))
}
