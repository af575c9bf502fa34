//! Kinds with a handful of rules each: Event, Lease, PriorityClass, ControllerRevision and the CSI kinds.
//!
//! Mirrors: pkg/apis/{core,coordination,scheduling,apps,storage}/validation.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::{CSIDriver, CSINode, VolumeAttachment};

use super::common::{immutable_as, nonnegative, one_of, required, required_one_of};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::pod::volumes::csi_driver_name;

/// An event lives where its object does; objects without a namespace use `default`.
pub(super) fn event(event: &Event, errors: &mut ErrorList) {
    let own = event.metadata.namespace.as_deref().unwrap_or_default();
    let involved = event.involved_object.namespace.as_deref().unwrap_or_default();
    let fits = if involved.is_empty() { matches!(own, "" | "default") } else { own == involved };
    if !fits {
        let path = Path::ROOT.child("involvedObject");
        let text = "does not match event.namespace";
        errors.push(FieldError::invalid(&path.child("namespace"), involved, text));
    }
}

pub(super) fn lease(lease: &Lease, errors: &mut ErrorList) {
    let spec = lease.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    if let Some(seconds) = spec.lease_duration_seconds.filter(|seconds| *seconds <= 0) {
        errors.push(FieldError::invalid(&path.child("leaseDurationSeconds"), seconds, "must be greater than 0"));
    }
    if let Some(count) = spec.lease_transitions {
        nonnegative(count, &path.child("leaseTransitions"), errors);
    }
    if spec.strategy.as_deref() == Some("") {
        errors.push(FieldError::required(&path.child("strategy"), ""));
    }
}

const SYSTEM_CLASSES: [(&str, i32); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];
const MAX_USER_PRIORITY: i32 = 1_000_000_000;

pub(super) fn priority_class(class: &PriorityClass, errors: &mut ErrorList) {
    let name = class.metadata.name.as_deref().unwrap_or_default();
    let value = class.value.unwrap_or_default();
    if name.starts_with("system-") {
        let problem = match SYSTEM_CLASSES.iter().find(|(known, _)| *known == name) {
            None => Some(format!("{name} is not a known system priority class")),
            Some((_, expected)) if *expected != value => {
                Some(format!("value of {name} PriorityClass must be {expected}"))
            }
            Some(_) if class.global_default == Some(true) => {
                Some(format!("globalDefault of {name} PriorityClass must be false"))
            }
            Some(_) => None,
        };
        if let Some(problem) = problem {
            let path = Path::ROOT.child("metadata");
            let text = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {problem}"
            );
            errors.push(FieldError::forbidden(&path.child("name"), text));
        }
    } else if value > MAX_USER_PRIORITY {
        let text = format!("maximum allowed value of a user defined priority is {MAX_USER_PRIORITY}");
        errors.push(FieldError::forbidden(&Path::ROOT.child("value"), text));
    }
    required_one_of(
        class.preemption_policy.as_deref(),
        &["PreemptLowerPriority", "Never"],
        &Path::ROOT.child("preemptionPolicy"),
        errors,
    );
}

pub(super) fn priority_class_update(new: &PriorityClass, old: &PriorityClass, errors: &mut ErrorList) {
    if new.value != old.value {
        errors.push(FieldError::forbidden(&Path::ROOT.child("value"), "may not be changed in an update."));
    }
    let print = |policy: &Option<String>| policy.clone().into();
    let path = Path::ROOT.child("preemptionPolicy");
    immutable_as(&new.preemption_policy, &old.preemption_policy, print, &path, errors);
}

pub(super) fn controller_revision(revision: &ControllerRevision, errors: &mut ErrorList) {
    if revision.data.is_none() {
        errors.push(FieldError::required(&Path::ROOT.child("data"), "data is mandatory"));
    }
    nonnegative(revision.revision, &Path::ROOT.child("revision"), errors);
}

pub(super) fn controller_revision_update(new: &ControllerRevision, old: &ControllerRevision, errors: &mut ErrorList) {
    controller_revision(new, errors);
    let path = Path::ROOT.child("data");
    immutable_as(
        &new.data,
        &old.data,
        |data| GoValue::from(data.as_ref().map(|data| GoValue::from(data.0.clone()))),
        &path,
        errors,
    );
}

pub(super) fn csi_driver(driver: &CSIDriver, errors: &mut ErrorList) {
    let name = driver.metadata.name.as_deref().unwrap_or_default();
    let path = Path::ROOT.child("metadata");
    if name.len() > 63 {
        csi_driver_name(name, &path.child("name"), errors);
    }
    let path = Path::ROOT.child("spec");
    for mode in driver.spec.volume_lifecycle_modes.iter().flatten() {
        one_of(mode, &["Ephemeral", "Persistent"], &path.child("volumeLifecycleModes"), errors);
    }
    if let Some(policy) = driver.spec.fs_group_policy.as_deref() {
        one_of(policy, &["File", "None", "ReadWriteOnceWithFSType"], &path.child("fsGroupPolicy"), errors);
    }
}

pub(super) fn csi_node(node: &CSINode, errors: &mut ErrorList) {
    let path = Path::ROOT.child("spec");
    let path = path.child("drivers");
    let mut seen = BTreeSet::new();
    for (i, driver) in node.spec.drivers.iter().enumerate() {
        let here = path.index(i);
        csi_driver_name(&driver.name, &here.child("name"), errors);
        required(&driver.node_id, &here.child("nodeID"), errors);
        if !seen.insert(driver.name.as_str()) {
            errors.push(FieldError::duplicate(&here.child("name"), &driver.name));
        }
    }
}

pub(super) fn volume_attachment(attachment: &VolumeAttachment, errors: &mut ErrorList) {
    let spec = &attachment.spec;
    let path = Path::ROOT.child("spec");
    required(&spec.attacher, &path.child("attacher"), errors);
    required(&spec.node_name, &path.child("nodeName"), errors);
    let source = path.child("source");
    if spec.source.inline_volume_spec.is_none() && spec.source.persistent_volume_name.is_none() {
        let text = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
        errors.push(FieldError::required(&source, text));
    }
}
