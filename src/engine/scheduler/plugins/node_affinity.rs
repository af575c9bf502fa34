//! NodeAffinity: what a pod demands of node labels (`nodeSelector`, required terms) and what it prefers.
//!
//! `nodeSelector` and the required terms must both match; of the terms one suffices, and all of its
//! expressions must hold. `NotIn` and `DoesNotExist` also hold where the label is missing; `Gt` and `Lt`
//! compare integers. An empty term matches nothing. Preferred terms add their weights to a node's score,
//! and the highest sum becomes 100. Terms that all name nodes by `metadata.name` limit the search to
//! those nodes, as DaemonSet pods do: other nodes are then not even counted by reason, but together.
//! Mirrors: pkg/scheduler/framework/plugins/nodeaffinity. Left out: `addedAffinity`, which only
//! a scheduler configuration can set.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::meta::selector::Operator;
use api::order::Gather;
use k8s_openapi::api::core::v1::Node;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Code, Filter, Plugin, PreFilter, Score, Verdict, default_normalise};
use crate::scheduler::pod_info::{NodeAffinityTerms, PodInfo};
use crate::scheduler::queue::ClusterEvent;

pub struct NodeAffinity;

#[derive(Clone, Copy)]
struct Ready<'a> {
    terms: &'a NodeAffinityTerms,
}

impl Plugin for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }

    fn weight(&self) -> i64 {
        2
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let terms = &pod.node_affinity;
        if !terms.demands() {
            return PreFilter::Skip;
        }
        let filter = Box::new(Ready { terms });
        match named_nodes(terms) {
            None => PreFilter::Filter(filter),
            Some(names) if names.is_empty() => {
                PreFilter::Reject(Code::UnschedulableAndUnresolvable, "pod affinity terms conflict".into())
            }
            Some(names) => PreFilter::OnlyNodes(filter, names),
        }
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        let terms = &pod.node_affinity;
        if terms.preferred.is_empty() { None } else { Some(Box::new(Ready { terms })) }
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let fits = |node: &Node| {
            let name = node.metadata.name.as_deref().unwrap_or_default();
            pod.node_affinity.required_match(name, node.metadata.labels.as_ref())
        };
        match event {
            ClusterEvent::Node { old, new } => fits(new) && !old.is_some_and(fits),
            // Only nodes have node labels.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if self.terms.required_match(&node.name, node.node.metadata.labels.as_ref()) {
            Verdict::Fits
        } else {
            Verdict::unresolvable("node(s) didn't match Pod's node affinity/selector")
        }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}

impl Score for Ready<'_> {
    /// The sum of the weights of the preferred terms that match.
    fn score(&self, node: &NodeInfo) -> i64 {
        let labels = node.node.metadata.labels.as_ref();
        let matching = self.terms.preferred.iter().filter(|(_, term)| term.matches(&node.name, labels));
        matching.map(|(weight, _)| weight).sum()
    }

    fn normalise(&self, scores: &mut [i64], _nodes: &[&Arc<NodeInfo>]) {
        default_normalise(scores, false);
    }
}

/// The nodes that the required terms name, if each term names some.
fn named_nodes(terms: &NodeAffinityTerms) -> Option<BTreeSet<String>> {
    let required = terms.required.as_ref().filter(|terms| !terms.is_empty())?;
    let mut names = BTreeSet::new();
    for term in required {
        let mut of_term: Option<BTreeSet<String>> = None;
        for requirement in term.names.iter().filter(|r| r.key == "metadata.name" && r.operator == Operator::In) {
            let listed: BTreeSet<String> = requirement.values.iter().cloned().into_set();
            of_term = Some(match of_term {
                None => listed,
                Some(so_far) => so_far.intersection(&listed).cloned().collect(),
            });
        }
        names.extend(of_term?);
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{filter_verdict, node, pod, scores};

    #[test]
    fn required_terms_and_selector_must_match() {
        const REFUSED: &str = "node(s) didn't match Pod's node affinity/selector";
        let required = |terms: &str| {
            format!(
                r#""affinity": {{"nodeAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": {{"nodeSelectorTerms": [{terms}]}}}}}}"#
            )
        };
        let expr = |op: &str, values: &str| {
            required(&format!(
                r#"{{"matchExpressions": [{{"key": "gen", "operator": "{op}", "values": [{values}]}}]}}"#
            ))
        };
        let cases = [
            ("selector matches", r#""nodeSelector": {"gen": "5"}"#.to_owned(), ""),
            ("selector differs", r#""nodeSelector": {"gen": "6"}"#.to_owned(), REFUSED),
            ("In", expr("In", r#""4", "5""#), ""),
            ("NotIn", expr("NotIn", r#""5""#), REFUSED),
            ("Gt", expr("Gt", r#""4""#), ""),
            ("Lt", expr("Lt", r#""4""#), REFUSED),
            ("Exists", expr("Exists", ""), ""),
            ("DoesNotExist", expr("DoesNotExist", ""), REFUSED),
            ("an empty term matches nothing", required("{}"), REFUSED),
            (
                "one term of two is enough",
                required(r#"{}, {"matchExpressions": [{"key": "gen", "operator": "Exists"}]}"#),
                "",
            ),
            (
                "by name",
                required(r#"{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}"#),
                "",
            ),
        ];
        for (case, spec, want) in cases {
            let node = node(r#"{"metadata": {"name": "n", "labels": {"gen": "5"}}}"#);
            assert_eq!(filter_verdict(&NodeAffinity, &[node], &[], pod(&format!("{{{spec}}}"))), [want], "{case}");
        }
    }

    #[test]
    fn preferred_weights_add_up() {
        let pod = pod(r#"{"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 30, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
                {"weight": 10, "preference": {"matchExpressions": [{"key": "b", "operator": "Exists"}]}}]}}}"#);
        let node = |name: &str, labels: &str| {
            node(&format!(r#"{{"metadata": {{"name": "{name}", "labels": {{{labels}}}}}}}"#))
        };
        let nodes = [node("both", r#""a": "", "b": """#), node("a", r#""a": """#), node("none", "")];
        assert_eq!(scores(&NodeAffinity, &nodes, &[], pod), [100, 75, 0]);
    }
}
