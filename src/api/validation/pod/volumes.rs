//! Volumes of pods: exactly one source each, and each source complete.
//!
//! Mirrors: pkg/apis/core/validation `ValidateVolumes`, `validateVolumeSource`. Sources of storage
//! vendors whose plugins are gone are only counted and checked for their required fields.

mod projected;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    CSIVolumeSource, EphemeralVolumeSource, HostPathVolumeSource, ISCSIVolumeSource, KeyToPath, NFSVolumeSource, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::common::{invalid_each, labels, one_of, required};
use super::super::field::{ErrorList, FieldError, Path};
use super::super::object_meta;
use super::super::persistent_volume::claim_spec;
use crate::meta::names;
use crate::meta::quantity::amount;

const FILE_MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// Returns the valid volumes by name, which mounts may refer to.
pub fn volumes<'a>(
    list: &'a [Volume],
    pod: Option<&ObjectMeta>,
    path: &Path,
    errors: &mut ErrorList,
) -> BTreeMap<&'a str, &'a Volume> {
    let mut valid = BTreeMap::new();
    let pod_name = pod.and_then(|meta| meta.name.as_deref()).unwrap_or_default();
    for (i, volume) in list.iter().enumerate() {
        let here = path.index(i);
        let before = errors.len();
        source(volume, pod_name, &here, errors);
        let name = volume.name.as_str();
        if name.is_empty() {
            errors.push(FieldError::required(&here.child("name"), ""));
        } else {
            invalid_each(&here.child("name"), name, names::dns1123_label(name), errors);
        }
        if valid.contains_key(name) {
            errors.push(FieldError::duplicate(&here.child("name"), name));
        }
        if errors.len() == before {
            valid.insert(name, volume);
        }
    }
    valid
}

/// Counts the sources of one volume: the first is read, the others are refused.
struct Sources<'p, 'e> {
    count: usize,
    path: &'p Path<'p>,
    errors: &'e mut ErrorList,
}

impl Sources<'_, '_> {
    fn check<T>(&mut self, field: &str, source: Option<&T>, check: impl FnOnce(&T, &Path, &mut ErrorList)) {
        let Some(source) = source else { return };
        self.count += 1;
        let here = self.path.child(field);
        if self.count > 1 {
            self.errors.push(FieldError::forbidden(&here, "may not specify more than 1 volume type"));
        } else {
            check(source, &here, self.errors);
        }
    }
}

