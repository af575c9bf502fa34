//! Kinds without a page of their own, custom resources among them: their fields as a tree.

use api::order::Order;
use serde_json::{Map, Value};

use super::common::heading;
use super::events::{self, Events};
use super::page::Page;

pub fn render(object: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, object, true);
    if let Some(fields) = object.as_object() {
        tree(&mut page, 0, fields, "");
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

/// Shown above already, or of no interest.
const SKIPPED: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

fn tree(page: &mut Page, level: usize, fields: &Map<String, Value>, path: &str) {
    let mut keys: Vec<&String> = fields.keys().collect();
    keys.order();
    for key in keys {
        let path = format!("{path}.{key}");
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        match &fields[key] {
            Value::Object(inner) => {
                page.line(level, format!("{}:", label(key)));
                tree(page, level + 1, inner, &path);
            }
            Value::Array(list) => {
                page.line(level, format!("{}:", label(key)));
                for element in list {
                    match element {
                        Value::Object(inner) => tree(page, level + 1, inner, &path),
                        other => page.line(level + 1, super::value::go(other)),
                    }
                }
            }
            other => page.field(level, &label(key), super::value::go(other)),
        }
    }
}

/// `apiVersion` as `API Version`, `jobTemplate` as `Job Template`. Names with other characters stay.
///
/// Mirrors: `smartLabelFor`.
fn label(key: &str) -> String {
    if key.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return key.into();
    }
    let mut words: Vec<String> = Vec::new();
    for word in split(key) {
        // An acronym takes the next capital's word with it: `CIDRs`, not `CID Rs`.
        match words.last_mut() {
            Some(last)
                if last.len() >= 2 && last.chars().all(char::is_uppercase) && word.starts_with(char::is_uppercase) =>
            {
                last.push_str(&word);
            }
            _ => words.push(word),
        }
    }
    let shown: Vec<String> = words
        .into_iter()
        .map(|word| match word.to_uppercase() {
            acronym if ["API", "URL", "UID", "GUID"].contains(&acronym.as_str()) => acronym,
            _ if word.to_lowercase() == word => {
                let mut chars = word.chars();
                chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
            }
            _ => word,
        })
        .collect();
    shown.join(" ")
}

/// Cuts camel case: before each capital that follows a small letter, and before the last capital of a run.
///
/// Mirrors: fatih/camelcase `Split`.
fn split(key: &str) -> Vec<String> {
    let chars: Vec<char> = key.chars().collect();
    let class = |c: char| {
        if c.is_lowercase() {
            1
        } else if c.is_uppercase() {
            2
        } else {
            4
        }
    };
    let mut words: Vec<String> = Vec::new();
    let mut last = 0;
    for &c in &chars {
        match words.last_mut() {
            Some(word) if class(c) == last => word.push(c),
            _ => words.push(c.to_string()),
        }
        last = class(c);
    }
    for at in 1..words.len() {
        let (before, after) = words.split_at_mut(at);
        let (upper, lower) = (&mut before[at - 1], &mut after[0]);
        if upper.starts_with(char::is_uppercase)
            && lower.starts_with(char::is_lowercase)
            && let Some(capital) = upper.pop()
        {
            lower.insert(0, capital);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels_are_words() {
        for (key, want) in [
            ("apiVersion", "API Version"),
            ("kind", "Kind"),
            ("creationTimestamp", "Creation Timestamp"),
            ("uid", "UID"),
            ("podCIDR", "Pod CIDR"),
            ("resourceVersion", "Resource Version"),
            ("x_y", "x_y"),
            ("v1", "v1"),
        ] {
            assert_eq!(label(key), want, "{key}");
        }
    }
}
