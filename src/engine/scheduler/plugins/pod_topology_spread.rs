//! PodTopologySpread: keeps pods evenly spread over the values of a node label.
//!
//! Hard constraints (`DoNotSchedule`) refuse a node where its domain would then hold more than
//! `maxSkew` pods above the emptiest domain; fewer domains than `minDomains` count as if one were
//! empty. Soft ones score. Which nodes make domains at all: those with the keys of all hard constraints
//! that the pod's node affinity allows (`nodeAffinityPolicy: Honor`, the default) and, only if asked
//! for (`nodeTaintsPolicy: Honor`), whose taints it tolerates. Pods of the same namespace count that
//! the selector matches, those that are being deleted not. A node without the key is refused for good,
//! and there preemption does not help. A pod without constraints of its own but with a Service or
//! a controller gets two soft ones, over hostnames and zones: that is why replicas spread by themselves.
//! Mirrors: pkg/scheduler/framework/plugins/podtopologyspread. Left out: default constraints of a
//! scheduler configuration.

mod defaults;
mod scoring;

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;

use super::taint_toleration::{repelled, taints_of, tolerations_of};
use crate::scheduler::cache::{Cache, NodeInfo, ZONE};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Score, Verdict};
use crate::scheduler::pod_info::{PodInfo, SpreadConstraint};
use crate::scheduler::queue::ClusterEvent;
use api::order::Gather;

pub struct PodTopologySpread;

/// The hard constraints of a pod, with the pods counted per domain.
#[derive(Clone)]
struct Ready<'a> {
    pod: &'a PodInfo,
    constraints: Vec<Counted<'a>>,
}

#[derive(Clone)]
struct Counted<'a> {
    constraint: &'a SpreadConstraint,
    /// The pod counts itself where it goes, if its constraint speaks of it.
    counts_itself: bool,
    /// Matching pods per value of the label, over the nodes that count.
    domains: BTreeMap<String, i64>,
}

impl Plugin for PodTopologySpread {
    fn name(&self) -> &'static str {
        "PodTopologySpread"
    }

    fn weight(&self) -> i64 {
        2
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let hard: Vec<&SpreadConstraint> = pod.spread.iter().filter(|constraint| constraint.hard).collect();
        if hard.is_empty() {
            return PreFilter::Skip;
        }
        let constraints = hard.iter().map(|constraint| {
            let matcher = cache.group_matcher(&pod.namespace, &constraint.selector);
            let mut domains = BTreeMap::new();
            if hard.len() == 1 && only_zones_matter(constraint, pod) {
                let counted = cache.pods_by_zone().count(&matcher);
                domains.extend(counted.map(|(_, zone, count)| (zone, count)));
            } else {
                for node in
                    cache.nodes().filter(|node| has_all_labels(node, &hard) && counts(constraint, pod, &node.node))
                {
                    if let Some(value) = node.label(&constraint.topology_key) {
                        *domains.entry(value).or_default() += node.count(&matcher);
                    }
                }
            }
            // The names live in the cache, the matcher does not.
            let domains = domains.into_iter().map(|(value, count)| (value.to_owned(), count)).into_map();
            Counted { constraint, counts_itself: constraint.selector.matches(pod.labels()), domains }
        });
        PreFilter::Filter(Box::new(Ready { pod, constraints: constraints.collect() }))
    }

    fn pre_score<'a>(
        &self,
        cache: &'a Cache,
        pod: &'a PodInfo,
        feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        scoring::prepare(cache, pod, feasible)
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let hard = || pod.spread.iter().filter(|constraint| constraint.hard);
        let speaks_of = |other: &PodInfo| {
            other.namespace == pod.namespace && hard().any(|constraint| constraint.selector.matches(other.labels()))
        };
        let differs = |old: &PodInfo, new: &PodInfo| {
            let matches = |constraint: &SpreadConstraint, pod: &PodInfo| constraint.selector.matches(pod.labels());
            new.namespace == pod.namespace
                && hard().any(|constraint| matches(constraint, old) != matches(constraint, new))
        };
        let value = |node: &'_ Node, constraint: &SpreadConstraint| {
            node.metadata.labels.as_ref().and_then(|labels| labels.get(&constraint.topology_key)).cloned()
        };
        let has_keys = |node: &Node| hard().all(|constraint| value(node, constraint).is_some());
        match event {
            ClusterEvent::AssignedPodAdded(other) | ClusterEvent::AssignedPodDeleted(other) => speaks_of(other),
            ClusterEvent::AssignedPodUpdated { old, new } => differs(old, new),
            ClusterEvent::PodUpdated { old, new } => {
                // With a new toleration more nodes may count.
                tolerations_of(old) != tolerations_of(new) && hard().any(|constraint| constraint.honor_taints)
                    || differs(old, new)
            }
            ClusterEvent::Node { old: None, new } => has_keys(new),
            ClusterEvent::Node { old: Some(old), new } => {
                let (before, after) = (has_keys(old), has_keys(new));
                // A domain gained or lost a node, or the node moved to another domain.
                before != after
                    || after
                        && (hard().any(|constraint| value(old, constraint) != value(new, constraint))
                            || taints_of(old) != taints_of(new))
            }
            ClusterEvent::NodeDeleted(node) => has_keys(node),
            ClusterEvent::Storage(_) | ClusterEvent::Devices | ClusterEvent::DeviceClaim { .. } => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        for counted in &self.constraints {
            let constraint = counted.constraint;
            let Some(value) = node.label(&constraint.topology_key) else {
                return Verdict::unresolvable(
                    "node(s) didn't match pod topology spread constraints (missing required label)",
                );
            };
            let here = counted.domains.get(value).copied().unwrap_or(0);
            if here + i64::from(counted.counts_itself) - counted.emptiest() > constraint.max_skew {
                return Verdict::unschedulable("node(s) didn't match pod topology spread constraints");
            }
        }
        Verdict::Fits
    }

    fn add_pod(&mut self, pod: &PodInfo, node: &NodeInfo) {
        self.change(pod, node, 1);
    }

    fn remove_pod(&mut self, pod: &PodInfo, node: &NodeInfo) {
        self.change(pod, node, -1);
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(self.clone())
    }
}

