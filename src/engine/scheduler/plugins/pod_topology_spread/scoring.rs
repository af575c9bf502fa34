//! The soft half: nodes in emptier domains score higher.
//!
//! A node's raw score is, per constraint, the matching pods in its domain times ln(domains + 2),
//! plus `maxSkew - 1`: with many domains a difference of one weighs more. Lower is better, so
//! normalising turns it round.
//! Mirrors: podtopologyspread/scoring.go.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{counts, defaults};
use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{MAX_NODE_SCORE, Score};
use crate::scheduler::pod_info::{PodInfo, SpreadConstraint};

const HOSTNAME: &str = "kubernetes.io/hostname";

struct Ready<'a> {
    cache: &'a Cache,
    pod: &'a PodInfo,
    constraints: Vec<Weighed<'a>>,
    /// The pod's own constraints apply only where a node has all their labels.
    all_labels_required: bool,
}

struct Weighed<'a> {
    constraint: Cow<'a, SpreadConstraint>,
    /// Matching pods per domain among the feasible nodes; not used for hostnames.
    domains: BTreeMap<String, i64>,
    weight: f64,
}

#[allow(clippy::cast_precision_loss)] // upstream computes in float64
pub fn prepare<'a>(cache: &'a Cache, pod: &'a PodInfo, feasible: &[&Arc<NodeInfo>]) -> Option<Box<dyn Score + 'a>> {
    let own = !pod.spread.is_empty();
    let constraints: Vec<Cow<SpreadConstraint>> = if own {
        pod.spread.iter().filter(|constraint| !constraint.hard).map(Cow::Borrowed).collect()
    } else {
        defaults::constraints(cache, pod).into_iter().map(Cow::Owned).collect()
    };
    if constraints.is_empty() {
        return None;
    }
    let has_all = |node: &NodeInfo| constraints.iter().all(|c| node.label(&c.topology_key).is_some());
    let considered: Vec<&&Arc<NodeInfo>> = feasible.iter().filter(|node| !own || has_all(node)).collect();
    let weighed: Vec<Weighed> = constraints
        .iter()
        .map(|constraint| {
            let mut domains = BTreeMap::new();
            let size = if constraint.topology_key == HOSTNAME {
                considered.len()
            } else {
                for node in &considered {
                    // A missing label is a domain of its own here, though no node of it is scored by it.
                    let value = node.label(&constraint.topology_key).unwrap_or_default();
                    if !domains.contains_key(value) {
                        domains.insert(value.to_owned(), 0);
                    }
                }
                domains.len()
            };
            let weight = (size as f64 + 2.0).ln();
            let only_unlabelled = domains.keys().all(|value| value.is_empty());
            if constraint.topology_key != HOSTNAME && !only_unlabelled {
                let mut matcher = cache.group_matcher(&pod.namespace, &constraint.selector);
                for node in cache.nodes().filter(|node| !own || has_all(node)) {
                    let Some(value) = node.label(&constraint.topology_key) else { continue };
                    let Some(count) = domains.get_mut(value) else { continue };
                    if counts(constraint, pod, &node.node) {
                        *count += i64::try_from(node.count(&mut matcher)).unwrap_or(0);
                    }
                }
            }
            Weighed { constraint: constraint.clone(), domains, weight }
        })
        .collect();
    Some(Box::new(Ready { cache, pod, constraints: weighed, all_labels_required: own }))
}

impl Ready<'_> {
    fn ignores(&self, node: &NodeInfo) -> bool {
        self.all_labels_required
            && self.constraints.iter().any(|weighed| node.label(&weighed.constraint.topology_key).is_none())
    }
}

impl Score for Ready<'_> {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // upstream computes in float64 and rounds
    fn score(&self, node: &NodeInfo) -> i64 {
        if self.ignores(node) {
            return 0;
        }
        let mut score = 0.0;
        for weighed in &self.constraints {
            let constraint = &weighed.constraint;
            let Some(value) = node.label(&constraint.topology_key) else { continue };
            let count = if constraint.topology_key == HOSTNAME {
                let mut matcher = self.cache.group_matcher(&self.pod.namespace, &constraint.selector);
                i64::try_from(node.count(&mut matcher)).unwrap_or(0)
            } else {
                weighed.domains.get(value).copied().unwrap_or(0)
            };
            score += count as f64 * weighed.weight + (constraint.max_skew - 1) as f64;
        }
        score.round() as i64
    }

    fn normalise(&self, scores: &mut [i64], nodes: &[&Arc<NodeInfo>]) {
        let considered = || scores.iter().zip(nodes).filter(|(_, node)| !self.ignores(node)).map(|(score, _)| *score);
        let (least, most) = (considered().min().unwrap_or(0), considered().max().unwrap_or(0));
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = if self.ignores(node) {
                0
            } else if most == 0 {
                MAX_NODE_SCORE
            } else {
                MAX_NODE_SCORE * (most + least - *score) / most
            };
        }
    }
}
