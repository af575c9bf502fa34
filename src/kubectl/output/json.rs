//! JSON as Go writes it: sorted keys, `<`, `>` and `&` escaped. Pure.

use api::order::Order;
use serde_json::Value;

/// Indented by four blanks, as `-o json`.
pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, Some(0), &mut text);
    text
}

/// On one line, as `json.Marshal`.
pub fn compact(value: &Value) -> String {
    let mut text = String::new();
    write(value, None, &mut text);
    text
}

/// On one line, fields in this order and none but these: structs that no kind of the API is.
pub fn in_order(value: &Value, fields: &[&str]) -> String {
    match value {
        Value::Object(map) => {
            let present = fields.iter().filter_map(|name| Some((*name, map.get(*name)?)));
            let parts: Vec<String> =
                present.map(|(name, value)| format!("{}:{}", quote(name), in_order(value, fields))).collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(|item| in_order(item, fields)).collect();
            format!("[{}]", parts.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => compact(value),
    }
}

/// A line of JSON as `json.Indent` breaks it.
pub fn indented(line: &str, step: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut letters = line.chars().peekable();
    let newline = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n(step, depth));
    };
    while let Some(letter) = letters.next() {
        if quoted {
            text.push(letter);
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '{' | '[' if letters.peek().is_some_and(|next| matches!(next, '}' | ']')) => text.push(letter),
            '{' | '[' => {
                text.push(letter);
                depth += 1;
                newline(&mut text, depth);
            }
            '}' | ']' if text.ends_with(['{', '[']) => text.push(letter),
            '}' | ']' => {
                depth -= 1;
                newline(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                newline(&mut text, depth);
            }
            ':' => text.push_str(": "),
            other => {
                quoted = other == '"';
                text.push(other);
            }
        }
    }
    text
}

fn write(value: &Value, depth: Option<usize>, text: &mut String) {
    let (open, close) = match value {
        Value::Object(map) if map.is_empty() => return text.push_str("{}"),
        Value::Array(list) if list.is_empty() => return text.push_str("[]"),
        Value::Object(_) => ('{', '}'),
        Value::Array(_) => ('[', ']'),
        Value::String(string) => return text.push_str(&quote(string)),
        Value::Number(number) => return text.push_str(&super::gofmt::number(number)),
        Value::Bool(_) | Value::Null => return text.push_str(&value.to_string()),
    };
    text.push(open);
    let inner = depth.map(|depth| depth + 1);
    let mut first = true;
    let mut separate = |text: &mut String| {
        if !std::mem::take(&mut first) {
            text.push(',');
        }
        newline(inner, text);
    };
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.order_by_key(|(key, _)| *key);
            for (key, value) in fields {
                separate(text);
                text.push_str(&quote(key));
                text.push_str(if depth.is_some() { ": " } else { ":" });
                write(value, inner, text);
            }
        }
        Value::Array(list) => {
            for value in list {
                separate(text);
                write(value, inner, text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    newline(depth, text);
    text.push(close);
}

fn newline(depth: Option<usize>, text: &mut String) {
    if let Some(depth) = depth {
        text.push('\n');
        text.extend(std::iter::repeat_n("    ", depth));
    }
}

/// A string as Go's JSON encoder writes it.
pub fn quote(string: &str) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", letter as u32)),
            control if (control as u32) < 0x20 => text.push_str(&format!("\\u{:04x}", control as u32)),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}
