//! NodeUnschedulable: no pod on a cordoned node, unless it tolerates the taint that says so.
//!
//! `kubectl cordon` sets `spec.unschedulable`; the node lifecycle controller adds the taint
//! `node.kubernetes.io/unschedulable:NoSchedule` for it. The filter reads the field and treats
//! it as that taint, so that both tell the same story before the controller has acted.
//! Mirrors: pkg/scheduler/framework/plugins/nodeunschedulable. Nothing is left out.

use k8s_openapi::api::core::v1::{Node, Taint};

use super::taint_toleration::{tolerates_any, tolerations_of};
use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

pub struct NodeUnschedulable;

#[derive(Clone, Copy)]
struct Ready {
    tolerated: bool,
}

impl Plugin for NodeUnschedulable {
    fn name(&self) -> &'static str {
        "NodeUnschedulable"
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        PreFilter::Filter(Box::new(Ready { tolerated: tolerated(pod) }))
    }

    fn hint(&self, _cache: &Cache, _pod: &PodInfo, event: &ClusterEvent) -> bool {
        let cordoned = |node: &Node| node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
        match event {
            ClusterEvent::Node { old, new } => old.is_none_or(cordoned) && !cordoned(new),
            ClusterEvent::PodUpdated { old, new } => tolerations_of(old) != tolerations_of(new) && tolerated(new),
            // Nothing else opens a cordoned node.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if node.unschedulable && !self.tolerated {
            return Verdict::unresolvable("node(s) were unschedulable");
        }
        Verdict::Fits
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}

fn tolerated(pod: &PodInfo) -> bool {
    let taint =
        Taint { key: "node.kubernetes.io/unschedulable".into(), effect: "NoSchedule".into(), ..Taint::default() };
    tolerates_any(tolerations_of(pod), &taint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{filter_verdict, node, pod};

    #[test]
    fn cordoned_nodes_take_only_pods_that_tolerate_it() {
        let cases = [
            // case                     node                             pod's tolerations      verdict
            ("open node", r#"{}"#, r#"[]"#, ""),
            ("cordoned node", r#"{"unschedulable": true}"#, r#"[]"#, "node(s) were unschedulable"),
            ("everything is tolerated", r#"{"unschedulable": true}"#, r#"[{"operator": "Exists"}]"#, ""),
            (
                "another key",
                r#"{"unschedulable": true}"#,
                r#"[{"key": "a", "operator": "Exists"}]"#,
                "node(s) were unschedulable",
            ),
        ];
        for (case, spec, tolerations, want) in cases {
            let node = node(&format!(r#"{{"metadata": {{"name": "n"}}, "spec": {spec}}}"#));
            let pod = pod(&format!(r#"{{"tolerations": {tolerations}}}"#));
            assert_eq!(filter_verdict(&NodeUnschedulable, &[node], &[], pod), [want], "{case}");
        }
    }
}
