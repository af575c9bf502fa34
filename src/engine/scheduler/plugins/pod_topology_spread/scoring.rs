//! The soft half: nodes in emptier domains score higher.
//!
//! A node's raw score is, per constraint, the matching pods in its domain times ln(domains + 2),
//! plus `maxSkew - 1`: with many domains a difference of one weighs more. Lower is better, so
//! normalising turns it round.
//! Mirrors: podtopologyspread/scoring.go.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{counts, defaults, only_zones_matter};
use crate::scheduler::cache::{Cache, GroupMatcher, NodeInfo};
use crate::scheduler::framework::{MAX_NODE_SCORE, Score};
use crate::scheduler::pod_info::{PodInfo, SpreadConstraint};

const HOSTNAME: &str = "kubernetes.io/hostname";

struct Ready<'a> {
    constraints: Vec<Weighed<'a>>,
    /// The pod's own constraints apply only where a node has all their labels.
    all_labels_required: bool,
}

struct Weighed<'a> {
    constraint: Cow<'a, SpreadConstraint>,
    matcher: GroupMatcher<'a>,
    /// Matching pods per domain among the feasible nodes; not used for hostnames.
    domains: BTreeMap<String, i64>,
    weight: f64,
}

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
    let keys: Vec<String> = constraints.iter().map(|constraint| constraint.topology_key.clone()).collect();
    let takes_part = |node: &NodeInfo| !own || keys.iter().all(|key| node.label(key).is_some());
    let considered: Vec<&NodeInfo> = feasible.iter().map(|node| &***node).filter(|node| takes_part(node)).collect();
    let all =
        |constraint: Cow<'a, SpreadConstraint>| weigh(cache, pod, constraint, &considered, &takes_part, keys.len());
    let constraints = constraints.into_iter().map(all).collect();
    Some(Box::new(Ready { constraints, all_labels_required: own }))
}

/// Counts the pods of one constraint's domains.
#[allow(clippy::cast_precision_loss)] // upstream computes in float64
fn weigh<'a>(
    cache: &'a Cache,
    pod: &'a PodInfo,
    constraint: Cow<'a, SpreadConstraint>,
    considered: &[&NodeInfo],
    takes_part: &dyn Fn(&NodeInfo) -> bool,
    constraints: usize,
) -> Weighed<'a> {
    let matcher = cache.group_matcher(&pod.namespace, &constraint.selector);
    let key = &constraint.topology_key;
    if key == HOSTNAME {
        let weight = (considered.len() as f64 + 2.0).ln();
        return Weighed { constraint, matcher, domains: BTreeMap::new(), weight };
    }
    // A missing label is a domain of its own here, though no node of it is scored by it.
    let values: BTreeSet<&str> = considered.iter().map(|node| node.label(key).unwrap_or_default()).collect();
    let mut domains: BTreeMap<String, i64> = values.iter().map(|value| ((*value).to_owned(), 0)).collect();
    let weight = (domains.len() as f64 + 2.0).ln();
    let assumed = pod.spread.is_empty();
    if only_zones_matter(&constraint, pod) && (assumed || constraints == 1) {
        for (zone, count) in cache.pods_by_zone().count(&matcher) {
            if let Some(pods) = domains.get_mut(zone) {
                *pods = i64::try_from(count).unwrap_or(0);
            }
        }
    } else if values.iter().any(|value| !value.is_empty()) {
        for node in cache.nodes().filter(|node| takes_part(node)) {
            let Some(pods) = node.label(key).and_then(|value| domains.get_mut(value)) else { continue };
            if counts(&constraint, pod, &node.node) {
                *pods += i64::try_from(node.count(&matcher)).unwrap_or(0);
            }
        }
    }
    Weighed { constraint, matcher, domains, weight }
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
                i64::try_from(node.count(&weighed.matcher)).unwrap_or(0)
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
