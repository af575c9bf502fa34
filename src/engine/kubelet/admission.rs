//! The kubelet's own say: a pod that does not fit its node is refused when it arrives.
//!
//! Mirrors: pkg/kubelet/lifecycle/predicate.go. Pods that the scheduler placed fit already;
//! this is for those that name their node themselves.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{Container, Pod, ResourceRequirements};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::Amount;
use api::meta::quantity::amount;
use api::order::Gather;

use super::events::Turn;
use super::pod_worker::PodWorker;
use crate::client::EventType;

/// Judges a pod before its first sync.
pub fn admit(turn: &mut Turn, worker: &mut PodWorker, others: &BTreeMap<String, PodWorker>) {
    // Nodes without containers take everything, as the machines they stand for would not.
    if std::mem::replace(&mut worker.admitted, true)
        || turn.cx.profile.instant
        || worker.finished
        || worker.is_terminating()
    {
        return;
    }
    let pod = worker.pod.clone();
    let Some((reason, message)) = refusal(turn, &pod, others) else { return };
    turn.pod_event(&pod, EventType::Warning, &reason, &*message);
    worker.rejected = Some((reason, format!("Pod was rejected: {message}")));
}

fn refusal(turn: &Turn, pod: &Pod, others: &BTreeMap<String, PodWorker>) -> Option<(String, String)> {
    // Resources count first; then whether the node is in trouble.
    if let Some(refusal) = super::eviction::refusal(turn, pod) {
        return Some(refusal);
    }
    let machine = &turn.host.machine;
    let active: Vec<&PodWorker> = others.values().filter(|other| !other.finished && other.rejected.is_none()).collect();
    let unsigned = |text: &str| amount(&Quantity(text.to_owned()));
    let room = unsigned(&machine.pods).value();
    let used = i64::try_from(active.len()).unwrap_or(i64::MAX);
    if used + 1 > room {
        return Some(shortage("pods", 1, used, room));
    }
    for (name, capacity, milli) in [
        ("cpu", &machine.cpu, true),
        ("memory", &machine.memory, false),
        ("ephemeral-storage", &machine.ephemeral_storage, false),
    ] {
        let units = |quantity: Amount| if milli { quantity.milli_value() } else { quantity.value() };
        let (wanted, capacity) = (units(requested(pod, name)), units(unsigned(capacity)));
        let used: i64 = active.iter().map(|other| units(granted(other, name))).sum();
        if wanted > 0 && wanted + used > capacity {
            return Some(shortage(name, wanted, used, capacity));
        }
    }
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    let labels = |key: &str| {
        machine.labels.get(key).map(String::as_str).or((key == "kubernetes.io/hostname").then_some(&*machine.name))
    };
    let known = |key: &str, value: &str| {
        labels(key).is_some_and(|found| found == value)
            || matches!((key, value), ("kubernetes.io/os", "linux") | ("kubernetes.io/arch", "amd64"))
    };
    let fits = selector.into_iter().flatten().all(|(key, value)| known(key, value));
    (!fits).then(|| {
        (
            "NodeAffinity".to_owned(),
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector".to_owned(),
        )
    })
}

fn shortage(resource: &str, requested: i64, used: i64, capacity: i64) -> (String, String) {
    let text = format!(
        "Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}"
    );
    (format!("OutOf{resource}"), text)
}

/// What a pod asks for: its containers together, or its hungriest init container.
pub fn requested(pod: &Pod, resource: &str) -> Amount {
    sum(pod, |container| asked(container.resources.as_ref(), resource))
}

/// What a pod was given, as its status says: it keeps that while a resize of it waits for room.
pub fn given(pod: &Pod, resource: &str) -> Amount {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let statuses = statuses.iter().map(|status| (status.name.as_str(), status)).into_map();
    sum(pod, |container| {
        let status = statuses.get(container.name.as_str());
        match status.and_then(|status| status.allocated_resources.as_ref()) {
            Some(allocated) => allocated.get(resource),
            None => asked(container.resources.as_ref(), resource),
        }
    })
}

/// As [`given`], by the pod's worker, which knows first.
///
/// Mirrors: pkg/kubelet/allocation/allocation_manager.go `getAllocatedPods`.
fn granted(worker: &PodWorker, resource: &str) -> Amount {
    let slots = worker.slots.iter().map(|slot| (slot.name.as_str(), slot)).into_map();
    sum(&worker.pod, |container| {
        let slot = slots.get(container.name.as_str());
        asked(slot.map(|slot| &slot.allocated).or(container.resources.as_ref()), resource)
    })
}

fn asked<'a>(resources: Option<&'a ResourceRequirements>, resource: &str) -> Option<&'a Quantity> {
    resources?.requests.as_ref()?.get(resource)
}

fn sum<'a>(pod: &'a Pod, asked: impl Fn(&'a Container) -> Option<&'a Quantity>) -> Amount {
    let Some(spec) = &pod.spec else { return Amount::ZERO };
    let of = |container: &'a Container| asked(container).map_or(Amount::ZERO, amount);
    let sum = spec.containers.iter().map(of).fold(Amount::ZERO, |sum, part| sum + part);
    let most = spec.init_containers.iter().flatten().map(of).max_by_key(|part| part.milli_value());
    most.filter(|most| most.milli_value() > sum.milli_value()).unwrap_or(sum)
}
