//! How many pods a second the scheduler places: 5,000 nodes in three zones, 30,000 pods.
//!
//! Measured is the scheduler alone, queue and cache included, API server and kubelets left out.
//! *Plain* pods have requests only; *replicas* belong to one of 100 ReplicaSets, so that each
//! placement also weighs how its siblings are spread over nodes and zones.

use std::sync::Arc;
use std::time::Instant;

use api::{Kind, Object};
use engine::scheduler::{Algorithm, Cache, Nominator, Outcome, Queue, Settings};
use serde_json::{Value, json};

const NODES: usize = 5_000;
const PODS: usize = 30_000;
const REPLICA_SETS: usize = 100;

/// Measures both kinds of pods and prints a line for each.
pub fn main() {
    for (name, owned) in [("plain", false), ("replicas", true)] {
        let rate = bindings_per_second(NODES, PODS, owned);
        super::line(name, rate, "bindings/s", "10,000 wanted");
    }
}

/// Places `pods` pods on `nodes` empty nodes, one after the other.
pub fn bindings_per_second(nodes: usize, pods: usize, owned: bool) -> f64 {
    let mut cache = Cache::default();
    for at in 0..nodes {
        if let Some(Object::Node(node)) = read(Kind::Node, node(at)) {
            cache.set_node(node);
        }
    }
    for at in 0..REPLICA_SETS {
        if let Some(set) = read(Kind::ReplicaSet, replica_set(at)) {
            cache.listers.set(&set);
        }
    }
    let pods: Vec<_> = (0..pods)
        .filter_map(|at| match read(Kind::Pod, pod(at, owned)) {
            Some(Object::Pod(pod)) => Some(pod),
            _ => None,
        })
        .collect();
    let count = pods.len();

    let mut queue = Queue::default();
    let mut algorithm = Algorithm::new(Settings::default());
    let nominator = Nominator::default();
    let mut turn = 0;
    let started = Instant::now();
    for pod in pods {
        let info = cache.pod_info(Arc::clone(&pod));
        queue.add(&cache, info, 0);
    }
    while let Some(queued) = queue.pop(0) {
        // Any spread will do here; ties are broken in turn.
        let mut pick = |equals: usize| {
            turn += 1;
            turn % equals
        };
        let (outcome, _trace) = algorithm.attempt(&cache, &nominator, &queued.info, 0, &mut pick);
        if let Outcome::Scheduled { node } = outcome {
            cache.assume(queued.info, node);
        }
    }
    count as f64 / started.elapsed().as_secs_f64()
}

fn read(kind: Kind, value: Value) -> Option<Object> {
    Object::from_value(kind, value).ok()
}

fn node(at: usize) -> Value {
    let name = format!("node-{at}");
    let zone = format!("zone-{}", at % 3);
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}},
        "status": {"allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}},
    })
}

fn replica_set(at: usize) -> Value {
    let app = format!("app-{at}");
    json!({
        "metadata": {"name": app, "namespace": "default", "uid": format!("set-{at}")},
        "spec": {"selector": {"matchLabels": {"app": app}}, "template": {"metadata": {"labels": {"app": app}}}},
    })
}

fn pod(at: usize, owned: bool) -> Value {
    let set = at % REPLICA_SETS;
    let app = format!("app-{set}");
    let owners = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": app, "uid": format!("set-{set}"), "controller": true}]);
    json!({
        "metadata": {
            "name": format!("pod-{at}"), "namespace": "default", "uid": format!("pod-{at}"),
            "labels": {"app": app}, "ownerReferences": if owned { owners } else { json!([]) },
        },
        "spec": {"containers": [{"name": "c", "image": "nginx:1.27",
            "resources": {"requests": {"cpu": format!("{}m", 100 + 50 * (at % 5)), "memory": "256Mi"}}}]},
    })
}
