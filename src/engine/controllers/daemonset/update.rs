//! Rolling out a new template: old pods are deleted, as many at a time as may be missing.
//!
//! Mirrors: pkg/controller/daemon/update.go `rollingUpdate`.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::DaemonSet;
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::meta::int_or_string::scaled;
use api::{Object, Status};

use super::{nodes, revision};
use crate::client::{Context, Recorder};
use crate::controllers::{pod_control, pods};

/// Nodes that may have two daemons while a rollout runs; percentages round up.
pub fn max_surge(set: &DaemonSet, nodes: usize) -> i32 {
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    rolling
        .and_then(|rolling| rolling.max_surge.as_ref())
        .and_then(|surge| scaled(surge, nodes as i32, true))
        .unwrap_or(0)
}

/// Deletes old pods within the budget; the next sync makes the new ones.
///
/// # Errors
/// The API server's refusal.
pub fn roll(
    cx: &mut Context,
    recorder: &mut Recorder,
    set: &DaemonSet,
    owner: &Object,
    hash: &str,
) -> Result<(), Status> {
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.clone()).unwrap_or_default();
    if strategy.type_.as_deref() == Some("OnDelete") {
        return Ok(());
    }
    let suitable: Vec<String> = cx
        .api
        .list::<Node>("")
        .filter(|node| nodes::suits(set, node).0)
        .filter_map(|node| node.metadata.name.clone())
        .collect();
    let one = IntOrString::Int(1);
    let rolling = strategy.rolling_update.unwrap_or_default();
    let budget = scaled(rolling.max_unavailable.as_ref().unwrap_or(&one), suitable.len() as i32, true).unwrap_or(1);
    let min_ready = set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0);
    let unix = cx.api.unix_millis() as i64;
    let owned: Vec<Arc<Pod>> = cx.api.owned_by::<Pod>(owner.uid()).cloned().collect();
    let (mut unavailable, mut idle_old, mut serving_old) = (0, Vec::new(), Vec::new());
    for node in &suitable {
        let here = owned.iter().find(|pod| nodes::target(pod) == *node && pods::is_active(pod));
        let Some(pod) = here else {
            unavailable += 1;
            continue;
        };
        let available = pods::available(pod, min_ready, unix).is_ok();
        unavailable += i32::from(!available);
        match (revision::is_current(pod, hash), available) {
            (true, _) => {}
            // It serves nobody: removing it costs nothing.
            (false, false) => idle_old.push(pod.clone()),
            (false, true) => serving_old.push(pod.clone()),
        }
    }
    let room = (budget - unavailable).max(0) as usize;
    for pod in idle_old.into_iter().chain(serving_old.into_iter().take(room)) {
        pod_control::delete(cx, recorder, owner, &pod)?;
    }
    Ok(())
}
