//! Values as Go prints them inside error texts: JSON with Go's field names, in Go's field order.
//!
//! Mirrors: encoding/json as used by apimachinery/pkg/util/validation/field `ErrorDetail`.

use crate::order::Gather;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

/// A value for printing. Unlike `serde_json::Value`, structs keep the order of their fields.
#[derive(Debug, Clone, PartialEq)]
pub enum GoValue {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<GoValue>),
    Struct(Vec<(&'static str, GoValue)>),
    Map(BTreeMap<String, GoValue>),
    /// Already printed.
    Printed(String),
}

impl fmt::Display for GoValue {
    /// Compact JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(&json_string(text)),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Struct(fields) => write_object(f, fields.iter().map(|(name, value)| (*name, value))),
            Self::Map(entries) => write_object(f, entries.iter().map(|(name, value)| (name.as_str(), value))),
            Self::Printed(text) => f.write_str(text),
        }
    }
}

fn write_object<'a>(f: &mut fmt::Formatter<'_>, fields: impl Iterator<Item = (&'a str, &'a GoValue)>) -> fmt::Result {
    f.write_str("{")?;
    for (i, (name, value)) in fields.enumerate() {
        write!(f, "{}{}:{value}", if i > 0 { "," } else { "" }, json_string(name))?;
    }
    f.write_str("}")
}

impl GoValue {
    /// Indented by one space a level, as the diffs of immutable specs show it; of very long ones the beginning.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(&mut out, 0);
        out
    }

    fn write_pretty(&self, out: &mut String, depth: usize) {
        match self {
            Self::List(items) if !items.is_empty() => {
                let items: Vec<(Option<&str>, &Self)> = items.iter().map(|item| (None, item)).collect();
                write_block(out, depth, ('[', ']'), &items);
            }
            Self::Struct(fields) if !fields.is_empty() => {
                let items: Vec<(Option<&str>, &Self)> = fields.iter().map(|(name, item)| (Some(*name), item)).collect();
                write_block(out, depth, ('{', '}'), &items);
            }
            Self::Map(entries) if !entries.is_empty() => {
                let items: Vec<(Option<&str>, &Self)> =
                    entries.iter().map(|(name, item)| (Some(name.as_str()), item)).collect();
                write_block(out, depth, ('{', '}'), &items);
            }
            plain => out.push_str(&plain.to_string()),
        }
    }

    /// A list, or null where Go has a nil slice.
    pub fn list<T>(items: Option<&Vec<T>>, convert: impl Fn(&T) -> Self) -> Self {
        items.map_or(Self::Null, |items| Self::List(items.iter().map(convert).collect()))
    }

    /// A map of texts, or null where Go has a nil map.
    pub fn text_map(map: Option<&BTreeMap<String, String>>) -> Self {
        map.map_or(Self::Null, |map| {
            Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::Text(value.clone()))).into_map())
        })
    }

    /// A resource list, or null where Go has a nil map.
    pub fn quantities(map: Option<&BTreeMap<String, Quantity>>) -> Self {
        map.map_or(Self::Null, |map| {
            Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::Text(value.0.clone()))).into_map())
        })
    }

    /// A plain string field: absent prints as `""`.
    pub fn text(text: Option<&String>) -> Self {
        Self::Text(text.cloned().unwrap_or_default())
    }
}

fn write_block(out: &mut String, depth: usize, (open, close): (char, char), items: &[(Option<&str>, &GoValue)]) {
    out.push(open);
    for (i, (name, item)) in items.iter().enumerate() {
        if out.len() > MOST_SHOWN {
            break;
        }
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        indent(out, depth + 1);
        if let Some(name) = name {
            out.push_str(&json_string(name));
            out.push_str(": ");
        }
        item.write_pretty(out, depth + 1);
    }
    out.push('\n');
    indent(out, depth);
    out.push(close);
}

/// A pod of hundreds of containers is as long as this. Nobody reads what differs behind them, and a body of a few
/// kilobytes would make megabytes of it.
const MOST_SHOWN: usize = 512 << 10;

fn indent(out: &mut String, depth: usize) {
    (0..depth).for_each(|_| out.push(' '));
}

