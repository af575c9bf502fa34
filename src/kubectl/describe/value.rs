//! Reading objects as kubectl sees them: JSON, where anything may be missing.

use api::order::Order;
use serde_json::{Map, Value};

/// Fields by JSON pointer; what is missing counts as Go's zero value.
pub trait Fields {
    /// The value at a pointer, null when missing.
    fn at(&self, pointer: &str) -> &Value;

    /// Whether something other than null is there.
    fn has(&self, pointer: &str) -> bool {
        !self.at(pointer).is_null()
    }

    fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// The text; `placeholder` when it is missing or empty.
    fn text_or<'a>(&'a self, pointer: &str, placeholder: &'a str) -> &'a str {
        match self.text(pointer) {
            "" => placeholder,
            text => text,
        }
    }

    fn int(&self, pointer: &str) -> i64 {
        self.at(pointer).as_i64().unwrap_or_default()
    }

    fn flag(&self, pointer: &str) -> bool {
        self.at(pointer).as_bool().unwrap_or_default()
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).as_array().map_or(&[], Vec::as_slice)
    }

    /// The texts of a list.
    fn texts(&self, pointer: &str) -> Vec<&str> {
        self.list(pointer).iter().filter_map(Value::as_str).collect()
    }

    /// Keys and values, sorted by key.
    fn entries(&self, pointer: &str) -> Vec<(&str, &Value)> {
        let mut entries: Vec<_> = self
            .at(pointer)
            .as_object()
            .into_iter()
            .flat_map(Map::iter)
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        entries.order_by_key(|(key, _)| *key);
        entries
    }

    /// Texts, numbers and quantities alike, as they are written.
    fn written(&self, pointer: &str) -> String {
        match self.at(pointer) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }
}

impl Fields for Value {
    fn at(&self, pointer: &str) -> &Value {
        self.pointer(pointer).unwrap_or(&Value::Null)
    }
}

/// A value as Go's `%v` prints it: lists in brackets with blanks between.
pub fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key}:{}", go(value))).collect();
            pairs.order();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// A list of texts as Go's `%v` prints it.
pub fn go_list(texts: &[&str]) -> String {
    format!("[{}]", texts.join(" "))
}
