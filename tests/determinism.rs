//! Same seed, same inputs: the same history. And a checkpoint goes on as if nothing had happened.

use api::wire::{Method, Request};
use engine::{Cluster, ClusterConfig};
use serde_json::json;

fn deployment(replicas: u32) -> Request {
    Request::new(Method::Post, "/apis/apps/v1/namespaces/default/deployments").with_json(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}},
        },
    }))
}

fn session(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig { seed, ..ClusterConfig::default() });
    cluster.run_for(30_000, usize::MAX);
    let response = cluster.request(deployment(5));
    assert_eq!(response.status, 201, "{:?}", response.body);
    cluster.run_for(60_000, usize::MAX);
    cluster
}

#[test]
fn the_same_session_has_the_same_hash_and_another_seed_another() {
    assert_eq!(session(1).event_hash(), session(1).event_hash());
    assert_ne!(session(1).event_hash(), session(2).event_hash());
}

#[test]
fn slicing_time_changes_nothing() {
    let mut sliced = Cluster::new(ClusterConfig::default());
    let mut whole = sliced.clone();
    whole.run_for(60_000, usize::MAX);
    while sliced.now() < 60_000 {
        let rest = 60_000 - sliced.now();
        sliced.run_for(rest.min(16), 3);
    }
    assert_eq!(sliced.event_hash(), whole.event_hash());
}

#[test]
fn a_checkpoint_goes_on_like_the_original() {
    let mut original = session(7);
    let mut checkpoint = original.clone();
    original.run_for(120_000, usize::MAX);
    checkpoint.run_for(120_000, usize::MAX);
    assert_eq!(original.event_hash(), checkpoint.event_hash());
}
