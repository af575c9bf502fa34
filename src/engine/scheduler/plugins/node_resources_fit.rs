//! NodeResourcesFit: a node must have as much left as the pod requests; emptier nodes score higher.
//!
//! What is left is allocatable minus the requests of the pods there, whatever they really use.
//! Every resource that lacks is named, pods first (`Too many pods`), then CPU, memory, ephemeral storage and
//! the others. A request beyond the whole node cannot be helped by preemption. The score
//! (`LeastAllocated`) is the free share of CPU and memory after placing the pod, averaged, where
//! containers without requests count as 100m and 200Mi.
//! Mirrors: pkg/scheduler/framework/plugins/noderesources/{fit,least_allocated}.go. Left out: the
//! strategies `MostAllocated` and `RequestedToCapacityRatio`, ignored resources, resources backed by claims.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Code, Filter, MAX_NODE_SCORE, Plugin, PreFilter, Reason, Score, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;
use crate::scheduler::resources::{PodRequests, Resources};

pub struct NodeResourcesFit;

#[derive(Clone, Copy)]
struct Ready<'a> {
    requests: &'a PodRequests,
}

impl Plugin for NodeResourcesFit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }

    fn weight(&self) -> i64 {
        1
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        PreFilter::Filter(Box::new(Ready { requests: &pod.requests }))
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        Some(Box::new(Ready { requests: &pod.requests }))
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            // Something was given back.
            ClusterEvent::AssignedPodDeleted(_) => true,
            // Of the pod's own requests any may be what was too much.
            ClusterEvent::PodUpdated { old, new } => shrank(&old.requests.exact, &new.requests.exact, |_| true),
            ClusterEvent::AssignedPodUpdated { old, new } => {
                shrank(&old.requests.exact, &new.requests.exact, |wanted| wanted(&pod.requests.exact) > 0)
            }
            ClusterEvent::Node { old, new } => {
                let now = allocatable(new);
                let fits_when_empty = lacking(&pod.requests.exact, &now, &Resources::default(), 0).1.is_empty();
                fits_when_empty && old.is_none_or(|old| grew_where_wanted(&pod.requests.exact, &allocatable(old), &now))
            }
            // Nothing else changes what a node has left.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        let (code, reasons) = lacking(&self.requests.exact, &node.allocatable, &node.requested, node.pods.len());
        if reasons.is_empty() { Verdict::Fits } else { Verdict::Rejected(code, reasons) }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}

impl Score for Ready<'_> {
    fn score(&self, node: &NodeInfo) -> i64 {
        let has = &node.allocatable;
        let shares = [
            free_share(node.non_zero_milli_cpu + self.requests.non_zero_milli_cpu, has.milli_cpu),
            free_share(node.non_zero_memory + self.requests.non_zero_memory, has.memory),
        ];
        let counted = shares.iter().flatten().count();
        // Nodes without either resource tell nothing.
        if counted == 0 { 0 } else { shares.iter().flatten().sum::<i64>() / i64::try_from(counted).unwrap_or(1) }
    }
}

/// Hundredths of a resource that stay free; `None` where the node has none of it.
fn free_share(requested: i64, allocatable: i64) -> Option<i64> {
    match allocatable {
        0 => None,
        _ if requested > allocatable => Some(0),
        _ => Some((allocatable - requested) * MAX_NODE_SCORE / allocatable),
    }
}

/// What a node lacks for the requests, and whether removing pods could ever help.
fn lacking(wants: &Resources, has: &Resources, used: &Resources, pods: usize) -> (Code, Vec<Reason>) {
    let mut reasons: Vec<Reason> = Vec::new();
    let mut code = Code::Unschedulable;
    if i64::try_from(pods).unwrap_or(i64::MAX) + 1 > has.pods {
        reasons.push("Too many pods".into());
    }
    let mut check = |wanted: i64, has: i64, used: i64, reason: &dyn Fn() -> Reason| {
        if wanted > 0 && wanted > has - used {
            reasons.push(reason());
            if wanted > has {
                code = Code::UnschedulableAndUnresolvable;
            }
        }
    };
    check(wants.milli_cpu, has.milli_cpu, used.milli_cpu, &|| "Insufficient cpu".into());
    check(wants.memory, has.memory, used.memory, &|| "Insufficient memory".into());
    check(wants.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage, &|| {
        "Insufficient ephemeral-storage".into()
    });
    for (name, wanted) in &wants.scalar {
        let of = |list: &Resources| list.scalar.get(name).copied().unwrap_or(0);
        check(*wanted, of(has), of(used), &|| format!("Insufficient {name}").into());
    }
    (code, reasons)
}

