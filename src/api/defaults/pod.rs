//! Defaults of pods alone: what templates get only when they become pods.
//!
//! Mirrors: pkg/apis/core/v1/defaults.go `SetDefaults_Pod`.

use k8s_openapi::api::core::v1::{Pod, ResourceRequirements};

use super::fill::set;
use super::pod_spec;

pub(super) fn pod(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    pod_spec::spec(spec);
    set(&mut spec.enable_service_links, true);
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        container.resources.iter_mut().for_each(requests_from_limits);
    }
}

/// A limit without a request asks for exactly the limit.
fn requests_from_limits(requirements: &mut ResourceRequirements) {
    let Some(limits) = &requirements.limits else { return };
    let mut requests = requirements.requests.take().unwrap_or_default();
    for (resource, limit) in limits {
        requests.entry(resource.clone()).or_insert_with(|| limit.clone());
    }
    requirements.requests = Some(requests);
}
