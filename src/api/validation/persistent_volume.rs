//! Volumes, claims and storage classes.
//!
//! Mirrors: pkg/apis/core/validation `ValidatePersistentVolume*`, pkg/apis/storage/validation.

use k8s_openapi::api::core::v1::{
    PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::common::{immutable_as, invalid_each, label_name, label_selector, one_of, required};
use super::diff::diff;
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::pod::{self, volumes};
use super::resources::{positive_quantity, quantity_value};
use super::{internal, resources};
use crate::meta::names;
use crate::meta::quantity::amount;

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];

pub(super) fn claim(claim: &PersistentVolumeClaim, errors: &mut ErrorList) {
    let spec = claim.spec.clone().unwrap_or_default();
    claim_spec(&spec, &Path::ROOT.child("spec"), errors);
}

pub(super) fn claim_spec(spec: &PersistentVolumeClaimSpec, path: &Path, errors: &mut ErrorList) {
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    if modes.is_empty() {
        errors.push(FieldError::required(&path.child("accessModes"), "at least 1 access mode is required"));
    }
    label_selector(spec.selector.as_ref(), &path.child("selector"), errors);
    access_modes(modes, path, errors);
    let requirements = path.child("resources");
    let here = requirements.key("storage");
    match spec.resources.as_ref().and_then(|resources| resources.requests.as_ref()?.get("storage")) {
        None => errors.push(FieldError::required(&here, "")),
        Some(storage) => {
            let before = errors.len();
            positive_quantity(storage, &here, errors);
            if errors.len() == before {
                quantity_value("storage", storage, &here, errors);
            }
        }
    }
    if let Some(class) = spec.storage_class_name.as_deref().filter(|class| !class.is_empty()) {
        invalid_each(&path.child("storageClassName"), class, names::dns1123_subdomain(class), errors);
    }
    if let Some(mode) = spec.volume_mode.as_deref() {
        one_of(mode, &VOLUME_MODES, &path.child("volumeMode"), errors);
    }
    if let Some(source) = &spec.data_source {
        data_source(source.api_group.as_deref(), &source.kind, &source.name, &path.child("dataSource"), errors);
    }
    if let Some(source) = &spec.data_source_ref {
        data_source(source.api_group.as_deref(), &source.kind, &source.name, &path.child("dataSourceRef"), errors);
    }
    if let Some(class) = spec.volume_attributes_class_name.as_deref().filter(|class| !class.is_empty()) {
        invalid_each(&path.child("volumeAttributesClassName"), class, names::dns1123_subdomain(class), errors);
    }
}

