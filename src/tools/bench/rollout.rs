//! From `kubectl create` to 1,000 pods Running on 20 nodes, through every component, in the page's slices.

use std::time::{Duration, Instant};

use api::k8s_openapi::api::core::v1::Pod;
use api::wire::{Method, Request};
use engine::{Cluster, ClusterConfig, NodeConfig};
use serde_json::json;

use super::{line, median, millis, resident};

const NODES: usize = 20;
const PODS: usize = 1_000;
/// Real time until the work of a frame is set down, as in the page.
const SLICE: Duration = Duration::from_millis(7);
/// What a heavy event is remembered by after the next one, as in the page.
const FADING: f64 = 0.998;
/// Virtual milliseconds between two looks at the pods.
const LOOK: u64 = 100;
/// Nothing here takes longer, in virtual milliseconds.
const LIMIT: u64 = 600_000;

pub fn main() {
    let empty = ready(NODES);
    let mut longest = Duration::ZERO;
    let mut virtually = 0;
    let took = median(5, || {
        let mut cluster = empty.clone();
        let begun = cluster.now();
        let run = deploy(&mut cluster, PODS);
        longest = longest.max(run.longest);
        virtually = cluster.now() - begun;
        run.took
    });
    line("1,000 pods Running", millis(took), "ms", &format!("{:.1} s on the cluster's clock", virtually as f64 / 1e3));
    line("longest slice", millis(longest), "ms", "8 wanted at most");
    for pods in [100, 300] {
        let took = median(5, || deploy(&mut empty.clone(), pods).took);
        line(&format!("{pods} pods Running"), millis(took), "ms", "");
    }
    memory(&empty);
}

/// What a pod costs in memory: 1,000 against 2,000, so that what the first ones share is not counted.
fn memory(empty: &Cluster) {
    let mut cluster = empty.clone();
    deploy(&mut cluster, PODS);
    let before = resident();
    scale(&mut cluster, PODS * 2);
    until_running(&mut cluster, PODS * 2);
    let grown = resident().saturating_sub(before) as f64;
    line("memory per pod", grown / PODS as f64 / 1024.0, "KiB", "its events, watch history and audit included");
}

/// What [`deploy`] took.
struct Run {
    took: Duration,
    longest: Duration,
}

/// A cluster whose nodes are Ready.
pub fn ready(nodes: usize) -> Cluster {
    let workers = (1..=nodes).map(|n| NodeConfig::worker(&format!("worker-{n}")));
    let nodes = std::iter::once(NodeConfig::control_plane()).chain(workers).collect();
    let mut cluster = Cluster::new(ClusterConfig { nodes, ..ClusterConfig::default() });
    cluster.run_for(60_000, usize::MAX);
    cluster
}

/// A Deployment of `pods` pods with a light container.
fn deploy(cluster: &mut Cluster, pods: usize) -> Run {
    let started = Instant::now();
    let response = cluster.request(deployment(pods));
    assert_eq!(response.status, 201, "{:?}", response.body);
    let longest = until_running(cluster, pods);
    Run { took: started.elapsed(), longest }
}

fn scale(cluster: &mut Cluster, pods: usize) {
    let path = "/apis/apps/v1/namespaces/default/deployments/web";
    let patch = Request::new(Method::Patch, path)
        .with_header("content-type", "application/merge-patch+json")
        .with_json(json!({"spec": {"replicas": pods}}));
    assert_eq!(cluster.request(patch).status, 200);
}

/// Runs slices until all are Running; answers how long the longest was.
fn until_running(cluster: &mut Cluster, pods: usize) -> Duration {
    let deadline = cluster.now() + LIMIT;
    let (mut longest, mut heaviest) = (Duration::ZERO, Duration::ZERO);
    while cluster.now() < deadline {
        let look = cluster.now() + LOOK;
        while cluster.now() < look {
            let slice = Instant::now();
            let mut took = Duration::ZERO;
            // Event by event, as long as one more would end in time.
            while took + heaviest <= SLICE && !cluster.run_until(look, 1).complete {
                let until = slice.elapsed();
                heaviest = heaviest.mul_f64(FADING).max(until - took).min(SLICE / 2);
                took = until;
            }
            longest = longest.max(slice.elapsed());
        }
        if running(cluster) >= pods {
            return longest;
        }
    }
    panic!("{} of {pods} pods were running after {LIMIT} ms", running(cluster));
}

fn running(cluster: &Cluster) -> usize {
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
    cluster.snapshot().list::<Pod>("default").filter(|pod| phase(pod).as_deref() == Some("Running")).count()
}

fn deployment(pods: usize) -> Request {
    Request::new(Method::Post, "/apis/apps/v1/namespaces/default/deployments").with_json(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": pods, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]},
            },
        },
    }))
}
