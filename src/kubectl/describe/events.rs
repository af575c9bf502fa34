//! The events at the end of a page.

use api::order::Order;
use serde_json::Value;

use super::common::since;
use super::page::Page;
use super::value::Fields as _;

/// Events about the object; `None` when they were not asked for.
pub type Events<'a> = Option<&'a [Value]>;

/// Writes the table, the least recent event first.
pub fn write(page: &mut Page, events: Events<'_>, now_ms: u64) {
    let Some(events) = events else { return };
    if events.is_empty() {
        page.line(0, "Events:\t<none>");
        return;
    }
    page.realign();
    page.line(0, "Events:");
    page.line(1, "Type\tReason\tAge\tFrom\tMessage");
    page.line(1, "----\t------\t----\t----\t-------");
    let mut sorted: Vec<&Value> = events.iter().collect();
    // Events of the newer kind have no such time and come first; ties keep the server's order.
    sorted.order_by_key(|event| event.text("/lastTimestamp"));
    for event in sorted {
        let mut message = event.text("/message").trim().to_string();
        let path = event.text("/involvedObject/fieldPath");
        if !path.is_empty() {
            message = format!("{path}: {message}");
        }
        let age = age(event, now_ms);
        let source = event.text_or("/source/component", event.text("/reportingComponent"));
        page.line(1, [event.text("/type"), event.text("/reason"), &age, source, &message].join("\t"));
    }
}

/// `5s`, or `5s (x3 over 2m)` for an event that repeated.
fn age(event: &Value, now_ms: u64) -> String {
    let first = since(event.text_or("/eventTime", event.text("/firstTimestamp")), now_ms);
    if event.has("/series") {
        let last = since(event.text("/series/lastObservedTime"), now_ms);
        return format!("{last} (x{} over {first})", event.int("/series/count"));
    }
    match event.int("/count") {
        count if count > 1 => format!("{} (x{count} over {first})", since(event.text("/lastTimestamp"), now_ms)),
        _ => first,
    }
}
