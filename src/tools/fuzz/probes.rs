//! Long bodies that no schema thinks of: syntax, selectors, definitions with rules, patches with many steps.

mod definitions;
mod requests;
mod syntax;

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

fn strategic(path: &str, text: String) -> Vec<Request> {
    patched(path, "application/strategic-merge-patch+json", text)
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

/// Every probe; the list of each kind is a file of its own.
pub fn all() -> impl Iterator<Item = &'static Probe> {
    [syntax::PROBES, requests::PROBES, definitions::PROBES].into_iter().flatten()
}
