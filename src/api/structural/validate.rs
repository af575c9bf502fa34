//! Whether an object fits its structural schema, in the words of kube-openapi.
//!
//! Mirrors: kube-openapi/pkg/validation/{validate,errors}, apiextensions-apiserver
//! pkg/apiserver/validation `kubeOpenapiResultToFieldErrors`, pkg/apiserver/schema/listtype.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::patterns::Patterns;
use super::{ROOT, cel, child, flag};
use crate::order::Gather;
use crate::validation::field::{ErrorKind, ErrorList, FieldError};
use crate::validation::go_value::GoValue;

const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

const TOO_MUCH: &str =
    "the schema and the object multiply to more steps than are taken here; not everything was validated";

/// Everything that forbids the object; `old` is what it replaces, for rules about transitions.
pub fn validate(schema: &Value, object: &Value, old: Option<&Value>) -> ErrorList {
    let mut errors = ErrorList::new();
    let look = Look {
        patterns: Patterns::default(),
        supported: RefCell::default(),
        left: Cell::new(STEPS + STEPS_PER_VALUE * count_values(object)),
    };
    check(schema, object, "", true, &look, &mut errors);
    if look.left.get() == 0 {
        errors.push(error(ErrorKind::Invalid, "<nil>", GoValue::Null, TOO_MUCH));
    }
    lists(schema, object, "", &mut errors);
    let blocks = |error: &FieldError| {
        use ErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
        matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)
    };
    if !errors.iter().any(blocks) {
        cel::Rules::new(&look.patterns).check(schema, object, old, "", &mut errors);
    } else if cel::has_rules(schema) {
        errors.push(FieldError {
            kind: ErrorKind::Invalid,
            field: "<nil>".into(),
            value: GoValue::Null,
            detail: UNCHECKED.into(),
        });
    }
    errors
}

/// As [`validate`]: what was wrong before and has not been touched may stay wrong.
pub fn validate_update(schema: &Value, object: &Value, old: &Value) -> ErrorList {
    let mut errors = validate(schema, object, Some(old));
    if errors.is_empty() {
        return errors;
    }
    let before = validate(schema, old, None);
    let touched = |error: &FieldError| value_at(object, &error.field) != value_at(old, &error.field);
    let mut known: BTreeMap<&str, Vec<&FieldError>> = BTreeMap::new();
    before.iter().for_each(|error| known.entry(&error.field).or_default().push(error));
    let stood = |error: &FieldError| known.get(error.field.as_str()).is_some_and(|all| all.contains(&error));
    errors.retain(|error| match error.field.as_str() {
        "<nil>" => error.detail == TOO_MUCH,
        _ => touched(error) || !stood(error),
    });
    errors
}

fn value_at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split(['.', '[', ']']).filter(|step| !step.is_empty()).try_fold(object, |at, step| match at {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

fn error(kind: ErrorKind, path: &str, value: impl Into<GoValue>, detail: impl Into<String>) -> FieldError {
    FieldError { kind, field: path.into(), value: value.into(), detail: detail.into() }
}

fn number(schema: &Value, key: &str) -> Option<f64> {
    schema.get(key).and_then(Value::as_f64)
}

fn count(schema: &Value, key: &str) -> Option<usize> {
    schema.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What one validation shares.
struct Look {
    patterns: Patterns,
    /// The sentence about the values of each enumeration that was missed, by where it is: it may be long, and missed often.
    supported: RefCell<BTreeMap<*const Value, String>>,
    /// Steps that may still be taken: a schema and an object of a few kilobytes each can multiply to minutes.
    left: Cell<usize>,
}

/// Steps that are taken of the smallest object, and for each of its values: a real schema takes a few.
const STEPS: usize = 20_000;
const STEPS_PER_VALUE: usize = 10;

impl Look {
    /// Takes steps, if there are any left.
    fn step(&self, steps: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(steps));
        self.left.get() > 0
    }

    fn supported(&self, allowed: &[Value]) -> String {
        let make = || {
            let list: Vec<String> = allowed.iter().map(Value::to_string).collect();
            format!("supported values: {}", list.join(", "))
        };
        self.supported.borrow_mut().entry(allowed.as_ptr()).or_insert_with(make).clone()
    }

    /// Says what is wrong; long sentences are long ways.
    fn say(&self, errors: &mut ErrorList, error: FieldError) {
        if self.step(1 + (error.field.len() + error.detail.len()) / 64) {
            errors.push(error);
        }
    }
}

fn count_values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count_values).sum(),
        Value::Object(map) => map.values().map(count_values).sum(),
        _ => 0,
    }
}

