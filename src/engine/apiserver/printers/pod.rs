//! Pods: what a pod's phase, containers and conditions add up to in one word.
//!
//! Mirrors: pkg/printers/internalversion `printPod`.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, text, text_or};
use super::column::{AGE, Column, NAME, field, string};

/// Why a pod on an unreachable node is being deleted.
const NODE_LOST: &str = "NodeLost";

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    string("Status", "The aggregate status of the containers in this pod."),
    string(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
    ),
    AGE,
    field("IP", "core/v1.PodStatus", "podIP").wide(),
    field("Node", "core/v1.PodSpec", "nodeName").wide(),
    field("Nominated Node", "core/v1.PodStatus", "nominatedNodeName").wide(),
    field("Readiness Gates", "core/v1.PodSpec", "readinessGates").wide(),
];

pub(super) fn cells(pod: &Pod, now: Now) -> Cells {
    let empty = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&empty);
    let summary = summarize(pod, status);
    let restarts = match (summary.restarts.count, summary.restarts.last) {
        (count, Some(last)) if count != 0 => format!("{count} ({} ago)", now.since(Some(&last))),
        (count, _) => count.to_string(),
    };
    let ip = status.pod_ips.iter().flatten().next().map(|ip| ip.ip.as_str());
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    vec![
        text(&pod.metadata.name),
        json!(format!("{}/{}", summary.ready, summary.total)),
        json!(summary.reason),
        json!(restarts),
        now.age(&pod.metadata),
        text_or(ip, "<none>"),
        text_or(node, "<none>"),
        text_or(status.nominated_node_name.as_deref(), "<none>"),
        json!(readiness_gates(pod, status)),
    ]
}

/// The row's conditions: a client may dim pods that have run to their end.
pub fn conditions(pod: &Pod) -> Option<Value> {
    let (reason, message) = match pod.status.as_ref()?.phase.as_deref()? {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{ "type": "Completed", "status": "True", "reason": reason, "message": message }]))
}

struct Summary {
    reason: String,
    ready: usize,
    total: usize,
    restarts: Restarts,
}

/// How often containers were restarted, and when the last of them had ended.
#[derive(Default, Clone)]
struct Restarts {
    count: i32,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, status: &ContainerStatus) {
        self.count += status.restart_count;
        let ended = status.last_state.as_ref().and_then(|state| state.terminated.as_ref()?.finished_at.clone());
        if ended > self.last {
            self.last = ended;
        }
    }
}

fn summarize(pod: &Pod, status: &PodStatus) -> Summary {
    let spec = pod.spec.as_ref();
    let init_containers = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    let is_sidecar =
        |name: &str| init_containers.iter().any(|c| c.name == name && c.restart_policy.as_deref() == Some("Always"));
    let mut summary = Summary {
        reason: base_reason(status),
        ready: 0,
        total: spec.map_or(0, |spec| spec.containers.len())
            + init_containers.iter().filter(|c| is_sidecar(&c.name)).count(),
        restarts: Restarts::default(),
    };

    // Init containers run one after the other: the first unfinished one tells the state.
    let mut sidecar_restarts = Restarts::default();
    let mut initializing = false;
    for (index, container) in status.init_container_statuses.iter().flatten().enumerate() {
        let sidecar = is_sidecar(&container.name);
        summary.restarts.add(container);
        if sidecar {
            sidecar_restarts.add(container);
        }
        let state = container.state.as_ref();
        let terminated = state.and_then(|state| state.terminated.as_ref());
        let waiting = state.and_then(|state| state.waiting.as_ref()?.reason.as_deref());
        match (terminated, waiting) {
            (Some(terminated), _) if terminated.exit_code == 0 => continue,
            _ if sidecar && container.started == Some(true) => {
                summary.ready += usize::from(container.ready);
                continue;
            }
            (Some(terminated), _) => summary.reason = format!("Init:{}", ended(terminated)),
            (None, Some(reason)) if !reason.is_empty() && reason != "PodInitializing" => {
                summary.reason = format!("Init:{reason}");
            }
            (None, _) => summary.reason = format!("Init:{index}/{}", init_containers.len()),
        }
        initializing = true;
        break;
    }

    if !initializing || has_condition(status, "Initialized") {
        // Init containers that are through no longer count, sidecars do.
        summary.restarts = sidecar_restarts;
        let mut has_running = false;
        // From the last to the first, each overriding: the first container's trouble wins.
        for container in status.container_statuses.iter().flatten().rev() {
            summary.restarts.add(container);
            let state = container.state.as_ref();
            let waiting = state.and_then(|state| state.waiting.as_ref()?.reason.as_deref());
            if let Some(reason) = waiting.filter(|reason| !reason.is_empty()) {
                summary.reason = reason.into();
            } else if let Some(terminated) = state.and_then(|state| state.terminated.as_ref()) {
                summary.reason = ended(terminated);
            } else if container.ready && state.is_some_and(|state| state.running.is_some()) {
                has_running = true;
                summary.ready += 1;
            }
        }
        if summary.reason == "Completed" && has_running {
            summary.reason = if has_condition(status, "Ready") { "Running" } else { "NotReady" }.into();
        }
    }

    if pod.metadata.deletion_timestamp.is_some() {
        let terminal = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        if status.reason.as_deref() == Some(NODE_LOST) {
            summary.reason = "Unknown".into();
        } else if !terminal {
            summary.reason = "Terminating".into();
        }
    }
    summary
}

/// What is said of the pod before its containers are looked at.
fn base_reason(status: &PodStatus) -> String {
    let gated = status
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == "PodScheduled" && c.reason.as_deref() == Some("SchedulingGated"));
    if gated {
        return "SchedulingGated".into();
    }
    let reason = status.reason.as_deref().filter(|reason| !reason.is_empty());
    reason.or(status.phase.as_deref()).unwrap_or_default().into()
}

/// The reason of a container's end, or its signal or exit code.
fn ended(terminated: &ContainerStateTerminated) -> String {
    match (terminated.reason.as_deref(), terminated.signal) {
        (Some(reason), _) if !reason.is_empty() => reason.into(),
        (_, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", terminated.exit_code),
    }
}

fn has_condition(status: &PodStatus, kind: &str) -> bool {
    status.conditions.iter().flatten().any(|c| c.type_ == kind && c.status == "True")
}

/// How many of the pod's readiness gates are open.
fn readiness_gates(pod: &Pod, status: &PodStatus) -> String {
    let gates = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_deref()).unwrap_or_default();
    if gates.is_empty() {
        return "<none>".into();
    }
    let open = gates
        .iter()
        .filter(|gate| {
            let condition = status.conditions.iter().flatten().find(|c| c.type_ == gate.condition_type);
            condition.is_some_and(|c| c.status == "True")
        })
        .count();
    format!("{open}/{}", gates.len())
}
