//! NodeResourcesBalancedAllocation: prefers nodes whose CPU and memory become more evenly used.
//!
//! A node's balance is 100 minus the spread of the used shares of CPU and memory, in hundredths.
//! Since v1.35 the score is not the balance itself but what the pod does to it: 75 where it
//! changes nothing, more where the balance improves, less where it suffers. Pods that request
//! neither resource are not scored, or they would all go to the same balanced node.
//! Mirrors: pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go. Left out:
//! resources other than CPU and memory, which only a configuration can add.

use std::sync::Arc;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{MAX_NODE_SCORE, Plugin, Score};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::resources::Resources;

pub struct NodeResourcesBalancedAllocation;

struct Ready<'a> {
    requests: &'a Resources,
}

impl Plugin for NodeResourcesBalancedAllocation {
    fn name(&self) -> &'static str {
        "NodeResourcesBalancedAllocation"
    }

    fn weight(&self) -> i64 {
        1
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        let requests = &pod.requests.exact;
        if requests.milli_cpu == 0 && requests.memory == 0 {
            return None;
        }
        Some(Box::new(Ready { requests }))
    }
}

impl Score for Ready<'_> {
    fn score(&self, node: &NodeInfo) -> i64 {
        let (has, used) = (&node.allocatable, &node.requested);
        let without = balance([(used.milli_cpu, has.milli_cpu), (used.memory, has.memory)]);
        let with = balance([
            (used.milli_cpu + self.requests.milli_cpu, has.milli_cpu),
            (used.memory + self.requests.memory, has.memory),
        ]);
        let half = MAX_NODE_SCORE / 2;
        half + (half + with - without) / 2
    }
}

/// How evenly two resources are used, given what is used and what there is: 100 is perfectly even.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // upstream computes in float64 and truncates
fn balance(resources: [(i64, i64); 2]) -> i64 {
    let share = |(used, has): (i64, i64)| (used as f64 / has as f64).min(1.0);
    // A resource that the node does not have cannot be used unevenly.
    if resources.iter().any(|(_, has)| *has == 0) {
        return MAX_NODE_SCORE;
    }
    let spread = ((share(resources[0]) - share(resources[1])) / 2.0).abs();
    ((1.0 - spread) * MAX_NODE_SCORE as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{node, pod, pod_on, scores};

    #[test]
    fn the_score_is_what_the_pod_does_to_the_balance() {
        let requests =
            |list: &str| format!(r#"{{"containers": [{{"name": "c", "resources": {{"requests": {{{list}}}}}}}]}}"#);
        let node = |name: &str| {
            node(&format!(
                r#"{{"metadata": {{"name": "{name}"}}, "status": {{"allocatable": {{"cpu": "8", "memory": "4Gi", "pods": "10"}}}}}}"#
            ))
        };
        // As recorded: empty, then with CPU in use, so that a pod that only wants memory evens it out.
        let busy = pod_on("busy", "e1", &requests(r#""cpu": "1", "memory": "128Mi""#));
        let incoming = pod(&requests(r#""memory": "512Mi""#));
        let got = scores(&NodeResourcesBalancedAllocation, &[node("empty"), node("busy")], &[busy], incoming);
        assert_eq!(got, [71, 76]);
    }
}
