//! What many describers share: names, labels, annotations, times, selectors, tolerations, taints.

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use api::meta::selector::format_label_selector;
use api::meta::time::{human_duration, parse_rfc3339};
use api::order::Order;
use serde_json::Value;

use super::page::Page;
use super::value::Fields as _;

/// Longer annotations are shortened.
const MAX_ANNOTATION: usize = 140;
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Labels, one a line under each other.
pub fn labels(page: &mut Page, title: &str, labels: &Value) {
    indented_labels(page, "", title, labels);
}

/// The same with every line indented.
pub fn indented_labels(page: &mut Page, indent: &str, title: &str, labels: &Value) {
    let lines: Vec<_> =
        labels.entries("").into_iter().map(|(key, value)| format!("{key}={}", value.text(""))).collect();
    under_each_other(page, indent, title, &lines);
}

/// `title:` and lines aligned behind it, or `<none>`.
pub fn under_each_other(page: &mut Page, indent: &str, title: &str, lines: &[String]) {
    if lines.is_empty() {
        page.line(0, format!("{indent}{title}:\t<none>"));
    }
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 => page.line(0, format!("{indent}{title}:\t{line}")),
            _ => page.line(0, format!("{indent}\t{line}")),
        }
    }
}

/// Annotations, long ones shortened and on lines of their own. What `apply` remembers is left out.
pub fn annotations(page: &mut Page, title: &str, annotations: &Value) {
    let shown: Vec<_> = annotations.entries("").into_iter().filter(|(key, _)| *key != LAST_APPLIED).collect();
    page.raw(format!("{title}:\t"));
    if shown.is_empty() {
        page.raw("<none>\n");
    }
    for (index, (key, value)) in shown.into_iter().enumerate() {
        if index != 0 {
            page.raw("\t");
        }
        let value = value.text("");
        let value = value.strip_suffix('\n').unwrap_or(value);
        if value.len() + key.len() + 2 > MAX_ANNOTATION || value.contains('\n') {
            page.raw(format!("{key}:\n"));
            for line in value.split('\n') {
                page.raw(format!("\t  {}\n", shorten(line, MAX_ANNOTATION - 2)));
            }
        } else {
            page.raw(format!("{key}: {value}\n"));
        }
    }
}

fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.into();
    }
    // Bytes are counted; a character cut in two would be no text.
    let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}...", &text[..end])
}

/// `key=value,…` on one line, or `<none>`.
pub fn one_line(labels: &Value) -> String {
    let pairs: Vec<_> =
        labels.entries("").into_iter().map(|(key, value)| format!("{key}={}", value.text(""))).collect();
    or_none(&pairs.join(",")).into()
}

pub fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// A label selector in kubectl's words; `<none>` when it is empty.
pub fn selector(value: &Value) -> String {
    let parsed: Option<LabelSelector> = match value {
        Value::Null => None,
        value => api::codec::decode(value.clone()).ok(),
    };
    format_label_selector(parsed.as_ref())
}

/// A label selector as the API server takes it; empty when it selects everything.
pub fn plain_selector(value: &Value) -> String {
    match selector(value) {
        none if none == "<none>" => String::new(),
        text => text,
    }
}

/// `Kind/name` of the owner that controls the object.
pub fn controller(object: &Value) -> Option<String> {
    let owner = object.list("/metadata/ownerReferences").iter().find(|owner| owner.flag("/controller"))?;
    Some(format!("{}/{}", owner.text("/kind"), owner.text("/name")))
}

/// Whether `owner` controls the object.
pub fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    let mut owners = object.list("/metadata/ownerReferences").iter();
    owners.any(|reference| reference.flag("/controller") && reference.text("/uid") == owner.uid())
}

/// A time as kubectl writes dates: `Mon, 02 Jan 2006 15:04:05 +0000`.
pub fn date(time: &str) -> String {
    // What Go prints for no time at all.
    const ZERO: &str = "Mon, 01 Jan 0001 00:00:00 +0000";
    match time.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(),
        Err(_) => ZERO.into(),
    }
}

