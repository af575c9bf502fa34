//! Pods: creation, update (little of a pod may change) and status.
//!
//! Mirrors: pkg/apis/core/validation `ValidatePodCreate`, `ValidatePodUpdate`, `ValidatePodStatusUpdate`.

mod affinity;
mod containers;
mod env;
mod mounts;
mod node_selector;
mod ports;
mod probes;
mod resize;
mod scheduling;
mod security;
pub(super) mod spec;
mod update;
pub(super) mod volumes;
pub(super) mod warnings;

use std::borrow::Cow;

use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::common::{ip, label_name};
use super::field::{ErrorList, FieldError, Path};
pub(super) use node_selector::{node_selector, topology_selector_terms};
pub(super) use scheduling::taint_effect;

/// What holds at creation only.
pub(super) fn create_only(pod: &Pod, errors: &mut ErrorList) {
    let spec_path = Path::ROOT.child("spec");
    let spec = spec_of(pod);
    if spec.ephemeral_containers.is_some() {
        errors.push(FieldError::forbidden(&spec_path.child("ephemeralContainers"), "cannot be set on create"));
    }
    if spec.node_name.is_some() && spec.scheduling_gates.is_some() {
        errors.push(FieldError::forbidden(
            &spec_path.child("nodeName"),
            "cannot be set until all schedulingGates have been cleared",
        ));
    }
}

pub(super) use resize::resize;
pub(super) use update::{update, update_ephemeral_containers};

fn spec_of(pod: &Pod) -> Cow<'_, PodSpec> {
    pod.spec.as_ref().map_or_else(Cow::default, Cow::Borrowed)
}

/// The pod's own rules, after its metadata.
pub(super) fn metadata_and_spec(pod: &Pod, errors: &mut ErrorList) {
    let spec = spec_of(pod);
    annotations(&pod.metadata, &spec, errors);
    let path = Path::ROOT.child("spec");
    spec::spec(&spec, Some(&pod.metadata), true, &path, errors);
    if spec.service_account_name.is_none() {
        token_without_account(&spec, &path, errors);
    }
    for (list, containers) in
        [("containers", Some(&spec.containers)), ("initContainers", spec.init_containers.as_ref())]
    {
        for (i, container) in containers.into_iter().flatten().enumerate() {
            containers::image_is_trimmed(container.image.as_deref(), &path.child(list).index(i), errors);
        }
    }
}

fn annotations(meta: &ObjectMeta, spec: &PodSpec, errors: &mut ErrorList) {
    let path = Path::ROOT.child("metadata");
    let path = path.child("annotations");
    let annotation = |key: &str| meta.annotations.as_ref().and_then(|annotations| annotations.get(key));
    let mirror = "kubernetes.io/config.mirror";
    if let Some(value) = annotation(mirror)
        && spec.node_name.is_none()
    {
        let text = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(FieldError::invalid(&path.key(mirror), value, text));
    }
    let cost = "controller.kubernetes.io/pod-deletion-cost";
    if let Some(value) = annotation(cost)
        && !is_deletion_cost(value)
    {
        errors.push(FieldError::invalid(&path.key(cost), value, "must be a 32bit integer"));
    }
}

/// A plain integer: no plus sign, no leading zeros.
fn is_deletion_cost(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let padded = text.starts_with('+') || (digits.len() > 1 && digits.starts_with('0'));
    !padded && text.parse::<i32>().is_ok()
}

fn token_without_account(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    for (i, volume) in spec.volumes.iter().flatten().enumerate() {
        let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        for (j, _) in sources.enumerate().filter(|(_, source)| source.service_account_token.is_some()) {
            let here = path.child("volumes");
            let here = here.index(i);
            let here = here.child("projected");
            let here = here.child("sources");
            let here = here.index(j);
            errors.push(FieldError::forbidden(
                &here.child("serviceAccountToken"),
                "must not be specified when serviceAccountName is not set",
            ));
        }
    }
}

/// What a write of the status may do.
pub(super) fn update_status(new: &Pod, old: &Pod, errors: &mut ErrorList) {
    let path = Path::ROOT.child("status");
    let none = PodStatus::default();
    let (status, old_status) = (new.status.as_ref().unwrap_or(&none), old.status.as_ref().unwrap_or(&none));
    for (i, condition) in status.conditions.iter().flatten().enumerate() {
        if !matches!(condition.type_.as_str(), "PodScheduled" | "Ready" | "Initialized") {
            let here = Path::ROOT.child("metadata");
            let here = here.child("conditions");
            label_name(&condition.type_, &here.index(i).child("Type"), errors);
        }
    }
    if spec_of(new).node_name != spec_of(old).node_name {
        errors.push(FieldError::forbidden(&path.child("nodeName"), "may not be changed directly"));
    }
    if status.qos_class != old_status.qos_class {
        let value = status.qos_class.clone().unwrap_or_default();
        errors.push(FieldError::invalid(&path.child("qosClass"), value, super::common::IMMUTABLE));
    }
    let spec = spec_of(old);
    let policy = spec.restart_policy.as_deref().unwrap_or_default();
    state_transitions(status, old_status, policy, &path, errors);
    for (i, address) in status.pod_ips.iter().flatten().enumerate() {
        ip(&address.ip, &path.child("podIPs").index(i), errors);
    }
    for (i, address) in status.host_ips.iter().flatten().enumerate() {
        ip(&address.ip, &path.child("hostIPs").index(i), errors);
    }
}

/// A container that ended for good may not run again.
fn state_transitions(new: &PodStatus, old: &PodStatus, policy: &str, path: &Path, errors: &mut ErrorList) {
    if policy == "Always" {
        return;
    }
    let terminated = |status: &k8s_openapi::api::core::v1::ContainerStatus| {
        status.state.as_ref().and_then(|state| state.terminated.as_ref()).map(|terminated| terminated.exit_code)
    };
    for (i, before) in old.container_statuses.iter().flatten().enumerate() {
        let Some(exit_code) = terminated(before) else { continue };
        if exit_code != 0 && policy == "OnFailure" {
            continue;
        }
        let after = new.container_statuses.iter().flatten().find(|after| after.name == before.name);
        if after.is_some_and(|after| terminated(after).is_none()) {
            errors.push(FieldError::forbidden(
                &path.child("containerStatuses").index(i).child("state"),
                "may not be transitioned to non-terminated state",
            ));
        }
    }
}
