//! Defaults of volumes and claims.
//!
//! Mirrors: pkg/apis/core/v1/defaults.go `SetDefaults_Volume`, `SetDefaults_*VolumeSource`,
//! `SetDefaults_PersistentVolume*`; pkg/apis/storage/v1/defaults.go.

use k8s_openapi::api::core::v1::{
    DownwardAPIVolumeFile, HostPathVolumeSource, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    ResourceFieldSelector, Volume, VolumeProjection,
};
use k8s_openapi::api::storage::v1::{CSIDriver, StorageClass};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::fill::{
    canonical, drop_blank, drop_empty, drop_empty_map, drop_zero, object_meta, resources, set, set_text,
};

/// `rw-r--r--`
const FILE_MODE: i32 = 0o644;

pub(super) fn volume(volume: &mut Volume) {
    if !has_source(volume) {
        volume.empty_dir = Some(Default::default());
    }
    if let Some(empty_dir) = &mut volume.empty_dir {
        drop_blank(&mut empty_dir.medium);
        canonical(&mut empty_dir.size_limit);
    }
    if let Some(config_map) = &mut volume.config_map {
        set(&mut config_map.default_mode, FILE_MODE);
        drop_empty(&mut config_map.items);
    }
    if let Some(secret) = &mut volume.secret {
        set(&mut secret.default_mode, FILE_MODE);
        drop_empty(&mut secret.items);
    }
    if let Some(downward) = &mut volume.downward_api {
        set(&mut downward.default_mode, FILE_MODE);
        downward.items.iter_mut().flatten().for_each(downward_file);
    }
    if let Some(projected) = &mut volume.projected {
        set(&mut projected.default_mode, FILE_MODE);
        projected.sources.iter_mut().flatten().for_each(projection);
    }
    volume.host_path.iter_mut().for_each(host_path);
    if let Some(claim) = &mut volume.persistent_volume_claim {
        drop_zero(&mut claim.read_only);
    }
    if let Some(nfs) = &mut volume.nfs {
        drop_zero(&mut nfs.read_only);
    }
    if let Some(iscsi) = &mut volume.iscsi {
        set_text(&mut iscsi.iscsi_interface, "default");
    }
    if let Some(rbd) = &mut volume.rbd {
        set_text(&mut rbd.pool, "rbd");
        set_text(&mut rbd.user, "admin");
        set_text(&mut rbd.keyring, "/etc/ceph/keyring");
    }
    if let Some(disk) = &mut volume.azure_disk {
        set(&mut disk.caching_mode, "ReadWrite".into());
        set(&mut disk.kind, "Shared".into());
        set(&mut disk.fs_type, "ext4".into());
        set(&mut disk.read_only, false);
    }
    if let Some(scale_io) = &mut volume.scale_io {
        set_text(&mut scale_io.storage_mode, "ThinProvisioned");
        set_text(&mut scale_io.fs_type, "xfs");
    }
    if let Some(template) = volume.ephemeral.as_mut().and_then(|source| source.volume_claim_template.as_mut()) {
        object_meta(template.metadata.get_or_insert_default());
        claim_spec(&mut template.spec);
    }
    if let Some(image) = &mut volume.image {
        let policy = if super::pod_spec::tag(image.reference.as_deref().unwrap_or_default()) == "latest" {
            "Always"
        } else {
            "IfNotPresent"
        };
        set_text(&mut image.pull_policy, policy);
    }
}

fn has_source(volume: &Volume) -> bool {
    let empty = Volume { name: volume.name.clone(), ..Volume::default() };
    *volume != empty
}

pub(super) fn host_path(source: &mut HostPathVolumeSource) {
    set(&mut source.type_, String::new());
}

pub(super) fn divisor(selector: &mut ResourceFieldSelector) {
    set(&mut selector.divisor, Quantity("0".into()));
    canonical(&mut selector.divisor);
    drop_blank(&mut selector.container_name);
}

fn downward_file(file: &mut DownwardAPIVolumeFile) {
    if let Some(field) = &mut file.field_ref {
        set_text(&mut field.api_version, "v1");
    }
    file.resource_field_ref.iter_mut().for_each(divisor);
}

fn projection(source: &mut VolumeProjection) {
    if let Some(token) = &mut source.service_account_token {
        set(&mut token.expiration_seconds, 60 * 60);
        drop_blank(&mut token.audience);
    }
    if let Some(downward) = &mut source.downward_api {
        downward.items.iter_mut().flatten().for_each(downward_file);
    }
}

pub(super) fn claim(claim: &mut PersistentVolumeClaim) {
    claim_spec(claim.spec.get_or_insert_default());
}

pub(super) fn claim_spec(spec: &mut PersistentVolumeClaimSpec) {
    set(&mut spec.volume_mode, "Filesystem".into());
    drop_empty(&mut spec.access_modes);
    drop_blank(&mut spec.volume_name);
    let requirements = spec.resources.get_or_insert_default();
    resources(&mut requirements.limits);
    resources(&mut requirements.requests);
}

pub(super) fn persistent_volume(volume: &mut PersistentVolume) {
    let spec = volume.spec.get_or_insert_default();
    set_text(&mut spec.persistent_volume_reclaim_policy, "Retain");
    set(&mut spec.volume_mode, "Filesystem".into());
    drop_blank(&mut spec.storage_class_name);
    drop_empty(&mut spec.access_modes);
    drop_empty(&mut spec.mount_options);
    resources(&mut spec.capacity);
    spec.host_path.iter_mut().for_each(host_path);
    if let Some(iscsi) = &mut spec.iscsi {
        set_text(&mut iscsi.iscsi_interface, "default");
    }
}

pub(super) fn storage_class(class: &mut StorageClass) {
    set(&mut class.reclaim_policy, "Delete".into());
    set(&mut class.volume_binding_mode, "Immediate".into());
    drop_empty_map(&mut class.parameters);
    drop_empty(&mut class.mount_options);
    drop_empty(&mut class.allowed_topologies);
}

pub(super) fn csi_driver(driver: &mut CSIDriver) {
    let spec = &mut driver.spec;
    set(&mut spec.attach_required, true);
    set(&mut spec.pod_info_on_mount, false);
    set(&mut spec.storage_capacity, false);
    set(&mut spec.fs_group_policy, "ReadWriteOnceWithFSType".into());
    if spec.volume_lifecycle_modes.as_ref().is_none_or(Vec::is_empty) {
        spec.volume_lifecycle_modes = Some(vec!["Persistent".into()]);
    }
    set(&mut spec.requires_republish, false);
    set(&mut spec.se_linux_mount, false);
}
