//! Long bodies that no schema thinks of: syntax, selectors, definitions with rules, patches with many steps.

use api::wire::{Body, Method, Request};
use serde_json::{Value, json};

/// Requests made with a size in mind.
#[derive(Debug)]
pub struct Probe {
    pub name: &'static str,
    /// What must be there first.
    pub before: fn(usize) -> Vec<Request>,
    /// What is timed.
    pub asks: fn(usize) -> Vec<Request>,
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const THINGS: &str = "/apis/fuzz.example.com/v1/namespaces/default/things";

fn nothing(_: usize) -> Vec<Request> {
    Vec::new()
}

fn send(method: Method, path: &str, media: &str, text: String) -> Request {
    let mut request = Request::new(method, path).with_header("content-type", media).with_query("fieldManager", "f");
    request.body = Body::Bytes(text.into_bytes());
    request
}

fn json_to(path: &str, text: String) -> Vec<Request> {
    vec![send(Method::Post, path, "application/json", text)]
}

fn yaml_to(path: &str, text: String) -> Vec<Request> {
    vec![send(Method::Post, path, "application/yaml", text)]
}

/// `of(0)`, `of(1)`, … up to about this many bytes.
fn rows(size: usize, of: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(size + 256);
    let mut number = 0;
    while text.len() < size {
        text.push_str(&of(number));
        number += 1;
    }
    text
}

/// As [`rows`], with commas between them.
fn listed(size: usize, of: impl Fn(usize) -> String) -> String {
    rows(size, |i| if i == 0 { of(i) } else { format!(",{}", of(i)) })
}

fn definition(schema: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.fuzz.example.com"},
        "spec": {
            "group": "fuzz.example.com", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}}],
        },
    })
}

fn defined(schema: Value) -> Vec<Request> {
    vec![Request::new(Method::Post, DEFINITIONS).with_json(definition(&schema))]
}

