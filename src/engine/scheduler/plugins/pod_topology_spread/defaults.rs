//! The constraints that the system assumes for pods of a Service or a controller that have none.
//!
//! Mirrors: podtopologyspread/common.go `buildDefaultConstraints`, plugins/helper/spread.go `DefaultSelector`.

use std::sync::Arc;

use api::meta::owner::controller_of;
use api::meta::{Selector, selector::Requirement};

use crate::scheduler::cache::{Cache, key};
use crate::scheduler::pod_info::{PodInfo, SpreadConstraint};

/// Soft constraints over hostnames and zones, if anything says which pods belong together.
pub fn constraints(cache: &Cache, pod: &PodInfo) -> Vec<SpreadConstraint> {
    let requirements = belonging_together(cache, pod);
    if requirements.is_empty() {
        return Vec::new();
    }
    let selector = Arc::new(Selector::All(requirements));
    let soft = |topology_key: &str, max_skew| SpreadConstraint {
        max_skew,
        topology_key: topology_key.to_owned(),
        hard: false,
        selector: selector.clone(),
        min_domains: 1,
        honor_affinity: true,
        honor_taints: false,
    };
    vec![soft("kubernetes.io/hostname", 3), soft("topology.kubernetes.io/zone", 5)]
}

/// What the pod's Services and its controller select, all of it together.
fn belonging_together(cache: &Cache, pod: &PodInfo) -> Vec<Requirement> {
    let listers = &cache.listers;
    let mut requirements = Vec::new();
    let first = key(&pod.namespace, "");
    let services = listers.services.range(first..).take_while(|((namespace, _), _)| **namespace == *pod.namespace);
    for (_, service) in services {
        let selector = Selector::from_set(service.spec.as_ref().and_then(|spec| spec.selector.as_ref()));
        if !selector.requirements().is_empty() && selector.matches(pod.labels()) {
            requirements.extend_from_slice(selector.requirements());
        }
    }
    if let Some(owner) = controller_of(&pod.pod.metadata) {
        let at = key(&pod.namespace, &owner.name);
        let selector = match (owner.api_version.as_str(), owner.kind.as_str()) {
            ("v1", "ReplicationController") => {
                let spec = listers.replication_controllers.get(&at).and_then(|rc| rc.spec.as_ref());
                Selector::from_set(spec.and_then(|spec| spec.selector.as_ref()))
            }
            ("apps/v1", "ReplicaSet") => {
                let spec = listers.replica_sets.get(&at).and_then(|set| set.spec.as_ref());
                Selector::from_label_selector(spec.map(|spec| &spec.selector))
            }
            ("apps/v1", "StatefulSet") => {
                let spec = listers.stateful_sets.get(&at).and_then(|set| set.spec.as_ref());
                Selector::from_label_selector(spec.map(|spec| &spec.selector))
            }
            // Jobs and DaemonSets are not spread.
            _ => Selector::Nothing,
        };
        requirements.extend_from_slice(selector.requirements());
    }
    requirements
}
