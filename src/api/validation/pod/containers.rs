//! Containers of every sort: regular, init (and sidecars) and ephemeral.
//!
//! Mirrors: pkg/apis/core/validation `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, ContainerResizePolicy, EphemeralContainer, PodSpec, Volume};

use super::super::common::{invalid_each, one_of, required_one_of};
use super::super::field::{ErrorList, FieldError, Path};
use super::super::resources;
use super::{env, mounts, ports, probes, security};
use crate::meta::names;
use crate::order::Gather;

/// What a container's checks need to know of its pod.
pub struct Context<'a> {
    /// The valid volumes, by name.
    pub volumes: &'a BTreeMap<&'a str, &'a Volume>,
    pub claim_names: &'a BTreeSet<&'a str>,
    pub grace_period_s: Option<i64>,
    pub pod_restart_policy: &'a str,
}

pub fn containers(list: &[Container], context: &Context, path: &Path, errors: &mut ErrorList) {
    if list.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let mut names = BTreeSet::new();
    for (i, container) in list.iter().enumerate() {
        let here = path.index(i);
        common(container, context, &here, errors);
        if !names.insert(container.name.as_str()) {
            errors.push(FieldError::duplicate(&here.child("name"), &container.name));
        }
        probes::lifecycle_and_probes(container, context.grace_period_s, &here, errors);
        restart_policy(container, &here, errors);
    }
    ports::unique_host_ports(list, path, errors);
}

pub fn init_containers(
    list: &[Container],
    regular: &[Container],
    context: &Context,
    path: &Path,
    errors: &mut ErrorList,
) {
    let mut names = regular.iter().map(|container| container.name.as_str()).into_set();
    for (i, container) in list.iter().enumerate() {
        let here = path.index(i);
        common(container, context, &here, errors);
        restart_policy(container, &here, errors);
        if names.contains(container.name.as_str()) {
            errors.push(FieldError::duplicate(&here.child("name"), &container.name));
        } else if !container.name.is_empty() {
            names.insert(container.name.as_str());
        }
        // Init containers run one by one: only each for itself can clash.
        ports::unique_host_ports(std::slice::from_ref(container), path, errors);
        if container.restart_policy.as_deref() == Some("Always") {
            probes::lifecycle_and_probes(container, context.grace_period_s, &here, errors);
            continue;
        }
        for (field, set) in [
            ("lifecycle", container.lifecycle.is_some()),
            ("livenessProbe", container.liveness_probe.is_some()),
            ("readinessProbe", container.readiness_probe.is_some()),
            ("startupProbe", container.startup_probe.is_some()),
        ] {
            if set {
                let text = "may not be set for init containers without restartPolicy=Always";
                errors.push(FieldError::forbidden(&here.child(field), text));
            }
        }
    }
}

pub fn ephemeral_containers(
    list: &[EphemeralContainer],
    spec: &PodSpec,
    context: &Context,
    path: &Path,
    errors: &mut ErrorList,
) {
    let lasting = spec.containers.iter().chain(spec.init_containers.iter().flatten()).map(|c| c.name.as_str());
    let lasting = lasting.into_set();
    let mut names = lasting.clone();
    for (i, ephemeral) in list.iter().enumerate() {
        let here = path.index(i);
        let container = as_container(ephemeral);
        common(&container, context, &here, errors);
        image_is_trimmed(ephemeral.image.as_deref(), &here, errors);
        if !names.insert(ephemeral.name.as_str()) {
            errors.push(FieldError::duplicate(&here.child("name"), &ephemeral.name));
        }
        if let Some(target) = &ephemeral.target_container_name
            && !lasting.contains(target.as_str())
        {
            errors.push(FieldError::not_found(&here.child("targetContainerName"), target));
        }
        for (field, set) in [
            ("ports", ephemeral.ports.is_some()),
            ("resources", ephemeral.resources.as_ref().is_some_and(|resources| *resources != Default::default())),
            ("resizePolicy", ephemeral.resize_policy.is_some()),
            ("restartPolicy", ephemeral.restart_policy.is_some()),
            ("livenessProbe", ephemeral.liveness_probe.is_some()),
            ("readinessProbe", ephemeral.readiness_probe.is_some()),
            ("startupProbe", ephemeral.startup_probe.is_some()),
            ("lifecycle", ephemeral.lifecycle.is_some()),
        ] {
            if set {
                let text = "cannot be set for an Ephemeral Container";
                errors.push(FieldError::forbidden(&here.child(field), text));
            }
        }
    }
}

