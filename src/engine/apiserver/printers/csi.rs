//! CSI: drivers, what nodes have of them, and their capacity.
//!
//! Mirrors: pkg/printers/internalversion `printCSIDriver`, `printCSINode`, `printCSIStorageCapacity`.

use api::DynamicObject;
use k8s_openapi::api::storage::v1::{CSIDriver, CSINode};
use serde_json::json;

use super::Cells;
use super::cell::{Now, text, text_at, text_or};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const DRIVER_COLUMNS: &[Column] = &[
    NAME,
    field("AttachRequired", "storage/v1.CSIDriverSpec", "attachRequired").of("boolean"),
    field("PodInfoOnMount", "storage/v1.CSIDriverSpec", "podInfoOnMount").of("boolean"),
    field("StorageCapacity", "storage/v1.CSIDriverSpec", "storageCapacity").of("boolean"),
    field("TokenRequests", "storage/v1.CSIDriverSpec", "tokenRequests"),
    field("RequiresRepublish", "storage/v1.CSIDriverSpec", "requiresRepublish").of("boolean"),
    field("Modes", "storage/v1.CSIDriverSpec", "volumeLifecycleModes"),
    AGE,
];

pub(super) const NODE_COLUMNS: &[Column] =
    &[NAME, string("Drivers", "Drivers indicates the number of CSI drivers registered on the node").of("integer"), AGE];

pub(super) const CAPACITY_COLUMNS: &[Column] = &[
    NAME,
    field("StorageClassName", "storage/v1.CSIStorageCapacity", "storageClassName"),
    field("Capacity", "storage/v1.CSIStorageCapacity", "capacity"),
];

pub(super) fn driver_cells(driver: &CSIDriver, now: Now) -> Cells {
    let spec = &driver.spec;
    let modes = spec.volume_lifecycle_modes.as_deref().unwrap_or_default().join(",");
    let audiences = spec
        .token_requests
        .as_ref()
        .map(|requests| requests.iter().map(|request| request.audience.as_str()).collect::<Vec<_>>().join(","));
    vec![
        text(&driver.metadata.name),
        json!(spec.attach_required.unwrap_or(true)),
        json!(spec.pod_info_on_mount.unwrap_or_default()),
        json!(spec.storage_capacity.unwrap_or_default()),
        json!(audiences.as_deref().unwrap_or("<unset>")),
        json!(spec.requires_republish.unwrap_or_default()),
        text_or(Some(&modes), "<none>"),
        now.age(&driver.metadata),
    ]
}

pub(super) fn node_cells(node: &CSINode, now: Now) -> Cells {
    vec![text(&node.metadata.name), json!(node.spec.drivers.len()), now.age(&node.metadata)]
}

pub(super) fn capacity_cells(capacity: &DynamicObject) -> Cells {
    vec![
        text(&capacity.metadata.name),
        text_at(&capacity.fields, &["storageClassName"], ""),
        text_at(&capacity.fields, &["capacity"], "<unset>"),
    ]
}
