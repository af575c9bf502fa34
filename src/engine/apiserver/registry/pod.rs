//! Pods: phase Pending and a QoS class from birth, graceful deletion, selectable by node and phase.
//!
//! Mirrors: pkg/registry/core/pod/strategy.go.

use std::sync::Arc;

use api::Object;
use api::k8s_openapi::api::core::v1::{Pod, PodCondition, PodStatus};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::meta::label_keys;
use api::meta::qos::qos_class;

use super::{Strategy, standard};

pub struct PodStrategy;

/// What pods can be selected by, besides their name.
pub const FIELDS: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
];

impl Strategy for PodStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        object.meta_mut().generation = Some(1);
        let Object::Pod(pod) = object else { return };
        let pod = Arc::make_mut(pod);
        label_keys::merge(pod);
        let qos = qos_class(pod).to_string();
        let conditions = gated(pod).map(|condition| vec![condition]);
        let phase = Some("Pending".into());
        pod.status = Some(PodStatus { phase, qos_class: Some(qos), conditions, ..PodStatus::default() });
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
    }

    fn prepare_for_status_update(&self, new: &mut Object, old: &Object) {
        standard::update_status(new, old);
        let (Object::Pod(new), Object::Pod(old)) = (new, old) else { return };
        // Only what differs is put back: a pod that is shared would be copied for it.
        if new.metadata.owner_references != old.metadata.owner_references {
            Arc::make_mut(new).metadata.owner_references.clone_from(&old.metadata.owner_references);
        }
        // The QoS class is decided once.
        fn qos(pod: &Pod) -> Option<&String> {
            pod.status.as_ref()?.qos_class.as_ref()
        }
        if let Some(decided) = qos(old).filter(|decided| qos(new) != Some(*decided)) {
            Arc::make_mut(new).status.get_or_insert_default().qos_class = Some(decided.clone());
        }
    }

    fn returns_deleted_object(&self) -> bool {
        true
    }

    fn grace_period(&self, object: &Object, asked: Option<i64>) -> Option<i64> {
        let Object::Pod(pod) = object else { return None };
        let spec = pod.spec.as_ref();
        let bound = spec.and_then(|spec| spec.node_name.as_deref()).is_some_and(|node| !node.is_empty());
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let wanted = asked.or(spec.and_then(|spec| spec.termination_grace_period_seconds)).unwrap_or(30);
        // Nothing runs yet, or nothing runs any more: there is nobody to be gentle with.
        if !bound || matches!(phase, "Succeeded" | "Failed") {
            return Some(0);
        }
        Some(if wanted < 0 { 1 } else { wanted })
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Pod(pod) = object else { return Vec::new() };
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        let spec = pod.spec.as_ref();
        let status = pod.status.as_ref();
        vec![
            ("spec.nodeName", text(spec.and_then(|s| s.node_name.as_ref()))),
            ("spec.restartPolicy", text(spec.and_then(|s| s.restart_policy.as_ref()))),
            ("spec.schedulerName", text(spec.and_then(|s| s.scheduler_name.as_ref()))),
            ("spec.serviceAccountName", text(spec.and_then(|s| s.service_account_name.as_ref()))),
            ("spec.hostNetwork", spec.and_then(|s| s.host_network).unwrap_or(false).to_string()),
            ("status.phase", text(status.and_then(|s| s.phase.as_ref()))),
            ("status.podIP", text(status.and_then(|s| s.pod_ip.as_ref()))),
            ("status.podIPs", text(status.and_then(|s| s.pod_ip.as_ref()))),
            ("status.nominatedNodeName", text(status.and_then(|s| s.nominated_node_name.as_ref()))),
        ]
    }
}

/// The old pod with what `ephemeralcontainers` or `resize` may change taken from the new one.
pub(super) fn narrow(new: &mut Pod, old: &Pod, subresource: &str) {
    let wanted = new.spec.take().unwrap_or_default();
    *new = old.clone();
    let spec = new.spec.get_or_insert_default();
    if subresource == "ephemeralcontainers" {
        spec.ephemeral_containers = wanted.ephemeral_containers;
        return;
    }
    let own = spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten());
    for container in own {
        let mut asked = wanted.containers.iter().chain(wanted.init_containers.iter().flatten());
        if let Some(asked) = asked.find(|asked| asked.name == container.name) {
            container.resources.clone_from(&asked.resources);
            container.resize_policy.clone_from(&asked.resize_policy);
        }
    }
}

/// What a pod with scheduling gates says from birth: nobody even tries to place it.
///
/// Mirrors: pkg/registry/core/pod/strategy.go `applySchedulingGatedCondition`.
fn gated(pod: &Pod) -> Option<PodCondition> {
    let gates = pod.spec.as_ref().and_then(|spec| spec.scheduling_gates.as_deref()).unwrap_or_default();
    if gates.is_empty() {
        return None;
    }
    Some(PodCondition {
        type_: "PodScheduled".into(),
        status: "False".into(),
        reason: Some("SchedulingGated".into()),
        message: Some("Scheduling is blocked due to non-empty scheduling gates".into()),
        last_transition_time: pod.metadata.creation_timestamp.clone(),
        ..PodCondition::default()
    })
}

/// Says in a pod's conditions who is about to remove it, and why.
pub fn mark_disrupted(pod: &mut Pod, reason: &str, message: &str, now: Time) {
    let generation = pod.metadata.generation;
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    conditions.retain(|condition| condition.type_ != "DisruptionTarget");
    conditions.push(PodCondition {
        type_: "DisruptionTarget".into(),
        status: "True".into(),
        reason: Some(reason.into()),
        message: Some(message.into()),
        last_transition_time: Some(now),
        observed_generation: generation,
        ..PodCondition::default()
    });
}
