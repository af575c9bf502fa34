//! What a real API server answered (v1.36), as tables: manifests in, texts out.

mod other_kinds;
mod pods;
mod services_and_config;
mod updates;
mod workloads;

use serde_json::{Value, json};

use crate::{Kind, Object, defaults, validation};

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const KEY: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// The object as the API server has it before validation.
fn prepared(kind: Kind, mut value: Value) -> Object {
    if kind.resource().is_some_and(|resource| resource.namespaced) {
        value["metadata"]["namespace"] = json!("default");
    }
    let mut object = Object::from_value(kind, value).expect("decodes");
    defaults::apply(&mut object);
    object
}

/// As stored: with what the server adds.
fn stored(kind: Kind, mut value: Value) -> Object {
    value["metadata"]["resourceVersion"] = json!("1");
    value["metadata"]["uid"] = json!("u");
    prepared(kind, value)
}

fn texts(errors: &validation::ErrorList) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn create(kind: Kind, value: Value) -> Vec<String> {
    texts(&validation::create(&prepared(kind, value)))
}

fn update(kind: Kind, new: Value, old: Value) -> Vec<String> {
    texts(&validation::update(&stored(kind, new), &stored(kind, old)))
}

fn expect(kind: Kind, value: Value, expected: &[&str]) {
    assert_eq!(create(kind, value.clone()), expected, "{value}");
}