fn source(volume: &Volume, pod_name: &str, path: &Path, errors: &mut ErrorList) {
    let mut sources = Sources { count: 0, path, errors };
    sources.check("emptyDir", volume.empty_dir.as_ref(), |empty_dir, path, errors| {
        if empty_dir.size_limit.as_ref().is_some_and(|limit| amount(limit).is_negative()) {
            let text = "SizeLimit field must be a valid resource quantity";
            errors.push(FieldError::forbidden(&path.child("sizeLimit"), text));
        }
    });
    sources.check("hostPath", volume.host_path.as_ref(), host_path);
    sources.check("gitRepo", volume.git_repo.as_ref(), |repo, path, errors| {
        required(&repo.repository, &path.child("repository"), errors);
        relative_path(repo.directory.as_deref().unwrap_or_default(), &path.child("directory"), errors);
    });
    sources.check("gcePersistentDisk", volume.gce_persistent_disk.as_ref(), |disk, path, errors| {
        required(&disk.pd_name, &path.child("pdName"), errors);
    });
    sources.check("awsElasticBlockStore", volume.aws_elastic_block_store.as_ref(), |disk, path, errors| {
        required(&disk.volume_id, &path.child("volumeID"), errors);
    });
    sources.check("secret", volume.secret.as_ref(), |secret, path, errors| {
        required(secret.secret_name.as_deref().unwrap_or_default(), &path.child("secretName"), errors);
        file_mode(secret.default_mode, &path.child("defaultMode"), errors);
        items(secret.items.as_deref(), path, errors);
    });
    sources.check("nfs", volume.nfs.as_ref(), nfs);
    sources.check("iscsi", volume.iscsi.as_ref(), iscsi);
    sources.check("glusterfs", volume.glusterfs.as_ref(), |gluster, path, errors| {
        required(&gluster.endpoints, &path.child("endpoints"), errors);
        required(&gluster.path, &path.child("path"), errors);
    });
    sources.check("flocker", volume.flocker.as_ref(), |flocker, path, errors| {
        if flocker.dataset_name.is_none() && flocker.dataset_uuid.is_none() {
            errors.push(FieldError::required(path, "one of datasetName and datasetUUID is required"));
        }
    });
    sources.check("persistentVolumeClaim", volume.persistent_volume_claim.as_ref(), |claim, path, errors| {
        required(&claim.claim_name, &path.child("claimName"), errors);
    });
    sources.check("rbd", volume.rbd.as_ref(), |rbd, path, errors| {
        if rbd.monitors.is_empty() {
            errors.push(FieldError::required(&path.child("monitors"), ""));
        }
        required(&rbd.image, &path.child("image"), errors);
    });
    sources.check("cinder", volume.cinder.as_ref(), |cinder, path, errors| {
        required(&cinder.volume_id, &path.child("volumeID"), errors);
    });
    sources.check("cephFS", volume.cephfs.as_ref(), |ceph, path, errors| {
        if ceph.monitors.is_empty() {
            errors.push(FieldError::required(&path.child("monitors"), ""));
        }
    });
    sources.check("quobyte", volume.quobyte.as_ref(), |quobyte, path, errors| {
        required(&quobyte.volume, &path.child("volume"), errors);
    });
    sources.check("downwardAPI", volume.downward_api.as_ref(), |downward, path, errors| {
        file_mode(downward.default_mode, &path.child("defaultMode"), errors);
        for file in downward.items.iter().flatten() {
            projected::downward_file(file, path, errors);
        }
    });
    sources.check("fc", volume.fc.as_ref(), |channel, path, errors| {
        if channel.target_wwns.is_none() && channel.wwids.is_none() {
            let text = "must specify either targetWWNs or wwids, but not both";
            errors.push(FieldError::required(&path.child("targetWWNs"), text));
        }
    });
    sources.check("flexVolume", volume.flex_volume.as_ref(), |flex, path, errors| {
        required(&flex.driver, &path.child("driver"), errors);
    });
    sources.check("configMap", volume.config_map.as_ref(), |config, path, errors| {
        required(&config.name, &path.child("name"), errors);
        file_mode(config.default_mode, &path.child("defaultMode"), errors);
        items(config.items.as_deref(), path, errors);
    });
    sources.check("azureFile", volume.azure_file.as_ref(), |azure, path, errors| {
        required(&azure.secret_name, &path.child("secretName"), errors);
        required(&azure.share_name, &path.child("shareName"), errors);
    });
    sources.check("vsphereVolume", volume.vsphere_volume.as_ref(), |disk, path, errors| {
        required(&disk.volume_path, &path.child("volumePath"), errors);
    });
    sources.check("photonPersistentDisk", volume.photon_persistent_disk.as_ref(), |disk, path, errors| {
        required(&disk.pd_id, &path.child("pdID"), errors);
    });
    sources.check("portworxVolume", volume.portworx_volume.as_ref(), |disk, path, errors| {
        required(&disk.volume_id, &path.child("volumeID"), errors);
    });
    sources.check("azureDisk", volume.azure_disk.as_ref(), |disk, path, errors| {
        required(&disk.disk_name, &path.child("diskName"), errors);
        required(&disk.disk_uri, &path.child("diskURI"), errors);
    });
    sources.check("storageos", volume.storageos.as_ref(), |disk, path, errors| {
        required(disk.volume_name.as_deref().unwrap_or_default(), &path.child("volumeName"), errors);
    });
    sources.check("projected", volume.projected.as_ref(), projected::projected);
    sources.check("scaleIO", volume.scale_io.as_ref(), |disk, path, errors| {
        required(&disk.gateway, &path.child("gateway"), errors);
        required(&disk.system, &path.child("system"), errors);
        required(disk.volume_name.as_deref().unwrap_or_default(), &path.child("volumeName"), errors);
    });
    sources.check("csi", volume.csi.as_ref(), csi);
    sources.check("ephemeral", volume.ephemeral.as_ref(), |source, path, errors| {
        ephemeral(source, path, errors);
    });
    sources.check("image", volume.image.as_ref(), |image, path, errors| {
        required(image.reference.as_deref().unwrap_or_default(), &path.child("reference"), errors);
        let policy = image.pull_policy.as_deref().unwrap_or_default();
        one_of(policy, &["Always", "IfNotPresent", "Never"], &path.child("pullPolicy"), errors);
    });
    let count = sources.count;
    if count == 0 {
        errors.push(FieldError::required(path, "must specify a volume type"));
    }
    // The claim made for an ephemeral volume is named after pod and volume.
    if volume.ephemeral.is_some() && count == 1 && !pod_name.is_empty() && !volume.name.is_empty() {
        let claim = format!("{pod_name}-{}", volume.name);
        for text in names::dns1123_subdomain(&claim) {
            let detail = format!("PVC name {claim:?}: {text}");
            errors.push(FieldError::invalid(&path.child("name"), &volume.name, detail));
        }
    }
}

