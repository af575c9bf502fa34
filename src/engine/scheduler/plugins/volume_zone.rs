//! VolumeZone: a volume labelled with a zone or region is only reached from nodes there.
//!
//! A label may list several zones, separated by `__`. Nodes without any zone label take all volumes.
//! Mirrors: pkg/scheduler/framework/plugins/volumezone. Left out: volumes that are not yet bound,
//! which upstream passes over too when their class waits for the first consumer.

use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::plugins::volume_binding::claim_names;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

const ZONE_LABELS: [&str; 4] = [
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
];

pub struct VolumeZone;

#[derive(Clone)]
struct Ready {
    /// Label and the values one of which a node must have.
    demands: Vec<(&'static str, Vec<String>)>,
}

impl Plugin for VolumeZone {
    fn name(&self) -> &'static str {
        "VolumeZone"
    }

    fn pre_filter<'a>(&self, cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        let mut demands = Vec::new();
        for name in claim_names(pod) {
            let volume = cache
                .listers
                .claims
                .get(&key(&pod.namespace, &name))
                .and_then(|claim| claim.spec.as_ref()?.volume_name.as_deref())
                .and_then(|volume| cache.listers.volumes.get(&key("", volume)));
            let Some(labels) = volume.and_then(|volume| volume.metadata.labels.as_ref()) else { continue };
            for label in ZONE_LABELS {
                if let Some(value) = labels.get(label) {
                    demands.push((label, value.split("__").map(str::to_owned).collect()));
                }
            }
        }
        if demands.is_empty() { PreFilter::Skip } else { PreFilter::Filter(Box::new(Ready { demands })) }
    }

    fn hint(&self, _cache: &Cache, _pod: &PodInfo, event: &ClusterEvent) -> bool {
        matches!(event, ClusterEvent::Node { .. } | ClusterEvent::Storage(_))
    }
}

impl<'a> Filter<'a> for Ready {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if !ZONE_LABELS.iter().any(|label| node.label(label).is_some()) {
            return Verdict::Fits;
        }
        let conflict = self.demands.iter().any(|(label, allowed)| {
            // The old and the new name of a label stand for each other.
            let value = node.label(label).or_else(|| node.label(other_name(label)));
            value.is_none_or(|value| !allowed.iter().any(|zone| zone == value))
        });
        if conflict { Verdict::unresolvable("node(s) had no available volume zone") } else { Verdict::Fits }
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(self.clone())
    }
}

fn other_name(label: &str) -> &'static str {
    match label {
        "failure-domain.beta.kubernetes.io/zone" => "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone" => "failure-domain.beta.kubernetes.io/zone",
        _ => "failure-domain.beta.kubernetes.io/region",
    }
}
