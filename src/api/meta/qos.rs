//! Quality of service: what a pod's requests and limits make of it when a node runs short.
//!
//! Mirrors: pkg/apis/core/v1/helper/qos.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// `Guaranteed` when every container's CPU and memory limits equal its requests, `BestEffort`
/// when nobody names any, `Burstable` otherwise.
pub fn qos_class(pod: &Pod) -> &'static str {
    let Some(spec) = &pod.spec else { return "BestEffort" };
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        let resources = container.resources.as_ref();
        let requests = resources.and_then(|r| r.requests.as_ref());
        let limits = resources.and_then(|r| r.limits.as_ref());
        for name in ["cpu", "memory"] {
            let get = |map: Option<&BTreeMap<String, Quantity>>| {
                map.and_then(|map| map.get(name)).map(|quantity| quantity.0.clone())
            };
            let (request, limit) = (get(requests), get(limits));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
