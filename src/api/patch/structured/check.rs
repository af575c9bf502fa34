//! Whether a configuration fits its type, in the words of server-side apply.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Grain, elements};
use crate::patch::fieldset::{Element, field, path_text};
use crate::schema::{Shape, Type};
use crate::validation::field::go_quote;

/// Everything that does not fit: unknown fields, wrong types, items that repeat a key.
///
/// # Errors
/// The text behind `failed to create typed patch object (…): `.
pub fn check(kind: &'static Type, config: &Value) -> Result<(), String> {
    let mut problems = Vec::new();
    object(kind, config, &mut Vec::new(), &mut problems);
    match problems.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

fn say(path: &[Element], problem: &str, problems: &mut Vec<String>) {
    problems.push(format!("{}: {problem}", path_text(path)));
}

fn object(kind: &'static Type, value: &Value, path: &mut Vec<Element>, problems: &mut Vec<String>) {
    let Value::Object(map) = value else {
        if !value.is_null() {
            say(path, &format!("expected map, got {}", unstructured(value)), problems);
        }
        return;
    };
    for (name, inner) in map {
        path.push(field(name));
        match kind.field(name) {
            None => say(path, "field not declared in schema", problems),
            Some(known) => {
                unique(Grain::field(known), inner, path, problems);
                shaped(&known.shape, Some(Grain::field(known)), inner, path, problems);
            }
        }
        path.pop();
    }
}

fn unique(grain: Grain, value: &Value, path: &[Element], problems: &mut Vec<String>) {
    let Some(items) = grain.list(value) else { return };
    let mut seen = BTreeSet::new();
    let mut said = BTreeSet::new();
    for (element, _) in elements(items, grain) {
        if !seen.insert(element.clone()) && said.insert(element.clone()) {
            let key = path_text(std::slice::from_ref(&element));
            let problem = if element.starts_with("v:") {
                format!("duplicate entries for value {key}")
            } else {
                format!("duplicate entries for key {key}")
            };
            say(path, &problem, problems);
        }
    }
}

fn shaped(
    shape: &'static Shape,
    grain: Option<Grain>,
    value: &Value,
    path: &mut Vec<Element>,
    problems: &mut Vec<String>,
) {
    let expected = match (shape, value) {
        (_, Value::Null)
        | (Shape::Any, _)
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Int32 | Shape::Int64 | Shape::Float, Value::Number(_))
        | (Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime, Value::String(_))
        | (Shape::Quantity | Shape::IntOrString, Value::String(_) | Value::Number(_)) => return,
        (Shape::Object(_), value) => {
            if let Some(kind) = shape.object() {
                object(kind, value, path, problems);
            }
            return;
        }
        (Shape::List(inner), Value::Array(items)) => {
            let named = grain.map(|grain| elements(items, grain));
            for (index, item) in items.iter().enumerate() {
                let element = named.as_ref().map_or_else(|| format!("i:{index}"), |named| named[index].0.clone());
                let element = if matches!(grain, Some(Grain::List { .. })) { element } else { format!("i:{index}") };
                path.push(element);
                shaped(inner, None, item, path, problems);
                path.pop();
            }
            return;
        }
        (Shape::Map(inner), Value::Object(map)) => {
            for (name, item) in map {
                path.push(field(name));
                shaped(inner, None, item, path, problems);
                path.pop();
            }
            return;
        }
        (Shape::Bool, _) => format!("expected boolean, got {}", unstructured(value)),
        (Shape::Int32 | Shape::Int64 | Shape::Float, _) => {
            format!("expected numeric (int or float), got {}", go_type(value))
        }
        (Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime, _) => {
            format!("expected string, got {}", unstructured(value))
        }
        (Shape::Quantity | Shape::IntOrString, _) => format!("expected scalar, got {}", unstructured(value)),
        (Shape::List(_), _) => format!("expected list, got {}", unstructured(value)),
        (Shape::Map(_), _) => format!("expected map, got {}", unstructured(value)),
    };
    say(path, &expected, problems);
}

/// What Go's `%#v` makes of a value that it holds without a type.
fn unstructured(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{}}}", go_syntax(value))
}

fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(text) => go_quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", go_quote(key), go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
