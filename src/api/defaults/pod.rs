//! Defaults of pods alone: what templates get only when they become pods.
//!
//! Mirrors: pkg/apis/core/v1/defaults.go `SetDefaults_Pod`.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, ResourceRequirements};

use super::fill::set;
use super::pod_spec;
use crate::meta::Amount;
use crate::meta::quantity::amount;

pub(super) fn pod(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    pod_spec::spec(spec);
    set(&mut spec.enable_service_links, true);
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        container.resources.iter_mut().for_each(requests_from_limits);
    }
    requests_of_whole(spec);
}

/// A pod that is limited as a whole asks, as a whole, for what its containers ask for together, or else for the limit.
///
/// Left out: huge pages.
fn requests_of_whole(spec: &mut PodSpec) {
    let limits = spec.resources.as_ref().and_then(|whole| whole.limits.clone()).unwrap_or_default();
    if limits.is_empty() {
        return;
    }
    for name in ["cpu", "memory"] {
        let parts = of_containers(spec, name).map(Amount::to_quantity);
        let Some(request) = parts.or_else(|| limits.get(name).cloned()) else { continue };
        let requests = spec.resources.get_or_insert_default().requests.get_or_insert_default();
        requests.entry(name.to_owned()).or_insert(request);
    }
}

/// What the containers need of a resource at the busiest moment, if any of them names it.
///
/// Mirrors: component-helpers/resource `AggregateContainerRequests`.
fn of_containers(spec: &PodSpec, name: &str) -> Option<Amount> {
    let own = |container: &Container| Some(amount(container.resources.as_ref()?.requests.as_ref()?.get(name)?));
    let plus = |sum: Option<Amount>, more: Option<Amount>| match (sum, more) {
        (Some(sum), Some(more)) => Some(sum + more),
        (sum, more) => sum.or(more),
    };
    let mut running = spec.containers.iter().map(own).fold(None, plus);
    let (mut sidecars, mut starting) = (None, None);
    for container in spec.init_containers.iter().flatten() {
        let sidecar = container.restart_policy.as_deref() == Some("Always");
        let moment = plus(sidecars, own(container));
        if sidecar {
            running = plus(running, own(container));
            sidecars = moment;
        }
        starting = starting.max(moment);
    }
    running.max(starting)
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
