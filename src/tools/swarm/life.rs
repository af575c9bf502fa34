//! One life of a cluster under a history of actions. The page's own tests live it, too, so nothing here is native only.

use api::wire::{Method, Request};
use engine::sim::{Millis, Rng};
use engine::{Cluster, ClusterConfig, NodeConfig};
use serde_json::json;

use super::actions::{self, Action};
use super::manifests::{CLASSES, NAMESPACES};

/// Nodes are Ready before anything happens.
const WARM_UP: Millis = 60_000;
/// How long the cluster is left alone in the end.
pub const QUIET: Millis = 15 * 60_000;
/// The seeds that are held against each other, natively and in the page, and how long their actions take.
pub const COMPARED: ([u64; 3], Millis) = ([11, 12, 13], 10 * 60_000);

/// A cluster of this seed, with the namespaces and priority classes that manifests name.
pub fn cluster(seed: u64) -> Cluster {
    let mut rng = Rng::stream(seed, "swarm cluster");
    let mut nodes = vec![NodeConfig::control_plane()];
    for number in 1..=2 + rng.below(3) {
        nodes.push(NodeConfig::worker(&format!("worker-{number}")));
    }
    let mut cluster = Cluster::new(ClusterConfig { seed, nodes, ..ClusterConfig::default() });
    cluster.run_for(WARM_UP, usize::MAX);
    for namespace in NAMESPACES {
        let request = Request::new(Method::Post, "/api/v1/namespaces");
        // `default` is there already.
        let _ = cluster.request(request.with_json(json!({"metadata": {"name": namespace}})));
    }
    for (name, value, policy) in CLASSES {
        let class = json!({"metadata": {"name": name}, "value": value, "preemptionPolicy": policy});
        let request = Request::new(Method::Post, "/apis/scheduling.k8s.io/v1/priorityclasses").with_json(class);
        let _ = cluster.request(request);
    }
    cluster.run_for(2_000, usize::MAX);
    cluster
}

/// Lets a history happen, time passing in random pieces; the hash of all that was written.
pub fn sliced(seed: u64, history: &[Action]) -> u64 {
    let mut rng = Rng::stream(seed, "slices");
    let mut cluster = cluster(seed);
    let start = cluster.now();
    let mut until = |cluster: &mut Cluster, at: Millis| loop {
        let rest = at.saturating_sub(cluster.now());
        let span = rest.min(1 + rng.below(60_000));
        let ran = cluster.run_for(span, 1 + rng.below(400) as usize);
        if ran.complete && span == rest {
            return;
        }
    };
    for action in history {
        until(&mut cluster, start + action.at);
        action.happen(&mut cluster);
    }
    actions::heal(&mut cluster);
    let end = cluster.now() + QUIET;
    until(&mut cluster, end);
    cluster.event_hash()
}

/// What `cargo xtask test` holds against each other: `swarm-11=0123456789abcdef`, a word per seed.
pub fn words() -> Vec<String> {
    let (seeds, span) = COMPARED;
    let word = |seed| format!("swarm-{seed}={:016x}", sliced(seed, &actions::history(seed, span)));
    seeds.into_iter().map(word).collect()
}
