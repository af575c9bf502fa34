//! DefaultBinder: tells the API server which node a pod goes to.
//!
//! A Binding posted to the pod sets `spec.nodeName` and the condition PodScheduled, both by the
//! API server and in one write: a pod is never half bound.
//! Mirrors: pkg/scheduler/framework/plugins/defaultbinder. Nothing is left out.

use api::Status;

use crate::client::Client;
use crate::scheduler::pod_info::PodInfo;

/// The plugin's name, as failures say it.
pub const NAME: &str = "DefaultBinder";

/// Puts `pod` on `node`.
///
/// # Errors
/// As [`Client::bind`].
pub fn bind(api: &mut Client, pod: &PodInfo, node: &str) -> Result<(), Status> {
    api.bind(&pod.namespace, &pod.name, pod.uid(), node)
}
