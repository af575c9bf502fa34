//! InterPodAffinity: pods that want to be near other pods, or away from them.
//!
//! Near means on nodes with the same value of the term's `topologyKey`. Required affinity needs a pod
//! there that matches all terms together, and the key of every term on the node; only the first of a
//! kind, whom its own terms mean and no running pod matches, needs no other. Required anti-affinity is
//! mutual: a running pod's term refuses newcomers as well. Preferred terms score, in both directions; a
//! running pod's required affinity counts as a weak wish. A term speaks of its pod's own namespace,
//! unless it names others or selects them by label (an empty `namespaceSelector` selects all).
//! Affinity that fails cannot be helped by preemption; anti-affinity can, as its victims are what is
//! in the way. The API server has written `matchLabelKeys` into the terms' selectors before.
//! Mirrors: pkg/scheduler/framework/plugins/interpodaffinity. Left out: the configuration's
//! `hardPodAffinityWeight` (1, the default) and `ignorePreferredTermsOfExistingPods`.

mod scoring;

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Score, Verdict};
use crate::scheduler::pod_info::{AffinityTerm, NamespaceLabels, PodInfo};
use crate::scheduler::queue::ClusterEvent;

pub struct InterPodAffinity;

/// How many pods matter per topology key and value.
type Counts = BTreeMap<(String, String), i64>;

#[derive(Clone)]
struct Ready<'a> {
    pod: &'a PodInfo,
    namespaces: &'a NamespaceLabels,
    /// Running pods whose required anti-affinity speaks of the pod.
    against_it: Counts,
    /// Running pods that match all of its required affinity terms.
    wanted: Counts,
    /// Running pods that its required anti-affinity speaks of.
    avoided: Counts,
}

impl Plugin for InterPodAffinity {
    fn name(&self) -> &'static str {
        "InterPodAffinity"
    }

    fn weight(&self) -> i64 {
        2
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let namespaces = &cache.listers.namespaces;
        let mut ready =
            Ready { pod, namespaces, against_it: Counts::new(), wanted: Counts::new(), avoided: Counts::new() };
        for node in cache.nodes_with_required_anti_affinity() {
            for other in &node.pods_with_required_anti_affinity {
                ready.count_against(other, node, 1);
            }
        }
        if !pod.affinity.required.is_empty() || !pod.affinity.required_anti.is_empty() {
            for node in cache.nodes() {
                for other in &node.pods {
                    ready.count_own_terms(other, node, 1);
                }
            }
        } else if ready.against_it.is_empty() {
            return PreFilter::Skip;
        }
        PreFilter::Filter(Box::new(ready))
    }

    fn pre_score<'a>(
        &self,
        cache: &'a Cache,
        pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        scoring::prepare(cache, pod)
    }

    fn hint(&self, cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let namespaces = &cache.listers.namespaces;
        let wants = |other: &PodInfo| all_match(&pod.affinity.required, other, namespaces);
        let avoids = |other: &PodInfo| {
            pod.affinity.required_anti.iter().any(|term| term.matches(other, namespaces))
                || other.affinity.required_anti.iter().any(|term| term.matches(pod, namespaces))
        };
        match event {
            ClusterEvent::AssignedPodAdded(other) => wants(other),
            ClusterEvent::AssignedPodUpdated { old, new } => !wants(old) && wants(new) || avoids(old) && !avoids(new),
            ClusterEvent::AssignedPodDeleted(other) => avoids(other),
            ClusterEvent::PodUpdated { old, new } => old.labels() != new.labels(),
            ClusterEvent::Node { old, new } => {
                let value = |node: &Node, term: &AffinityTerm| {
                    node.metadata.labels.as_ref().and_then(|labels| labels.get(&term.topology_key)).cloned()
                };
                let (near, away) = (&pod.affinity.required, &pod.affinity.required_anti);
                match old {
                    // Refused for the terms of other pods alone, or for its own dislikes: a new place may do.
                    None => near.is_empty() || !away.is_empty() || near.iter().any(|term| value(new, term).is_some()),
                    // The node has come to a place, or has left one.
                    Some(old) => {
                        let came = |term| value(new, term).is_some_and(|now| value(old, term).as_ref() != Some(&now));
                        let left = |term| value(old, term).is_some_and(|then| value(new, term).as_ref() != Some(&then));
                        near.iter().any(came) || away.iter().any(left)
                    }
                }
            }
            ClusterEvent::NodeDeleted(_)
            | ClusterEvent::Storage(_)
            | ClusterEvent::Devices
            | ClusterEvent::DeviceClaim { .. } => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if !self.affinity_met(node) {
            return Verdict::unresolvable("node(s) didn't match pod affinity rules");
        }
        let near = |counts: &Counts, key: &str| {
            node.label(key).is_some_and(|value| counts.get(&(key.to_owned(), value.to_owned())).is_some_and(|n| *n > 0))
        };
        if !self.avoided.is_empty()
            && self.pod.affinity.required_anti.iter().any(|term| near(&self.avoided, &term.topology_key))
        {
            return Verdict::unschedulable("node(s) didn't match pod anti-affinity rules");
        }
        let repelled =
            self.against_it.iter().any(|((key, value), count)| *count > 0 && node.label(key) == Some(value.as_str()));
        if repelled {
            return Verdict::unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");
        }
        Verdict::Fits
    }

    fn add_pod(&mut self, pod: &PodInfo, node: &NodeInfo) {
        self.count_against(pod, node, 1);
        self.count_own_terms(pod, node, 1);
    }

    fn remove_pod(&mut self, pod: &PodInfo, node: &NodeInfo) {
        self.count_against(pod, node, -1);
        self.count_own_terms(pod, node, -1);
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(self.clone())
    }
}

