//! Events: when last, of what kind, why, about what. The server's order is the name's, not time's.
//!
//! Mirrors: pkg/printers/internalversion `printEvent`.

use k8s_openapi::api::core::v1::Event;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    field("Last Seen", "core/v1.Event", "lastTimestamp"),
    field("Type", "core/v1.Event", "type"),
    field("Reason", "core/v1.Event", "reason"),
    field("Object", "core/v1.Event", "involvedObject"),
    field("Subobject", "core/v1.ObjectReference", "fieldPath").wide(),
    field("Source", "core/v1.Event", "source").wide(),
    field("Message", "core/v1.Event", "message"),
    field("First Seen", "core/v1.Event", "firstTimestamp").wide(),
    field("Count", "core/v1.Event", "count").wide(),
    NAME.wide(),
];

pub(super) fn cells(event: &Event, now: Now) -> Cells {
    let first = match &event.first_timestamp {
        Some(first) => now.since(Some(first)),
        None => now.since_micro(event.event_time.as_ref()),
    };
    let (last, count) = match (&event.series, &event.last_timestamp) {
        (Some(series), _) => (now.since_micro(series.last_observed_time.as_ref()), series.count.unwrap_or_default()),
        (None, last) => {
            let last = last.as_ref().map_or(first.clone(), |last| now.since(Some(last)));
            // An event that happened once may carry no count.
            (last, event.count.filter(|count| *count != 0).unwrap_or(1))
        }
    };
    let object = &event.involved_object;
    let kind = object.kind.as_deref().unwrap_or_default().to_lowercase();
    let target = match object.name.as_deref() {
        Some(name) if !name.is_empty() => format!("{kind}/{name}"),
        _ => kind,
    };
    vec![
        json!(last),
        text(&event.type_),
        text(&event.reason),
        json!(target),
        text(&object.field_path),
        json!(source(event)),
        json!(event.message.as_deref().unwrap_or_default().trim()),
        json!(first),
        json!(count),
        text(&event.metadata.name),
    ]
}

/// `component, host`, in the words of either generation of the events API.
fn source(event: &Event) -> String {
    let first = |old: Option<&String>, new: Option<&String>| {
        old.into_iter().chain(new).find(|text| !text.is_empty()).cloned().unwrap_or_default()
    };
    let source = event.source.as_ref();
    let component = first(source.and_then(|s| s.component.as_ref()), event.reporting_component.as_ref());
    match first(source.and_then(|s| s.host.as_ref()), event.reporting_instance.as_ref()) {
        host if host.is_empty() => component,
        host => format!("{component}, {host}"),
    }
}
