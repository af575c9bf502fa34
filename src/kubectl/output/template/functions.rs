//! The functions templates may call. Pure.

use base64::Engine as _;
use serde_json::Value;

use super::super::{gofmt, json};
use super::is_true;

/// Calls a function by name.
///
/// # Errors
/// An unknown function, or arguments it cannot take.
pub(super) fn call(name: &str, arguments: &[&Value]) -> Result<Value, String> {
    let first = || arguments.first().copied().unwrap_or(&Value::Null);
    match name {
        "len" => match first() {
            Value::Array(list) => Ok(list.len().into()),
            Value::Object(map) => Ok(map.len().into()),
            Value::String(text) => Ok(text.len().into()),
            other => Err(format!("error calling len: len of type {}", gofmt::v(other))),
        },
        "index" => index(arguments),
        "slice" => slice(arguments),
        "print" => Ok(print(arguments).into()),
        "println" => {
            Ok(format!("{}\n", arguments.iter().map(|value| gofmt::v(value)).collect::<Vec<_>>().join(" ")).into())
        }
        "printf" => Ok(printf(arguments).into()),
        "html" => Ok(replaced(
            &print(arguments),
            &[('&', "&amp;"), ('\'', "&#39;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;")],
        )
        .into()),
        "js" => Ok(replaced(
            &print(arguments),
            &[
                ('\\', "\\\\"),
                ('\'', "\\'"),
                ('"', "\\\""),
                ('<', "\\u003C"),
                ('>', "\\u003E"),
                ('&', "\\u0026"),
                ('=', "\\u003D"),
                ('\n', "\\u000A"),
                ('\t', "\\u0009"),
            ],
        )
        .into()),
        "urlquery" => Ok(url_query(&print(arguments)).into()),
        "not" => Ok((!is_true(first())).into()),
        "and" => {
            let value = arguments.iter().find(|value| !is_true(value)).or(arguments.last());
            Ok(value.map_or(Value::Null, |value| Value::clone(value)))
        }
        "or" => {
            let value = arguments.iter().find(|value| is_true(value)).or(arguments.last());
            Ok(value.map_or(Value::Null, |value| Value::clone(value)))
        }
        "eq" => Ok(arguments[1.min(arguments.len())..].iter().any(|other| same(first(), other)).into()),
        "ne" => Ok((!arguments.get(1).is_some_and(|other| same(first(), other))).into()),
        "lt" | "le" | "gt" | "ge" => compare(name, first(), arguments.get(1).unwrap_or(&&Value::Null)),
        "exists" => {
            let found = index(arguments);
            Ok(found.is_ok_and(|value| !value.is_null()).into())
        }
        "base64decode" => {
            let text = gofmt::v(first());
            let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_bytes()).map_err(|_| {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
                let at = text.bytes().position(|byte| !legal(byte)).unwrap_or(text.len() & !3);
                format!("error calling base64decode: base64 decode failed: illegal base64 data at input byte {at}")
            })?;
            Ok(String::from_utf8_lossy(&bytes).into_owned().into())
        }
        other => Err(format!("function {other:?} not defined")),
    }
}

pub(super) const KNOWN: &[&str] = &[
    "len",
    "index",
    "slice",
    "print",
    "println",
    "printf",
    "html",
    "js",
    "urlquery",
    "not",
    "and",
    "or",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "exists",
    "base64decode",
];

fn index(arguments: &[&Value]) -> Result<Value, String> {
    let Some((base, keys)) = arguments.split_first() else { return Err("index of untyped nil".into()) };
    let mut value: &Value = base;
    for key in keys {
        value = match (value, key) {
            (Value::Array(list), Value::Number(at)) => {
                let at = at.as_f64().unwrap_or(-1.0);
                match list.get(at as usize).filter(|_| at >= 0.0) {
                    Some(item) => item,
                    None => return Err(format!("error calling index: index out of range: {at}")),
                }
            }
            (Value::Object(map), Value::String(key)) => map.get(key).unwrap_or(&Value::Null),
            (Value::Null, _) => return Err("error calling index: index of untyped nil".into()),
            (other, _) => return Err(format!("error calling index: can't index item of type {}", gofmt::v(other))),
        };
    }
    Ok(value.clone())
}

/// Texts stand close, other neighbours keep a blank between them.
fn print(arguments: &[&Value]) -> String {
    let mut text = String::new();
    for (at, value) in arguments.iter().enumerate() {
        if at > 0 && !value.is_string() && !arguments[at - 1].is_string() {
            text.push(' ');
        }
        text.push_str(&gofmt::v(value));
    }
    text
}

fn replaced(text: &str, pairs: &[(char, &str)]) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match pairs.iter().find(|(known, _)| *known == letter) {
            Some((_, escaped)) => out.push_str(escaped),
            None => out.push(letter),
        }
    }
    out
}

fn url_query(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn slice(arguments: &[&Value]) -> Result<Value, String> {
    let Some((base, bounds)) = arguments.split_first() else { return Err("slice of untyped nil".into()) };
    let length = match base {
        Value::String(text) => text.len(),
        Value::Array(list) => list.len(),
        other => return Err(format!("error calling slice: can't slice item of type {}", gofmt::v(other))),
    };
    let bound = |at: usize, default: usize| match bounds.get(at).and_then(|bound| bound.as_f64()) {
        None => Ok(default),
        Some(number) if number >= 0.0 && number <= length as f64 => Ok(number as usize),
        Some(number) => Err(format!("error calling slice: index out of range: {number}")),
    };
    let (from, to) = (bound(0, 0)?, bound(1, length)?);
    if from > to {
        return Err(format!("error calling slice: invalid slice index: {from} > {to}"));
    }
    Ok(match base {
        Value::String(text) => text.get(from..to).unwrap_or_default().into(),
        Value::Array(list) => Value::Array(list[from..to].to_vec()),
        _ => Value::Null,
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn compare(name: &str, a: &Value, b: &Value) -> Result<Value, String> {
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    let Some(order) = order else { return Err(format!("error calling {name}: incompatible types for comparison")) };
    Ok(match name {
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    }
    .into())
}

/// Wider than this nothing is printed.
const MOST_COLUMNS: usize = 1_000_000;

/// `%s %v %d %q %t`, with widths.
fn printf(arguments: &[&Value]) -> String {
    let Some((format, rest)) = arguments.split_first() else { return String::new() };
    let (format, mut rest, mut text) = (gofmt::v(format), rest.iter(), String::new());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let mut width = String::new();
        let verb = loop {
            match letters.next() {
                Some(c) if c.is_ascii_digit() || c == '-' || c == '.' => width.push(c),
                other => break other,
            }
        };
        let (left, columns) = (width.starts_with('-'), width.trim_start_matches('-').parse::<usize>().unwrap_or(0));
        if columns > MOST_COLUMNS {
            // Go loses its place there.
            text.push_str("%!(NOVERB)");
            break;
        }
        let value = match verb {
            Some('%') => "%".to_string(),
            None => "%!(NOVERB)".into(),
            Some(verb) => match rest.next() {
                None => format!("%!{verb}(MISSING)"),
                Some(value) if verb == 'q' => json::quote(&gofmt::v(value)),
                Some(value) => gofmt::v(value),
            },
        };
        let padding = " ".repeat(columns.saturating_sub(value.chars().count()));
        let parts = if left { [value, padding] } else { [padding, value] };
        parts.iter().for_each(|part| text.push_str(part));
    }
    text
}
