//! VolumeRestrictions: disks and claims that only one pod may use.
//!
//! Some in-tree disks cannot be mounted by two pods of one node unless both only read. A claim
//! with access mode `ReadWriteOncePod` admits one pod in the whole cluster; preemption may free it.
//! Mirrors: pkg/scheduler/framework/plugins/volumerestrictions. Nothing is left out.

use k8s_openapi::api::core::v1::Volume;

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Code, Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

pub struct VolumeRestrictions;

#[derive(Clone)]
struct Ready<'a> {
    pod: &'a PodInfo,
    /// Claims of the pod that only one pod may use.
    exclusive: Vec<String>,
    /// How many pods use those claims already, over all nodes.
    users: i64,
}

impl Plugin for VolumeRestrictions {
    fn name(&self) -> &'static str {
        "VolumeRestrictions"
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let mut exclusive = Vec::new();
        for claim in claims(pod) {
            let Some(found) = cache.listers.claims.get(&key(&pod.namespace, claim)) else {
                let reason = format!("persistentvolumeclaim \"{claim}\" not found");
                return PreFilter::Reject(Code::UnschedulableAndUnresolvable, reason.into());
            };
            let modes = found.spec.as_ref().and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default();
            if modes.iter().any(|mode| mode == "ReadWriteOncePod") {
                exclusive.push(claim.to_owned());
            }
        }
        if exclusive.is_empty() && !volumes(pod).iter().any(is_single_writer_disk) {
            return PreFilter::Skip;
        }
        let mut ready = Ready { pod, exclusive, users: 0 };
        if !ready.exclusive.is_empty() {
            ready.users = cache.nodes().flat_map(|node| &node.pods).map(|other| ready.uses(other)).sum();
        }
        PreFilter::Filter(Box::new(ready))
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            ClusterEvent::AssignedPodDeleted(gone) => {
                let shares_claim = gone.namespace == pod.namespace
                    && claims(gone).any(|claim| claims(pod).any(|wanted| wanted == claim));
                shares_claim || volumes(pod).iter().any(|volume| conflicts_with_any(volume, gone))
            }
            ClusterEvent::Storage(_) | ClusterEvent::Node { old: None, .. } => true,
            // Volumes of a pod never change.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        let taken = volumes(self.pod)
            .iter()
            .filter(|volume| is_single_writer_disk(volume))
            .any(|volume| node.pods.iter().any(|other| conflicts_with_any(volume, other)));
        if taken {
            return Verdict::unschedulable("node(s) had no available disk");
        }
        if self.users > 0 {
            return Verdict::unschedulable(
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
            );
        }
        Verdict::Fits
    }

    fn add_pod(&mut self, pod: &PodInfo, _node: &NodeInfo) {
        self.users += self.uses(pod);
    }

    fn remove_pod(&mut self, pod: &PodInfo, _node: &NodeInfo) {
        self.users -= self.uses(pod);
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(self.clone())
    }
}

impl Ready<'_> {
    /// How many of the exclusive claims another pod uses.
    fn uses(&self, other: &PodInfo) -> i64 {
        if other.namespace != self.pod.namespace {
            return 0;
        }
        let shared = claims(other).filter(|claim| self.exclusive.iter().any(|own| own == claim));
        i64::try_from(shared.count()).unwrap_or(i64::MAX)
    }
}

pub fn volumes(pod: &PodInfo) -> &[Volume] {
    pod.spec().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default()
}

/// The claims a pod names; those of ephemeral volumes are not among them.
fn claims(pod: &PodInfo) -> impl Iterator<Item = &str> {
    volumes(pod).iter().filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
}

fn is_single_writer_disk(volume: &Volume) -> bool {
    volume.gce_persistent_disk.is_some()
        || volume.aws_elastic_block_store.is_some()
        || volume.iscsi.is_some()
        || volume.rbd.is_some()
}

fn conflicts_with_any(volume: &Volume, other: &PodInfo) -> bool {
    volumes(other).iter().any(|used| conflict(volume, used))
}

/// Whether two pods on one node cannot have these two volumes.
fn conflict(a: &Volume, b: &Volume) -> bool {
    let writes = |a: Option<bool>, b: Option<bool>| !(a == Some(true) && b == Some(true));
    if let (Some(a), Some(b)) = (&a.gce_persistent_disk, &b.gce_persistent_disk) {
        return a.pd_name == b.pd_name && writes(a.read_only, b.read_only);
    }
    if let (Some(a), Some(b)) = (&a.aws_elastic_block_store, &b.aws_elastic_block_store) {
        // Not even two readers.
        return a.volume_id == b.volume_id;
    }
    if let (Some(a), Some(b)) = (&a.iscsi, &b.iscsi) {
        return a.iqn == b.iqn && writes(a.read_only, b.read_only);
    }
    if let (Some(a), Some(b)) = (&a.rbd, &b.rbd) {
        let monitors_overlap = a.monitors.iter().any(|monitor| b.monitors.contains(monitor));
        return monitors_overlap && a.pool == b.pool && a.image == b.image && writes(a.read_only, b.read_only);
    }
    false
}
