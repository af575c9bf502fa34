//! DynamicResources: devices that pods claim, as far as they go without a driver: it says what is missing.
//!
//! A pod is not even tried until each of its claims exists, those from templates included, which the
//! resource claim controller makes; until then nothing is said of it. Then each request's DeviceClass
//! must exist. A claim that is not allocated needs devices that a driver offers in ResourceSlices; no driver
//! is simulated, so no node can allocate it.
//! When no node fits, the plugin is asked before preemption whether freeing claims would help. Without
//! claims it says `no new claims to deallocate`, with claims `still not schedulable`. A plugin
//! that refuses the pod as a whole keeps it from being prepared; then that question ends in `not found`.
//! It scores every node 0.
//! Mirrors: pkg/scheduler/framework/plugins/dynamicresources. Left out: devices and their allocation (slices
//! are not read), the node selector of an allocation, reserving, extended resources backed by claims.

use std::sync::Arc;

use crate::scheduler::cache::{Cache, DeviceClaim, NodeInfo, key};
use crate::scheduler::framework::{Code, Filter, Plugin, PreFilter, Score, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

/// What the plugin adds to FailedScheduling for a pod without claims.
pub const NOTHING_TO_FREE: &str = "no new claims to deallocate";
/// What it adds for a pod with claims that could all stay as they are.
pub const NOTHING_HELPS: &str = "still not schedulable";
/// What it adds when the attempt ended before it was prepared.
pub const NOT_PREPARED: &str = "not found";

/// So many pods may use one claim.
const MOST_USERS: usize = 256;

pub struct DynamicResources;

struct Zero;

/// Some claim has no devices yet.
#[derive(Clone, Copy)]
struct Unallocated;

impl Plugin for DynamicResources {
    fn name(&self) -> &'static str {
        "DynamicResources"
    }

    fn weight(&self) -> i64 {
        2
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let reject = |why: String| PreFilter::Reject(Code::UnschedulableAndUnresolvable, why.into());
        let claims = match claims_of(cache, pod) {
            Ok(claims) => claims,
            Err(why) => return reject(why),
        };
        for claim in &claims {
            if claim.allocated && claim.users >= MOST_USERS {
                return reject("resourceclaim in use".to_owned());
            }
            if claim.allocated {
                continue;
            }
            for (request, class) in &claim.requests {
                if !cache.listers.device_classes.contains(class) {
                    return reject(format!("request {request}: device class {class} does not exist"));
                }
            }
        }
        if claims.iter().any(|claim| !claim.allocated) {
            PreFilter::Filter(Box::new(Unallocated))
        } else {
            PreFilter::Skip
        }
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        _pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        Some(Box::new(Zero))
    }

    fn hint(&self, cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        let allocatable = |node: &k8s_openapi::api::core::v1::Node| {
            node.status.as_ref().and_then(|status| status.allocatable.clone())
        };
        match event {
            ClusterEvent::Node { old, new } => {
                old.is_none_or(|old| old.metadata.labels != new.metadata.labels || allocatable(old) != allocatable(new))
            }
            ClusterEvent::Devices => true,
            ClusterEvent::DeviceClaim { old, new } => {
                let freed = old.as_ref().is_some_and(|old| old.allocated) && !new.allocated;
                let own = |claims: Vec<&DeviceClaim>| claims.iter().any(|claim| claim.uid == new.uid);
                claims_of(cache, pod)
                    .is_ok_and(|claims| freed || own(claims) && old.as_ref().is_none_or(|old| old != new))
            }
            _ => false,
        }
    }
}

/// The claims of a pod, or why it cannot be tried yet.
///
/// Mirrors: `foreachPodResourceClaim`, dynamic-resource-allocation/resourceclaim/claim.go `Name`.
pub fn claims_of<'a>(cache: &'a Cache, pod: &PodInfo) -> Result<Vec<&'a DeviceClaim>, String> {
    let mut claims = Vec::new();
    for wanted in pod.spec().into_iter().flat_map(|spec| spec.resource_claims.iter().flatten()) {
        let made = pod.pod.status.iter().flat_map(|status| status.resource_claim_statuses.iter().flatten());
        let made = made.into_iter().find(|made| made.name == wanted.name);
        let name = match (&wanted.resource_claim_name, made) {
            (Some(name), _) => name,
            (None, Some(made)) => match &made.resource_claim_name {
                Some(name) => name,
                // The controller has found that none is needed.
                None => continue,
            },
            (None, None) => {
                return Err(format!("pod \"{}/{}\": ResourceClaim not created yet", pod.namespace, pod.name));
            }
        };
        let Some(claim) = cache.listers.device_claims.get(&key(&pod.namespace, name)) else {
            return Err(format!("resourceclaim.resource.k8s.io \"{name}\" not found"));
        };
        if claim.leaving {
            return Err(format!("resourceclaim \"{name}\" is being deleted"));
        }
        if wanted.resource_claim_name.is_none() && claim.owner.as_deref() != Some(pod.uid()) {
            let (namespace, pod) = (&pod.namespace, &pod.name);
            return Err(format!(
                "ResourceClaim {namespace}/{name} was not created for pod {namespace}/{pod} (pod is not owner)"
            ));
        }
        claims.push(claim);
    }
    Ok(claims)
}

/// What the plugin says when no node fits.
pub fn post_filter(pod: &PodInfo) -> &'static str {
    let claims = pod.spec().and_then(|spec| spec.resource_claims.as_ref());
    if claims.is_some_and(|claims| !claims.is_empty()) { NOTHING_HELPS } else { NOTHING_TO_FREE }
}

impl<'a> Filter<'a> for Unallocated {
    fn filter(&self, _node: &NodeInfo) -> Verdict {
        Verdict::unresolvable("cannot allocate all claims")
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}

impl Score for Zero {
    fn score(&self, _node: &NodeInfo) -> i64 {
        0
    }
}
