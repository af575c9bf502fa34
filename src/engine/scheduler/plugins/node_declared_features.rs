//! NodeDeclaredFeatures: what a pod asks of the kubelet itself, only a node can give whose kubelet says so.
//!
//! A cluster's kubelets may be older than its API server, which then admits pods that they could not
//! run. So each kubelet lists in `status.declaredFeatures` what it can do, and the filter compares.
//! Of the features of v1.36 a new pod can ask for one: to restart all its containers when one of
//! them exits so. KWOK's nodes declare nothing. No victim's going helps.
//! Mirrors: pkg/scheduler/framework/plugins/nodedeclaredfeatures, component-helpers/nodedeclaredfeatures
//! `InferForPodScheduling`. Left out: features that only a running pod's resizing asks for.

use api::meta::restart_rules::could_restart_all;
use k8s_openapi::api::core::v1::Node;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

/// As nodes declare it.
const RESTART_ALL: &str = "RestartAllContainersOnContainerExits";
const REASON: &str =
    "node declared features check failed - unsatisfied requirements: RestartAllContainersOnContainerExits";

pub struct NodeDeclaredFeatures;

/// The pod asks for the one feature.
#[derive(Clone, Copy)]
struct Ready;

impl Plugin for NodeDeclaredFeatures {
    fn name(&self) -> &'static str {
        "NodeDeclaredFeatures"
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        if could_restart_all(&pod.pod) { PreFilter::Filter(Box::new(Ready)) } else { PreFilter::Skip }
    }

    /// A pod's rules never change, so only a node can help.
    fn hint(&self, _cache: &Cache, _pod: &PodInfo, event: &ClusterEvent) -> bool {
        let features = |node: &Node| node.status.as_ref()?.declared_features.clone();
        match event {
            ClusterEvent::Node { old, new } => old.is_none_or(|old| features(old) != features(new)),
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        let declared = node.node.status.as_ref().and_then(|status| status.declared_features.as_ref());
        if declared.is_some_and(|declared| declared.iter().any(|feature| feature == RESTART_ALL)) {
            Verdict::Fits
        } else {
            Verdict::unresolvable(REASON)
        }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}
