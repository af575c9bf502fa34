//! The status of a ReplicaSet: counts, and whether pods could be made.
//!
//! `ReplicaFailure` is set by the sync whose creation or deletion failed, with the API server's words, and is taken
//! away by the next that had nothing to complain of. Pods on their way out are told apart: `terminatingReplicas`.
//! Mirrors: pkg/controller/replicaset/replica_set_utils.go `calculateStatus`.

use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use api::k8s_openapi::api::core::v1::Pod;

use super::Replicator;
use crate::client::Context;
use crate::controllers::pods;
use crate::sim::Millis;

/// Writes the status if it changed; answers when a pod will become available by waiting.
///
/// # Errors
/// The API server's refusal.
pub fn update<R: Replicator>(
    cx: &mut Context,
    set: &ReplicaSet,
    active: &[Arc<Pod>],
    terminating: usize,
    failure: Option<&Status>,
) -> Result<Option<Millis>, Status> {
    let spec = set.spec.clone().unwrap_or_default();
    let min_ready = spec.min_ready_seconds.unwrap_or(0);
    let unix = cx.api.unix_millis() as i64;
    let template = spec.template.as_ref().and_then(|template| template.metadata.as_ref());
    let wanted = template.and_then(|meta| meta.labels.clone()).unwrap_or_default();
    let (mut labelled, mut ready, mut available) = (0, 0, 0);
    let mut soonest: Option<i64> = None;
    for pod in active {
        let labels = pod.metadata.labels.as_ref();
        labelled += i32::from(wanted.iter().all(|(key, value)| labels.and_then(|map| map.get(key)) == Some(value)));
        ready += i32::from(pods::is_ready(pod));
        match pods::available(pod, min_ready, unix) {
            Ok(()) => available += 1,
            Err(Some(at)) => soonest = Some(soonest.map_or(at, |known| known.min(at))),
            Err(None) => {}
        }
    }
    let old = set.status.clone().unwrap_or_default();
    let mut conditions = old.conditions.clone().unwrap_or_default();
    let failing = conditions.iter().any(|condition| condition.type_ == "ReplicaFailure");
    match failure {
        Some(status) if !failing => {
            let short = active.len() < spec.replicas.unwrap_or(1).max(0) as usize;
            conditions.push(ReplicaSetCondition {
                type_: "ReplicaFailure".into(),
                status: "True".into(),
                reason: Some(if short { "FailedCreate" } else { "FailedDelete" }.into()),
                message: Some(status.message.clone()),
                last_transition_time: Some(cx.time()),
            });
        }
        Some(_) => {}
        None => conditions.retain(|condition| condition.type_ != "ReplicaFailure"),
    }
    let new = ReplicaSetStatus {
        replicas: active.len() as i32,
        fully_labeled_replicas: Some(labelled),
        ready_replicas: Some(ready),
        available_replicas: Some(available),
        terminating_replicas: R::COUNTS_TERMINATING.then_some(terminating as i32),
        observed_generation: set.metadata.generation,
        conditions: Some(conditions).filter(|list| !list.is_empty()),
    };
    if normal(&new) != normal(&old) {
        let meta = &set.metadata;
        cx.api.change::<R>(
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default(),
            "status",
            |set| set.set_status(normal(&new)),
        )?;
    }
    Ok(soonest.map(|at| cx.now + (at - unix).max(0) as Millis))
}

/// Zero counts are left out, as upstream's `omitempty` leaves them; terminating is not.
fn normal(status: &ReplicaSetStatus) -> ReplicaSetStatus {
    let non_zero = |count: Option<i32>| count.filter(|count| *count != 0);
    ReplicaSetStatus {
        fully_labeled_replicas: non_zero(status.fully_labeled_replicas),
        ready_replicas: non_zero(status.ready_replicas),
        available_replicas: non_zero(status.available_replicas),
        ..status.clone()
    }
}