fn check(schema: &Value, value: &Value, path: &str, root: bool, look: &Look, errors: &mut ErrorList) {
    if !look.step(1) {
        return;
    }
    if value.is_null() && (flag(schema, "nullable") || schema.get("type").is_none()) {
        return;
    }
    if !type_fits(schema, value, path, look, errors) {
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && look.step(allowed.len() / 16)
        && !allowed.contains(value)
    {
        let detail = look.supported(allowed);
        look.say(errors, error(ErrorKind::NotSupported, path, value.clone(), detail));
    }
    match value {
        Value::Number(_) => bounds(schema, value, path, look, errors),
        Value::String(text) => text_rules(schema, text, path, look, errors),
        Value::Array(items) => {
            item_counts(schema, items, path, look, errors);
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    check(inner, item, &format!("{path}[{index}]"), false, look, errors);
                }
            }
        }
        Value::Object(map) => {
            for (name, inner) in map {
                if root && ROOT.contains(&name.as_str()) {
                    continue;
                }
                if let Some(known) = child(schema, name) {
                    let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    check(known, inner, &here, false, look, errors);
                }
            }
            for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if !map.contains_key(name) {
                    let here = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                    look.say(errors, error(ErrorKind::Required, &here, GoValue::Null, ""));
                }
            }
            property_counts(schema, map.len(), path, look, errors);
        }
        Value::Null | Value::Bool(_) => {}
    }
    junctors(schema, value, path, look, errors);
}

/// The subject of a sentence: `spec.size in body`.
fn body(path: &str) -> String {
    format!("{path} in body")
}

fn type_fits(schema: &Value, value: &Value, path: &str, look: &Look, errors: &mut ErrorList) -> bool {
    let found = type_of(value);
    let expected = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let fits = if flag(schema, "x-kubernetes-int-or-string") {
        matches!(found, "integer" | "string")
    } else {
        match expected {
            "" => true,
            "number" => matches!(found, "number" | "integer"),
            "integer" => found == "integer" || value.as_f64().is_some_and(|n| n.fract() == 0.0),
            other => found == other,
        }
    };
    if !fits {
        let expected = if expected.is_empty() { "integer,string" } else { expected };
        let detail = format!("{} must be of type {expected}: {found:?}", body(path));
        look.say(errors, error(ErrorKind::TypeInvalid, path, found, detail));
    }
    fits
}

fn bounds(schema: &Value, value: &Value, path: &str, look: &Look, errors: &mut ErrorList) {
    let found = value.as_f64().unwrap_or_default();
    let mut say = |rule: String| {
        let detail = format!("{} {rule}", body(path));
        look.say(errors, error(ErrorKind::Invalid, path, value.clone(), detail));
    };
    let show = |key: &str| schema.get(key).map(ToString::to_string).unwrap_or_default();
    if let Some(most) = number(schema, "maximum") {
        if flag(schema, "exclusiveMaximum") && found >= most {
            say(format!("should be less than {}", show("maximum")));
        } else if found > most {
            say(format!("should be less than or equal to {}", show("maximum")));
        }
    }
    if let Some(least) = number(schema, "minimum") {
        if flag(schema, "exclusiveMinimum") && found <= least {
            say(format!("should be greater than {}", show("minimum")));
        } else if found < least {
            say(format!("should be greater than or equal to {}", show("minimum")));
        }
    }
    if let Some(step) = number(schema, "multipleOf")
        && step != 0.0
        && (found / step).fract() != 0.0
    {
        say(format!("should be a multiple of {}", show("multipleOf")));
    }
}

fn text_rules(schema: &Value, text: &str, path: &str, look: &Look, errors: &mut ErrorList) {
    let letters = text.chars().count();
    if let Some(most) = count(schema, "maxLength").filter(|most| letters > *most) {
        let unit = if most == 1 { "byte" } else { "bytes" };
        look.say(errors, error(ErrorKind::TooLong, path, GoValue::Null, format!("may not be more than {most} {unit}")));
    }
    if let Some(least) = count(schema, "minLength").filter(|least| letters < *least) {
        let detail = format!("{} should be at least {least} chars long", body(path));
        look.say(errors, error(ErrorKind::Invalid, path, text, detail));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        let detail = match look.patterns.is_match(pattern, text) {
            Ok(true) => None,
            Ok(false) => Some(format!("{} should match '{pattern}'", body(path))),
            Err(why) => Some(format!("{} should match '{pattern}': {why}", body(path))),
        };
        if let Some(detail) = detail {
            look.say(errors, error(ErrorKind::Invalid, path, text, detail));
        }
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str)
        && !has_format(format, text)
    {
        let detail = format!("{} must be of type {format}: {text:?}", body(path));
        look.say(errors, error(ErrorKind::Invalid, path, text, detail));
    }
}

