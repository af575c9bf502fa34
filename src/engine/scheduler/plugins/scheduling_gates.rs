//! SchedulingGates: a pod with gates is not tried at all until the last of them is removed.
//!
//! Gates are named when the pod is created and can later only be removed. Meanwhile the pod's selectors
//! may still be narrowed, which is what gates are for: something outside decides first. The API
//! server says so in the pod's condition (`SchedulingGated`); the scheduler writes nothing.
//! Mirrors: pkg/scheduler/framework/plugins/schedulinggates. Nothing is left out.

use k8s_openapi::api::core::v1::Pod;

/// Whether gates hold the pod back.
pub fn gated(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty()))
}
