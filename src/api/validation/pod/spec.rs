//! The pod spec as a whole, for pods and templates: its parts in upstream's order.
//!
//! Mirrors: pkg/apis/core/validation `ValidatePodSpec`.

use k8s_openapi::api::core::v1::{PodDNSConfig, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::common::{invalid_each, ip, label_name, labels, one_of, required_one_of};
use super::super::field::{ErrorList, FieldError, Path};
use super::super::object_meta;
use super::super::resources;
use super::{affinity, containers, scheduling, security, volumes};
use crate::meta::names;

/// The template of a workload: labels, annotations and the spec.
pub fn template(template: Option<&PodTemplateSpec>, path: &Path, errors: &mut ErrorList) {
    let empty = PodTemplateSpec::default();
    let template = template.unwrap_or(&empty);
    let meta_path = path.child("metadata");
    let meta = template.metadata.as_ref();
    labels(meta.and_then(|meta| meta.labels.as_ref()), &meta_path.child("labels"), errors);
    object_meta::annotations(meta.and_then(|meta| meta.annotations.as_ref()), &meta_path.child("annotations"), errors);
    let none = PodSpec::default();
    let pod_spec = template.spec.as_ref().unwrap_or(&none);
    spec(pod_spec, None, false, &path.child("spec"), errors);
    if pod_spec.ephemeral_containers.as_ref().is_some_and(|list| !list.is_empty()) {
        errors.push(FieldError::forbidden(
            &path.child("spec").child("ephemeralContainers"),
            "ephemeral containers not allowed in pod template",
        ));
    }
}

/// `meta` is the pod's, where there is a pod; `is_pod` is false in templates, which are judged less strictly.
pub fn spec(spec: &PodSpec, meta: Option<&ObjectMeta>, is_pod: bool, path: &Path, errors: &mut ErrorList) {
    let sources = volumes::volumes(spec.volumes.as_deref().unwrap_or_default(), meta, &path.child("volumes"), errors);
    let claim_names = scheduling::resource_claims(spec, &path.child("resourceClaims"), errors);
    let context = containers::Context {
        volumes: &sources,
        claim_names: &claim_names,
        grace_period_s: spec.termination_grace_period_seconds,
        pod_restart_policy: spec.restart_policy.as_deref().unwrap_or_default(),
    };
    containers::containers(&spec.containers, &context, &path.child("containers"), errors);
    let init = spec.init_containers.as_deref().unwrap_or_default();
    containers::init_containers(init, &spec.containers, &context, &path.child("initContainers"), errors);
    let ephemeral = spec.ephemeral_containers.as_deref().unwrap_or_default();
    containers::ephemeral_containers(ephemeral, spec, &context, &path.child("ephemeralContainers"), errors);
    if let Some(requirements) = &spec.resources {
        resources::pod_requirements(requirements, &claim_names, &path.child("resources"), errors);
    }
    host_network_ports(spec, is_pod, path, errors);
    required_one_of(
        spec.restart_policy.as_deref(),
        &["Always", "OnFailure", "Never"],
        &path.child("restartPolicy"),
        errors,
    );
    required_one_of(
        spec.dns_policy.as_deref(),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        &path.child("dnsPolicy"),
        errors,
    );
    labels(spec.node_selector.as_ref(), &path.child("nodeSelector"), errors);
    security::pod_context(spec, &path.child("securityContext"), errors);
    affinity::affinity(spec.affinity.as_ref(), &path.child("affinity"), errors);
    dns_config(spec.dns_config.as_ref(), spec.dns_policy.as_deref(), &path.child("dnsConfig"), errors);
    for (i, gate) in spec.readiness_gates.iter().flatten().enumerate() {
        label_name(&gate.condition_type, &path.child("readinessGates").index(i).child("conditionType"), errors);
    }
    scheduling::gates(spec, &path.child("schedulingGates"), errors);
    scheduling::spread_constraints(
        spec.topology_spread_constraints.as_deref().unwrap_or_default(),
        &path.child("topologySpreadConstraints"),
        errors,
    );
    host_users(spec, path, errors);
    names_and_deadlines(spec, path, errors);
}

fn names_and_deadlines(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    if let Some(name) = &spec.service_account_name {
        invalid_each(&path.child("serviceAccountName"), name, names::dns1123_subdomain(name), errors);
    }
    if let Some(name) = &spec.node_name {
        invalid_each(&path.child("nodeName"), name, names::dns1123_subdomain(name), errors);
    }
    let max = i64::from(i32::MAX);
    if let Some(seconds) = spec.active_deadline_seconds.filter(|seconds| !(1..=max).contains(seconds)) {
        errors.push(FieldError::invalid(&path.child("activeDeadlineSeconds"), seconds, names::range_text(1, max)));
    }
    if let Some(name) = &spec.hostname {
        invalid_each(&path.child("hostname"), name, names::dns1123_label(name), errors);
    }
    if let Some(name) = &spec.subdomain {
        invalid_each(&path.child("subdomain"), name, names::dns1123_label(name), errors);
    }
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    scheduling::tolerations(tolerations, &path.child("tolerations"), errors);
    for (i, alias) in spec.host_aliases.iter().flatten().enumerate() {
        let here = path.child("hostAliases");
        let here = here.index(i);
        ip(&alias.ip, &here.child("ip"), errors);
        for (j, name) in alias.hostnames.iter().flatten().enumerate() {
            invalid_each(&here.child("hostnames").index(j), name, names::dns1123_subdomain(name), errors);
        }
    }
    if let Some(name) = &spec.priority_class_name {
        invalid_each(&path.child("priorityClassName"), name, names::dns1123_subdomain(name), errors);
    }
    if let Some(name) = &spec.runtime_class_name {
        invalid_each(&path.child("runtimeClassName"), name, names::dns1123_subdomain(name), errors);
    }
    if spec.preemption_policy.is_some() {
        required_one_of(
            spec.preemption_policy.as_deref(),
            &["PreemptLowerPriority", "Never"],
            &path.child("preemptionPolicy"),
            errors,
        );
    }
    for (name, quantity) in spec.overhead.iter().flatten() {
        let here = path.child("overhead");
        let here = here.child("limits");
        resources::container_name(name, &here.key(name), errors);
        resources::quantity_value(name, quantity, &here.key(name), errors);
    }
    if let Some(os) = &spec.os {
        let here = path.child("os");
        match os.name.as_str() {
            "" => errors.push(FieldError::required(&here.child("name"), "cannot be empty")),
            name => one_of(name, &["linux", "windows"], &here, errors),
        }
    }
}

/// On the host's network the two port numbers are one.
fn host_network_ports(spec: &PodSpec, is_pod: bool, path: &Path, errors: &mut ErrorList) {
    if spec.host_network != Some(true) {
        return;
    }
    for (i, container) in spec.containers.iter().enumerate() {
        for (j, port) in container.ports.iter().flatten().enumerate() {
            let host_port = port.host_port.unwrap_or_default();
            // A template may leave it open: it is filled in when the pod is made.
            if (is_pod || host_port != 0) && host_port != port.container_port {
                errors.push(FieldError::invalid(
                    &path.child("containers").index(i).child("ports").index(j).child("hostPort"),
                    host_port,
                    "must match `containerPort` when `hostNetwork` is true",
                ));
            }
        }
    }
}

fn host_users(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    if spec.host_users != Some(false) {
        return;
    }
    for (field, set) in [("hostNetwork", spec.host_network), ("HostPID", spec.host_pid), ("HostIPC", spec.host_ipc)] {
        if set == Some(true) {
            errors.push(FieldError::forbidden(&path.child(field), "when `pod.Spec.HostUsers` is false"));
        }
    }
}

fn dns_config(config: Option<&PodDNSConfig>, policy: Option<&str>, path: &Path, errors: &mut ErrorList) {
    let nameservers = config.and_then(|config| config.nameservers.as_deref()).unwrap_or_default();
    if policy == Some("None") {
        if config.is_none() {
            errors.push(FieldError::required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
            return;
        }
        if nameservers.is_empty() {
            let text = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.push(FieldError::required(&path.child("nameservers"), text));
            return;
        }
    }
    let Some(config) = config else { return };
    if nameservers.len() > 3 {
        errors.push(FieldError::invalid(
            &path.child("nameservers"),
            &nameservers.to_vec(),
            "must not have more than 3 nameservers",
        ));
    }
    for (i, server) in nameservers.iter().enumerate() {
        ip(server, &path.child("nameservers").index(i), errors);
    }
    let searches = config.searches.as_deref().unwrap_or_default();
    let searches_path = path.child("searches");
    if searches.len() > 32 {
        let text = "must not have more than 32 search paths";
        errors.push(FieldError::invalid(&searches_path, &searches.to_vec(), text));
    }
    if searches.join(" ").len() > 2048 {
        let text = "must not have more than 2048 characters (including spaces) in the search list";
        errors.push(FieldError::invalid(&searches_path, &searches.to_vec(), text));
    }
    for (i, search) in searches.iter().enumerate().filter(|(_, search)| *search != ".") {
        let name = search.strip_suffix('.').unwrap_or(search);
        invalid_each(&searches_path.index(i), name, names::dns1123_subdomain(&name.replace('_', "x")), errors);
    }
    for (i, option) in config.options.iter().flatten().enumerate() {
        if option.name.as_deref().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(&path.child("options").index(i), "must not be empty"));
        }
    }
}