/// Formats that upstream checks; others are notes for readers.
fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" => crate::schema::time_error(text, false).is_none(),
        "date" => crate::schema::time_error(&format!("{text}T00:00:00Z"), false).is_none(),
        "byte" => crate::schema::base64_error(text).is_none(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uuid" => {
            let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
            text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hex)
        }
        _ => true,
    }
}

fn item_counts(schema: &Value, items: &[Value], path: &str, look: &Look, errors: &mut ErrorList) {
    if let Some(most) = count(schema, "maxItems").filter(|most| items.len() > *most) {
        let unit = if most == 1 { "item" } else { "items" };
        look.say(errors, error(ErrorKind::TooMany, path, items.len(), format!("must have at most {most} {unit}")));
    }
    if let Some(least) = count(schema, "minItems").filter(|least| items.len() < *least) {
        let detail = format!("{} should have at least {least} items", body(path));
        look.say(errors, error(ErrorKind::Invalid, path, items.len(), detail));
    }
}

fn property_counts(schema: &Value, found: usize, path: &str, look: &Look, errors: &mut ErrorList) {
    if let Some(most) = count(schema, "maxProperties").filter(|most| found > *most) {
        let unit = if most == 1 { "item" } else { "items" };
        look.say(errors, error(ErrorKind::TooMany, path, found, format!("must have at most {most} {unit}")));
    }
    if let Some(least) = count(schema, "minProperties").filter(|least| found < *least) {
        let detail = format!("{} should have at least {least} properties", body(path));
        look.say(errors, error(ErrorKind::Invalid, path, found, detail));
    }
}

/// `allOf`, `anyOf`, `oneOf` and `not`, which in a structural schema only narrow.
fn junctors(schema: &Value, value: &Value, path: &str, look: &Look, errors: &mut ErrorList) {
    let branches = |key: &str| schema.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let fits = |branch: &Value| {
        let mut found = ErrorList::new();
        check(branch, value, path, path.is_empty(), look, &mut found);
        found.is_empty()
    };
    let mut say = |rule: &str| {
        let detail = format!("{} {rule}", body(path));
        look.say(errors, error(ErrorKind::Invalid, path, value.clone(), detail));
    };
    let any = branches("anyOf");
    if !any.is_empty() && !any.iter().any(fits) {
        say("must validate at least one schema (anyOf)");
    }
    let one = branches("oneOf");
    if !one.is_empty() && one.iter().filter(|branch| fits(branch)).count() != 1 {
        say("must validate one and only one schema (oneOf)");
    }
    if schema.get("not").is_some_and(fits) {
        say("must not validate the schema (not)");
    }
    for branch in branches("allOf") {
        check(branch, value, path, path.is_empty(), look, errors);
    }
}

/// Lists that are sets or maps hold nothing twice.
fn lists(schema: &Value, value: &Value, path: &str, errors: &mut ErrorList) {
    match value {
        Value::Array(items) => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            let key_of = |item: &Value| match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
                Some("set") => Some(item.clone()),
                Some("map") => {
                    let pairs = keys.into_iter().flatten().filter_map(|key| {
                        let key = key.as_str()?;
                        Some((key.to_string(), item.get(key)?.clone()))
                    });
                    Some(Value::Object(pairs.into_object()))
                }
                _ => None,
            };
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let here = format!("{path}[{index}]");
                if let Some(key) = key_of(item)
                    && !seen.insert(key.to_string())
                {
                    errors.push(error(ErrorKind::Duplicate, &here, key, ""));
                }
                if let Some(inner) = schema.get("items") {
                    lists(inner, item, &here, errors);
                }
            }
        }
        Value::Object(map) => {
            for (name, inner) in map {
                if let Some(known) = child(schema, name) {
                    let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    lists(known, inner, &here, errors);
                }
            }
        }
        _ => {}
    }
}