pub(in crate::validation) fn host_path(source: &HostPathVolumeSource, path: &Path, errors: &mut ErrorList) {
    if source.path.is_empty() {
        errors.push(FieldError::required(&path.child("path"), ""));
        return;
    }
    no_backsteps(&source.path, &path.child("path"), errors);
    if let Some(type_) = source.type_.as_deref() {
        let types =
            ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
        one_of(type_, &types, &path.child("type"), errors);
    }
}

pub(in crate::validation) fn nfs(source: &NFSVolumeSource, path: &Path, errors: &mut ErrorList) {
    required(&source.server, &path.child("server"), errors);
    required(&source.path, &path.child("path"), errors);
    if !source.path.starts_with('/') {
        errors.push(FieldError::invalid(&path.child("path"), &source.path, "must be an absolute path"));
    }
}

fn iscsi(source: &ISCSIVolumeSource, path: &Path, errors: &mut ErrorList) {
    required(&source.target_portal, &path.child("targetPortal"), errors);
    required(&source.iqn, &path.child("iqn"), errors);
    if !source.iqn.is_empty() && !["iqn", "eui", "naa"].iter().any(|prefix| source.iqn.starts_with(prefix)) {
        let text = "must be valid format starting with iqn, eui, or naa";
        errors.push(FieldError::invalid(&path.child("iqn"), &source.iqn, text));
    }
    if !(0..=255).contains(&source.lun) {
        errors.push(FieldError::invalid(&path.child("lun"), source.lun, names::range_text(0, 255)));
    }
}

fn csi(source: &CSIVolumeSource, path: &Path, errors: &mut ErrorList) {
    csi_driver_name(&source.driver, &path.child("driver"), errors);
    if source.node_publish_secret_ref.as_ref().is_some_and(|secret| secret.name.is_empty()) {
        errors.push(FieldError::required(&path.child("nodePublishSecretRef").child("name"), ""));
    }
}

pub(in crate::validation) fn csi_driver_name(name: &str, path: &Path, errors: &mut ErrorList) {
    required(name, path, errors);
    if name.len() > 63 {
        errors.push(FieldError::too_long(path, 63));
    }
    invalid_each(path, name, names::dns1123_subdomain(&name.to_lowercase()), errors);
}

fn ephemeral(source: &EphemeralVolumeSource, path: &Path, errors: &mut ErrorList) {
    let here = path.child("volumeClaimTemplate");
    let Some(template) = &source.volume_claim_template else {
        errors.push(FieldError::required(&here, ""));
        return;
    };
    let meta = template.metadata.clone().unwrap_or_default();
    let meta_path = here.child("metadata");
    object_meta::annotations(meta.annotations.as_ref(), &meta_path.child("annotations"), errors);
    labels(meta.labels.as_ref(), &meta_path.child("labels"), errors);
    claim_spec(&template.spec, &here.child("spec"), errors);
}

pub(super) fn file_mode(mode: Option<i32>, path: &Path, errors: &mut ErrorList) {
    if let Some(mode) = mode.filter(|mode| !(0..=0o777).contains(mode)) {
        errors.push(FieldError::invalid(path, mode, FILE_MODE));
    }
}

fn items(items: Option<&[KeyToPath]>, path: &Path, errors: &mut ErrorList) {
    for (i, item) in items.unwrap_or_default().iter().enumerate() {
        key_to_path(item, &path.child("items").index(i), errors);
    }
}

pub(super) fn key_to_path(item: &KeyToPath, path: &Path, errors: &mut ErrorList) {
    required(&item.key, &path.child("key"), errors);
    required(&item.path, &path.child("path"), errors);
    local_path(&item.path, &path.child("path"), errors);
    file_mode(item.mode, &path.child("mode"), errors);
}

/// A relative path that stays below its root.
pub(in crate::validation) fn relative_path(text: &str, path: &Path, errors: &mut ErrorList) {
    if text.starts_with('/') {
        errors.push(FieldError::invalid(path, text, "must be a relative path"));
    }
    no_backsteps(text, path, errors);
}

/// As [`relative_path`], and not hidden behind two dots, which the kubelet reserves.
pub(super) fn local_path(text: &str, path: &Path, errors: &mut ErrorList) {
    relative_path(text, path, errors);
    if text.starts_with("..") && !text.starts_with("../") {
        errors.push(FieldError::invalid(path, text, "must not start with '..'"));
    }
}

pub(in crate::validation) fn no_backsteps(text: &str, path: &Path, errors: &mut ErrorList) {
    if has_backsteps(text) {
        errors.push(FieldError::invalid(path, text, "must not contain '..'"));
    }
}

pub(super) fn has_backsteps(text: &str) -> bool {
    text.split('/').any(|step| step == "..")
}
