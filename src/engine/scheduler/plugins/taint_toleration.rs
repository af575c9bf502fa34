//! TaintToleration: a taint keeps pods off a node, unless they tolerate it.
//!
//! `NoSchedule` and `NoExecute` refuse, and a node refuses by the first of its taints that the pod
//! does not tolerate; preemption cannot help. `PreferNoSchedule` never refuses: each one that is not
//! tolerated lowers the node's score, so that the node with the most of them gets 0 and one with none
//! 100. An empty effect in a toleration means all effects, an empty key with `Exists` all taints. That
//! `NoExecute` also removes running pods is the taint eviction controller's work.
//! Mirrors: pkg/scheduler/framework/plugins/tainttoleration, component-helpers `FindMatchingUntoleratedTaint`.
//! Left out: the operators `Gt` and `Lt`, alpha and off in v1.36.

use api::meta::toleration::tolerates;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Taint, Toleration};

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Score, Verdict, default_normalise};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

pub struct TaintToleration;

#[derive(Clone, Copy)]
struct Ready<'a> {
    tolerations: &'a [Toleration],
}

impl Plugin for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }

    fn weight(&self) -> i64 {
        3
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        PreFilter::Filter(Box::new(Ready { tolerations: tolerations_of(pod) }))
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        Some(Box::new(Ready { tolerations: tolerations_of(pod) }))
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let refuses = |node: &Node| repelled(node, tolerations_of(pod));
        match event {
            ClusterEvent::Node { old, new } => old.is_none_or(refuses) && !refuses(new),
            ClusterEvent::PodUpdated { old, new } => tolerations_of(old) != tolerations_of(new),
            // Pods and volumes do not change taints.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if node.taints.iter().any(|taint| repels(taint) && !tolerates_any(self.tolerations, taint)) {
            return Verdict::unresolvable("node(s) had untolerated taint(s)");
        }
        Verdict::Fits
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}

impl Score for Ready<'_> {
    /// How many `PreferNoSchedule` taints are not tolerated.
    fn score(&self, node: &NodeInfo) -> i64 {
        let unwelcome = node.taints.iter().filter(|taint| {
            taint.effect == "PreferNoSchedule"
                // Tolerations for other effects do not count, even those without a key.
                && !self.tolerations.iter().any(|toleration| {
                    matches!(toleration.effect.as_deref(), None | Some("" | "PreferNoSchedule"))
                        && tolerates(toleration, taint)
                })
        });
        i64::try_from(unwelcome.count()).unwrap_or(i64::MAX)
    }

    fn normalise(&self, scores: &mut [i64], _nodes: &[&Arc<NodeInfo>]) {
        default_normalise(scores, true);
    }
}

pub fn tolerations_of(pod: &PodInfo) -> &[Toleration] {
    pod.spec().and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default()
}

pub fn tolerates_any(tolerations: &[Toleration], taint: &Taint) -> bool {
    tolerations.iter().any(|toleration| tolerates(toleration, taint))
}

pub fn taints_of(node: &Node) -> &[Taint] {
    node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default()
}

/// Whether a node has a taint that keeps such a pod off.
pub fn repelled(node: &Node, tolerations: &[Toleration]) -> bool {
    taints_of(node).iter().any(|taint| repels(taint) && !tolerates_any(tolerations, taint))
}

fn repels(taint: &Taint) -> bool {
    matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{filter_verdict, node, pod, scores};

    #[test]
    fn taint_toleration_filter() {
        const REFUSED: &str = "node(s) had untolerated taint(s)";
        let cases = [
            // case                        taint on the node                                    toleration               verdict
            ("untainted node", r#""#, r#""#, ""),
            ("untolerated NoSchedule", r#"{"key": "gpu", "effect": "NoSchedule"}"#, r#""#, REFUSED),
            ("tolerated NoSchedule", r#"{"key": "gpu", "effect": "NoSchedule"}"#, r#"{"key": "gpu"}"#, ""),
            ("another key does not help", r#"{"key": "gpu", "effect": "NoExecute"}"#, r#"{"key": "disk"}"#, REFUSED),
            (
                "another value neither",
                r#"{"key": "gpu", "value": "a", "effect": "NoExecute"}"#,
                r#"{"key": "gpu", "value": "b"}"#,
                REFUSED,
            ),
            (
                "Exists asks for no value",
                r#"{"key": "gpu", "value": "a", "effect": "NoExecute"}"#,
                r#"{"key": "gpu", "operator": "Exists"}"#,
                "",
            ),
            (
                "another effect",
                r#"{"key": "gpu", "effect": "NoSchedule"}"#,
                r#"{"key": "gpu", "effect": "NoExecute"}"#,
                REFUSED,
            ),
            ("PreferNoSchedule is a wish", r#"{"key": "gpu", "effect": "PreferNoSchedule"}"#, r#""#, ""),
        ];
        for (case, taint, toleration, want) in cases {
            let node = node(&format!(r#"{{"metadata": {{"name": "n"}}, "spec": {{"taints": [{taint}]}}}}"#));
            let pod = pod(&format!(r#"{{"tolerations": [{toleration}]}}"#));
            assert_eq!(filter_verdict(&TaintToleration, &[node], &[], pod), [want], "{case}");
        }
    }

    #[test]
    fn unwelcome_taints_lower_the_score() {
        let node = |name: &str, taints: &str| {
            node(&format!(r#"{{"metadata": {{"name": "{name}"}}, "spec": {{"taints": [{taints}]}}}}"#))
        };
        let a = r#"{"key": "a", "effect": "PreferNoSchedule"}"#;
        let b = r#"{"key": "b", "effect": "PreferNoSchedule"}"#;
        let nodes = [node("none", ""), node("one", a), node("two", &format!("{a},{b}"))];
        assert_eq!(scores(&TaintToleration, &nodes, &[], pod("{}")), [100, 50, 0]);
        let tolerant = pod(r#"{"tolerations": [{"key": "b", "operator": "Exists"}]}"#);
        assert_eq!(scores(&TaintToleration, &nodes, &[], tolerant), [100, 0, 0]);
    }
}
