//! The status of a DaemonSet: nodes, and how their daemons are.
//!
//! It counts nodes, not pods: of each node one daemon, the oldest, is looked at. Where one runs that should not, the
//! node is `numberMisscheduled`; where one should run, it is current, updated, ready, available, as that daemon is.
//! Mirrors: pkg/controller/daemon/daemon_controller.go `updateDaemonSetStatus`.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::order::Order;
use api::{Object, Status};

use super::{min_ready, nodes, place, revision};
use crate::client::Context;
use crate::controllers::pods;

/// Writes the status if it changed. It tells what is there after the writes of this sync.
///
/// # Errors
/// The API server's refusal.
pub fn write(cx: &mut Context, set: &DaemonSet, owner: &Object, hash: &str) -> Result<(), Status> {
    let unix = cx.api.unix_millis() as i64;
    let stored = cx.api.get::<DaemonSet>(owner.namespace(), owner.name());
    let mut status = DaemonSetStatus {
        observed_generation: set.metadata.generation,
        conditions: set.status.as_ref().and_then(|status| status.conditions.clone()),
        // Read anew: making the revision may have met a name that was taken.
        collision_count: stored.and_then(|set| set.status.as_ref()?.collision_count),
        ..DaemonSetStatus::default()
    };
    let (mut updated, mut available) = (0, 0);
    let owned: Vec<Arc<Pod>> = cx.api.owned_by::<Pod>(owner.uid()).cloned().collect();
    let placed = place(owned);
    for node in cx.api.list::<Node>("") {
        let (should_run, _) = nodes::suits(set, node);
        let here = placed.get(node.metadata.name.as_deref().unwrap_or_default());
        let mut here: Vec<&Arc<Pod>> = here.into_iter().flatten().collect();
        // Of several the one that was bound first: also while it is on its way out.
        here.order_by_key(|pod| {
            (pods::node(pod).is_empty(), pod.metadata.creation_timestamp.clone(), pods::name(pod).to_string())
        });
        if !should_run {
            status.number_misscheduled += i32::from(!here.is_empty());
            continue;
        }
        status.desired_number_scheduled += 1;
        let Some(pod) = here.first() else { continue };
        status.current_number_scheduled += 1;
        status.number_ready += i32::from(pods::is_ready(pod));
        available += i32::from(pods::available(pod, min_ready(set), unix).is_ok());
        updated += i32::from(revision::is_current(pod, hash));
    }
    let non_zero = |count: i32| Some(count).filter(|count| *count != 0);
    status.updated_number_scheduled = non_zero(updated);
    status.number_available = non_zero(available);
    status.number_unavailable = non_zero(status.desired_number_scheduled - available);
    if set.status.as_ref() != Some(&status) {
        cx.api.change::<DaemonSet>(owner.namespace(), owner.name(), "status", |set| set.status = Some(status))?;
    }
    Ok(())
}
