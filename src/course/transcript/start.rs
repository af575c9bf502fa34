//! The start state of a case: its nodes and the profile of their kubelets.

use std::collections::BTreeMap;

use api::wire::{Backend, Method, Request};
use engine::client::Profile;
use engine::{Cluster, ClusterConfig, NodeConfig};

use super::{Directive, Transcript};

type Pairs = BTreeMap<String, String>;

/// How long a cluster stands before the first command: nodes are Ready, loops are quiet.
const WARM_UP: u64 = 120_000;

/// The cluster a case begins with.
pub fn cluster(transcript: &Transcript) -> Cluster {
    started(config(transcript))
}

/// As [`cluster`], with other draws and other delays.
pub fn seeded(transcript: &Transcript, seed: u64) -> Cluster {
    started(ClusterConfig { seed, ..config(transcript) })
}

fn started(config: ClusterConfig) -> Cluster {
    let mut cluster = Cluster::new(config);
    cluster.run_for(WARM_UP, usize::MAX);
    // A case begins without events in `default`: on a cluster that stood for hours they have expired.
    cluster.submit(Request::new(Method::Delete, "/api/v1/namespaces/default/events"));
    cluster
}

fn config(transcript: &Transcript) -> ClusterConfig {
    let mut common = Pairs::new();
    let mut nodes: Vec<NodeConfig> = Vec::new();
    let mut profile = Profile::kwok();
    for step in &transcript.steps {
        match &step.what {
            Directive::Cluster(pairs) => {
                common = pairs.clone();
                if pairs.get("profile").map(String::as_str) == Some("kubelet") {
                    profile = Profile::kubelet();
                }
                let count: usize = pairs.get("nodes").and_then(|count| count.parse().ok()).unwrap_or(0);
                nodes = (1..=count).map(|i| node(&format!("worker-{i}"), pairs)).collect();
            }
            Directive::Node(name, pairs) => {
                if !nodes.iter().any(|node| node.name == *name) {
                    nodes.push(node(name, &common));
                }
                if let Some(known) = nodes.iter_mut().find(|node| node.name == *name) {
                    adjust(known, pairs);
                }
            }
            _ => {}
        }
    }
    ClusterConfig { nodes, profile, metrics_server: false, ..ClusterConfig::default() }
}

/// A node that joins later: the cluster's sizes, its own labels and taints.
pub fn added(transcript: &Transcript, name: &str, pairs: &Pairs) -> NodeConfig {
    let mut sizes = Pairs::new();
    for step in &transcript.steps {
        if let Directive::Cluster(common) = &step.what {
            sizes = common.clone();
        }
    }
    sizes.retain(|key, _| matches!(key.as_str(), "cpu" | "memory" | "pods" | "ephemeral-storage"));
    let mut config = node(name, &sizes);
    adjust(&mut config, pairs);
    config
}

fn node(name: &str, pairs: &Pairs) -> NodeConfig {
    let mut config = NodeConfig::worker(name);
    adjust(&mut config, pairs);
    config
}

fn adjust(config: &mut NodeConfig, pairs: &Pairs) {
    for (key, value) in pairs {
        match key.as_str() {
            "cpu" => config.cpu.clone_from(value),
            "memory" => config.memory.clone_from(value),
            "pods" => config.pods.clone_from(value),
            "ephemeral-storage" => config.ephemeral_storage.clone_from(value),
            "unschedulable" => config.unschedulable = value == "true",
            "podCIDR" => config.pod_cidr = Some(value.clone()),
            "labels" => config.labels.extend(
                value
                    .split(',')
                    .filter_map(|label| label.split_once('=').map(|(key, value)| (key.to_string(), value.to_string()))),
            ),
            "taints" => config.taints.extend(value.split(',').map(taint)),
            "images" => config.images.extend(value.split(',').filter_map(|image| {
                let (name, size) = image.rsplit_once('@')?;
                Some((name.to_string(), size.parse().ok()?))
            })),
            // `nodes` and `profile` are the cluster's.
            _ => {}
        }
    }
}

/// `key=value:Effect` or `key:Effect`.
fn taint(text: &str) -> (String, String, String) {
    let (pair, effect) = text.rsplit_once(':').unwrap_or((text, ""));
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    (key.into(), value.into(), effect.into())
}
