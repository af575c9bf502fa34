//! VolumeBinding: a pod goes only where its claims have, or can get, their volumes.
//!
//! Claims that bind immediately must be bound before any node is looked at. Bound ones tie the pod
//! to the nodes their volumes reach. Claims whose class waits for the first consumer are matched
//! with free volumes per node, the smallest that suffices; what finds none is left to the class's
//! provisioner, if it has one, if the node is in its `allowedTopologies`, and if its driver publishes
//! enough capacity there. When the node is chosen, the claim and the volume are written.
//! All of it is unresolvable: no victim's going makes a volume.
//! Mirrors: pkg/scheduler/framework/plugins/volumebinding. Left out: scores by capacity (off by
//! default in v1.36), migration to CSI.

mod binder;
mod matching;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::{CSIDriver, StorageClass};

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Code, Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::plugins::volume_restrictions::volumes;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::{ClusterEvent, StorageEvent};

pub use binder::{Claims, claims_of, plan};

pub struct VolumeBinding;

struct Ready<'a> {
    cache: &'a Cache,
    claims: Claims<'a>,
}

impl Plugin for VolumeBinding {
    fn name(&self) -> &'static str {
        "VolumeBinding"
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        match claims_of(cache, pod) {
            Err(reason) => PreFilter::Reject(Code::UnschedulableAndUnresolvable, reason.into()),
            Ok(claims) if claims.is_empty() => PreFilter::Skip,
            Ok(claims) if claims.unbound_immediate => PreFilter::Reject(
                Code::UnschedulableAndUnresolvable,
                "pod has unbound immediate PersistentVolumeClaims".into(),
            ),
            Ok(claims) => PreFilter::Filter(Box::new(Ready { cache, claims })),
        }
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            ClusterEvent::Storage(event) => match event {
                StorageEvent::Claim { new, .. } => uses(pod, new, &claim_names(pod)),
                StorageEvent::Volume { .. } | StorageEvent::MoreCapacity => true,
                StorageEvent::Class { old, new } => {
                    old.as_ref().is_none_or(|old| old.allowed_topologies != new.allowed_topologies)
                }
                StorageEvent::DriversOfNode { first } => *first,
                // A driver of volumes in the pod itself no longer minds its capacity.
                StorageEvent::Driver { old, new } => {
                    let minds = |driver: &CSIDriver| driver.spec.storage_capacity == Some(true);
                    let name = new.metadata.name.as_deref().unwrap_or_default();
                    old.as_ref().is_some_and(|old| minds(old) && !minds(new))
                        && volumes(pod).iter().any(|volume| volume.csi.as_ref().is_some_and(|csi| csi.driver == name))
                }
            },
            ClusterEvent::Node { old, new } => old.is_none_or(|old| old.metadata.labels != new.metadata.labels),
            // Pods do not make volumes.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        match plan(self.cache, &self.claims, node) {
            Ok(_) => Verdict::Fits,
            Err(reasons) => {
                Verdict::Rejected(Code::UnschedulableAndUnresolvable, reasons.into_iter().map(Into::into).collect())
            }
        }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(Ready { cache: self.cache, claims: self.claims.clone() })
    }
}

/// Whether a claim is one of those of a pod that are named.
pub fn uses(pod: &PodInfo, claim: &PersistentVolumeClaim, names: &[String]) -> bool {
    claim.metadata.namespace.as_deref() == Some(&*pod.namespace)
        && names.iter().any(|name| claim.metadata.name.as_deref() == Some(name))
}

/// Every claim of a pod, those made for its ephemeral volumes included.
pub fn claim_names(pod: &PodInfo) -> Vec<String> {
    volumes(pod)
        .iter()
        .filter_map(|volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(claim), _) => Some(claim.claim_name.clone()),
            (None, Some(_)) => Some(format!("{}-{}", pod.name, volume.name)),
            (None, None) => None,
        })
        .collect()
}

/// Whether volumes of a class are bound only when a pod needs them.
pub fn waits_for_consumer(cache: &Cache, class: &str) -> bool {
    let class: Option<&std::sync::Arc<StorageClass>> = cache.listers.storage_classes.get(&key("", class));
    class.is_some_and(|class| class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"))
}

#[cfg(test)]
mod tests;
