//! DaemonSets.
//!
//! Mirrors: pkg/printers/internalversion `printDaemonSet`.

use k8s_openapi::api::apps::v1::DaemonSet;
use serde_json::json;

use super::Cells;
use super::cell::{Now, containers, labels, number, selector, text};
use super::column::{AGE, CONTAINERS, Column, IMAGES, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Desired", "apps/v1.DaemonSetStatus", "desiredNumberScheduled").of("integer"),
    field("Current", "apps/v1.DaemonSetStatus", "currentNumberScheduled").of("integer"),
    field("Ready", "apps/v1.DaemonSetStatus", "numberReady").of("integer"),
    field("Up-to-date", "apps/v1.DaemonSetStatus", "updatedNumberScheduled").of("integer"),
    field("Available", "apps/v1.DaemonSetStatus", "numberAvailable").of("integer"),
    field("Node Selector", "core/v1.PodSpec", "nodeSelector"),
    AGE,
    CONTAINERS.wide(),
    IMAGES.wide(),
    field("Selector", "apps/v1.DaemonSetSpec", "selector").wide(),
];

pub(super) fn cells(set: &DaemonSet, now: Now) -> Cells {
    let status = set.status.clone().unwrap_or_default();
    let spec = set.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    vec![
        text(&set.metadata.name),
        json!(status.desired_number_scheduled),
        json!(status.current_number_scheduled),
        json!(status.number_ready),
        number(status.updated_number_scheduled),
        number(status.number_available),
        labels(template.and_then(|pod| pod.node_selector.as_ref())),
        now.age(&set.metadata),
        names,
        images,
        selector(spec.map(|spec| &spec.selector)),
    ]
}
