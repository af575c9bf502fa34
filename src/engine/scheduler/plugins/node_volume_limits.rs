//! NodeVolumeLimits: a node attaches only as many volumes of a CSI driver as its CSINode allows.
//!
//! Volumes are counted once however many pods of the node share them; those of the pod that the node
//! has already cost nothing. A driver without a limit in the CSINode, and a node without a CSINode, is
//! not limited. Pods that leave detach their volumes, so preemption may help.
//! Mirrors: pkg/scheduler/framework/plugins/nodevolumelimits/csi.go. Left out: in-tree volumes
//! that are migrated to CSI, and volumes that are attached though no pod of the node names them.

use std::collections::{BTreeMap, BTreeSet};

use api::meta::volume::{claim_class, volume_name};

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::plugins::volume_binding::{claim_names, uses};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::{ClusterEvent, StorageEvent};

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

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            ClusterEvent::AssignedPodDeleted(gone) => !claim_names(gone).is_empty(),
            ClusterEvent::Storage(StorageEvent::DriversOfNode { .. }) => true,
            ClusterEvent::Storage(StorageEvent::Claim { old: None, new }) => uses(pod, new, &claim_names(pod)),
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

/// A pod's CSI volumes by driver. A claim whose volume does not exist yet counts for its class's driver,
/// under its own name; a claim of a volume of another kind does not count.
fn volumes_of(cache: &Cache, pod: &PodInfo) -> ByDriver {
    let mut volumes = ByDriver::new();
    for name in claim_names(pod) {
        let Some(claim) = cache.listers.claims.get(&key(&pod.namespace, &name)) else { continue };
        let found = match cache.listers.volumes.get(&key("", volume_name(claim))) {
            Some(volume) => {
                let csi = volume.spec.as_ref().and_then(|spec| spec.csi.as_ref());
                csi.map(|csi| (csi.driver.clone(), csi.volume_handle.clone()))
            }
            None => {
                let class = cache.listers.storage_classes.get(&key("", claim_class(claim)));
                class.map(|class| (class.provisioner.clone(), format!("{}/{name}", pod.namespace)))
            }
        };
        if let Some((driver, volume)) = found {
            volumes.entry(driver).or_default().insert(volume);
        }
    }
    volumes
}

#[cfg(test)]
mod tests {
    use api::{Kind, Object};
    use serde_json::json;

    use super::*;
    use crate::scheduler::testing::{cache_of, node, pod, pod_on, verdicts};

    #[test]
    fn a_driver_attaches_so_many_volumes_and_no_more() {
        const REFUSED: &str = "node(s) exceed max volume count";
        let uses = |claims: &[&str]| {
            let volumes: Vec<_> = claims
                .iter()
                .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
                .collect();
            json!({ "volumes": volumes }).to_string()
        };
        let cases = [
            // case                                  there           incoming         limit     verdict
            ("room is left", vec!["a"], vec!["b"], Some(2), ""),
            ("none is left", vec!["a"], vec!["b"], Some(1), REFUSED),
            ("two at once are one too many", vec!["a"], vec!["b", "c"], Some(2), REFUSED),
            ("a shared volume counts once", vec!["a"], vec!["a"], Some(1), ""),
            ("one to be made counts, too", vec!["a"], vec!["new"], Some(1), REFUSED),
            ("another driver's does not", vec!["a"], vec!["other"], Some(1), ""),
            ("no limit is said", vec!["a"], vec!["b"], None, ""),
        ];
        for (case, there, incoming, limit, want) in cases {
            let limit = limit.map(|count| json!({ "count": count }));
            let drivers = json!([{"name": "csi.example.com", "nodeID": "n", "allocatable": limit}]);
            let mut objects = vec![
                (Kind::CSINode, json!({"metadata": {"name": "n"}, "spec": {"drivers": drivers}})),
                (Kind::StorageClass, json!({"metadata": {"name": "s"}, "provisioner": "csi.example.com"})),
            ];
            let claim = |name: &str, volume: Option<&str>| {
                let meta = json!({"name": name, "namespace": "default"});
                (
                    Kind::PersistentVolumeClaim,
                    json!({"metadata": meta, "spec": {"storageClassName": "s", "volumeName": volume}}),
                )
            };
            for (name, driver) in [("a", "csi"), ("b", "csi"), ("c", "csi"), ("other", "nfs")] {
                let source = json!({"driver": format!("{driver}.example.com"), "volumeHandle": name});
                objects.push((Kind::PersistentVolume, json!({"metadata": {"name": name}, "spec": {"csi": source}})));
                objects.push(claim(name, Some(name)));
            }
            objects.push(claim("new", None));
            let running = pod_on("n", "there", &uses(&there));
            let mut cache = cache_of(&[node(r#"{"metadata": {"name": "n"}}"#)], &[running]);
            for (kind, value) in objects {
                cache.listers.set(&Object::from_value(kind, value).expect("test objects are well formed"));
            }
            assert_eq!(verdicts(&NodeVolumeLimits, &cache, &pod(&uses(&incoming))), [want], "{case}");
        }
    }
}
