//! Which pods go when there are too many: twins of an index first, then the least useful.
//!
//! Mirrors: pkg/controller/job/indexed_job_utils.go `appendDuplicatedIndexPodsForRemoval`,
//! pkg/controller/controller_utils.go `ActivePods`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::batch::v1::JobSpec;
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::time::millis;
use api::order::Order;

use super::indexes;
use crate::controllers::pods;

/// At least `count` of these pods; of an Indexed Job also every pod that has no index to itself.
pub fn choose(spec: &JobSpec, indexed: bool, active: &[Arc<Pod>], count: usize) -> Vec<Arc<Pod>> {
    let (mut chosen, mut left) = (Vec::new(), Vec::new());
    if indexed {
        let mut by_index: BTreeMap<i32, Vec<Arc<Pod>>> = BTreeMap::new();
        for pod in active {
            match indexes::of(pod, spec) {
                Some(index) => by_index.entry(index).or_default().push(pod.clone()),
                None => chosen.push(pod.clone()),
            }
        }
        for mut twins in by_index.into_values() {
            twins.order_by_key(|pod| usefulness(pod));
            left.extend(twins.pop());
            chosen.extend(twins);
        }
    } else {
        left = active.to_vec();
    }
    if chosen.len() < count {
        left.order_by_key(|pod| usefulness(pod));
        left.truncate(count - chosen.len());
        chosen.extend(left);
    }
    chosen
}

/// Smaller is less useful: unassigned, Pending, not ready, ready for a short time, restarted often, young.
type Usefulness = (bool, u8, bool, Reverse<i64>, Reverse<i32>, Reverse<i64>);

fn usefulness(pod: &Pod) -> Usefulness {
    let phase = match pods::phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let created = pod.metadata.creation_timestamp.as_ref().map_or(i64::MAX, millis);
    (
        !pods::node(pod).is_empty(),
        phase,
        pods::is_ready(pod),
        Reverse(pods::ready_since(pod).unwrap_or(i64::MAX)),
        Reverse(pods::max_restarts(pod)),
        Reverse(created),
    )
}
