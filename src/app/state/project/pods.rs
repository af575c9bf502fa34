//! A Pod object as a card: its state as a shape, kubectl's word for it, what it waits for.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{Node, Pod, PodStatus};
use api::meta::{quantity::amount, time::millis};
use engine::Snapshot;

use super::{super::view::*, epoch};

pub fn node(pod: &Pod) -> Option<String> {
    pod.spec.as_ref()?.node_name.clone().filter(|name| !name.is_empty())
}

/// The card, but for what the pod waits for: that depends on its node, too.
pub fn view(pod: &Pod, word: String, family: u8) -> PodView {
    let empty = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&empty);
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let state = state(pod, status, &word);
    let restarts = status.container_statuses.iter().flatten().map(|c| c.restart_count.max(0) as u32).sum();
    PodView {
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        name: pod.metadata.name.clone().unwrap_or_default(),
        system: namespace == "kube-system",
        namespace,
        state,
        restarts,
        reason: unscheduled(status).filter(|_| node(pod).is_none()),
        wait: None,
        family,
        word,
    }
}

/// What the pod's containers request: millicores, bytes. Finished pods hold nothing.
pub fn requests(pod: &Pod) -> (u64, u64) {
    let over = pod.status.as_ref().and_then(|s| s.phase.as_deref()).is_some_and(|p| p == "Succeeded" || p == "Failed");
    if over {
        return (0, 0);
    }
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let asked = containers.filter_map(|c| c.resources.as_ref()?.requests.as_ref());
    asked.fold((0, 0), |(cpu, memory), requests| {
        let of = |name: &str| requests.get(name).map(amount);
        (
            cpu + of("cpu").map_or(0, |a| a.milli_value().max(0) as u64),
            memory + of("memory").map_or(0, |a| a.value().max(0) as u64),
        )
    })
}

fn state(pod: &Pod, status: &PodStatus, word: &str) -> PodState {
    if pod.metadata.deletion_timestamp.is_some() {
        return PodState::Terminating;
    }
    let waits_to_retry = status.container_statuses.iter().flatten().any(|container| {
        let Some(state) = &container.state else { return false };
        let reason = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref()).unwrap_or_default();
        reason.ends_with("BackOff") || reason.starts_with("ErrImage") || state.terminated.is_some()
    });
    match status.phase.as_deref().unwrap_or("Pending") {
        "Succeeded" => PodState::Succeeded,
        "Failed" => PodState::Failed,
        _ if word == "Unknown" => PodState::Unknown,
        _ if node(pod).is_none() => PodState::Pending,
        // A container that has ended in a pod that goes on will be started again.
        _ if waits_to_retry => PodState::BackOff,
        "Running" => {
            let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
            if ready { PodState::Running } else { PodState::Unready }
        }
        _ => PodState::Starting,
    }
}

/// The scheduler's own words on why there is no node.
fn unscheduled(status: &PodStatus) -> Option<String> {
    let condition = status.conditions.iter().flatten().find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
    let message = condition.message.clone()?;
    // What preemption could not do either is in the event; the card has little room.
    Some(message.split(" preemption:").next().unwrap_or_default().trim().to_string())
}

/// The nodes that pods may have to leave, by name.
pub fn tainted(snapshot: &Snapshot) -> BTreeMap<&str, &Node> {
    fn leaves(node: &Node) -> bool {
        let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
        taints.is_some_and(|taints| taints.iter().any(|taint| taint.effect == "NoExecute"))
    }
    let nodes = snapshot.list::<Node>("").map(|node| &**node).filter(|node| leaves(node));
    nodes.filter_map(|node| Some((node.metadata.name.as_deref()?, node))).collect()
}

pub fn wait(pod: &Pod, tainted: &BTreeMap<&str, &Node>, snapshot: &Snapshot) -> Option<Wait> {
    let moment = |unix: i64| (unix - epoch(snapshot)).max(0) as Millis;
    if let Some(until) = &pod.metadata.deletion_timestamp {
        return Some(Wait { until: moment(millis(until)), kind: WaitKind::Grace });
    }
    // Evicted when the shortest toleration of a NoExecute taint runs out.
    let node = tainted.get(pod.spec.as_ref()?.node_name.as_deref()?)?;
    let taints = node.spec.as_ref()?.taints.as_ref()?;
    let tolerations = pod.spec.as_ref()?.tolerations.as_ref()?;
    taints
        .iter()
        .filter(|taint| taint.effect == "NoExecute")
        .filter_map(|taint| {
            let since = millis(taint.time_added.as_ref()?);
            let patience = tolerations.iter().find(|t| t.key.as_deref() == Some(&taint.key))?.toleration_seconds?;
            Some(Wait { until: moment(since + patience * 1000), kind: WaitKind::Eviction })
        })
        .min_by_key(|wait| wait.until)
}
