//! NodeVolumeLimits: a node attaches only as many volumes of a CSI driver as its CSINode allows.
//!
//! Volumes are counted once however many pods of the node share them. A driver without a limit in
//! the CSINode is not limited.
//! Mirrors: pkg/scheduler/framework/plugins/nodevolumelimits/csi.go. Left out: in-tree volumes
//! that are migrated to CSI, and volumes that are attached though no pod of the node names them.

use std::collections::{BTreeMap, BTreeSet};

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::plugins::volume_binding::claim_names;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

pub struct NodeVolumeLimits;

#[derive(Clone)]
struct Ready<'a> {
    cache: &'a Cache,
    /// Driver to the volumes of the pod.
    wanted: ByDriver,
}

type ByDriver = BTreeMap<String, BTreeSet<String>>;

impl Plugin for NodeVolumeLimits {
    fn name(&self) -> &'static str {
        "NodeVolumeLimits"
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let wanted = volumes_of(cache, pod);
        if wanted.is_empty() { PreFilter::Skip } else { PreFilter::Filter(Box::new(Ready { cache, wanted })) }
    }

    fn hint(&self, cache: &Cache, _pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            ClusterEvent::AssignedPodDeleted(gone) => !volumes_of(cache, gone).is_empty(),
            ClusterEvent::Storage(_) => true,
            // Nothing else detaches a volume.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        let Some(csi_node) = self.cache.listers.csi_nodes.get(&key("", &node.name)) else { return Verdict::Fits };
        let mut used = ByDriver::new();
        for pod in &node.pods {
            for (driver, volumes) in volumes_of(self.cache, pod) {
                used.entry(driver).or_default().extend(volumes);
            }
        }
        let none = BTreeSet::new();
        for driver in &csi_node.spec.drivers {
            let limit = driver.allocatable.as_ref().and_then(|allocatable| allocatable.count);
            let (Some(limit), Some(wanted)) = (limit, self.wanted.get(&driver.name)) else { continue };
            let used = used.get(&driver.name).unwrap_or(&none);
            let total = used.union(wanted).count();
            if wanted.difference(used).next().is_some() && i64::try_from(total).unwrap_or(i64::MAX) > i64::from(limit) {
                return Verdict::unschedulable("node(s) exceed max volume count");
            }
        }
        Verdict::Fits
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(self.clone())
    }
}

/// A pod's CSI volumes by driver; a claim without a volume counts under its own name.
fn volumes_of(cache: &Cache, pod: &PodInfo) -> ByDriver {
    let mut volumes = ByDriver::new();
    for name in claim_names(pod) {
        let Some(claim) = cache.listers.claims.get(&key(&pod.namespace, &name)) else { continue };
        let spec = claim.spec.as_ref();
        let bound = spec.and_then(|spec| spec.volume_name.as_deref()).filter(|name| !name.is_empty());
        let found = match bound {
            Some(volume) => cache
                .listers
                .volumes
                .get(&key("", volume))
                .and_then(|volume| volume.spec.as_ref()?.csi.as_ref())
                .map(|csi| (csi.driver.clone(), csi.volume_handle.clone())),
            None => spec
                .and_then(|spec| spec.storage_class_name.as_deref())
                .and_then(|class| cache.listers.storage_classes.get(&key("", class)))
                .map(|class| (class.provisioner.clone(), format!("{}/{name}", pod.namespace))),
        };
        if let Some((driver, volume)) = found {
            volumes.entry(driver).or_default().insert(volume);
        }
    }
    volumes
}
