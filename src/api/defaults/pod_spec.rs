//! Defaults of the pod spec, shared by pods and every pod template.
//!
//! Mirrors: pkg/apis/core/v1/defaults.go `SetDefaults_PodSpec`, `SetDefaults_Container` and their parts.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EphemeralContainer, HTTPGetAction, Lifecycle, PodSpec, PodTemplateSpec, Probe,
    ResourceRequirements,
};

use super::fill::{
    drop_blank, drop_empty, drop_empty_map, drop_zero, object_meta, resources, set, set_number, set_text,
};
use super::volumes;

/// A workload's template: the spec's defaults, and metadata that always prints.
pub(super) fn template(template: &mut PodTemplateSpec) {
    object_meta(template.metadata.get_or_insert_default());
    spec(template.spec.get_or_insert_default());
}

pub(super) fn spec(spec: &mut PodSpec) {
    // A pod on the host's network needs its ports there too; templates are left as they are
    // only until they become pods.
    set_text(&mut spec.dns_policy, "ClusterFirst");
    set_text(&mut spec.restart_policy, "Always");
    set(&mut spec.security_context, Default::default());
    set(&mut spec.termination_grace_period_seconds, 30);
    set_text(&mut spec.scheduler_name, "default-scheduler");
    if spec.host_network == Some(true) {
        host_ports(&mut spec.containers);
        host_ports(spec.init_containers.as_mut().unwrap_or(&mut Vec::new()));
    }
    // The deprecated alias follows the new field, or stands in for it.
    drop_blank(&mut spec.service_account_name);
    drop_blank(&mut spec.service_account);
    if spec.service_account_name.is_none() {
        spec.service_account_name = spec.service_account.clone();
    }
    spec.service_account = spec.service_account_name.clone();

    for volume in spec.volumes.iter_mut().flatten() {
        volumes::volume(volume);
    }
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        self::container(container);
    }
    for container in spec.ephemeral_containers.iter_mut().flatten() {
        ephemeral_container(container);
    }
    resources(&mut spec.overhead);
    spec.resources.iter_mut().for_each(requirements);
    drop_unset(spec);
}

fn drop_unset(spec: &mut PodSpec) {
    drop_zero(&mut spec.host_network);
    drop_zero(&mut spec.host_pid);
    drop_zero(&mut spec.host_ipc);
    drop_blank(&mut spec.node_name);
    drop_blank(&mut spec.hostname);
    drop_blank(&mut spec.subdomain);
    drop_blank(&mut spec.priority_class_name);
    drop_empty(&mut spec.volumes);
    drop_empty(&mut spec.init_containers);
    drop_empty(&mut spec.ephemeral_containers);
    drop_empty(&mut spec.host_aliases);
    drop_empty(&mut spec.image_pull_secrets);
    drop_empty(&mut spec.readiness_gates);
    drop_empty(&mut spec.resource_claims);
    drop_empty(&mut spec.scheduling_gates);
    drop_empty(&mut spec.tolerations);
    drop_empty(&mut spec.topology_spread_constraints);
    drop_empty_map(&mut spec.node_selector);
    for toleration in spec.tolerations.iter_mut().flatten() {
        drop_blank(&mut toleration.key);
        drop_blank(&mut toleration.operator);
        drop_blank(&mut toleration.value);
        drop_blank(&mut toleration.effect);
    }
}

fn host_ports(containers: &mut [Container]) {
    for port in containers.iter_mut().flat_map(|container| container.ports.iter_mut().flatten()) {
        set_number(&mut port.host_port, port.container_port);
    }
}

