//! The soft half: nodes in emptier domains score higher.
//!
//! A node's raw score is, per constraint, the matching pods in its domain times ln(domains + 2),
//! plus `maxSkew - 1`: with many domains a difference of one weighs more. Lower is better, so
//! normalising turns it round.
//! Mirrors: podtopologyspread/scoring.go.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::meta::Selector;

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
    domains: Domains,
    weight: f64,
}

/// Matching pods per domain among the feasible nodes.
enum Domains {
    /// Every node is its own; it is counted when it is scored.
    Hostnames(GroupMatcher),
    /// By the number of the zone.
    Zones(Vec<i64>),
    /// By the value of any other label.
    Values(BTreeMap<String, i64>),
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
    // Where other labels decide too whether a node counts, the kept counts per zone are of no use.
    let alone = !own || keys.len() == 1;
    // The default constraints are of one selector: what it speaks of is found out once.
    let mut last: Option<(Arc<Selector>, GroupMatcher)> = None;
    let weigh = |constraint: Cow<'a, SpreadConstraint>| {
        let (selector, matcher) = match last.take() {
            Some(last) if Arc::ptr_eq(&last.0, &constraint.selector) => last,
            _ => (constraint.selector.clone(), cache.group_matcher(&pod.namespace, &constraint.selector)),
        };
        last = Some((selector, matcher.clone()));
        let (domains, size) = count(cache, pod, &constraint, matcher, &considered, &takes_part, alone);
        #[allow(clippy::cast_precision_loss)] // upstream computes in float64
        let weight = (size as f64 + 2.0).ln();
        Weighed { constraint, domains, weight }
    };
    Some(Box::new(Ready { constraints: constraints.into_iter().map(weigh).collect(), all_labels_required: own }))
}

/// The pods of one constraint's domains, and how many domains the considered nodes have.
///
/// A missing label is a domain of its own, though no node of it is scored by it.
fn count(
    cache: &Cache,
    pod: &PodInfo,
    constraint: &SpreadConstraint,
    matcher: GroupMatcher,
    considered: &[&NodeInfo],
    takes_part: &dyn Fn(&NodeInfo) -> bool,
    alone: bool,
) -> (Domains, usize) {
    let key = &constraint.topology_key;
    if key == HOSTNAME {
        return (Domains::Hostnames(matcher), considered.len());
    }
    if alone && only_zones_matter(constraint, pod) {
        let zones = cache.pods_by_zone();
        let mut seen = vec![false; zones.len()];
        let mut unlabelled = false;
        for node in considered {
            match node.zone {
                Some(zone) => seen[zone] = true,
                None => unlabelled = true,
            }
        }
        let size = seen.iter().filter(|seen| **seen).count() + usize::from(unlabelled);
        let mut pods = vec![0; zones.len()];
        for (zone, _, count) in zones.count(&matcher) {
            pods[zone] = count;
        }
        return (Domains::Zones(pods), size);
    }
    let mut domains: BTreeMap<String, i64> = BTreeMap::new();
    for node in considered {
        let value = node.label(key).unwrap_or_default();
        if !domains.contains_key(value) {
            domains.insert(value.to_owned(), 0);
        }
    }
    let size = domains.len();
    for node in cache.nodes().filter(|node| takes_part(node)) {
        let Some(pods) = node.label(key).and_then(|value| domains.get_mut(value)) else { continue };
        if counts(constraint, pod, &node.node) {
            *pods += node.count(&matcher);
        }
    }
    (Domains::Values(domains), size)
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
            let count = match &weighed.domains {
                Domains::Hostnames(matcher) => node.has_hostname.then(|| node.count(matcher)),
                Domains::Zones(pods) => node.zone.map(|zone| pods[zone]),
                Domains::Values(pods) => {
                    node.label(&constraint.topology_key).map(|value| pods.get(value).copied().unwrap_or(0))
                }
            };
            let Some(count) = count else { continue };
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
