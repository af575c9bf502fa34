//! VolumeRestrictions: disks and claims that only one pod may use.
//!
//! Some in-tree disks cannot be mounted by two pods of one node unless both only read. A claim
//! with access mode `ReadWriteOncePod` admits one pod in the whole cluster: while another one has it,
//! every node is refused, and preemption may free it. Nobody has it yet: then the plugin steps aside,
//! and does not look at pods that are only nominated to a node either.
//! Mirrors: pkg/scheduler/framework/plugins/volumerestrictions. Nothing is left out.

use k8s_openapi::api::core::v1::Volume;

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Code, Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::plugins::volume_binding::uses;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::{ClusterEvent, StorageEvent};

pub struct VolumeRestrictions;

#[derive(Clone)]
struct Ready<'a> {
    pod: &'a PodInfo,
    /// Claims of the pod that only one pod may use.
    exclusive: Vec<String>,
    /// How many of those claims are in use already, less what pods that are imagined gone used.
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
            if modes.iter().any(|mode| mode == "ReadWriteOncePod") && !exclusive.iter().any(|known| known == claim) {
                exclusive.push(claim.to_owned());
            }
        }
        let used = |claim: &String| {
            let mut pods = cache.nodes().flat_map(|node| &node.pods);
            pods.any(|other| other.namespace == pod.namespace && claims(other).any(|name| name == claim))
        };
        let users = i64::try_from(exclusive.iter().filter(|claim| used(claim)).count()).unwrap_or(i64::MAX);
        if users == 0 && !volumes(pod).iter().any(is_single_writer_disk) {
            return PreFilter::Skip;
        }
        PreFilter::Filter(Box::new(Ready { pod, exclusive, users }))
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            // Disks know no namespaces, but upstream asks for the same one.
            ClusterEvent::AssignedPodDeleted(gone) => {
                let shares_claim = || claims(gone).any(|claim| claims(pod).any(|wanted| wanted == claim));
                let shares_disk = || volumes(pod).iter().any(|volume| conflicts_with_any(volume, gone));
                gone.namespace == pod.namespace && (shares_claim() || shares_disk())
            }
            ClusterEvent::Storage(StorageEvent::Claim { old: None, new }) => {
                let names: Vec<String> = claims(pod).map(str::to_owned).collect();
                uses(pod, new, &names)
            }
            ClusterEvent::Node { old: None, .. } => true,
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
    /// How many of the exclusive claims another pod uses. Only their names are compared, as upstream does it.
    fn uses(&self, other: &PodInfo) -> i64 {
        let shared = claims(other).filter(|claim| self.exclusive.iter().any(|own| own == claim));
        i64::try_from(shared.count()).unwrap_or(i64::MAX)
    }
}

pub fn volumes(pod: &PodInfo) -> &[Volume] {
    pod.spec().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default()
}

/// The claims a pod names; those of ephemeral volumes are not among them.
pub fn claims(pod: &PodInfo) -> impl Iterator<Item = &str> {
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

#[cfg(test)]
mod tests {
    use api::{Kind, Object};
    use serde_json::json;

    use super::*;
    use crate::scheduler::testing::{cache_of, node, pod, pod_on, verdicts};

    fn spec(volume: serde_json::Value) -> String {
        let mut volume = volume;
        volume["name"] = json!("v");
        json!({ "volumes": [volume] }).to_string()
    }

    #[test]
    fn disks_and_claims_for_one_pod_alone() {
        const DISK: &str = "node(s) had no available disk";
        const CLAIM: &str = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
        let claim = |name: &str| json!({"persistentVolumeClaim": {"claimName": name}});
        let gce = |name: &str, read_only: bool| json!({"gcePersistentDisk": {"pdName": name, "readOnly": read_only}});
        let aws = json!({"awsElasticBlockStore": {"volumeID": "v1", "readOnly": true}});
        let rbd = |monitor: &str| json!({"rbd": {"monitors": [monitor, "m0"], "image": "i", "pool": "p"}});
        let cases = [
            // case                              on n1               incoming            verdicts on n1, n2
            ("a claim for one pod", claim("one"), claim("one"), [CLAIM, CLAIM]),
            ("nobody has it yet", claim("many"), claim("one"), ["", ""]),
            ("a claim for many", claim("many"), claim("many"), ["", ""]),
            ("a disk that is written to", gce("d", false), gce("d", true), [DISK, ""]),
            ("both only read", gce("d", true), gce("d", true), ["", ""]),
            ("another disk", gce("d", false), gce("e", false), ["", ""]),
            ("not even two readers", aws.clone(), aws, [DISK, ""]),
            ("a shared monitor", rbd("m1"), rbd("m2"), [DISK, ""]),
        ];
        for (case, there, incoming, want) in cases {
            let nodes = ["n1", "n2"].map(|name| node(&json!({"metadata": {"name": name}}).to_string()));
            let mut cache = cache_of(&nodes, &[pod_on("n1", "there", &spec(there))]);
            for (name, mode) in [("one", "ReadWriteOncePod"), ("many", "ReadWriteMany")] {
                let claim =
                    json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"accessModes": [mode]}});
                let claim = Object::from_value(Kind::PersistentVolumeClaim, claim);
                cache.listers.set(&claim.expect("test claims are well formed"));
            }
            assert_eq!(verdicts(&VolumeRestrictions, &cache, &pod(&spec(incoming))), want, "{case}");
        }
    }
}