fn access_modes(modes: &[String], path: &Path, errors: &mut ErrorList) {
    let here = path.child("accessModes");
    for mode in modes {
        one_of(mode, &ACCESS_MODES, &here, errors);
    }
    let exclusive = modes.iter().any(|mode| mode == "ReadWriteOncePod");
    let shared = modes.iter().any(|mode| mode != "ReadWriteOncePod" && ACCESS_MODES.contains(&mode.as_str()));
    if exclusive && shared {
        errors.push(FieldError::forbidden(&here, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn data_source(group: Option<&str>, kind: &str, name: &str, path: &Path, errors: &mut ErrorList) {
    required(name, &path.child("name"), errors);
    required(kind, &path.child("kind"), errors);
    let group = group.unwrap_or_default();
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.push(FieldError::invalid(path, kind, text));
    }
    if !group.is_empty() {
        invalid_each(&path.child("apiGroup"), group, names::dns1123_subdomain(group), errors);
    }
}

pub(super) fn claim_update(
    new_claim: &PersistentVolumeClaim,
    old_claim: &PersistentVolumeClaim,
    errors: &mut ErrorList,
) {
    claim(new_claim, errors);
    let (new, mut old) = (new_claim.spec.clone().unwrap_or_default(), old_claim.spec.clone().unwrap_or_default());
    let mut munged = new.clone();
    // Binding sets the volume once; a missing class may be filled in.
    if old.volume_name.is_none() {
        old.volume_name = munged.volume_name.clone();
    }
    if old.storage_class_name.is_none() {
        munged.storage_class_name = None;
    }
    let storage =
        |spec: &PersistentVolumeClaimSpec| spec.resources.as_ref()?.requests.as_ref()?.get("storage").cloned();
    if new_claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound") {
        if let (Some(requests), Some(before)) =
            (munged.resources.as_mut().and_then(|resources| resources.requests.as_mut()), storage(&old))
        {
            requests.insert("storage".into(), before);
        }
        if munged.volume_attributes_class_name.is_some() {
            munged.volume_attributes_class_name = old.volume_attributes_class_name.clone();
        }
    }
    let path = Path::ROOT.child("spec");
    if munged != old {
        let text = diff(&internal::claim_spec(&old).pretty(), &internal::claim_spec(&munged).pretty());
        errors.push(FieldError::forbidden(
            &path,
            format!("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{text}"),
        ));
    }
    let size = |quantity: Option<Quantity>| quantity.as_ref().map(amount).unwrap_or_default();
    let granted = old_claim.status.as_ref().and_then(|status| status.capacity.as_ref()?.get("storage").cloned());
    if size(storage(&new)) < size(storage(&old)) && size(storage(&new)) <= size(granted) {
        let here = path.child("resources");
        let here = here.child("requests");
        errors.push(FieldError::forbidden(&here.child("storage"), "field can not be less than status.capacity"));
    }
    // Upstream names this one without `spec`.
    let mode = Path::ROOT.child("volumeMode");
    immutable_as(&new.volume_mode, &old.volume_mode, |mode| mode.clone().into(), &mode, errors);
}

pub(super) fn claim_status_update(new: &PersistentVolumeClaim, errors: &mut ErrorList) {
    let path = Path::ROOT.child("status");
    let capacity = new.status.as_ref().and_then(|status| status.capacity.as_ref());
    for (name, quantity) in capacity.into_iter().flatten() {
        resources::nonnegative_quantity(quantity, &path.child("capacity").key(name), errors);
    }
}

pub(super) fn volume(volume: &PersistentVolume, errors: &mut ErrorList) {
    let spec = volume.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    if modes.is_empty() {
        errors.push(FieldError::required(&path.child("accessModes"), ""));
    }
    access_modes(modes, &path, errors);
    let capacity = spec.capacity.clone().unwrap_or_default();
    let here = path.child("capacity");
    if capacity.is_empty() {
        errors.push(FieldError::required(&here, ""));
    }
    if capacity.len() != 1 || !capacity.contains_key("storage") {
        errors.push(FieldError::not_supported(&here, GoValue::quantities(spec.capacity.as_ref()), &["storage"]));
    }
    for (name, quantity) in &capacity {
        let here = here.key(name);
        resources::nonnegative_quantity(quantity, &here, errors);
        positive_quantity(quantity, &here, errors);
    }
    reclaim_policy(spec.persistent_volume_reclaim_policy.as_deref().unwrap_or_default(), &path, errors);
    if let Some(required) = spec.node_affinity.as_ref().map(|affinity| affinity.required.as_ref()) {
        let here = path.child("nodeAffinity");
        let here = here.child("required");
        match required {
            Some(selector) => pod::node_selector(selector, &here, errors),
            None => errors.push(FieldError::required(&here, "must specify required node constraints")),
        }
    }
    volume_source(&spec, &path, errors);
    if let Some(class) = spec.storage_class_name.as_deref().filter(|class| !class.is_empty()) {
        invalid_each(&path.child("storageClassName"), class, names::dns1123_subdomain(class), errors);
    }
    if let Some(mode) = spec.volume_mode.as_deref() {
        one_of(mode, &VOLUME_MODES, &path.child("volumeMode"), errors);
    }
}

fn reclaim_policy(policy: &str, path: &Path, errors: &mut ErrorList) {
    if !policy.is_empty() {
        let here = path.child("persistentVolumeReclaimPolicy");
        one_of(policy, &["Delete", "Recycle", "Retain"], &here, errors);
    }
}

fn volume_source(spec: &PersistentVolumeSpec, path: &Path, errors: &mut ErrorList) {
    let set = [
        ("hostPath", spec.host_path.is_some()),
        ("gcePersistentDisk", spec.gce_persistent_disk.is_some()),
        ("awsElasticBlockStore", spec.aws_elastic_block_store.is_some()),
        ("glusterfs", spec.glusterfs.is_some()),
        ("flocker", spec.flocker.is_some()),
        ("nfs", spec.nfs.is_some()),
        ("rbd", spec.rbd.is_some()),
        ("quobyte", spec.quobyte.is_some()),
        ("cephFS", spec.cephfs.is_some()),
        ("iscsi", spec.iscsi.is_some()),
        ("cinder", spec.cinder.is_some()),
        ("fc", spec.fc.is_some()),
        ("flexVolume", spec.flex_volume.is_some()),
        ("azureFile", spec.azure_file.is_some()),
        ("vsphereVolume", spec.vsphere_volume.is_some()),
        ("photonPersistentDisk", spec.photon_persistent_disk.is_some()),
        ("portworxVolume", spec.portworx_volume.is_some()),
        ("azureDisk", spec.azure_disk.is_some()),
        ("scaleIO", spec.scale_io.is_some()),
        ("local", spec.local.is_some()),
        ("storageos", spec.storageos.is_some()),
        ("csi", spec.csi.is_some()),
    ];
    let mut named = set.into_iter().filter(|(_, set)| *set).map(|(field, _)| field);
    match named.next() {
        None => errors.push(FieldError::required(path, "must specify a volume type")),
        Some(_) => {
            for field in named {
                let text = "may not specify more than 1 volume type";
                errors.push(FieldError::forbidden(&path.child(field), text));
            }
        }
    }
    if let Some(source) = &spec.host_path {
        volumes::host_path(source, &path.child("hostPath"), errors);
        if source.path == "/" && spec.persistent_volume_reclaim_policy.as_deref() == Some("Recycle") {
            let here = path.child("persistentVolumeReclaimPolicy");
            errors.push(FieldError::forbidden(&here, "may not be 'recycle' for a hostPath mount of '/'"));
        }
    }
    if let Some(source) = &spec.nfs {
        volumes::nfs(source, &path.child("nfs"), errors);
    }
    if let Some(source) = &spec.local {
        let here = path.child("local");
        if source.path.is_empty() {
            errors.push(FieldError::required(&here.child("path"), ""));
        } else {
            volumes::no_backsteps(&source.path, &here.child("path"), errors);
        }
        if spec.node_affinity.is_none() {
            let text = "Local volume requires node affinity";
            let here = Path::ROOT.child("metadata");
            errors.push(FieldError::required(&here.child("annotations"), text));
        }
    }
    if let Some(source) = &spec.csi {
        let here = path.child("csi");
        volumes::csi_driver_name(&source.driver, &here.child("driver"), errors);
        required(&source.volume_handle, &here.child("volumeHandle"), errors);
    }
}

pub(super) fn volume_update(new_volume: &PersistentVolume, old_volume: &PersistentVolume, errors: &mut ErrorList) {
    volume(new_volume, errors);
    let source = |volume: &PersistentVolume| {
        let spec = volume.spec.clone().unwrap_or_default();
        // Only the source itself may never change.
        PersistentVolumeSpec {
            access_modes: None,
            capacity: None,
            claim_ref: None,
            mount_options: None,
            node_affinity: None,
            persistent_volume_reclaim_policy: None,
            storage_class_name: None,
            volume_mode: None,
            volume_attributes_class_name: None,
            ..spec
        }
    };
    let path = Path::ROOT.child("spec");
    if source(new_volume) != source(old_volume) {
        let pretty = |volume: &PersistentVolume| GoValue::from(crate::codec::encode(&source(volume))).pretty();
        let text = diff(&pretty(old_volume), &pretty(new_volume));
        errors.push(FieldError::forbidden(
            &path.child("persistentvolumesource"),
            format!("spec.persistentvolumesource is immutable after creation\n{text}"),
        ));
    }
    let mode = |volume: &PersistentVolume| volume.spec.as_ref().and_then(|spec| spec.volume_mode.clone());
    let here = Path::ROOT.child("volumeMode");
    immutable_as(&mode(new_volume), &mode(old_volume), |mode| mode.clone().into(), &here, errors);
    let affinity = |volume: &PersistentVolume| volume.spec.as_ref().and_then(|spec| spec.node_affinity.clone());
    if affinity(old_volume).is_some() {
        let print = |value: &Option<k8s_openapi::api::core::v1::VolumeNodeAffinity>| crate::codec::encode(value).into();
        immutable_as(&affinity(new_volume), &affinity(old_volume), print, &path.child("nodeAffinity"), errors);
    }
}

pub(super) fn storage_class(class: &StorageClass, errors: &mut ErrorList) {
    let path = Path::ROOT.child("provisioner");
    required(&class.provisioner, &path, errors);
    if !class.provisioner.is_empty() {
        label_name(&class.provisioner.to_lowercase(), &path, errors);
    }
    let parameters = class.parameters.clone().unwrap_or_default();
    if parameters.len() > 512 {
        errors.push(FieldError::too_long(&Path::ROOT.child("parameters"), 512));
    }
    if parameters.contains_key("") {
        errors.push(FieldError::invalid(&Path::ROOT.child("parameters"), "", "field must not be empty."));
    }
    if let Some(policy) = class.reclaim_policy.as_deref().filter(|policy| !policy.is_empty()) {
        one_of(policy, &["Delete", "Retain"], &Path::ROOT.child("reclaimPolicy"), errors);
    }
    let mode = Path::ROOT.child("volumeBindingMode");
    match class.volume_binding_mode.as_deref() {
        None => errors.push(FieldError::required(&mode, "")),
        Some(value) => one_of(value, &["Immediate", "WaitForFirstConsumer"], &mode, errors),
    }
    let topologies = class.allowed_topologies.as_deref().unwrap_or_default();
    pod::topology_selector_terms(topologies, &Path::ROOT.child("allowedTopologies"), errors);
}

pub(super) fn storage_class_update(new: &StorageClass, old: &StorageClass, errors: &mut ErrorList) {
    storage_class(new, errors);
    let forbid = |field: &str, same: bool, errors: &mut ErrorList| {
        if !same {
            let text = format!("updates to {field} are forbidden.");
            errors.push(FieldError::forbidden(&Path::ROOT.child(field), text));
        }
    };
    forbid("parameters", new.parameters == old.parameters, errors);
    forbid("provisioner", new.provisioner == old.provisioner, errors);
    forbid("reclaimPolicy", new.reclaim_policy == old.reclaim_policy, errors);
    let mode = Path::ROOT.child("volumeBindingMode");
    let print = |mode: &Option<String>| mode.clone().into();
    immutable_as(&new.volume_binding_mode, &old.volume_binding_mode, print, &mode, errors);
}
