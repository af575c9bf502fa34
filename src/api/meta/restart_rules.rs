//! What a pod's restart rules ask for beyond restarting the container they belong to.
//!
//! Mirrors: component-helpers/nodedeclaredfeatures/features/restartallcontainers `InferForScheduling`.

use k8s_openapi::api::core::v1::{Container, Pod};

/// Whether a container of the pod may make all of its containers begin anew.
pub fn could_restart_all(pod: &Pod) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let has_rule = |container: &Container| {
        container.restart_policy_rules.iter().flatten().any(|rule| rule.action == "RestartAllContainers")
    };
    spec.containers.iter().chain(spec.init_containers.iter().flatten()).any(has_rule)
}
