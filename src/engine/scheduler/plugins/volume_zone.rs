//! VolumeZone: a volume labelled with a zone or region is only reached from nodes there.
//!
//! Clouds label volumes so where the driver does not give them a node affinity. A label may list
//! several zones, separated by `__`; one that is written wrongly is passed over. Nodes without any
//! zone label take all volumes. A node's new label (`topology.kubernetes.io/zone`) answers a volume's
//! old one (`failure-domain.beta.kubernetes.io/zone`), not the other way round.
//! A bound claim whose volume is gone keeps the pod off every node. No victim's going helps.
//! Mirrors: pkg/scheduler/framework/plugins/volumezone, cloud-provider/volume/helpers `LabelZonesToSet`.
//! Left out: what it says of claims that are not bound, since VolumeBinding speaks first.

use std::collections::BTreeSet;

use api::meta::volume::volume_name;
use k8s_openapi::api::core::v1::PersistentVolume;

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Code, Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::plugins::volume_binding::uses;
use crate::scheduler::plugins::volume_restrictions::claims;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::{ClusterEvent, StorageEvent};

const ZONE_LABELS: [&str; 4] = [
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
];

pub struct VolumeZone;

/// Label and the values one of which a node must have.
type Demand = (&'static str, BTreeSet<String>);

#[derive(Clone)]
struct Ready {
    demands: Vec<Demand>,
}

impl Plugin for VolumeZone {
    fn name(&self) -> &'static str {
        "VolumeZone"
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let mut demands = Vec::new();
        for name in claims(pod) {
            let Some(claim) = cache.listers.claims.get(&key(&pod.namespace, name)) else { continue };
            let wanted = volume_name(claim);
            if wanted.is_empty() {
                continue;
            }
            let Some(volume) = cache.listers.volumes.get(&key("", wanted)) else {
                let reason = format!("persistentvolume \"{wanted}\" not found");
                return PreFilter::Reject(Code::UnschedulableAndUnresolvable, reason.into());
            };
            demands.extend(demands_of(volume));
        }
        if demands.is_empty() { PreFilter::Skip } else { PreFilter::Filter(Box::new(Ready { demands })) }
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            ClusterEvent::Node { old, new } => old.is_none_or(|old| old.metadata.labels != new.metadata.labels),
            ClusterEvent::Storage(event) => match event {
                StorageEvent::Claim { new, .. } => {
                    let names: Vec<String> = claims(pod).map(str::to_owned).collect();
                    uses(pod, new, &names)
                }
                StorageEvent::Volume { old, new } => {
                    old.as_ref().is_none_or(|old| !demands_of(old).eq(demands_of(new)))
                }
                // Now a claim may wait for its pod.
                StorageEvent::Class { old: None, new } => {
                    new.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer")
                }
                _ => false,
            },
            // Pods do not move volumes.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if !ZONE_LABELS.iter().any(|label| node.label(label).is_some()) {
            return Verdict::Fits;
        }
        let conflict = self.demands.iter().any(|(label, allowed)| {
            let value = node.label(label).or_else(|| node.label(new_name(label)));
            value.is_none_or(|value| !allowed.contains(value))
        });
        if conflict { Verdict::unresolvable("node(s) had no available volume zone") } else { Verdict::Fits }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(self.clone())
    }
}

fn demands_of(volume: &PersistentVolume) -> impl Iterator<Item = Demand> {
    ZONE_LABELS.into_iter().filter_map(|label| {
        let value = volume.metadata.labels.as_ref()?.get(label)?;
        let zones: BTreeSet<String> = value.split("__").map(|zone| zone.trim().to_owned()).collect();
        (!zones.contains("")).then_some((label, zones))
    })
}

fn new_name(label: &str) -> &str {
    match label {
        "failure-domain.beta.kubernetes.io/zone" => "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
        new => new,
    }
}

#[cfg(test)]
mod tests {
    use api::{Kind, Object};
    use serde_json::json;

    use super::*;
    use crate::scheduler::testing::{cache_of, node, pod, verdicts};

    #[test]
    fn a_volume_is_reached_from_its_zone() {
        const REFUSED: &str = "node(s) had no available volume zone";
        const OLD: &str = "failure-domain.beta.kubernetes.io/zone";
        const NEW: &str = "topology.kubernetes.io/zone";
        let cases = [
            // case                             volume's label        node's label      verdict
            ("the same zone", Some((NEW, "a")), Some((NEW, "a")), ""),
            ("another zone", Some((NEW, "a")), Some((NEW, "b")), REFUSED),
            ("one of several zones", Some((NEW, "a__b")), Some((NEW, "b")), ""),
            ("a list with a hole says nothing", Some((NEW, "a__")), Some((NEW, "b")), ""),
            ("a node without zones", Some((NEW, "a")), None, ""),
            ("the new label answers the old one", Some((OLD, "a")), Some((NEW, "a")), ""),
            ("the old label does not answer the new one", Some((NEW, "a")), Some((OLD, "a")), REFUSED),
            ("the volume is gone", None, None, r#"persistentvolume "disk" not found"#),
        ];
        for (case, of_volume, of_node, want) in cases {
            let labels = |pair: Option<(&str, &str)>| pair.map(|(key, value)| json!({ key: value }));
            let there = json!({"metadata": {"name": "n", "labels": labels(of_node)}});
            let mut cache = cache_of(&[node(&there.to_string())], &[]);
            let claim = json!({"metadata": {"name": "data", "namespace": "default"}, "spec": {"volumeName": "disk"}});
            let disk = json!({"metadata": {"name": "disk", "labels": labels(of_volume)}, "spec": {}});
            let objects = [(Kind::PersistentVolumeClaim, claim), (Kind::PersistentVolume, disk)];
            let count = if of_volume.is_some() { 2 } else { 1 };
            for (kind, value) in objects.into_iter().take(count) {
                cache.listers.set(&Object::from_value(kind, value).expect("test objects are well formed"));
            }
            let incoming = pod(r#"{"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}"#);
            assert_eq!(verdicts(&VolumeZone, &cache, &incoming), [want], "{case}");
        }
    }
}
