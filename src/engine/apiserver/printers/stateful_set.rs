//! StatefulSets.
//!
//! Mirrors: pkg/printers/internalversion `printStatefulSet`.

use k8s_openapi::api::apps::v1::StatefulSet;
use serde_json::json;

use super::Cells;
use super::cell::{Now, containers, text};
use super::column::{AGE, CONTAINERS, Column, IMAGES, NAME, string};

pub(super) const COLUMNS: &[Column] =
    &[NAME, string("Ready", "Number of the pod with ready state"), AGE, CONTAINERS.wide(), IMAGES.wide()];

pub(super) fn cells(set: &StatefulSet, now: Now) -> Cells {
    let spec = set.spec.as_ref();
    let desired = spec.and_then(|spec| spec.replicas).unwrap_or_default();
    let ready = set.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or_default();
    let template = spec.and_then(|spec| spec.template.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    vec![text(&set.metadata.name), json!(format!("{ready}/{desired}")), now.age(&set.metadata), names, images]
}
