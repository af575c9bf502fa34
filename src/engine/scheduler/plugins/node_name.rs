//! NodeName: a pod that names its node goes there or nowhere.
//!
//! Pods created with `spec.nodeName` never reach the scheduler; the filter matters for pods
//! whose name was set while they were waiting.
//! Mirrors: pkg/scheduler/framework/plugins/nodename. Nothing is left out.

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

pub struct NodeName;

#[derive(Clone, Copy)]
struct Ready<'a> {
    name: &'a str,
}

impl Plugin for NodeName {
    fn name(&self) -> &'static str {
        "NodeName"
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        match pod.node_name() {
            Some(name) => PreFilter::Filter(Box::new(Ready { name })),
            None => PreFilter::Skip,
        }
    }

    fn hint(&self, _cache: &Cache, _pod: &PodInfo, event: &ClusterEvent) -> bool {
        matches!(event, ClusterEvent::Node { old: None, .. })
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if *node.name == *self.name {
            Verdict::Fits
        } else {
            Verdict::unresolvable("node(s) didn't match the requested node name")
        }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}
