//! What metrics-server knows: the CPU and memory of each container, as the kubelets told it last.
//!
//! Usage is a mean over the time between two askings, so a container shows with its second one.
//! Mirrors: metrics-server. Left out: its own Deployment and its APIService; nobody can see them fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ApiServer;

/// Millicores and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub cpu: u64,
    pub memory: u64,
}

/// What a kubelet says of one running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub usage: Usage,
}

/// A container, by namespace, pod and name.
type Place = (String, String, String);

/// What a node uses besides its pods.
const SYSTEM: Usage = Usage { cpu: 40, memory: 300 << 20 };

#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    /// When the kubelets were asked, in Unix milliseconds.
    pub at: i64,
    /// The last answers of each node.
    readings: BTreeMap<String, BTreeMap<Place, Usage>>,
    /// By namespace and pod: each container with its usage.
    pub pods: BTreeMap<(String, String), Vec<(String, Usage)>>,
    pub nodes: BTreeMap<String, Usage>,
}

impl ApiServer {
    /// Takes note of what the kubelets said. From the first time on, metrics are served.
    pub fn measure(&mut self, answers: BTreeMap<String, Vec<Reading>>) {
        let at = self.unix_millis() as i64;
        let before = self.metrics.take().unwrap_or_default();
        let mut metrics = Metrics { at, ..Metrics::default() };
        for (node, readings) in answers {
            let earlier = before.readings.get(&node);
            let mut known = BTreeMap::new();
            let mut fresh: Vec<(String, String)> = Vec::new();
            let mut total = SYSTEM;
            for Reading { namespace, pod, container, usage } in readings {
                let place = (namespace.clone(), pod.clone(), container.clone());
                match earlier.and_then(|earlier| earlier.get(&place)) {
                    Some(then) => {
                        let mean = Usage { cpu: (then.cpu + usage.cpu).div_ceil(2), memory: usage.memory };
                        total.cpu += mean.cpu;
                        total.memory += mean.memory;
                        metrics.pods.entry((namespace, pod)).or_default().push((container, mean));
                    }
                    None => fresh.push((namespace, pod)),
                }
                known.insert(place, usage);
            }
            // A pod is measured as a whole or not at all.
            fresh.iter().for_each(|pod| drop(metrics.pods.remove(pod)));
            if earlier.is_some() {
                metrics.nodes.insert(node.clone(), total);
            }
            metrics.readings.insert(node, known);
        }
        self.metrics = Some(Arc::new(metrics));
    }
}
