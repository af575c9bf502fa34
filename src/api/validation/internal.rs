//! The internal form of pod specs: what Go prints when a whole spec appears in an error.
//!
//! Mirrors: pkg/apis/core/types.go, whose structs have no JSON names: fields keep their Go
//! names and order, and empty ones print too. The converters below state that shape.

mod containers;
mod placement;
mod volumes;

use k8s_openapi::api::core::v1::{PersistentVolumeClaimSpec, PodDNSConfig, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::go_value::GoValue;
pub(super) use containers::{ephemeral_container, seccomp_profile, security_context};
pub(super) use placement::node_selector_term;

/// A struct with Go's field names.
macro_rules! go_struct {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::validation::go_value::GoValue::Struct(vec![$(($name, $value.into())),*])
    };
}
pub(super) use go_struct;

/// A plain text field.
fn text(value: &Option<String>) -> GoValue {
    GoValue::text(value.as_ref())
}

/// A plain flag.
fn flag(value: Option<bool>) -> GoValue {
    value.unwrap_or_default().into()
}

/// A plain number.
fn number(value: Option<i32>) -> GoValue {
    value.unwrap_or_default().into()
}

/// A slice of texts, null when there is none.
fn texts(values: &Option<Vec<String>>) -> GoValue {
    GoValue::list(values.as_ref(), |value| value.into())
}

/// A pointer to a struct, null when there is none.
fn pointer<T>(value: &Option<T>, convert: impl FnOnce(&T) -> GoValue) -> GoValue {
    value.as_ref().map_or(GoValue::Null, convert)
}

pub(super) fn template(template: &PodTemplateSpec) -> GoValue {
    // Metadata is embedded and has JSON names, so it comes first and leaves empty fields out.
    let mut fields = template.metadata.as_ref().map(object_meta).unwrap_or_default();
    fields.push(("Spec", pod_spec(template.spec.as_ref().unwrap_or(&PodSpec::default()))));
    GoValue::Struct(fields)
}

fn object_meta(meta: &ObjectMeta) -> Vec<(&'static str, GoValue)> {
    let mut fields = Vec::new();
    for (name, value) in [("name", &meta.name), ("generateName", &meta.generate_name), ("namespace", &meta.namespace)] {
        fields.extend(value.as_ref().map(|value| (name, value.into())));
    }
    for (name, map) in [("labels", &meta.labels), ("annotations", &meta.annotations)] {
        if let Some(map) = map.as_ref().filter(|map| !map.is_empty()) {
            fields.push((name, GoValue::text_map(Some(map))));
        }
    }
    if let Some(finalizers) = meta.finalizers.as_ref().filter(|list| !list.is_empty()) {
        fields.push(("finalizers", finalizers.into()));
    }
    fields
}

pub(super) fn pod_spec(spec: &PodSpec) -> GoValue {
    go_struct! {
        "Volumes": GoValue::list(spec.volumes.as_ref(), volumes::volume),
        "InitContainers": GoValue::list(spec.init_containers.as_ref(), containers::container),
        "Containers": GoValue::List(spec.containers.iter().map(containers::container).collect()),
        "EphemeralContainers": GoValue::list(spec.ephemeral_containers.as_ref(), containers::ephemeral_container),
        "RestartPolicy": text(&spec.restart_policy),
        "TerminationGracePeriodSeconds": spec.termination_grace_period_seconds,
        "ActiveDeadlineSeconds": spec.active_deadline_seconds,
        "DNSPolicy": text(&spec.dns_policy),
        "NodeSelector": GoValue::text_map(spec.node_selector.as_ref()),
        "ServiceAccountName": text(&spec.service_account_name),
        "AutomountServiceAccountToken": spec.automount_service_account_token,
        "NodeName": text(&spec.node_name),
        "SecurityContext": pod_security_context(spec),
        "ImagePullSecrets":
            GoValue::list(spec.image_pull_secrets.as_ref(), |secret| go_struct! { "Name": &secret.name }),
        "Hostname": text(&spec.hostname),
        "Subdomain": text(&spec.subdomain),
        "SetHostnameAsFQDN": spec.set_hostname_as_fqdn,
        "Affinity": pointer(&spec.affinity, placement::affinity),
        "SchedulerName": text(&spec.scheduler_name),
        "Tolerations": GoValue::list(spec.tolerations.as_ref(), placement::toleration),
        "HostAliases": GoValue::list(spec.host_aliases.as_ref(), |alias| {
            go_struct! { "IP": &alias.ip, "Hostnames": texts(&alias.hostnames) }
        }),
        "PriorityClassName": text(&spec.priority_class_name),
        "Priority": spec.priority,
        "PreemptionPolicy": spec.preemption_policy.clone(),
        "DNSConfig": pointer(&spec.dns_config, dns_config),
        "ReadinessGates": GoValue::list(spec.readiness_gates.as_ref(), |gate| {
            go_struct! { "ConditionType": &gate.condition_type }
        }),
        "RuntimeClassName": spec.runtime_class_name.clone(),
        "Overhead": GoValue::quantities(spec.overhead.as_ref()),
        "EnableServiceLinks": spec.enable_service_links,
        "TopologySpreadConstraints":
            GoValue::list(spec.topology_spread_constraints.as_ref(), placement::spread_constraint),
        "OS": pointer(&spec.os, |os| go_struct! { "Name": &os.name }),
        "SchedulingGates": GoValue::list(spec.scheduling_gates.as_ref(), |gate| go_struct! { "Name": &gate.name }),
        "ResourceClaims": GoValue::list(spec.resource_claims.as_ref(), |claim| {
            go_struct! {
                "Name": &claim.name,
                "ResourceClaimName": claim.resource_claim_name.clone(),
                "ResourceClaimTemplateName": claim.resource_claim_template_name.clone(),
            }
        }),
        "Resources": pointer(&spec.resources, containers::requirements),
        "HostnameOverride": spec.hostname_override.clone(),
        "SchedulingGroup": pointer(&spec.scheduling_group, |group| {
            go_struct! { "PodGroupName": group.pod_group_name.clone() }
        }),
    }
}

