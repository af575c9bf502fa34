//! `-o kyaml`: YAML in flow style with quoted strings. Pure.
//!
//! Mirrors: sigs.k8s.io/yaml/kyaml.

use serde_json::Value;

use super::json;

pub fn emit(value: &Value) -> String {
    let mut text = String::from("---\n");
    write(value, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = |depth: usize| "  ".repeat(depth);
    match value {
        Value::Object(map) if map.is_empty() => text.push_str("{}"),
        Value::Array(list) if list.is_empty() => text.push_str("[]"),
        Value::Object(map) => {
            text.push_str("{\n");
            for (key, value) in map {
                text.push_str(&format!("{}{}: ", indent(depth + 1), self::key(key)));
                write(value, depth + 1, text);
                text.push_str(",\n");
            }
            text.push_str(&format!("{}}}", indent(depth)));
        }
        Value::Array(list) => {
            // Brackets and braces of a list of objects share a line.
            let cuddled = list.iter().all(|item| item.is_object());
            if cuddled {
                text.push('[');
                for (at, item) in list.iter().enumerate() {
                    if at > 0 {
                        text.push_str(", ");
                    }
                    write(item, depth, text);
                }
                text.push(']');
                return;
            }
            text.push_str("[\n");
            for item in list {
                text.push_str(&indent(depth + 1));
                write(item, depth + 1, text);
                text.push_str(",\n");
            }
            text.push_str(&format!("{}]", indent(depth)));
        }
        Value::String(string) if string.contains('\n') => {
            // Folded: each line on its own, one blank deeper than the text's depth allows.
            text.push_str("\"\\\n");
            for line in string.split_inclusive('\n') {
                let quoted = json::quote(line.trim_end_matches('\n'));
                let inner = &quoted[1..quoted.len() - 1];
                // A blank in front would be folded away.
                let guard = if inner.starts_with(' ') { "\\" } else { "" };
                let end = if line.ends_with('\n') { "\\n\\\n" } else { "\\\n" };
                text.push_str(&format!("{} {guard}{inner}{end}", indent(depth + 1)));
            }
            text.push_str(&format!("{}\"", indent(depth + 1)));
        }
        Value::String(string) => text.push_str(&json::quote(string)),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

/// Keys stay bare where no parser could take them for something else.
fn key(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let ambiguous =
        matches!(key.to_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    if plain && !ambiguous { key.into() } else { json::quote(key) }
}