/// How long ago a time was.
pub fn since(time: &str, now_ms: u64) -> String {
    match parse_rfc3339(time) {
        Some(instant) => human_duration(i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_sub(instant)),
        None => "<unknown>".into(),
    }
}

pub fn boolean(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// `True`, `False`, or `<unset>`.
pub fn optional_boolean(value: &Value) -> &'static str {
    value.as_bool().map_or("<unset>", boolean)
}

/// The beginning of most pages. `namespaced` objects show where they are.
pub fn heading(page: &mut Page, object: &Value, namespaced: bool) {
    page.field(0, "Name", object.name());
    if namespaced {
        page.field(0, "Namespace", object.namespace());
    }
    metadata(page, object);
}

/// Labels and annotations.
pub fn metadata(page: &mut Page, object: &Value) {
    labels(page, "Labels", object.at("/metadata/labels"));
    annotations(page, "Annotations", object.at("/metadata/annotations"));
}

/// Tolerations under a title, sorted by key.
pub fn tolerations(page: &mut Page, title: &str, tolerations: &[Value]) {
    let mut sorted: Vec<&Value> = tolerations.iter().collect();
    sorted.order_by_key(|toleration| toleration.text("/key"));
    let lines: Vec<_> = sorted.into_iter().map(toleration).collect();
    under_each_other(page, "", title, &lines);
}

fn toleration(toleration: &Value) -> String {
    let (key, value, effect) = (toleration.text("/key"), toleration.text("/value"), toleration.text("/effect"));
    let mut line = key.to_string();
    if !value.is_empty() {
        line.push_str(&format!("={value}"));
    }
    if !effect.is_empty() {
        line.push_str(&format!(":{effect}"));
    }
    if toleration.text("/operator") == "Exists" && value.is_empty() {
        // Without key and effect it tolerates everything.
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str("op=Exists");
    }
    if toleration.has("/tolerationSeconds") {
        line.push_str(&format!(" for {}s", toleration.int("/tolerationSeconds")));
    }
    line
}

/// Taints, sorted by effect and key.
pub fn taints(page: &mut Page, taints: &[Value]) {
    let mut sorted: Vec<&Value> = taints.iter().collect();
    sorted.order_by_key(|taint| format!("{},{}", taint.text("/effect"), taint.text("/key")));
    let lines: Vec<_> = sorted
        .into_iter()
        .map(|taint| match (taint.text("/key"), taint.text("/value"), taint.text("/effect")) {
            (key, "", "") => key.into(),
            (key, "", effect) => format!("{key}:{effect}"),
            (key, value, "") => format!("{key}={value}:"),
            (key, value, effect) => format!("{key}={value}:{effect}"),
        })
        .collect();
    under_each_other(page, "", "Taints", &lines);
}

/// The conditions of a workload: type, status, reason.
pub fn workload_conditions(page: &mut Page, object: &Value) {
    let conditions = object.list("/status/conditions");
    if conditions.is_empty() {
        return;
    }
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tReason");
    page.line(1, "----\t------\t------");
    for condition in conditions {
        let part = |pointer| condition.text(pointer);
        page.line(1, format!("{} \t{}\t{}", part("/type"), part("/status"), part("/reason")));
    }
}

/// Conditions with the time of their last change and a message.
pub fn timed_conditions(page: &mut Page, conditions: &[Value]) {
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t------------------\t------\t-------");
    for condition in conditions {
        let part = |pointer| condition.text(pointer);
        let changed = date(part("/lastTransitionTime"));
        let line = [part("/type"), part("/status"), &changed, part("/reason"), part("/message")].join("\t");
        page.line(1, line);
    }
}

/// The storage class: the annotation of old wins over the field.
pub fn storage_class(claim_or_volume: &Value) -> &str {
    match claim_or_volume.text("/metadata/annotations/volume.beta.kubernetes.io~1storage-class") {
        "" => claim_or_volume.text("/spec/storageClassName"),
        annotation => annotation,
    }
}

/// `RWO,ROX,RWX,RWOP`: in this order, each once.
pub fn access_modes(modes: &[&str]) -> String {
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let present = short.iter().filter(|(mode, _)| modes.contains(mode));
    present.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}
