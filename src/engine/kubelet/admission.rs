//! The kubelet's own say: a pod that does not fit its node is refused when it arrives.
//!
//! Mirrors: pkg/kubelet/lifecycle/predicate.go. Pods that the scheduler placed fit already;
//! this is for those that name their node themselves.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::quantity::amount;

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
        let units = |quantity: api::meta::Amount| if milli { quantity.milli_value() } else { quantity.value() };
        let request = |pod: &Pod| units(requested(pod, name));
        let (wanted, capacity) = (request(pod), units(unsigned(capacity)));
        let used: i64 = active.iter().map(|other| request(&other.pod)).sum();
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
pub fn requested(pod: &Pod, resource: &str) -> api::meta::Amount {
    let Some(spec) = &pod.spec else { return api::meta::Amount::ZERO };
    let of = |container: &api::k8s_openapi::api::core::v1::Container| {
        let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        requests.and_then(|requests| requests.get(resource)).map_or(api::meta::Amount::ZERO, amount)
    };
    let sum = spec.containers.iter().map(of).fold(api::meta::Amount::ZERO, |sum, part| sum + part);
    let most = spec
        .init_containers
        .iter()
        .flatten()
        .map(of)
        .max_by_key(|part| part.milli_value())
        .unwrap_or(api::meta::Amount::ZERO);
    if most.milli_value() > sum.milli_value() { most } else { sum }
}
