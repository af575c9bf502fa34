//! ReplicaSets, and the ReplicationControllers they replaced.
//!
//! Mirrors: pkg/printers/internalversion `printReplicaSet`, `printReplicationController`.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::ReplicationController;

use super::Cells;
use super::cell::{Now, containers, labels, number, selector, text};
use super::column::{AGE, CONTAINERS, Column, IMAGES, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Desired", "apps/v1.ReplicaSetSpec", "replicas").of("integer"),
    field("Current", "apps/v1.ReplicaSetStatus", "replicas").of("integer"),
    field("Ready", "apps/v1.ReplicaSetStatus", "readyReplicas").of("integer"),
    AGE,
    CONTAINERS.wide(),
    IMAGES.wide(),
    field("Selector", "apps/v1.ReplicaSetSpec", "selector").wide(),
];

pub(super) const CONTROLLER_COLUMNS: &[Column] = &[
    NAME,
    field("Desired", "core/v1.ReplicationControllerSpec", "replicas").of("integer"),
    field("Current", "core/v1.ReplicationControllerStatus", "replicas").of("integer"),
    field("Ready", "core/v1.ReplicationControllerStatus", "readyReplicas").of("integer"),
    AGE,
    CONTAINERS.wide(),
    IMAGES.wide(),
    field("Selector", "core/v1.ReplicationControllerSpec", "selector").wide(),
];

pub(super) fn cells(set: &ReplicaSet, now: Now) -> Cells {
    let status = set.status.as_ref();
    let spec = set.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.as_ref()?.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    vec![
        text(&set.metadata.name),
        number(spec.and_then(|spec| spec.replicas)),
        number(status.map(|status| status.replicas)),
        number(status.and_then(|status| status.ready_replicas)),
        now.age(&set.metadata),
        names,
        images,
        selector(spec.map(|spec| &spec.selector)),
    ]
}

pub(super) fn controller_cells(controller: &ReplicationController, now: Now) -> Cells {
    let status = controller.status.as_ref();
    let spec = controller.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.as_ref()?.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    vec![
        text(&controller.metadata.name),
        number(spec.and_then(|spec| spec.replicas)),
        number(status.map(|status| status.replicas)),
        number(status.and_then(|status| status.ready_replicas)),
        now.age(&controller.metadata),
        names,
        images,
        labels(spec.and_then(|spec| spec.selector.as_ref())),
    ]
}
