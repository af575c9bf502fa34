//! Which nodes a daemon belongs on, and how its pod is pinned there.
//!
//! Mirrors: pkg/controller/daemon/daemon_controller.go `NodeShouldRunDaemonPod`, util/daemonset_util.go.

use api::k8s_openapi::api::apps::v1::DaemonSet;
use api::k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Toleration};
use api::meta::node_selector::admits;
use api::meta::toleration::tolerates;

/// (should run, should continue to run): a new taint of effect NoSchedule stops nobody who runs already.
pub fn suits(set: &DaemonSet, node: &Node) -> (bool, bool) {
    let spec = set.spec.as_ref().and_then(|spec| spec.template.spec.clone()).unwrap_or_default();
    let name = node.metadata.name.as_deref().unwrap_or_default();
    if spec.node_name.as_deref().is_some_and(|wanted| !wanted.is_empty() && wanted != name) {
        return (false, false);
    }
    if !matches_selector(&spec, node) {
        return (false, false);
    }
    let mut tolerations = spec.tolerations.clone().unwrap_or_default();
    tolerations.extend(own_tolerations(spec.host_network == Some(true)));
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let untolerated = |effects: &[&str]| {
        taints
            .iter()
            .any(|taint| effects.contains(&taint.effect.as_str()) && !tolerations.iter().any(|t| tolerates(t, taint)))
    };
    (!untolerated(&["NoSchedule", "NoExecute"]), !untolerated(&["NoExecute"]))
}

/// The node a daemon pod is bound to, or pinned to.
pub fn target(pod: &Pod) -> String {
    let bound = crate::controllers::pods::node(pod);
    if !bound.is_empty() {
        return bound.into();
    }
    terms(pod)
        .flat_map(|term| term.match_fields.iter().flatten())
        .find(|requirement| requirement.key == "metadata.name")
        .and_then(|requirement| requirement.values.as_ref()?.first().cloned())
        .unwrap_or_default()
}

fn terms(pod: &Pod) -> impl Iterator<Item = &NodeSelectorTerm> {
    pod.spec
        .iter()
        .filter_map(|spec| spec.affinity.as_ref()?.node_affinity.as_ref())
        .filter_map(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref())
        .flat_map(|selector| &selector.node_selector_terms)
}

/// Pins a pod to a node by required affinity, so that the scheduler binds it and nobody else.
pub fn pin(pod: &mut Pod, node: &str) {
    let spec = pod.spec.get_or_insert_default();
    let host_network = spec.host_network == Some(true);
    let tolerations = spec.tolerations.get_or_insert_default();
    for own in own_tolerations(host_network) {
        if !tolerations.contains(&own) {
            tolerations.push(own);
        }
    }
    let field =
        NodeSelectorRequirement { key: "metadata.name".into(), operator: "In".into(), values: Some(vec![node.into()]) };
    let affinity = spec.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
    let required = affinity.required_during_scheduling_ignored_during_execution.get_or_insert_default();
    if required.node_selector_terms.is_empty() {
        required.node_selector_terms.push(NodeSelectorTerm::default());
    }
    for term in &mut required.node_selector_terms {
        term.match_fields = Some(vec![field.clone()]);
    }
}

/// What every daemon endures: silence, pressure, a cordon.
fn own_tolerations(host_network: bool) -> Vec<Toleration> {
    let mut keys = vec![
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ];
    if host_network {
        keys.push(("node.kubernetes.io/network-unavailable", "NoSchedule"));
    }
    keys.into_iter()
        .map(|(key, effect)| Toleration {
            key: Some(key.into()),
            operator: Some("Exists".into()),
            effect: Some(effect.into()),
            ..Toleration::default()
        })
        .collect()
}

fn matches_selector(spec: &PodSpec, node: &Node) -> bool {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let plain = spec.node_selector.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let required = spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    let name = node.metadata.name.clone().unwrap_or_default();
    plain && required.is_none_or(|selector| admits(selector, &name, Some(&labels)))
}
