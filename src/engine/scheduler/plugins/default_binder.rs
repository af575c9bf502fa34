//! DefaultBinder: tells the API server which node a pod goes to.
//!
//! A Binding posted to the pod sets `spec.nodeName` and the condition PodScheduled, both by the
//! API server, in one write: a pod is never half bound.
//! Mirrors: pkg/scheduler/framework/plugins/defaultbinder. Nothing is left out.

use k8s_openapi::api::core::v1::{Binding, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::scheduler::pod_info::PodInfo;

/// The Binding that puts `pod` on `node`.
pub fn binding(pod: &PodInfo, node: &str) -> Binding {
    Binding {
        metadata: ObjectMeta {
            name: Some(pod.name.to_string()),
            namespace: Some(pod.namespace.to_string()),
            uid: Some(pod.uid().to_owned()),
            ..ObjectMeta::default()
        },
        target: ObjectReference {
            kind: Some("Node".into()),
            name: Some(node.to_owned()),
            ..ObjectReference::default()
        },
    }
}