fn thing(spec: &str) -> String {
    format!(r#"{{"apiVersion":"fuzz.example.com/v1","kind":"Thing","metadata":{{"name":"t"}},"spec":{spec}}}"#)
}

fn patched(path: &str, media: &str, text: String) -> Vec<Request> {
    vec![send(Method::Patch, path, media, text)]
}

/// A pod with this many bytes of containers.
fn pod_of(size: usize) -> String {
    let containers = listed(size, |i| format!(r#"{{"name":"c{i}","image":"i"}}"#));
    format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p"}},"spec":{{"containers":[{containers}]}}}}"#)
}

fn map_of(size: usize) -> String {
    let data = listed(size, |i| format!(r#""key-{i}":"v""#));
    format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"m"}},"data":{{{data}}}}}"#)
}

fn nested(size: usize, open: &str, close: &str) -> String {
    let depth = size / (open.len() + close.len());
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

/// Every probe.
pub const PROBES: &[Probe] = &[
    Probe {
        name: "JSON: one long value",
        before: nothing,
        asks: |n| json_to(MAPS, json!({"metadata": {"name": "x"}, "data": {"a": "a\n".repeat(n / 4)}}).to_string()),
    },
    Probe { name: "JSON: many keys", before: nothing, asks: |n| json_to(MAPS, map_of(n)) },
    Probe {
        name: "JSON: a key many times",
        before: nothing,
        asks: |n| {
            json_to(MAPS, format!(r#"{{"metadata":{{"name":"x"}},"data":{{{}}}}}"#, listed(n, |_| r#""k":"v""#.into())))
        },
    },
    Probe {
        name: "JSON: fields nobody knows",
        before: nothing,
        asks: |n| json_to(MAPS, format!(r#"{{"metadata":{{"name":"x"}},{}}}"#, listed(n, |i| format!(r#""no{i}":1"#)))),
    },
    Probe {
        name: "JSON: depth",
        before: nothing,
        asks: |n| json_to(MAPS, format!("{{\"data\":{}}}", nested(n, "[", "]"))),
    },
    Probe { name: "JSON: depth of maps", before: nothing, asks: |n| json_to(MAPS, nested(n, "{\"a\":", "}")) },
    Probe {
        name: "JSON: escapes",
        before: nothing,
        asks: |n| json_to(MAPS, format!(r#"{{"data":{{"a":"{}"}}}}"#, "\\ud83d\\ude00".repeat(n / 12))),
    },
    Probe {
        name: "JSON: white space",
        before: nothing,
        asks: |n| json_to(MAPS, format!("{{{}}}", " \n\t".repeat(n / 3))),
    },
    Probe {
        name: "JSON: a long number",
        before: nothing,
        asks: |n| json_to(MAPS, format!(r#"{{"data":{}}}"#, "9".repeat(n))),
    },
    Probe { name: "JSON: no end", before: nothing, asks: |n| json_to(MAPS, format!(r#"{{"data":"{}"#, "x".repeat(n))) },
    Probe {
        name: "YAML: many keys",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n{}", rows(n, |i| format!("  key-{i}: v\n")))),
    },
    Probe {
        name: "YAML: a key many times",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n{}", "  k: v\n".repeat(n / 7))),
    },
    Probe {
        name: "YAML: depth in flow",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: {}", nested(n, "[", "]"))),
    },
    Probe {
        name: "YAML: flow as deep as it may be, often",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: [{}]", rows(n, |_| format!("{},", nested(240, "[", "]"))))),
    },
    Probe {
        name: "YAML: depth by indentation",
        before: nothing,
        asks: |n| {
            yaml_to(MAPS, (0..((2 * n) as f64).sqrt() as usize).map(|i| format!("{}a:\n", " ".repeat(i))).collect())
        },
    },
    Probe {
        name: "YAML: depth by dashes",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data:\n {}", "- ".repeat(n / 2))),
    },
    Probe {
        name: "YAML: aliases of aliases",
        before: nothing,
        asks: |n| {
            let line = |i: usize| format!("a{}: &a{} [*a{i}, *a{i}, *a{i}, *a{i}]\n", i + 1, i + 1);
            yaml_to(MAPS, format!("a0: &a0 [x]\n{}", rows(n, line)))
        },
    },
    Probe {
        name: "YAML: one alias, often",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("a: &a {{b: c}}\ndata: [{}]", "*a, ".repeat(n / 4))),
    },
    Probe {
        name: "YAML: anchors in anchors",
        before: nothing,
        asks: |n| {
            yaml_to(
                MAPS,
                rows(n, |i| {
                    format!("x{i}: {}{}\n", (0..100).map(|d| format!("&a{d} [")).collect::<String>(), "]".repeat(100))
                }),
            )
        },
    },
    Probe {
        name: "YAML: an anchor around all",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("&a\nb: &b\n{}", rows(n, |i| format!("  k{i}: &c{i} v\n")))),
    },
    Probe {
        name: "YAML: merge keys",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("a: &a {{x: 1, y: 2}}\ndata:\n{}", "  <<: *a\n".repeat(n / 9))),
    },
    Probe {
        name: "YAML: merge keys of many",
        before: nothing,
        asks: |n| {
            yaml_to(
                MAPS,
                format!("a: &a\n{}data: {{<<: [{}]}}", rows(n / 2, |i| format!("  k{i}: v\n")), "*a, ".repeat(n / 8)),
            )
        },
    },
    Probe {
        name: "YAML: an open quote",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: \"{}", "a: b\n".repeat(n / 5))),
    },
    Probe {
        name: "YAML: a plain text over many lines",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data:\n{}", "  a b\n".repeat(n / 6))),
    },
    Probe {
        name: "YAML: a literal block",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n  a: |\n{}", "    a\n".repeat(n / 6))),
    },
    Probe {
        name: "YAML: a folded block of empty lines",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n  a: >\n    a{}", "\n".repeat(n))),
    },
    Probe { name: "YAML: comments", before: nothing, asks: |n| yaml_to(MAPS, "# no\n".repeat(n / 5)) },
    Probe { name: "YAML: documents", before: nothing, asks: |n| yaml_to(MAPS, "---\na: b\n".repeat(n / 9)) },
    Probe {
        name: "YAML: tags",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: [{}]", "!!str a, ".repeat(n / 9))),
    },
    Probe { name: "YAML: complex keys", before: nothing, asks: |n| yaml_to(MAPS, "? [a]\n: b\n".repeat(n / 10)) },
    Probe {
        name: "YAML: keys without value",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("{{{}}}", listed(n, |i| format!("k{i}")))),
    },
    Probe { name: "YAML: indicators", before: nothing, asks: |n| yaml_to(MAPS, "- - ? : ".repeat(n / 8)) },
    Probe {
        name: "a broken body of another media type",
        before: nothing,
        asks: |n| vec![send(Method::Post, MAPS, "text/plain", "x".repeat(n))],
    },
    Probe {
        name: "JSON patch: ten thousand operations at most",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/json-patch+json",
                format!("[{}]", listed(n, |i| format!(r#"{{"op":"add","path":"/data/k{i}","value":"v"}}"#))),
            )
        },
    },
    Probe {
        name: "JSON patch: in front of a long list",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            patched(
                &format!("{PODS}/p"),
                "application/json-patch+json",
                format!(
                    "[{}]",
                    listed(n, |_| r#"{"op":"move","from":"/spec/containers/0","path":"/spec/containers/-"}"#.into())
                ),
            )
        },
    },
    Probe {
        name: "JSON patch: copies of copies",
        before: |_| json_to(MAPS, map_of(64)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/json-patch+json",
                format!("[{}]", listed(n, |i| format!(r#"{{"op":"copy","from":"/data","path":"/data/c{i}"}}"#))),
            )
        },
    },
    Probe {
        name: "JSON patch: tests of all",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            let tests = listed(n, |_| r#"{"op":"test","path":"/data/key-0","value":"v"}"#.into());
            patched(&format!("{MAPS}/m"), "application/json-patch+json", format!("[{tests}]"))
        },
    },
    Probe {
        name: "JSON patch: a long path",
        before: |_| json_to(MAPS, map_of(64)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/json-patch+json",
                format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "/a".repeat(n / 2)),
            )
        },
    },
    Probe {
        name: "merge patch: all keys away",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/merge-patch+json",
                format!(r#"{{"data":{{{}}}}}"#, listed(n, |i| format!(r#""key-{i}":null"#))),
            )
        },
    },
    Probe {
        name: "strategic patch: thousands of containers",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            patched(
                &format!("{PODS}/p"),
                "application/strategic-merge-patch+json",
                format!(
                    r#"{{"spec":{{"containers":[{}]}}}}"#,
                    listed(n, |i| format!(r#"{{"name":"c{i}","image":"j"}}"#))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: thousands of containers in another order",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            patched(
                &format!("{PODS}/p"),
                "application/strategic-merge-patch+json",
                format!(
                    r#"{{"spec":{{"$setElementOrder/containers":[{}]}}}}"#,
                    listed(n, |i| format!(r#"{{"name":"c{}"}}"#, 9_999_999 - i))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: thousands of containers away",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            patched(
                &format!("{PODS}/p"),
                "application/strategic-merge-patch+json",
                format!(
                    r#"{{"spec":{{"containers":[{}]}}}}"#,
                    listed(n, |i| format!(r#"{{"$patch":"delete","name":"c{i}"}}"#))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: finalizers away",
        before: |n| {
            json_to(
                MAPS,
                format!(r#"{{"metadata":{{"name":"m","finalizers":[{}]}}}}"#, listed(n, |i| format!(r#""a.b/f{i}""#))),
            )
        },
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/strategic-merge-patch+json",
                format!(
                    r#"{{"metadata":{{"$deleteFromPrimitiveList/finalizers":[{}]}}}}"#,
                    listed(n, |i| format!(r#""a.b/f{i}""#))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: keys to keep",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/strategic-merge-patch+json",
                format!(r#"{{"data":{{"$retainKeys":[{}]}}}}"#, listed(n, |i| format!(r#""key-{i}""#))),
            )
        },
    },
    Probe {
        name: "apply: thousands of keys that are somebody else's",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            let other = map_of(n).replace(r#":"v""#, r#":"w""#);
            let mut asks = patched(&format!("{MAPS}/m"), "application/apply-patch+yaml", other.clone());
            let mut force = send(Method::Patch, &format!("{MAPS}/m"), "application/apply-patch+yaml", other);
            force.query.push(("force".into(), "true".into()));
            asks.push(force);
            asks.extend(patched(&format!("{MAPS}/m"), "application/apply-patch+yaml", map_of(64)));
            asks
        },
    },
    Probe {
        name: "managedFields: thousands of entries",
        before: nothing,
        asks: |n| {
            json_to(
                MAPS,
                format!(
                    r#"{{"metadata":{{"name":"m","managedFields":[{}]}}}}"#,
                    listed(n, |i| format!(
                        r#"{{"manager":"m{i}","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{"f:a{i}":{{}}}}}}}}"#
                    ))
                ),
            )
        },
    },
    Probe {
        name: "managedFields: thousands of entries put in",
        before: |_| json_to(MAPS, map_of(64)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/merge-patch+json",
                format!(
                    r#"{{"metadata":{{"managedFields":[{}]}}}}"#,
                    listed(n, |i| format!(
                        r#"{{"manager":"m{i}","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{"f:a{i}":{{}}}}}}}}"#
                    ))
                ),
            )
        },
    },
    Probe {
        name: "query: a label selector with thousands of values",
        before: nothing,
        asks: |n| {
            vec![Request::get("/api/v1/pods").with_query(
                "labelSelector",
                format!(
                    "a in ({}),b notin ({})",
                    listed(n / 2, |i| format!("v{i}")),
                    listed(n / 2, |i| format!("v{i}"))
                ),
            )]
        },
    },
    Probe {
        name: "query: a label selector with thousands of terms",
        before: nothing,
        asks: |n| vec![Request::get("/api/v1/pods").with_query("labelSelector", listed(n, |i| format!("k{i}!=v")))],
    },
    Probe {
        name: "query: a field selector with thousands of terms",
        before: nothing,
        asks: |n| {
            vec![Request::get("/api/v1/pods").with_query("fieldSelector", listed(n, |_| "spec.nodeName!=x".into()))]
        },
    },
    Probe {
        name: "query: many parameters",
        before: nothing,
        asks: |n| vec![(0..n / 12).fold(Request::get("/api/v1/pods"), |r, i| r.with_query(&format!("p{i}"), "1"))],
    },
    Probe {
        name: "path: long",
        before: nothing,
        asks: |n| {
            vec![
                Request::get("/a".repeat(n / 2)),
                Request::get(format!("/api/v1/namespaces/default/pods/{}", "a".repeat(n))),
            ]
        },
    },
    Probe { name: "path: many slashes", before: nothing, asks: |n| vec![Request::get("/".repeat(n))] },
    Probe {
        name: "a continue token",
        before: nothing,
        asks: |n| vec![Request::get("/api/v1/pods").with_query("continue", "eyJ2".repeat(n / 4))],
    },
    Probe {
        name: "definition: depth",
        before: nothing,
        asks: |n| {
            json_to(
                DEFINITIONS,
                definition(&json!("@")).to_string().replace(
                    "\"@\"",
                    &nested(n, r#"{"type":"object","properties":{"a":"#, "}}").replace(r#""a":}}"#, r#""a":{}}}"#),
                ),
            )
        },
    },
    Probe {
        name: "definition: many properties, and a thing with them",
        before: nothing,
        asks: |n| {
            let properties = listed(n, |i| format!(r#""k{i}":{{"type":"string"}}"#));
            let schema = format!(r#"{{"type":"object","properties":{{{properties}}}}}"#);
            let mut asks = json_to(DEFINITIONS, definition(&json!("@")).to_string().replace("\"@\"", &schema));
            asks.extend(json_to(THINGS, thing(&format!("{{{}}}", listed(n, |i| format!(r#""k{i}":"v""#))))));
            asks
        },
    },
    Probe {
        name: "definition: many versions",
        before: nothing,
        asks: |n| {
            let mut all = definition(&json!({"type": "object"}));
            all["spec"]["versions"] = json!("@");
            let versions = listed(n, |i| {
                format!(
                    r#"{{"name":"v{i}","served":true,"storage":{},"schema":{{"openAPIV3Schema":{{"type":"object"}}}}}}"#,
                    i == 0
                )
            });
            json_to(DEFINITIONS, all.to_string().replace("\"@\"", &format!("[{versions}]")))
        },
    },
    Probe {
        name: "definition: a long pattern",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "(a|b)?".repeat(n / 6)}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&json!({"a": "ab".repeat(n.min(2048) / 2)}).to_string())),
    },
    Probe {
        name: "definition: a pattern that counts",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^((a{1,50}){1,50}){1,50}$"}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&json!({"a": "a".repeat(n)}).to_string())),
    },
    Probe {
        name: "definition: a pattern that could go back",
        before: |_| defined(json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})),
        asks: |n| json_to(THINGS, thing(&json!({"a": "a".repeat(n) + "!"}).to_string())),
    },
    Probe {
        name: "definition: a pattern for each of many",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\""))))),
    },
    Probe {
        name: "definition: a set of many",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}}),
            )
        },
        asks: |n| {
            let mut asks = json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\"")))));
            asks.extend(json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |_| "\"v\"".into())))));
            asks
        },
    },
    Probe {
        name: "definition: a list with keys",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"], "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "string"}, "v": {"type": "integer", "default": 1}}}}}}),
            )
        },
        asks: |n| {
            let text = thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!(r#"{{"n":"v{i}"}}"#))));
            let mut asks = json_to(THINGS, text.clone());
            asks.extend(patched(
                &format!("{THINGS}/t"),
                "application/merge-patch+json",
                text.replace("\"n\"", "\"m\""),
            ));
            asks.extend(patched(&format!("{THINGS}/t"), "application/apply-patch+yaml", text));
            asks
        },
    },
    Probe {
        name: "definition: an enum of many",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "enum": (0..n / 16).map(|i| format!("v{i}")).collect::<Vec<_>>()}}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |_| "\"no\"".into())))),
    },
    Probe {
        name: "definition: anyOf of many",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": (0..n / 64).map(|i| json!({"properties": {"a": {"pattern": format!("^v{i}$")}}})).collect::<Vec<_>>()}),
            )
        },
        asks: |_| json_to(THINGS, thing(r#"{"a":"no"}"#)),
    },
    Probe {
        name: "definition: many rules",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "integer"}}, "x-kubernetes-validations": (0..n / 64).map(|i| json!({"rule": format!("self.a != {}", i + 1)})).collect::<Vec<_>>()}),
            )
        },
        asks: |_| json_to(THINGS, thing(r#"{"a":0}"#)),
    },
    Probe {
        name: "rule: brackets in brackets",
        before: nothing,
        asks: |n| {
            let rule = nested(n, "(", ")").replace("()", "(true)");
            let mut asks = vec![
                Request::new(Method::Post, DEFINITIONS)
                    .with_json(definition(&json!({"type": "object", "x-kubernetes-validations": [{"rule": rule}]}))),
            ];
            asks.extend(json_to(THINGS, thing("{}")));
            asks
        },
    },
    Probe {
        name: "rule: not not",
        before: |n| {
            defined(json!({"type": "object", "x-kubernetes-validations": [{"rule": format!("{}true", "!".repeat(n))}]}))
        },
        asks: |_| json_to(THINGS, thing("{}")),
    },
    Probe {
        name: "rule: a long sum",
        before: |n| {
            defined(
                json!({"type": "object", "x-kubernetes-validations": [{"rule": format!("{}1 > 0", "1 + ".repeat(n / 4))}]}),
            )
        },
        asks: |_| json_to(THINGS, thing("{}")),
    },
    Probe {
        name: "rule: all of all",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}, "x-kubernetes-validations": [{"rule": "self.a.all(x, self.a.all(y, x + y >= 0))"}]}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |_| "1".into())))),
    },
    Probe {
        name: "rule: all in all",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}, "x-kubernetes-validations": [{"rule": "self.a.all(x, x in self.a)"}]}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\""))))),
    },
    Probe {
        name: "rule: on each of many",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "x-kubernetes-validations": [{"rule": "self.matches('^[a-z0-9]+$') && size(self) < 64"}]}}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\""))))),
    },
    Probe {
        name: "rule: one text doubled and doubled",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-validations": [{"rule": "[1,2,3,4,5,6,7,8,9,10].map(x, self.a + self.a + self.a).map(y, y + y + y).all(z, (z + z + z + z).size() > 0)"}]}),
            )
        },
        asks: |n| json_to(THINGS, thing(&json!({"a": "a".repeat(n)}).to_string())),
    },
    Probe {
        name: "reviews: rules, access, tokens",
        before: nothing,
        asks: |n| {
            let long = "a".repeat(n);
            let groups: Vec<String> = (0..n / 8).map(|i| format!("g{i}")).collect();
            let review = |path: &str, spec: Value| Request::new(Method::Post, path).with_json(json!({"spec": spec}));
            vec![
                review(
                    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                    json!({"user": "u", "groups": groups, "resourceAttributes": {"verb": long, "resource": "pods"}}),
                ),
                review("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", json!({"namespace": long})),
                review("/apis/authentication.k8s.io/v1/tokenreviews", json!({"token": long})),
                Request::new(Method::Post, "/api/v1/namespaces/default/serviceaccounts/default/token")
                    .with_json(json!({"spec": {"audiences": groups}})),
            ]
        },
    },
];
