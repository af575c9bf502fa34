//! Where volumes appear inside a container.
//!
//! Mirrors: pkg/apis/core/validation `ValidateVolumeMounts`, `ValidateVolumeDevices`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, Volume, VolumeMount};

use super::super::common::{one_of, required};
use super::super::field::{ErrorList, FieldError, Path};
use super::volumes::{has_backsteps, relative_path};
use crate::order::Gather;

pub fn mounts(container: &Container, volumes: &BTreeMap<&str, &Volume>, path: &Path, errors: &mut ErrorList) {
    let devices = container.volume_devices.as_deref().unwrap_or_default();
    let device_names = devices.iter().map(|device| device.name.as_str()).into_set();
    let device_paths = devices.iter().map(|device| device.device_path.as_str()).into_set();
    let mut mount_paths = BTreeSet::new();
    for (i, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let here = path.index(i);
        required(&mount.name, &here.child("name"), errors);
        let volume = volumes.get(mount.name.as_str());
        if volume.is_none() {
            errors.push(FieldError::not_found(&here.child("name"), &mount.name));
        }
        required(&mount.mount_path, &here.child("mountPath"), errors);
        if !mount_paths.insert(mount.mount_path.as_str()) {
            errors.push(FieldError::invalid(&here.child("mountPath"), &mount.mount_path, "must be unique"));
        }
        if device_names.contains(mount.name.as_str()) {
            let text = "must not already exist in volumeDevices";
            errors.push(FieldError::invalid(&here.child("name"), &mount.name, text));
        }
        if device_paths.contains(mount.mount_path.as_str()) {
            let text = "must not already exist as a path in volumeDevices";
            errors.push(FieldError::invalid(&here.child("mountPath"), &mount.mount_path, text));
        }
        sub_paths(mount, volume.is_some_and(|volume| volume.image.is_some()), path, &here, errors);
        propagation(mount, container, path, errors);
        recursive_read_only(mount, &path.child("recursiveReadOnly"), errors);
    }
}

fn sub_paths(mount: &VolumeMount, of_image: bool, list_path: &Path, path: &Path, errors: &mut ErrorList) {
    let sub_path = mount.sub_path.as_deref().filter(|text| !text.is_empty());
    let expression = mount.sub_path_expr.as_deref().filter(|text| !text.is_empty());
    if of_image {
        for (field, value) in [("subPath", sub_path), ("subPathExpr", expression)] {
            if let Some(value) = value {
                let text = "not allowed in image volume sources";
                errors.push(FieldError::invalid(&path.child(field), value, text));
            }
        }
    }
    // Upstream reports these two at the list, without an index.
    if let Some(sub_path) = sub_path {
        relative_path(sub_path, &list_path.child("subPath"), errors);
    }
    if let Some(expression) = expression {
        if sub_path.is_some() {
            let text = "subPathExpr and subPath are mutually exclusive";
            errors.push(FieldError::invalid(&path.child("subPathExpr"), expression, text));
        }
        relative_path(expression, &list_path.child("subPathExpr"), errors);
    }
}

fn propagation(mount: &VolumeMount, container: &Container, path: &Path, errors: &mut ErrorList) {
    let Some(mode) = mount.mount_propagation.as_deref() else { return };
    let here = path.child("mountPropagation");
    one_of(mode, &["Bidirectional", "HostToContainer", "None"], &here, errors);
    let privileged = container.security_context.as_ref().and_then(|context| context.privileged) == Some(true);
    if mode == "Bidirectional" && !privileged {
        let text = "Bidirectional mount propagation is available only to privileged containers";
        errors.push(FieldError::forbidden(&here, text));
    }
}

fn recursive_read_only(mount: &VolumeMount, path: &Path, errors: &mut ErrorList) {
    match mount.recursive_read_only.as_deref() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount.read_only != Some(true) {
                errors.push(FieldError::forbidden(path, "may only be specified when readOnly is true"));
            }
            if mount.mount_propagation.as_deref().is_some_and(|mode| mode != "None") {
                let text = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(path, text));
            }
        }
        Some(other) => errors.push(FieldError::not_supported(path, other, &["Disabled", "Enabled", "IfPossible"])),
    }
}

pub fn devices(container: &Container, volumes: &BTreeMap<&str, &Volume>, path: &Path, errors: &mut ErrorList) {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let mount_names = mounts.iter().map(|mount| mount.name.as_str()).into_set();
    let mount_paths = mounts.iter().map(|mount| mount.mount_path.as_str()).into_set();
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for (i, device) in container.volume_devices.iter().flatten().enumerate() {
        let here = path.index(i);
        let (name_path, device_path) = (here.child("name"), here.child("devicePath"));
        required(&device.name, &name_path, errors);
        if names.contains(device.name.as_str()) {
            errors.push(FieldError::invalid(&name_path, &device.name, "must be unique"));
        }
        match volumes.get(device.name.as_str()) {
            Some(volume) if volume.persistent_volume_claim.is_none() && volume.ephemeral.is_none() => {
                let text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                errors.push(FieldError::invalid(&name_path, &device.name, text));
            }
            Some(_) => {}
            None => errors.push(FieldError::not_found(&name_path, &device.name)),
        }
        required(&device.device_path, &device_path, errors);
        if paths.contains(device.device_path.as_str()) {
            errors.push(FieldError::invalid(&device_path, &device.device_path, "must be unique"));
        }
        if has_backsteps(&device.device_path) {
            let text = "can not contain backsteps ('..')";
            errors.push(FieldError::invalid(&device_path, &device.device_path, text));
        } else {
            paths.insert(device.device_path.as_str());
        }
        if mount_names.contains(device.name.as_str()) {
            let text = "must not already exist in volumeMounts";
            errors.push(FieldError::invalid(&name_path, &device.name, text));
        }
        if mount_paths.contains(device.device_path.as_str()) {
            let text = "must not already exist as a path in volumeMounts";
            errors.push(FieldError::invalid(&device_path, &device.device_path, text));
        }
        if !device.name.is_empty() {
            names.insert(device.name.as_str());
        }
    }
}
