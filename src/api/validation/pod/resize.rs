//! The subresource `resize`: CPU and memory of containers may change, nothing else.
//!
//! Mirrors: pkg/apis/core/validation `ValidatePodResize`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::super::field::{ErrorList, FieldError, Path};
use super::{metadata_and_spec, spec_of};
use crate::meta::qos::qos_class;

type Resources = Option<BTreeMap<String, Quantity>>;

pub(in crate::validation) fn resize(new: &Pod, old: &Pod, errors: &mut ErrorList) {
    metadata_and_spec(new, errors);
    let path = Path::ROOT.child("spec");
    let is_mirror = |pod: &Pod| {
        pod.metadata.annotations.as_ref().is_some_and(|map| map.contains_key("kubernetes.io/config.mirror"))
    };
    if is_mirror(old) {
        errors.push(FieldError::forbidden(&path, "static pods cannot be resized"));
        return;
    }
    if qos_class(new) != qos_class(old) {
        let text = "Pod QOS Class may not change as a result of resizing";
        errors.push(FieldError::invalid(&path, qos_class(new), text));
    }
    let (now, before) = (spec_of(new), spec_of(old));
    for (list, after, earlier) in [
        ("containers", Some(&now.containers), Some(&before.containers)),
        ("initContainers", now.init_containers.as_ref(), before.init_containers.as_ref()),
    ] {
        for (i, (container, was)) in after.into_iter().flatten().zip(earlier.into_iter().flatten()).enumerate() {
            let at = path.child(list);
            let at = at.index(i);
            removed(container, was, &at.child("resources"), errors);
        }
    }
    if without_cpu_and_memory(now.into_owned()) != without_cpu_and_memory(before.into_owned()) {
        errors.push(FieldError::forbidden(&path, "only cpu and memory resources are mutable"));
    }
}

/// What has been asked for can change, but not go.
fn removed(container: &Container, was: &Container, path: &Path, errors: &mut ErrorList) {
    let (now, before) = (container.resources.clone().unwrap_or_default(), was.resources.clone().unwrap_or_default());
    let gone = |now: &Resources, before: &Resources| {
        before.iter().flatten().any(|(name, _)| !now.as_ref().is_some_and(|now| now.contains_key(name)))
    };
    if gone(&now.limits, &before.limits) {
        errors.push(FieldError::forbidden(&path.child("limits"), "resource limits cannot be removed"));
    }
    if gone(&now.requests, &before.requests) {
        errors.push(FieldError::forbidden(&path.child("requests"), "resource requests cannot be removed"));
    }
}

fn without_cpu_and_memory(mut spec: PodSpec) -> PodSpec {
    let drop = |map: &mut Resources| {
        if let Some(names) = map {
            names.retain(|name, _| !matches!(name.as_str(), "cpu" | "memory"));
        }
        map.take_if(|names| names.is_empty());
    };
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        let resources = container.resources.get_or_insert_default();
        drop(&mut resources.limits);
        drop(&mut resources.requests);
        container.resize_policy = None;
    }
    spec
}
