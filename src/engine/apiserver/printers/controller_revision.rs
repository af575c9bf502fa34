//! ControllerRevisions: the history of StatefulSets and DaemonSets.
//!
//! Mirrors: pkg/printers/internalversion `printControllerRevision`.

use api::scheme::{group_resource, split_api_version};
use k8s_openapi::api::apps::v1::ControllerRevision;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Controller", "Controller of the object"),
    field("Revision", "apps/v1.ControllerRevision", "revision"),
    AGE,
];

pub(super) fn cells(revision: &ControllerRevision, now: Now) -> Cells {
    let owner = revision.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    let controller = owner.map_or("<none>".into(), |owner| {
        let (group, _) = split_api_version(&owner.api_version);
        format!("{}/{}", group_resource(&owner.kind.to_lowercase(), group), owner.name)
    });
    vec![text(&revision.metadata.name), json!(controller), json!(revision.revision), now.age(&revision.metadata)]
}
