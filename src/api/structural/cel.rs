//! Validation rules of custom resources: `x-kubernetes-validations`, written in CEL.
//!
//! Mirrors: apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go. Left out: costs, types
//! before evaluation, optional values; a rule that uses what is missing here refuses every object and says why.

mod eval;
mod parse;

use serde_json::Value;

use super::child;
use crate::validation::field::{ErrorKind, ErrorList, FieldError};
use crate::validation::go_value::GoValue;

const RULES: &str = "x-kubernetes-validations";

/// Whether the schema has a rule anywhere.
pub fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(RULES) || map.values().any(has_rules),
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}

/// Evaluates the rules of the schema and of everything below it.
pub fn check(schema: &Value, value: &Value, old: Option<&Value>, path: &str, errors: &mut ErrorList) {
    if value.is_null() {
        return;
    }
    for rule in schema.get(RULES).and_then(Value::as_array).into_iter().flatten() {
        apply(rule, value, old, path, errors);
    }
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let Some(known) = child(schema, name) else { continue };
                let named = schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
                let here = match (named, path.is_empty()) {
                    (true, true) => name.clone(),
                    (true, false) => format!("{path}.{name}"),
                    (false, _) => format!("{path}[{name}]"),
                };
                check(known, inner, old.and_then(|old| old.get(name)), &here, errors);
            }
        }
        Value::Array(items) => {
            if let Some(known) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    // Only lists with keys say which item an item was before.
                    check(known, item, None, &format!("{path}[{index}]"), errors);
                }
            }
        }
        _ => {}
    }
}

fn apply(rule: &Value, value: &Value, old: Option<&Value>, path: &str, errors: &mut ErrorList) {
    let part = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
    let text = part("rule");
    let about_change = text.contains("oldSelf");
    if about_change && old.is_none() {
        return;
    }
    let scope = eval::Scope::new(value, old.filter(|_| about_change));
    let run = |text: &str| parse::parse(text).and_then(|expression| eval::eval(&expression, &scope));
    let message = match run(text) {
        Ok(Value::Bool(true)) => return,
        Ok(Value::Bool(false)) => match run(part("messageExpression")) {
            Ok(Value::String(message)) if !message.is_empty() => message,
            _ if !part("message").is_empty() => part("message").to_string(),
            _ => format!("failed rule: {text}"),
        },
        Ok(_) => format!("cel expression evaluated to a value that is no boolean: {text}"),
        Err(why) => format!("{why} evaluating rule: {text}"),
    };
    let field = format!("{path}{}", part("fieldPath"));
    let field = field.trim_start_matches('.').to_string();
    let (kind, value, detail) = match part("reason") {
        "FieldValueRequired" => (ErrorKind::Required, GoValue::Null, message),
        "FieldValueForbidden" => (ErrorKind::Forbidden, GoValue::Null, message),
        "FieldValueDuplicate" => (ErrorKind::Duplicate, GoValue::Printed(message), String::new()),
        // The value itself is left out.
        _ => (ErrorKind::Invalid, GoValue::Printed(message), String::new()),
    };
    errors.push(FieldError { kind, field, value, detail });
}
