//! Helpers for the plugins' table tests: clusters from a few words of JSON.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::cache::{Cache, NodeInfo};
use super::framework::{Plugin, PreFilter, Verdict};
use super::pod_info::PodInfo;

pub fn node(json: &str) -> Node {
    serde_json::from_str(json).expect("test nodes are well formed")
}

/// A pod `new` of namespace `default`, from its spec.
pub fn pod(spec: &str) -> PodInfo {
    named("new", spec)
}

fn named(name: &str, spec: &str) -> PodInfo {
    let mut spec: serde_json::Value = serde_json::from_str(spec).expect("test specs are well formed");
    if spec.get("containers").is_none() {
        spec["containers"] = serde_json::json!([{"name": "c"}]);
    }
    let metadata = serde_json::json!({"name": name, "namespace": "default", "uid": name});
    let pod: Pod = serde_json::from_value(serde_json::json!({"metadata": metadata, "spec": spec}))
        .expect("test pods are well formed");
    PodInfo::new(Arc::new(pod), 0)
}

/// A pod that runs on a node.
pub fn pod_on(node: &str, name: &str, spec: &str) -> PodInfo {
    change(named(name, spec), |pod| pod.spec.get_or_insert_default().node_name = Some(node.to_owned()))
}

pub fn labelled(pod: PodInfo, key: &str, value: &str) -> PodInfo {
    change(pod, |pod| {
        pod.metadata.labels.get_or_insert_default().insert(key.to_owned(), value.to_owned());
    })
}

fn change(info: PodInfo, change: impl FnOnce(&mut Pod)) -> PodInfo {
    let mut pod = (*info.pod).clone();
    change(&mut pod);
    PodInfo::new(Arc::new(pod), 0)
}

pub fn cache_of(nodes: &[Node], pods: &[PodInfo]) -> Cache {
    let mut cache = Cache::default();
    for node in nodes {
        cache.set_node(Arc::new(node.clone()));
    }
    for pod in pods {
        let info = cache.pod_info(pod.pod.clone());
        cache.set_pod(info);
    }
    cache
}

/// A plugin's reasons per node, empty where it fits; one entry if it refuses the pod as a whole.
pub fn verdicts(plugin: &dyn Plugin, cache: &Cache, pod: &PodInfo) -> Vec<String> {
    let filter = match plugin.pre_filter(cache, pod) {
        PreFilter::Skip => return cache.nodes().map(|_| String::new()).collect(),
        PreFilter::Reject(_, reason) => return vec![reason.into_owned()],
        PreFilter::Filter(filter) | PreFilter::OnlyNodes(filter, _) => filter,
    };
    cache
        .nodes()
        .map(|node| match filter.filter(node) {
            Verdict::Fits => String::new(),
            Verdict::Rejected(_, reasons) => reasons.join(", "),
        })
        .collect()
}

pub fn filter_verdict(plugin: &dyn Plugin, nodes: &[Node], pods: &[PodInfo], pod: PodInfo) -> Vec<String> {
    verdicts(plugin, &cache_of(nodes, pods), &pod)
}

/// A plugin's normalised scores, in the order of the nodes.
pub fn scores(plugin: &dyn Plugin, nodes: &[Node], pods: &[PodInfo], pod: PodInfo) -> Vec<i64> {
    let cache = cache_of(nodes, pods);
    let feasible: Vec<&Arc<NodeInfo>> = cache.nodes().collect();
    let scorer = plugin.pre_score(&cache, &pod, &feasible).expect("the plugin scores this pod");
    let mut scores: Vec<i64> = feasible.iter().map(|node| scorer.score(node)).collect();
    scorer.normalise(&mut scores, &feasible);
    scores
}
