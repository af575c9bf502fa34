//! Pod garbage collector: pods that nobody else will ever remove.
//!
//! Every twenty seconds: pods of nodes that vanished, pods deleted before they had a node, pods that
//! cannot leave a node which is out of service, and the oldest of too many that ended.
//! Mirrors: pkg/controller/podgc.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::order::{Gather, Order};
use api::{Kind, Status};

use super::{Controller, Outcome, pods};
use crate::client::{Context, DeleteOptions, Key, Revision, WorkQueue, mark_disrupted};
use crate::sim::{Millis, SECOND};

const PERIOD: Millis = 20 * SECOND;
/// A node must be missed for this long.
const QUARANTINE: Millis = 40 * SECOND;
/// Pods that ended are kept up to this many.
const THRESHOLD: usize = 12_500;
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// The one key there is.
const SWEEP: &str = "sweep";

#[derive(Clone, Default)]
pub struct PodGc {
    /// Nodes that pods name and the API does not, and until when they are given the benefit of the doubt.
    missing: BTreeMap<String, Millis>,
}

impl Controller for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector-controller"
    }

    fn observe(&mut self, _news: &Revision, _cx: &mut Context, _queue: &mut WorkQueue) {}

    fn resync(&mut self, _cx: &mut Context, queue: &mut WorkQueue) {
        self.missing.clear();
        queue.add(SWEEP.into());
    }

    fn reconcile(&mut self, _key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let nodes: BTreeMap<String, Arc<Node>> = cx
            .api
            .list::<Node>("")
            .map(|node| (node.metadata.name.clone().unwrap_or_default(), node.clone()))
            .into_map();
        let gone = self.gone(cx, &nodes);
        let doomed: Vec<(Arc<Pod>, bool)> = cx
            .api
            .list::<Pod>("")
            .filter_map(|pod| {
                let orphaned = gone.contains(pods::node(pod));
                let stuck = pods::is_terminating(pod)
                    && nodes.get(pods::node(pod)).map_or(pods::node(pod).is_empty(), |node| is_out_of_service(node));
                (orphaned || stuck).then(|| (pod.clone(), orphaned))
            })
            .collect();
        // A pod that cannot be deleted now is tried again at the next sweep.
        for (pod, orphaned) in doomed {
            let _ = fail_and_delete(cx, &pod, orphaned.then_some("PodGC: node no longer exists"));
        }
        for pod in surplus(cx) {
            let _ = fail_and_delete(cx, &pod, None);
        }
        Ok(Outcome::At(cx.now + PERIOD))
    }
}

impl PodGc {
    /// Names of nodes that have been missed long enough.
    fn gone(&mut self, cx: &Context, nodes: &BTreeMap<String, Arc<Node>>) -> BTreeSet<String> {
        let named = cx.api.list::<Pod>("").map(|pod| pods::node(pod));
        let missed: BTreeSet<&str> = named.filter(|node| !node.is_empty() && !nodes.contains_key(*node)).into_set();
        self.missing.retain(|node, _| missed.contains(node.as_str()));
        for node in missed {
            self.missing.entry(node.into()).or_insert(cx.now + QUARANTINE);
        }
        self.missing.iter().filter(|(_, until)| **until <= cx.now).map(|(node, _)| node.clone()).collect()
    }
}

fn is_out_of_service(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    !ready && taints.iter().any(|taint| taint.key == OUT_OF_SERVICE)
}

/// The oldest ended pods beyond what is kept, evicted ones first.
fn surplus(cx: &Context) -> Vec<Arc<Pod>> {
    let count = cx.api.list::<Pod>("").filter(|pod| pods::is_terminal(pod)).count();
    let Some(surplus) = count.checked_sub(THRESHOLD).filter(|surplus| *surplus > 0) else { return Vec::new() };
    let mut ended: Vec<Arc<Pod>> = cx.api.list::<Pod>("").filter(|pod| pods::is_terminal(pod)).cloned().collect();
    ended.order_by_key(|pod| {
        let reason = pod.status.as_ref().and_then(|status| status.reason.as_deref());
        (reason != Some("Evicted"), pod.metadata.creation_timestamp.clone(), pods::name(pod).to_string())
    });
    ended.truncate(surplus);
    ended
}

