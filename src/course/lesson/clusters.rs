//! The clusters lessons name, from `lessons/clusters.yaml`.

use std::collections::BTreeMap;

use engine::{ClusterConfig, NodeConfig};
use serde::Deserialize;

use super::catalogue::file;

#[derive(Deserialize)]
struct Preset {
    workers: Vec<Worker>,
}

#[derive(Deserialize)]
struct Worker {
    name: String,
    cpu: Option<String>,
    memory: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// The configuration of a preset.
///
/// # Errors
/// A sentence for the author of the lesson.
pub fn config_of(preset: &str, seed: u64) -> Result<ClusterConfig, String> {
    let text = file("clusters.yaml").ok_or("lessons/clusters.yaml is missing")?;
    let document = api::yaml::parse_document(text).map_err(|error| error.converting())?;
    let mut presets: BTreeMap<String, Preset> =
        api::codec::decode(document.to_json()).map_err(|error| format!("clusters.yaml: {error}"))?;
    let preset = presets.remove(preset).ok_or_else(|| format!("there is no cluster {preset:?}"))?;
    let mut nodes = vec![NodeConfig::control_plane()];
    nodes.extend(preset.workers.into_iter().map(|worker| {
        let mut node = NodeConfig::worker(&worker.name);
        node.cpu = worker.cpu.unwrap_or(node.cpu);
        node.memory = worker.memory.unwrap_or(node.memory);
        node.labels.extend(worker.labels);
        node
    }));
    Ok(ClusterConfig { seed, nodes, ..ClusterConfig::default() })
}