/// Ephemeral containers share nearly every field of ordinary ones, as another Rust type.
macro_rules! container_defaults {
    ($container:expr) => {{
        let container: &mut _ = $container;
        let image = container.image.as_deref().unwrap_or_default();
        set_text(&mut container.image_pull_policy, pull_policy(image));
        set_text(&mut container.termination_message_path, "/dev/termination-log");
        set_text(&mut container.termination_message_policy, "File");
        requirements(container.resources.get_or_insert_default());
        ports(&mut container.ports);
        env(&mut container.env);
        for probe in [&mut container.liveness_probe, &mut container.readiness_probe, &mut container.startup_probe]
            .into_iter()
            .flatten()
        {
            self::probe(probe);
        }
        container.lifecycle.iter_mut().for_each(lifecycle);
        if let Some(security) = &mut container.security_context {
            // Upstream defaults procMount when it is given at all; unset stays unset.
            drop_blank(&mut security.proc_mount);
        }
        for mount in container.volume_mounts.iter_mut().flatten() {
            drop_zero(&mut mount.read_only);
            drop_blank(&mut mount.sub_path);
            drop_blank(&mut mount.sub_path_expr);
        }
        drop_zero(&mut container.stdin);
        drop_zero(&mut container.stdin_once);
        drop_zero(&mut container.tty);
        drop_blank(&mut container.image);
        drop_blank(&mut container.working_dir);
        drop_empty(&mut container.command);
        drop_empty(&mut container.args);
        drop_empty(&mut container.env_from);
        drop_empty(&mut container.resize_policy);
        drop_empty(&mut container.restart_policy_rules);
        drop_empty(&mut container.volume_devices);
        drop_empty(&mut container.volume_mounts);
    }};
}

fn container(container: &mut Container) {
    container_defaults!(container);
}

fn ephemeral_container(container: &mut EphemeralContainer) {
    container_defaults!(&mut *container);
    drop_blank(&mut container.target_container_name);
}

fn pull_policy(image: &str) -> &'static str {
    if tag(image) == "latest" { "Always" } else { "IfNotPresent" }
}

/// The tag of an image reference; `latest` when there is neither tag nor digest.
///
/// `registry:5000/app` has no tag: the colon belongs to the registry's port.
pub fn tag(image: &str) -> &str {
    if image.contains('@') {
        return "";
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':') {
        Some((_, tag)) => tag,
        None => "latest",
    }
}

pub(super) fn requirements(requirements: &mut ResourceRequirements) {
    resources(&mut requirements.limits);
    resources(&mut requirements.requests);
    drop_empty(&mut requirements.claims);
}

fn ports(ports: &mut Option<Vec<ContainerPort>>) {
    drop_empty(ports);
    for port in ports.iter_mut().flatten() {
        set_text(&mut port.protocol, "TCP");
        drop_zero(&mut port.host_port);
        drop_blank(&mut port.name);
        drop_blank(&mut port.host_ip);
    }
}

fn env(env: &mut Option<Vec<EnvVar>>) {
    drop_empty(env);
    for variable in env.iter_mut().flatten() {
        drop_blank(&mut variable.value);
        let Some(source) = &mut variable.value_from else { continue };
        if let Some(field) = &mut source.field_ref {
            set_text(&mut field.api_version, "v1");
        }
        if let Some(resource) = &mut source.resource_field_ref {
            volumes::divisor(resource);
        }
    }
}

fn probe(probe: &mut Probe) {
    set_number(&mut probe.timeout_seconds, 1);
    set_number(&mut probe.period_seconds, 10);
    set_number(&mut probe.success_threshold, 1);
    set_number(&mut probe.failure_threshold, 3);
    drop_zero(&mut probe.initial_delay_seconds);
    probe.http_get.iter_mut().for_each(http_get);
    if let Some(grpc) = &mut probe.grpc {
        set(&mut grpc.service, String::new());
    }
}

fn http_get(action: &mut HTTPGetAction) {
    set_text(&mut action.path, "/");
    set_text(&mut action.scheme, "HTTP");
    drop_blank(&mut action.host);
    drop_empty(&mut action.http_headers);
}

fn lifecycle(lifecycle: &mut Lifecycle) {
    for handler in [&mut lifecycle.post_start, &mut lifecycle.pre_stop].into_iter().flatten() {
        handler.http_get.iter_mut().for_each(http_get);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_tags() {
        for (image, expected) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry.example.com:5000/x/y", "Always"),
            ("registry.example.com:5000/x/y:v1", "IfNotPresent"),
            ("nginx@sha256:aa", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), expected, "{image}");
        }
    }
}