/// A JSON string with Go's extra caution about HTML.
fn json_string(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_./:".contains(&byte)) {
        return format!("\"{text}\"");
    }
    let plain = Value::String(text.to_string()).to_string();
    plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

impl From<&str> for GoValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<String> for GoValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for GoValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for GoValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! from_numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for GoValue {
            fn from(value: $number) -> Self {
                Self::Number(value as i64)
            }
        })*
    };
}

from_numbers!(i32, i64, u16, u32, usize);

impl<T: Into<GoValue>> From<Option<T>> for GoValue {
    /// A Go pointer: nil prints as null.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<&IntOrString> for GoValue {
    fn from(value: &IntOrString) -> Self {
        match value {
            IntOrString::Int(number) => (*number).into(),
            IntOrString::String(text) => text.into(),
        }
    }
}

impl From<&Quantity> for GoValue {
    fn from(quantity: &Quantity) -> Self {
        Self::Text(quantity.0.clone())
    }
}

impl From<Value> for GoValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => number.as_i64().map_or_else(|| Self::Printed(number.to_string()), Self::Number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Into::into).collect()),
            Value::Object(map) => Self::Map(map.into_iter().map(|(key, value)| (key, value.into())).into_map()),
        }
    }
}

impl From<&Vec<String>> for GoValue {
    fn from(items: &Vec<String>) -> Self {
        Self::List(items.iter().map(Into::into).collect())
    }
}

impl From<&LabelSelector> for GoValue {
    /// metav1 has JSON names, and leaves empty parts out.
    fn from(selector: &LabelSelector) -> Self {
        let mut fields = Vec::new();
        if let Some(labels) = selector.match_labels.as_ref().filter(|labels| !labels.is_empty()) {
            fields.push(("matchLabels", Self::text_map(Some(labels))));
        }
        if let Some(expressions) = selector.match_expressions.as_ref().filter(|list| !list.is_empty()) {
            let list = expressions.iter().map(|expression| {
                let mut fields = vec![("key", (&expression.key).into()), ("operator", (&expression.operator).into())];
                if let Some(values) = expression.values.as_ref().filter(|values| !values.is_empty()) {
                    fields.push(("values", values.into()));
                }
                Self::Struct(fields)
            });
            fields.push(("matchExpressions", Self::List(list.collect())));
        }
        Self::Struct(fields)
    }
}

impl From<&OwnerReference> for GoValue {
    fn from(owner: &OwnerReference) -> Self {
        let mut fields = vec![
            ("apiVersion", (&owner.api_version).into()),
            ("kind", (&owner.kind).into()),
            ("name", (&owner.name).into()),
            ("uid", (&owner.uid).into()),
        ];
        fields.extend(owner.controller.map(|value| ("controller", value.into())));
        fields.extend(owner.block_owner_deletion.map(|value| ("blockOwnerDeletion", value.into())));
        Self::Struct(fields)
    }
}

impl From<&ObjectReference> for GoValue {
    fn from(reference: &ObjectReference) -> Self {
        Self::Struct(vec![
            ("Kind", Self::text(reference.kind.as_ref())),
            ("Namespace", Self::text(reference.namespace.as_ref())),
            ("Name", Self::text(reference.name.as_ref())),
            ("UID", Self::text(reference.uid.as_ref())),
            ("APIVersion", Self::text(reference.api_version.as_ref())),
            ("ResourceVersion", Self::text(reference.resource_version.as_ref())),
            ("FieldPath", Self::text(reference.field_path.as_ref())),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_keep_their_order() {
        let value = GoValue::Struct(vec![
            ("Name", "a<b".into()),
            ("Age", 3.into()),
            ("Tags", GoValue::Null),
            ("List", GoValue::List(vec![1.into()])),
        ]);
        assert_eq!(value.to_string(), r#"{"Name":"a\u003cb","Age":3,"Tags":null,"List":[1]}"#);
        assert_eq!(
            value.pretty(),
            "{\n \"Name\": \"a\\u003cb\",\n \"Age\": 3,\n \"Tags\": null,\n \"List\": [\n  1\n ]\n}"
        );
    }
}