/// The flags about the host live in the internal security context.
fn pod_security_context(spec: &PodSpec) -> GoValue {
    let context = spec.security_context.clone().unwrap_or_default();
    go_struct! {
        "HostNetwork": flag(spec.host_network),
        "HostPID": flag(spec.host_pid),
        "HostIPC": flag(spec.host_ipc),
        "ShareProcessNamespace": spec.share_process_namespace,
        "HostUsers": spec.host_users,
        "SELinuxOptions": pointer(&context.se_linux_options, containers::se_linux_options),
        "WindowsOptions": pointer(&context.windows_options, containers::windows_options),
        "RunAsUser": context.run_as_user,
        "RunAsGroup": context.run_as_group,
        "RunAsNonRoot": context.run_as_non_root,
        "SupplementalGroups": GoValue::list(context.supplemental_groups.as_ref(), |group| (*group).into()),
        "SupplementalGroupsPolicy": context.supplemental_groups_policy,
        "FSGroup": context.fs_group,
        "FSGroupChangePolicy": context.fs_group_change_policy,
        "Sysctls": GoValue::list(context.sysctls.as_ref(), |sysctl| {
            go_struct! { "Name": &sysctl.name, "Value": &sysctl.value }
        }),
        "SeccompProfile": pointer(&context.seccomp_profile, seccomp_profile),
        "AppArmorProfile": pointer(&context.app_armor_profile, containers::app_armor_profile),
        "SELinuxChangePolicy": context.se_linux_change_policy,
    }
}

fn dns_config(config: &PodDNSConfig) -> GoValue {
    go_struct! {
        "Nameservers": texts(&config.nameservers),
        "Searches": texts(&config.searches),
        "Options": GoValue::list(config.options.as_ref(), |option| {
            go_struct! { "Name": text(&option.name), "Value": option.value.clone() }
        }),
    }
}

pub(super) fn claim_spec(spec: &PersistentVolumeClaimSpec) -> GoValue {
    let resources = spec.resources.clone().unwrap_or_default();
    go_struct! {
        "AccessModes": texts(&spec.access_modes),
        "Selector": spec.selector.as_ref(),
        "Resources": go_struct! {
            "Limits": GoValue::quantities(resources.limits.as_ref()),
            "Requests": GoValue::quantities(resources.requests.as_ref()),
        },
        "VolumeName": text(&spec.volume_name),
        "StorageClassName": spec.storage_class_name.clone(),
        "VolumeMode": spec.volume_mode.clone(),
        "DataSource": pointer(&spec.data_source, |source| {
            go_struct! { "APIGroup": source.api_group.clone(), "Kind": &source.kind, "Name": &source.name }
        }),
        "DataSourceRef": pointer(&spec.data_source_ref, |source| {
            go_struct! {
                "APIGroup": source.api_group.clone(),
                "Kind": &source.kind,
                "Name": &source.name,
                "Namespace": source.namespace.clone(),
            }
        }),
        "VolumeAttributesClassName": spec.volume_attributes_class_name.clone(),
    }
}
