//! StorageClasses and VolumeAttributesClasses.
//!
//! Mirrors: pkg/printers/internalversion `printStorageClass`, `printVolumeAttributesClass`.

use api::DynamicObject;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text_at};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Provisioner", "storage/v1.StorageClass", "provisioner"),
    field("ReclaimPolicy", "storage/v1.StorageClass", "reclaimPolicy"),
    field("VolumeBindingMode", "storage/v1.StorageClass", "volumeBindingMode"),
    field("AllowVolumeExpansion", "storage/v1.StorageClass", "allowVolumeExpansion"),
    AGE,
];

pub(super) const ATTRIBUTES_COLUMNS: &[Column] =
    &[NAME, field("DriverName", "storage/v1.VolumeAttributesClass", "driverName"), AGE];

pub(super) fn cells(class: &StorageClass, now: Now) -> Cells {
    vec![
        json!(name(
            &class.metadata,
            &["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"],
        )),
        json!(class.provisioner),
        json!(class.reclaim_policy.as_deref().unwrap_or("Delete")),
        json!(class.volume_binding_mode.as_deref().unwrap_or("Immediate")),
        json!(class.allow_volume_expansion.unwrap_or_default()),
        now.age(&class.metadata),
    ]
}

pub(super) fn attributes_cells(class: &DynamicObject, now: Now) -> Cells {
    vec![
        json!(name(&class.metadata, &["volumeattributesclass.alpha.kubernetes.io/is-default-class"])),
        text_at(&class.fields, &["driverName"], ""),
        now.age(&class.metadata),
    ]
}

/// The name, and whether claims without a class get this one.
fn name(meta: &ObjectMeta, default_annotations: &[&str]) -> String {
    let name = meta.name.as_deref().unwrap_or_default();
    let annotation = |key: &&str| meta.annotations.as_ref().and_then(|annotations| annotations.get(*key));
    match default_annotations.iter().filter_map(annotation).any(|value| value == "true") {
        true => format!("{name} (default)"),
        false => name.into(),
    }
}