/// The fields that ephemeral containers share with ordinary ones.
fn as_container(ephemeral: &EphemeralContainer) -> Container {
    Container {
        name: ephemeral.name.clone(),
        image: ephemeral.image.clone(),
        env: ephemeral.env.clone(),
        env_from: ephemeral.env_from.clone(),
        image_pull_policy: ephemeral.image_pull_policy.clone(),
        ports: ephemeral.ports.clone(),
        resources: ephemeral.resources.clone(),
        security_context: ephemeral.security_context.clone(),
        termination_message_policy: ephemeral.termination_message_policy.clone(),
        volume_devices: ephemeral.volume_devices.clone(),
        volume_mounts: ephemeral.volume_mounts.clone(),
        ..Container::default()
    }
}

fn common(container: &Container, context: &Context, path: &Path, errors: &mut ErrorList) {
    if container.name.is_empty() {
        errors.push(FieldError::required(&path.child("name"), ""));
    } else {
        invalid_each(&path.child("name"), &container.name, names::dns1123_label(&container.name), errors);
    }
    if container.image.as_deref().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(&path.child("image"), ""));
    }
    required_one_of(
        container.termination_message_policy.as_deref(),
        &["File", "FallbackToLogsOnError"],
        &path.child("terminationMessagePolicy"),
        errors,
    );
    ports::container_ports(container.ports.as_deref().unwrap_or_default(), &path.child("ports"), errors);
    env::variables(container.env.as_deref().unwrap_or_default(), &path.child("env"), errors);
    env::sources(container.env_from.as_deref().unwrap_or_default(), &path.child("envFrom"), errors);
    mounts::mounts(container, context.volumes, &path.child("volumeMounts"), errors);
    mounts::devices(container, context.volumes, &path.child("volumeDevices"), errors);
    required_one_of(
        container.image_pull_policy.as_deref(),
        &["Always", "IfNotPresent", "Never"],
        &path.child("imagePullPolicy"),
        errors,
    );
    resources::container_requirements(
        container.resources.as_ref(),
        context.claim_names,
        &path.child("resources"),
        errors,
    );
    resize_policy(
        container.resize_policy.as_deref().unwrap_or_default(),
        context.pod_restart_policy,
        &path.child("resizePolicy"),
        errors,
    );
    security::container_context(container.security_context.as_ref(), &path.child("securityContext"), errors);
}

/// A container's own policy, and rules that make exceptions for exit codes.
fn restart_policy(container: &Container, path: &Path, errors: &mut ErrorList) {
    let rules = container.restart_policy_rules.as_deref().unwrap_or_default();
    match container.restart_policy.as_deref() {
        Some(policy) => one_of(policy, &["Always", "Never", "OnFailure"], &path.child("restartPolicy"), errors),
        None if !rules.is_empty() => {
            let text = "must specify restartPolicy when restart rules are used";
            errors.push(FieldError::required(&path.child("restartPolicy"), text));
        }
        None => {}
    }
    let list = path.child("restartPolicyRules");
    if rules.len() > 20 {
        errors.push(FieldError::too_long(&list, 20));
    }
    for (i, rule) in rules.iter().enumerate() {
        let here = list.index(i);
        one_of(&rule.action, &["Restart", "RestartAllContainers"], &here.child("action"), errors);
        let here = here.child("exitCodes");
        match &rule.exit_codes {
            None => errors.push(FieldError::required(&here, "must be specified")),
            Some(codes) => {
                one_of(&codes.operator, &["In", "NotIn"], &here.child("operator"), errors);
                if codes.values.as_ref().is_none_or(Vec::is_empty) {
                    errors.push(FieldError::required(&here.child("values"), "must specify at least one value"));
                }
            }
        }
    }
}

fn resize_policy(list: &[ContainerResizePolicy], pod_policy: &str, path: &Path, errors: &mut ErrorList) {
    let mut seen = BTreeSet::new();
    for (i, policy) in list.iter().enumerate() {
        if !seen.insert(policy.resource_name.as_str()) {
            errors.push(FieldError::duplicate(&path.index(i), &policy.resource_name));
        }
        required_one_of(Some(&policy.resource_name), &["cpu", "memory"], path, errors);
        required_one_of(Some(&policy.restart_policy), &["NotRequired", "RestartContainer"], path, errors);
        if pod_policy == "Never" && policy.restart_policy != "NotRequired" {
            let text = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(path, &policy.restart_policy, text));
        }
    }
}

/// Pods alone are checked for it: a template's blank image may be a placeholder.
pub fn image_is_trimmed(image: Option<&str>, path: &Path, errors: &mut ErrorList) {
    let image = image.unwrap_or_default();
    if image.trim() != image {
        let text = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(&path.child("image"), image, text));
    }
}
