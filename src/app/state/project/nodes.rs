//! A Node object, its lease and its machine, as one box on the map.

use api::k8s_openapi::api::{coordination::v1::Lease, core::v1::Node};
use api::meta::{quantity::amount, time::micro_millis};
use engine::{ProcessId, Snapshot};

use super::{super::view::*, epoch};

pub fn view(node: &Node, snapshot: &Snapshot) -> NodeView {
    let name = node.metadata.name.clone().unwrap_or_default();
    let status = node.status.as_ref();
    let spec = node.spec.as_ref();
    let ready = status.and_then(|s| s.conditions.as_ref()?.iter().find(|c| c.type_ == "Ready")).map_or(
        Readiness::Unknown,
        |c| match c.status.as_str() {
            "True" => Readiness::Ready,
            "False" => Readiness::NotReady,
            _ => Readiness::Unknown,
        },
    );
    let heartbeat = snapshot
        .get::<Lease>("kube-node-lease", &name)
        .and_then(|lease| lease.spec.as_ref()?.renew_time.as_ref().map(micro_millis))
        .map(|at| (at - epoch(snapshot)).max(0) as Millis);
    let allocatable = |resource: &str| {
        let quantity = status.and_then(|s| s.allocatable.as_ref()?.get(resource));
        quantity.map(amount)
    };
    let machine = snapshot.processes.get(&ProcessId::Kubelet(name.as_str().into()));
    NodeView {
        control_plane: node
            .metadata
            .labels
            .as_ref()
            .is_some_and(|labels| labels.contains_key("node-role.kubernetes.io/control-plane")),
        ready,
        cordoned: spec.and_then(|s| s.unschedulable).unwrap_or(false),
        powered: machine.is_none_or(|machine| machine.running && !machine.frozen),
        heartbeat,
        cpu: Meter { requested: 0, allocatable: allocatable("cpu").map_or(0, |a| a.milli_value().max(0) as u64) },
        memory: Meter { requested: 0, allocatable: allocatable("memory").map_or(0, |a| a.value().max(0) as u64) },
        taints: spec
            .and_then(|s| s.taints.as_ref())
            .into_iter()
            .flatten()
            .map(|taint| match taint.value.as_deref() {
                None | Some("") => format!("{}:{}", taint.key, taint.effect),
                Some(value) => format!("{}={value}:{}", taint.key, taint.effect),
            })
            .collect(),
        pods: Vec::new(),
        name,
    }
}
