//! What controllers ask of pods: active, ready, available since when.
//!
//! Active: neither ended nor on its way out. Ready: its condition says so. Available: ready for `minReadySeconds`.
//! Mirrors: pkg/api/v1/pod, pkg/controller/controller_utils.go.

use api::k8s_openapi::api::core::v1::{Pod, PodCondition};
use api::meta::time::millis;

use crate::sim::Millis;

/// How long a controller is busy with a set of this many pods: to list, sort and count them.
pub fn looking_at(pods: usize) -> Millis {
    // 0.1 ms each, the writing of the status included: upstream's client lets twenty writes a second
    // through. Small sets cost less than the clock can tell.
    pods as Millis / 10
}

pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

pub fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

pub fn namespace(pod: &Pod) -> &str {
    pod.metadata.namespace.as_deref().unwrap_or_default()
}

pub fn node(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

/// Succeeded or Failed: it will never run again.
pub fn is_terminal(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Counts towards the wanted number: neither finished nor on its way out.
pub fn is_active(pod: &Pod) -> bool {
    !is_terminal(pod) && !is_terminating(pod)
}

pub fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

pub fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// When the pod became ready, in Unix milliseconds.
pub fn ready_since(pod: &Pod) -> Option<i64> {
    let ready = condition(pod, "Ready").filter(|ready| ready.status == "True")?;
    ready.last_transition_time.as_ref().map(millis)
}

/// Ready for at least `min_ready_seconds`; otherwise when it will be, in Unix milliseconds.
pub fn available(pod: &Pod, min_ready_seconds: i32, unix_now: i64) -> Result<(), Option<i64>> {
    if !is_ready(pod) {
        return Err(None);
    }
    if min_ready_seconds == 0 {
        return Ok(());
    }
    let since = ready_since(pod).ok_or(None)?;
    let at = since + i64::from(min_ready_seconds) * 1000;
    if at <= unix_now { Ok(()) } else { Err(Some(at)) }
}

/// When the next of these ready pods becomes available by mere waiting, in Unix milliseconds.
pub fn next_available<'a>(
    pods: impl IntoIterator<Item = &'a std::sync::Arc<Pod>>,
    min_ready_seconds: i32,
    unix_now: i64,
) -> Option<i64> {
    pods.into_iter().filter_map(|pod| available(pod, min_ready_seconds, unix_now).err().flatten()).min()
}

/// Restarts of the container that restarted most.
pub fn max_restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.iter().filter_map(|status| status.container_statuses.as_ref()).flatten();
    statuses.map(|status| status.restart_count).max().unwrap_or(0)
}

/// The claims a pod's volumes stand for: name, and whether it is made for this very pod.
pub fn claims(pod: &Pod) -> impl Iterator<Item = (String, bool)> + '_ {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
        (Some(claim), _) => Some((claim.claim_name.clone(), false)),
        (None, Some(_)) => Some((format!("{}-{}", name(pod), volume.name), true)),
        (None, None) => None,
    })
}