impl Ready<'_> {
    fn affinity_met(&self, node: &NodeInfo) -> bool {
        let terms = &self.pod.affinity.required;
        let mut missing = false;
        for term in terms {
            // Without the label the node is in no such place at all.
            let Some(value) = node.label(&term.topology_key) else { return false };
            let found = self.wanted.get(&(term.topology_key.clone(), value.to_owned())).copied().unwrap_or(0);
            missing |= found <= 0;
        }
        // The first of a group that wants to be together cannot find another one.
        !missing || self.wanted.is_empty() && all_match(terms, self.pod, self.namespaces)
    }

    fn count_against(&mut self, other: &PodInfo, node: &NodeInfo, by: i64) {
        for term in &other.affinity.required_anti {
            if term.matches(self.pod, self.namespaces) {
                count(&mut self.against_it, term, node, by);
            }
        }
    }

    fn count_own_terms(&mut self, other: &PodInfo, node: &NodeInfo, by: i64) {
        let affinity = &self.pod.affinity;
        if all_match(&affinity.required, other, self.namespaces) {
            for term in &affinity.required {
                count(&mut self.wanted, term, node, by);
            }
        }
        for term in &affinity.required_anti {
            if term.matches(other, self.namespaces) {
                count(&mut self.avoided, term, node, by);
            }
        }
    }
}

fn count(counts: &mut Counts, term: &AffinityTerm, node: &NodeInfo, by: i64) {
    let Some(value) = node.label(&term.topology_key) else { return };
    let at = (term.topology_key.clone(), value.to_owned());
    let number = counts.entry(at.clone()).or_default();
    *number += by;
    // An absent entry and none left mean the same, and the first pod of a group looks for absence.
    if *number == 0 {
        counts.remove(&at);
    }
}

/// Whether a pod matches every term; no terms match nothing.
fn all_match(terms: &[AffinityTerm], pod: &PodInfo, namespaces: &NamespaceLabels) -> bool {
    !terms.is_empty() && terms.iter().all(|term| term.matches(pod, namespaces))
}

#[cfg(test)]
mod tests;
