//! Dynamic resources: ResourceClaims and ResourceSlices.
//!
//! Mirrors: pkg/printers/internalversion `printResourceClaim`, `printResourceSlice`.

use api::DynamicObject;
use serde_json::json;

use super::Cells;
use super::cell::{Now, at, text, text_at};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const COLUMNS: &[Column] =
    &[NAME, string("State", "A summary of the current state (allocated, pending, reserved, etc.)."), AGE];

pub(super) const SLICE_COLUMNS: &[Column] = &[
    NAME,
    field("Node", "resource/v1.ResourceSliceSpec", "nodeName"),
    field("Driver", "resource/v1.ResourceSliceSpec", "driver"),
    field("Pool", "resource/v1.ResourcePool", "name"),
    AGE,
];

pub(super) fn cells(claim: &DynamicObject, now: Now) -> Cells {
    let deleted = claim.metadata.deletion_timestamp.is_some();
    let allocated = at(&claim.fields, &["status", "allocation"]).is_object();
    let reserved = at(&claim.fields, &["status", "reservedFor"]).as_array().is_some_and(|list| !list.is_empty());
    let states = [
        (deleted, "deleted"),
        (!allocated && !deleted, "pending"),
        (allocated, "allocated"),
        (allocated && reserved, "reserved"),
    ];
    let state: Vec<_> = states.iter().filter(|(holds, _)| *holds).map(|(_, state)| *state).collect();
    vec![text(&claim.metadata.name), json!(state.join(",")), now.age(&claim.metadata)]
}

pub(super) fn slice_cells(slice: &DynamicObject, now: Now) -> Cells {
    vec![
        text(&slice.metadata.name),
        text_at(&slice.fields, &["spec", "nodeName"], ""),
        text_at(&slice.fields, &["spec", "driver"], ""),
        text_at(&slice.fields, &["spec", "pool", "name"], ""),
        now.age(&slice.metadata),
    ]
}
