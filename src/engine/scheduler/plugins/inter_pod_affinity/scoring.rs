//! Preferred affinity and anti-affinity, in both directions, as a score.
//!
//! Every pair of the newcomer and a running pod adds or takes the weight of each term that speaks
//! of the other one, for all nodes in the running pod's place. Afterwards the worst node gets 0
//! and the best 100.
//! Mirrors: interpodaffinity/scoring.go.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{MAX_NODE_SCORE, Score};
use crate::scheduler::pod_info::{AffinityTerm, NamespaceLabels, PodInfo};

/// What a running pod's required affinity to the newcomer counts.
const HARD_AFFINITY_WEIGHT: i64 = 1;

/// Topology key, then value, to the sum of weights there.
#[derive(Default)]
struct Ready {
    places: BTreeMap<String, BTreeMap<String, i64>>,
}

pub fn prepare<'a>(cache: &'a Cache, pod: &'a PodInfo) -> Option<Box<dyn Score + 'a>> {
    let namespaces = &cache.listers.namespaces;
    let mut ready = Ready::default();
    if pod.affinity.preferred.is_empty() && pod.affinity.preferred_anti.is_empty() {
        // Only pods with terms of their own can have something to say about this one.
        for node in cache.nodes_with_affinity() {
            for other in &node.pods_with_affinity {
                ready.add_pair(pod, other, node, namespaces);
            }
        }
    } else {
        for node in cache.nodes() {
            for other in &node.pods {
                ready.add_pair(pod, other, node, namespaces);
            }
        }
    }
    if ready.places.is_empty() { None } else { Some(Box::new(ready)) }
}

impl Ready {
    fn add_pair(&mut self, pod: &PodInfo, other: &PodInfo, node: &NodeInfo, namespaces: &NamespaceLabels) {
        let mut add = |term: &AffinityTerm, about: &PodInfo, weight: i64| {
            if let Some(value) = node.label(&term.topology_key)
                && term.matches(about, namespaces)
            {
                let values = self.places.entry(term.topology_key.clone()).or_default();
                *values.entry(value.to_owned()).or_default() += weight;
            }
        };
        for (weight, term) in &pod.affinity.preferred {
            add(term, other, *weight);
        }
        for (weight, term) in &pod.affinity.preferred_anti {
            add(term, other, -weight);
        }
        for term in &other.affinity.required {
            add(term, pod, HARD_AFFINITY_WEIGHT);
        }
        for (weight, term) in &other.affinity.preferred {
            add(term, pod, *weight);
        }
        for (weight, term) in &other.affinity.preferred_anti {
            add(term, pod, -weight);
        }
    }
}

impl Score for Ready {
    fn score(&self, node: &NodeInfo) -> i64 {
        let at = |(key, values): (&String, &BTreeMap<String, i64>)| values.get(node.label(key)?).copied();
        self.places.iter().filter_map(at).sum()
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // upstream computes in float64 and truncates
    fn normalise(&self, scores: &mut [i64], _nodes: &[&Arc<NodeInfo>]) {
        let (least, most) = (scores.iter().copied().min().unwrap_or(0), scores.iter().copied().max().unwrap_or(0));
        let range = most - least;
        for score in scores {
            *score = match range {
                0 => 0,
                _ => (MAX_NODE_SCORE as f64 * ((*score - least) as f64 / range as f64)) as i64,
            };
        }
    }
}
