//! PersistentVolumes, the claims on them, and VolumeAttachments.
//!
//! Mirrors: pkg/printers/internalversion `printPersistentVolume`, `printPersistentVolumeClaim`,
//! `printVolumeAttachment`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::VolumeAttachment;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Capacity", "core/v1.PersistentVolumeSpec", "capacity"),
    field("Access Modes", "core/v1.PersistentVolumeSpec", "accessModes"),
    field("Reclaim Policy", "core/v1.PersistentVolumeSpec", "persistentVolumeReclaimPolicy"),
    field("Status", "core/v1.PersistentVolumeStatus", "phase"),
    field("Claim", "core/v1.PersistentVolumeSpec", "claimRef"),
    string("StorageClass", "StorageClass of the pv"),
    string("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
    field("Reason", "core/v1.PersistentVolumeStatus", "reason"),
    AGE,
    field("VolumeMode", "core/v1.PersistentVolumeSpec", "volumeMode").wide(),
];

pub(super) const CLAIM_COLUMNS: &[Column] = &[
    NAME,
    field("Status", "core/v1.PersistentVolumeClaimStatus", "phase"),
    field("Volume", "core/v1.PersistentVolumeClaimSpec", "volumeName"),
    field("Capacity", "core/v1.PersistentVolumeClaimStatus", "capacity"),
    field("Access Modes", "core/v1.PersistentVolumeClaimStatus", "accessModes"),
    string("StorageClass", "StorageClass of the pvc"),
    string("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
    AGE,
    field("VolumeMode", "core/v1.PersistentVolumeClaimSpec", "volumeMode").wide(),
];

pub(super) const ATTACHMENT_COLUMNS: &[Column] = &[
    NAME,
    field("Attacher", "storage/v1.VolumeAttachmentSpec", "attacher").format("name"),
    field("PV", "storage/v1.VolumeAttachmentSource", "persistentVolumeName"),
    field("Node", "storage/v1.VolumeAttachmentSpec", "nodeName"),
    field("Attached", "storage/v1.VolumeAttachmentStatus", "attached").of("boolean"),
    AGE,
];

pub(super) fn cells(volume: &PersistentVolume, now: Now) -> Cells {
    let spec = volume.spec.clone().unwrap_or_default();
    let status = volume.status.clone().unwrap_or_default();
    let claim = spec.claim_ref.as_ref().map(|claim| {
        format!("{}/{}", claim.namespace.as_deref().unwrap_or_default(), claim.name.as_deref().unwrap_or_default())
    });
    vec![
        text(&volume.metadata.name),
        json!(storage(spec.capacity.as_ref())),
        json!(access_modes(spec.access_modes.as_deref())),
        text(&spec.persistent_volume_reclaim_policy),
        phase(&volume.metadata, status.phase.as_deref()),
        json!(claim.unwrap_or_default()),
        class(&volume.metadata, spec.storage_class_name.as_deref()),
        or_unset(spec.volume_attributes_class_name.as_deref()),
        text(&status.reason),
        now.age(&volume.metadata),
        or_unset(spec.volume_mode.as_deref()),
    ]
}

pub(super) fn claim_cells(claim: &PersistentVolumeClaim, now: Now) -> Cells {
    let spec = claim.spec.clone().unwrap_or_default();
    let status = claim.status.clone().unwrap_or_default();
    // What was asked for is not shown: only what a volume gives.
    let (capacity, modes) = match spec.volume_name.as_deref() {
        None | Some("") => (String::new(), String::new()),
        Some(_) => (storage(status.capacity.as_ref()), access_modes(status.access_modes.as_deref())),
    };
    vec![
        text(&claim.metadata.name),
        phase(&claim.metadata, status.phase.as_deref()),
        text(&spec.volume_name),
        json!(capacity),
        json!(modes),
        class(&claim.metadata, spec.storage_class_name.as_deref()),
        or_unset(spec.volume_attributes_class_name.as_deref()),
        now.age(&claim.metadata),
        or_unset(spec.volume_mode.as_deref()),
    ]
}

pub(super) fn attachment_cells(attachment: &VolumeAttachment, now: Now) -> Cells {
    let spec = &attachment.spec;
    vec![
        text(&attachment.metadata.name),
        json!(spec.attacher),
        text(&spec.source.persistent_volume_name),
        json!(spec.node_name),
        json!(attachment.status.as_ref().is_some_and(|status| status.attached)),
        now.age(&attachment.metadata),
    ]
}

fn phase(meta: &ObjectMeta, phase: Option<&str>) -> Value {
    match meta.deletion_timestamp {
        Some(_) => json!("Terminating"),
        None => json!(phase.unwrap_or_default()),
    }
}

fn storage(resources: Option<&BTreeMap<String, Quantity>>) -> String {
    resources.and_then(|resources| resources.get("storage")).map_or("0".into(), |quantity| quantity.0.clone())
}

/// The class: the annotation of old wins over the field.
fn class(meta: &ObjectMeta, field: Option<&str>) -> Value {
    let annotation = meta.annotations.as_ref().and_then(|a| a.get("volume.beta.kubernetes.io/storage-class"));
    json!(annotation.map(String::as_str).or(field).unwrap_or_default())
}

fn or_unset(value: Option<&str>) -> Value {
    json!(value.unwrap_or("<unset>"))
}

/// `RWO,ROX,RWX,RWOP`: in this order, each once.
fn access_modes(modes: Option<&[String]>) -> String {
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let modes = modes.unwrap_or_default();
    let present = short.iter().filter(|(mode, _)| modes.iter().any(|m| m == mode));
    present.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}
