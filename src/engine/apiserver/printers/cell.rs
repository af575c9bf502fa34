//! How single values become cells: ages, lists cut short, selectors, absent values.

use std::collections::BTreeMap;

use api::meta::selector::format_label_selector;
use api::meta::time::human_duration;
use k8s_openapi::api::core::v1::Container;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, MicroTime, ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// The instant for which ages are printed, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now(pub u64);

impl Now {
    /// The object's age.
    pub fn age(self, meta: &ObjectMeta) -> Value {
        Value::String(self.since(meta.creation_timestamp.as_ref()))
    }

    /// How long ago `time` was; `<unknown>` without a time.
    pub fn since(self, time: Option<&Time>) -> String {
        self.since_instant(time.map(|t| t.0))
    }

    pub fn since_micro(self, time: Option<&MicroTime>) -> String {
        self.since_instant(time.map(|t| t.0))
    }

    pub fn since_instant(self, instant: Option<Timestamp>) -> String {
        match instant {
            Some(instant) => {
                let now = i64::try_from(self.0).unwrap_or(i64::MAX);
                human_duration(now.saturating_sub(instant.as_millisecond()))
            }
            None => "<unknown>".into(),
        }
    }
}

/// The text, empty when absent.
pub(super) fn text(value: &Option<String>) -> Value {
    json!(value.as_deref().unwrap_or_default())
}

/// The text; `placeholder` when absent or empty.
pub(super) fn text_or(value: Option<&str>, placeholder: &str) -> Value {
    json!(value.filter(|text| !text.is_empty()).unwrap_or(placeholder))
}

/// The number, 0 when absent.
pub(super) fn number(value: Option<i32>) -> Value {
    json!(value.unwrap_or_default())
}

/// Container names and images, for wide output.
pub(super) fn containers(containers: &[Container]) -> [Value; 2] {
    let names: Vec<_> = containers.iter().map(|c| c.name.as_str()).collect();
    let images: Vec<_> = containers.iter().map(|c| c.image.as_deref().unwrap_or_default()).collect();
    [json!(names.join(",")), json!(images.join(","))]
}

/// `key=value` pairs, sorted; `<none>` without any.
pub(super) fn labels(labels: Option<&BTreeMap<String, String>>) -> Value {
    let pairs: Vec<_> = labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    text_or(Some(&pairs.join(",")), "<none>")
}

/// A selector as `k=v,k in (a,b),!k`; `<none>` when it is empty.
pub(super) fn selector(selector: Option<&LabelSelector>) -> Value {
    json!(format_label_selector(selector))
}

/// At most `max` items joined by `separator`, then how many were left out.
pub(super) fn list_with_more(items: &[String], max: usize, separator: &str) -> String {
    let shown = items[..items.len().min(max)].join(separator);
    match items.len().saturating_sub(max) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// A field of a dynamic object by path, null when absent.
pub(super) fn at<'a>(fields: &'a serde_json::Map<String, Value>, path: &[&str]) -> &'a Value {
    let Some((first, rest)) = path.split_first() else { return &Value::Null };
    rest.iter().fold(fields.get(*first).unwrap_or(&Value::Null), |value, key| &value[*key])
}

/// A field's text by path; `placeholder` when absent or empty.
pub(super) fn text_at(fields: &serde_json::Map<String, Value>, path: &[&str], placeholder: &str) -> Value {
    text_or(at(fields, path).as_str(), placeholder)
}
