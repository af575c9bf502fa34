//! The kubelet's own say: a pod that does not fit its node is refused when it arrives.
//!
//! Pods that the scheduler placed fit already; this is for those that name their node themselves, and
//! for what changed between the scheduler's look and the kubelet's. The rules are the scheduler's own
//! (resources, node selector and affinity, host ports), and one more: a pod must tolerate what would
//! drive it off at once. The first thing that does not fit is the reason, and the pod is `Failed` for
//! good; nothing of it ever runs. Static pods must run, whatever the taints.
//! Mirrors: pkg/kubelet/lifecycle/predicate.go `generalFilter`, pkg/scheduler `AdmissionCheck`. Left
//! out: critical pods that make room for themselves (pkg/kubelet/preemption), the topology manager,
//! and pods of another operating system.

use api::k8s_openapi::api::core::v1::{Container, Node, Pod, ResourceRequirements};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::Amount;
use api::meta::host_port::host_ports;
use api::meta::node_selector::admits;
use api::meta::quantity::amount;
use api::meta::toleration::tolerates;
use api::order::Gather;
use api::quota;
use std::collections::BTreeMap;

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
    // Whether the node is in trouble comes first, then resources.
    if let Some(refusal) = super::eviction::refusal(turn, pod) {
        return Some(refusal);
    }
    let active: Vec<&PodWorker> = others.values().filter(|other| !other.finished && other.rejected.is_none()).collect();
    no_room(turn, pod, &active).or_else(|| {
        let (reason, why) = unfit(turn, pod, &active)?;
        Some((reason.to_owned(), format!("Predicate {reason} failed: {why}")))
    })
}

/// The first resource of which too little is left.
fn no_room(turn: &Turn, pod: &Pod, active: &[&PodWorker]) -> Option<(String, String)> {
    let machine = &turn.host.machine;
    let read = |text: &String| amount(&Quantity(text.clone()));
    let room = read(&machine.pods).value();
    let count = i64::try_from(active.len()).unwrap_or(i64::MAX);
    if count + 1 > room {
        return Some(shortage("pods", 1, count, room));
    }
    let wanted = quota::total(pod, false);
    let mut used = quota::Amounts::new();
    active.iter().for_each(|other| quota::add(&mut used, &granted(other)));
    let own = [("cpu", &machine.cpu), ("memory", &machine.memory), ("ephemeral-storage", &machine.ephemeral_storage)];
    // An extended resource that the node does not know is the cluster's: others see to it.
    let all = own.into_iter().chain(machine.extended.iter().map(|(name, text)| (name.as_str(), text)));
    for (name, capacity) in all {
        let units = |quantity: Amount| if name == "cpu" { quantity.milli_value() } else { quantity.value() };
        let of = |amounts: &quota::Amounts| amounts.get(name).copied().map_or(0, units);
        let (wanted, used, capacity) = (of(&wanted), of(&used), units(read(capacity)));
        if wanted > 0 && wanted + used > capacity {
            return Some(shortage(name, wanted, used, capacity));
        }
    }
    None
}

/// The first of the scheduler's plugins that would not have sent the pod here, and its words.
fn unfit(turn: &Turn, pod: &Pod, active: &[&PodWorker]) -> Option<(&'static str, &'static str)> {
    let node = turn.cx.api.get::<Node>("", &turn.host.machine.name)?;
    let spec = pod.spec.as_ref()?;
    let labels = node.metadata.labels.as_ref();
    let label = |key: &String| labels.and_then(|labels| labels.get(key));
    let selected = spec.node_selector.iter().flatten().all(|(key, value)| label(key) == Some(value));
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    if !selected || !required.is_none_or(|required| admits(required, &turn.host.machine.name, labels)) {
        return Some(("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"));
    }
    let wanted = host_ports(spec);
    let mut taken = active.iter().filter_map(|other| other.pod.spec.as_ref()).flat_map(host_ports);
    if !wanted.is_empty() && taken.any(|taken| wanted.iter().any(|port| port.conflicts_with(&taken))) {
        return Some(("NodePorts", "node(s) didn't have free ports for the requested pod ports"));
    }
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let mut driving = taints.filter(|taint| taint.effect == "NoExecute");
    let borne = |taint: &_| spec.tolerations.iter().flatten().any(|toleration| tolerates(toleration, taint));
    if !super::static_pods::is_mirror(pod) && driving.any(|taint| !borne(taint)) {
        return Some(("TaintToleration", "node(s) had taints that the pod didn't tolerate"));
    }
    None
}

fn shortage(resource: &str, requested: i64, used: i64, capacity: i64) -> (String, String) {
    let text = format!(
        "Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}"
    );
    (format!("OutOf{resource}"), text)
}

/// What a pod asks for of one resource.
pub fn requested(pod: &Pod, resource: &str) -> Amount {
    quota::total(pod, false).get(resource).copied().unwrap_or(Amount::ZERO)
}

/// What a pod was given, as its status says: it keeps that while a resize of it waits for room.
pub fn given(pod: &Pod, resource: &str) -> Amount {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let told = statuses.iter().map(|status| (status.name.as_str(), status.allocated_resources.as_ref())).into_map();
    let given = |container: &Container| {
        let allocated = (*told.get(container.name.as_str())?)?;
        Some(ResourceRequirements { requests: Some(allocated.clone()), ..ResourceRequirements::default() })
    };
    requested(&with_resources(pod, given), resource)
}

/// As [`given`], by the pod's worker, which knows first.
///
/// Mirrors: pkg/kubelet/allocation/allocation_manager.go `getAllocatedPods`.
fn granted(worker: &PodWorker) -> quota::Amounts {
    let slots = worker.slots.iter().map(|slot| (slot.name.as_str(), &slot.allocated)).into_map();
    let granted = |container: &Container| slots.get(container.name.as_str()).map(|given| (*given).clone());
    quota::total(&with_resources(&worker.pod, granted), false)
}

/// The pod with other resources for those containers of which something else is known.
fn with_resources(pod: &Pod, of: impl Fn(&Container) -> Option<ResourceRequirements>) -> Pod {
    let mut spec = pod.spec.clone().unwrap_or_default();
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        if let Some(resources) = of(container) {
            container.resources = Some(resources);
        }
    }
    Pod { spec: Some(spec), ..Pod::default() }
}
