//! Which pods go first when there are too many.
//!
//! Mirrors: pkg/controller/controller_utils.go `ActivePodsWithRanks`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::ReplicaSet;
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::owner::controller_of;
use api::meta::time::millis;
use api::order::Order;

use crate::client::Context;
use crate::controllers::pods;

/// The `count` pods the cluster can best do without, the least useful first.
pub fn least_useful(cx: &Context, set: &ReplicaSet, active: &[Arc<Pod>], count: usize) -> Vec<Arc<Pod>> {
    if count == 0 {
        return Vec::new();
    }
    let crowding = crowding(cx, set);
    let now = cx.api.unix_millis() as i64;
    let mut ranked: Vec<Arc<Pod>> = active.to_vec();
    ranked.order_by_key(|pod| rank(pod, &crowding, now));
    ranked.truncate(count);
    ranked
}

/// How many pods of this set's owner stand on each node: two revisions of one Deployment crowd each other.
fn crowding(cx: &Context, set: &ReplicaSet) -> BTreeMap<String, i64> {
    let own = set.metadata.uid.clone().unwrap_or_default();
    let family: Vec<String> = match controller_of(&set.metadata) {
        Some(owner) => {
            cx.api.owned_by::<ReplicaSet>(&owner.uid).filter_map(|sibling| sibling.metadata.uid.clone()).collect()
        }
        None => vec![own],
    };
    let mut crowding = BTreeMap::new();
    for uid in family {
        for pod in cx.api.owned_by::<Pod>(&uid).filter(|pod| pods::is_active(pod)) {
            *crowding.entry(pods::node(pod).to_string()).or_insert(0) += 1;
        }
    }
    crowding
}

/// Smaller goes first: unassigned, Pending before Running, not ready, cheap to delete, crowded,
/// ready for a short time (in steps of powers of two), restarted often, young.
type Rank = (bool, u8, bool, i64, Reverse<i64>, u32, Reverse<i32>, u32, String);

fn rank(pod: &Pod, crowding: &BTreeMap<String, i64>, now: i64) -> Rank {
    let phase = match pods::phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let annotations = pod.metadata.annotations.as_ref();
    let cost = annotations
        .and_then(|map| map.get("controller.kubernetes.io/pod-deletion-cost"))
        .and_then(|cost| cost.parse().ok())
        .unwrap_or(0);
    let age = |since: Option<i64>| since.map_or(0, |since| bucket(now - since));
    (
        !pods::node(pod).is_empty(),
        phase,
        pods::is_ready(pod),
        cost,
        Reverse(crowding.get(pods::node(pod)).copied().unwrap_or(0)),
        age(pods::ready_since(pod)),
        Reverse(pods::max_restarts(pod)),
        age(pod.metadata.creation_timestamp.as_ref().map(millis)),
        pod.metadata.uid.clone().unwrap_or_default(),
    )
}

/// log₂ of an age: pods of about the same age are equals, so that chance (the UID) decides.
fn bucket(age_millis: i64) -> u32 {
    let nanos = (age_millis.max(0) as u64).saturating_mul(1_000_000);
    64 - nanos.leading_zeros()
}