/// No kubelet will say how the pod ended: it failed, and is removed at once.
fn fail_and_delete(cx: &mut Context, pod: &Pod, disrupted: Option<&str>) -> Result<(), Status> {
    let (namespace, name) = (pods::namespace(pod), pods::name(pod));
    if !pods::is_terminal(pod) {
        let now = cx.time();
        cx.api.patch::<Pod>(namespace, name, "status", |pod| {
            pod.status.get_or_insert_default().phase = Some("Failed".into());
            if let Some(message) = disrupted {
                mark_disrupted(pod, "DeletionByPodGC", message, now);
            }
        })?;
    }
    let options = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    cx.api.delete(&Key::new(Kind::Pod, namespace, name), &options).map(|_| ())
}

#[cfg(test)]
mod tests {
    use api::k8s_openapi::api::core::v1::Pod;
    use api::wire::{Method, Request};
    use serde_json::json;

    use crate::client::Profile;
    use crate::{Cluster, ClusterConfig, Fault, NodeConfig};

    const SECOND: u64 = 1_000;

    /// A pod on worker-1 of two, whose machine is about to be cut off.
    fn cluster() -> Cluster {
        let config = ClusterConfig {
            nodes: vec![NodeConfig::worker("worker-1"), NodeConfig::worker("worker-2")],
            profile: Profile::kwok(),
            ..ClusterConfig::default()
        };
        let mut cluster = Cluster::new(config);
        cluster.run_for(5 * SECOND, usize::MAX);
        create(&mut cluster, "p", json!({"nodeName": "worker-1"}));
        cluster.run_for(5 * SECOND, usize::MAX);
        cluster.inject(Fault::PowerOff { node: "worker-1".into() }).unwrap();
        cluster
    }

    fn create(cluster: &mut Cluster, name: &str, mut spec: serde_json::Value) {
        spec["containers"] = json!([{"name": "c", "image": "busybox:1.36"}]);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
        ask(cluster, Method::Post, "/api/v1/namespaces/default/pods", pod);
    }

    fn ask(cluster: &mut Cluster, method: Method, path: &str, body: serde_json::Value) {
        let request = Request::new(method, path).with_json(body);
        let response = cluster.request(request.with_header("content-type", "application/strategic-merge-patch+json"));
        assert!(response.status < 300, "{:?}", response.body);
    }

    fn is_there(cluster: &Cluster, name: &str) -> bool {
        cluster.snapshot().get::<Pod>("default", name).is_some()
    }

    #[test]
    fn pods_of_a_vanished_node_go_after_the_quarantine() {
        let mut cluster = cluster();
        ask(&mut cluster, Method::Delete, "/api/v1/nodes/worker-1", json!({}));
        cluster.run_for(39 * SECOND, usize::MAX);
        assert!(is_there(&cluster, "p"));
        cluster.run_for(25 * SECOND, usize::MAX);
        assert!(!is_there(&cluster, "p"));
    }

    #[test]
    fn out_of_service_frees_what_cannot_leave() {
        let mut cluster = cluster();
        cluster.run_for(120 * SECOND, usize::MAX);
        ask(&mut cluster, Method::Delete, "/api/v1/namespaces/default/pods/p", json!({}));
        cluster.run_for(60 * SECOND, usize::MAX);
        assert!(is_there(&cluster, "p"), "nobody there says that it stopped");
        let taint = json!({"spec": {"taints": [{"key": super::OUT_OF_SERVICE, "effect": "NoExecute"}]}});
        ask(&mut cluster, Method::Patch, "/api/v1/nodes/worker-1", taint);
        cluster.run_for(25 * SECOND, usize::MAX);
        assert!(!is_there(&cluster, "p"));
    }

    #[test]
    fn a_pod_without_a_node_that_was_deleted_goes() {
        let mut cluster = cluster();
        create(&mut cluster, "q", json!({"nodeSelector": {"no": "such"}}));
        let waits = json!({"metadata": {"finalizers": ["example.com/wait"]}});
        ask(&mut cluster, Method::Patch, "/api/v1/namespaces/default/pods/q", waits);
        ask(&mut cluster, Method::Delete, "/api/v1/namespaces/default/pods/q", json!({}));
        cluster.run_for(25 * SECOND, usize::MAX);
        let pod = cluster.snapshot().get::<Pod>("default", "q").cloned().unwrap();
        assert_eq!(pod.status.as_ref().unwrap().phase.as_deref(), Some("Failed"));
    }
}