impl Counted<'_> {
    /// How many pods the emptiest domain holds.
    fn emptiest(&self) -> i64 {
        if i64::try_from(self.domains.len()).unwrap_or(i64::MAX) < self.constraint.min_domains {
            return 0;
        }
        self.domains.values().copied().min().unwrap_or(i64::from(i32::MAX))
    }
}

impl Ready<'_> {
    fn change(&mut self, other: &PodInfo, node: &NodeInfo, by: i64) {
        let pod = self.pod;
        let all_labels = self.constraints.iter().all(|counted| node.label(&counted.constraint.topology_key).is_some());
        // A terminating pod was not counted, and is taken away all the same: so upstream does it.
        if !all_labels || other.namespace != pod.namespace {
            return;
        }
        for counted in &mut self.constraints {
            let constraint = counted.constraint;
            if !constraint.selector.matches(other.labels()) || !counts(constraint, pod, &node.node) {
                continue;
            }
            let value = node.label(&constraint.topology_key).unwrap_or_default();
            if let Some(count) = counted.domains.get_mut(value) {
                *count += by;
            }
        }
    }
}

fn has_all_labels(node: &NodeInfo, constraints: &[&SpreadConstraint]) -> bool {
    constraints.iter().all(|constraint| node.label(&constraint.topology_key).is_some())
}

/// Whether the counts per zone that the cache keeps are the ones wanted: every node of a zone counts.
fn only_zones_matter(constraint: &SpreadConstraint, pod: &PodInfo) -> bool {
    constraint.topology_key == ZONE
        && !constraint.honor_taints
        && !(constraint.honor_affinity && pod.node_affinity.demands())
}

/// Whether a node takes part in the counting: by default if the pod could go there by its labels.
fn counts(constraint: &SpreadConstraint, pod: &PodInfo, node: &Node) -> bool {
    if constraint.honor_affinity {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        if !pod.node_affinity.required_match(name, node.metadata.labels.as_ref()) {
            return false;
        }
    }
    !constraint.honor_taints || !repelled(node, tolerations_of(pod))
}

#[cfg(test)]
mod tests;