fn allocatable(node: &Node) -> Resources {
    Resources::from_list(node.status.as_ref().and_then(|status| status.allocatable.as_ref()))
}

/// Whether less is requested of a resource that counts; `counts` gets the way to read its amount.
fn shrank(old: &Resources, new: &Resources, counts: impl Fn(&dyn Fn(&Resources) -> i64) -> bool) -> bool {
    let less = |amount: &dyn Fn(&Resources) -> i64| amount(new) < amount(old) && counts(amount);
    less(&|list| list.milli_cpu)
        || less(&|list| list.memory)
        || less(&|list| list.ephemeral_storage)
        || old.scalar.keys().any(|name| less(&|list| list.scalar.get(name).copied().unwrap_or(0)))
}

fn grew_where_wanted(wants: &Resources, old: &Resources, new: &Resources) -> bool {
    new.pods > old.pods
        || wants.milli_cpu > 0 && new.milli_cpu > old.milli_cpu
        || wants.memory > 0 && new.memory > old.memory
        || wants.ephemeral_storage > 0 && new.ephemeral_storage > old.ephemeral_storage
        || wants.scalar.iter().any(|(name, wanted)| {
            let of = |list: &Resources| list.scalar.get(name).copied().unwrap_or(0);
            *wanted > 0 && of(new) > of(old)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{filter_verdict, node, pod, pod_on, scores};

    fn requests(list: &str) -> String {
        format!(r#"{{"containers": [{{"name": "c", "resources": {{"requests": {{{list}}}}}}}]}}"#)
    }

    #[test]
    fn every_lacking_resource_is_named() {
        let cases = [
            ("fits exactly", r#""cpu": "1", "memory": "2Gi""#, ""),
            ("cpu", r#""cpu": "1001m""#, "Insufficient cpu"),
            ("cpu and memory", r#""cpu": "1500m", "memory": "3Gi""#, "Insufficient cpu, Insufficient memory"),
            ("more than the node has", r#""cpu": "3""#, "Insufficient cpu (unresolvable)"),
            ("unknown resource", r#""example.com/gpu": "1""#, "Insufficient example.com/gpu (unresolvable)"),
        ];
        for (case, list, want) in cases {
            let node = node(
                r#"{"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"}}}"#,
            );
            let there = pod_on("n", "there", &requests(r#""cpu": "1", "memory": "2Gi""#));
            let got = filter_verdict(&NodeResourcesFit, &[node], &[there], pod(&requests(list)));
            // Only in this table: a mark for refusals that preemption cannot lift.
            let (code, _) = lacking(
                &pod(&requests(list)).requests.exact,
                &Resources { milli_cpu: 2000, memory: 4 << 30, pods: 10, ..Resources::default() },
                &Resources::default(),
                0,
            );
            let mark = if code == Code::UnschedulableAndUnresolvable { " (unresolvable)" } else { "" };
            assert_eq!(format!("{}{mark}", got[0]), want, "{case}");
        }
    }

    #[test]
    fn init_containers_count_by_their_largest_and_sidecars_add() {
        let spec = r#"{"initContainers": [
                {"name": "a", "resources": {"requests": {"cpu": "3"}}},
                {"name": "side", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
                {"name": "b", "resources": {"requests": {"cpu": "3"}}}],
            "containers": [{"name": "c", "resources": {"requests": {"cpu": "2"}}}],
            "overhead": {"cpu": "100m"}}"#;
        assert_eq!(pod(spec).requests.exact.milli_cpu, 4100);
    }

    #[test]
    fn emptier_nodes_score_higher() {
        let node = |name: &str| {
            node(&format!(
                r#"{{"metadata": {{"name": "{name}"}}, "status": {{"allocatable": {{"cpu": "4", "memory": "8Gi", "pods": "10"}}}}}}"#
            ))
        };
        let there = pod_on("half", "there", &requests(r#""cpu": "2", "memory": "4Gi""#));
        let incoming = pod(&requests(r#""cpu": "1", "memory": "2Gi""#));
        assert_eq!(scores(&NodeResourcesFit, &[node("empty"), node("half")], &[there], incoming), [75, 25]);
    }
}
