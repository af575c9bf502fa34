//! ResourceQuotas: used of hard, requests and counts apart from limits.
//!
//! Mirrors: pkg/printers/internalversion `printResourceQuota`.

use k8s_openapi::api::core::v1::ResourceQuota;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
    string(
        "Limit",
        "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
    ),
    AGE,
];

pub(super) fn cells(quota: &ResourceQuota, now: Now) -> Cells {
    let status = quota.status.clone().unwrap_or_default();
    let used = status.used.unwrap_or_default();
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in status.hard.iter().flatten() {
        let list = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
        list.push(format!("{resource}: {}/{}", used.get(resource).map_or("0", |quantity| &quantity.0), hard.0));
    }
    vec![text(&quota.metadata.name), json!(requests.join(", ")), json!(limits.join(", ")), now.age(&quota.metadata)]
}
