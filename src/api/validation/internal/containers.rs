//! Containers in their internal form.

use k8s_openapi::api::core::v1::{
    AppArmorProfile, Container, ContainerPort, EnvFromSource, EnvVar, EnvVarSource, EphemeralContainer, ExecAction,
    HTTPGetAction, Lifecycle, LifecycleHandler, Probe, ResourceFieldSelector, ResourceRequirements, SELinuxOptions,
    SeccompProfile, SecurityContext, TCPSocketAction, VolumeMount, WindowsSecurityContextOptions,
};

use super::super::go_value::GoValue;
use super::{flag, go_struct, number, pointer, text, texts};

/// Ephemeral containers have the same fields in another Rust type.
macro_rules! container_fields {
    ($container:expr) => {{
        let container = $container;
        vec![
            ("Name", (&container.name).into()),
            ("Image", text(&container.image)),
            ("Command", texts(&container.command)),
            ("Args", texts(&container.args)),
            ("WorkingDir", text(&container.working_dir)),
            ("Ports", GoValue::list(container.ports.as_ref(), port)),
            ("EnvFrom", GoValue::list(container.env_from.as_ref(), env_from)),
            ("Env", GoValue::list(container.env.as_ref(), env_var)),
            ("Resources", requirements(container.resources.as_ref().unwrap_or(&Default::default()))),
            (
                "ResizePolicy",
                GoValue::list(container.resize_policy.as_ref(), |policy| {
                    go_struct! { "ResourceName": &policy.resource_name, "RestartPolicy": &policy.restart_policy }
                }),
            ),
            ("RestartPolicy", container.restart_policy.clone().into()),
            (
                "RestartPolicyRules",
                GoValue::list(container.restart_policy_rules.as_ref(), |rule| {
                    go_struct! {
                        "Action": &rule.action,
                        "ExitCodes": pointer(&rule.exit_codes, |codes| {
                            go_struct! {
                                "Operator": &codes.operator,
                                "Values": GoValue::list(codes.values.as_ref(), |value| (*value).into()),
                            }
                        }),
                    }
                }),
            ),
            ("VolumeMounts", GoValue::list(container.volume_mounts.as_ref(), volume_mount)),
            (
                "VolumeDevices",
                GoValue::list(container.volume_devices.as_ref(), |device| {
                    go_struct! { "Name": &device.name, "DevicePath": &device.device_path }
                }),
            ),
            ("LivenessProbe", pointer(&container.liveness_probe, probe)),
            ("ReadinessProbe", pointer(&container.readiness_probe, probe)),
            ("StartupProbe", pointer(&container.startup_probe, probe)),
            ("Lifecycle", pointer(&container.lifecycle, lifecycle)),
            ("TerminationMessagePath", text(&container.termination_message_path)),
            ("TerminationMessagePolicy", text(&container.termination_message_policy)),
            ("ImagePullPolicy", text(&container.image_pull_policy)),
            ("SecurityContext", pointer(&container.security_context, security_context)),
            ("Stdin", flag(container.stdin)),
            ("StdinOnce", flag(container.stdin_once)),
            ("TTY", flag(container.tty)),
        ]
    }};
}

pub fn container(container: &Container) -> GoValue {
    GoValue::Struct(container_fields!(container))
}

pub fn ephemeral_container(container: &EphemeralContainer) -> GoValue {
    let mut fields: Vec<(&'static str, GoValue)> = container_fields!(container);
    fields.push(("TargetContainerName", text(&container.target_container_name)));
    GoValue::Struct(fields)
}

pub fn requirements(requirements: &ResourceRequirements) -> GoValue {
    go_struct! {
        "Limits": GoValue::quantities(requirements.limits.as_ref()),
        "Requests": GoValue::quantities(requirements.requests.as_ref()),
        "Claims": GoValue::list(requirements.claims.as_ref(), |claim| {
            go_struct! { "Name": &claim.name, "Request": text(&claim.request) }
        }),
    }
}

fn port(port: &ContainerPort) -> GoValue {
    go_struct! {
        "Name": text(&port.name),
        "HostPort": number(port.host_port),
        "ContainerPort": port.container_port,
        "Protocol": text(&port.protocol),
        "HostIP": text(&port.host_ip),
    }
}

fn env_from(source: &EnvFromSource) -> GoValue {
    go_struct! {
        "Prefix": text(&source.prefix),
        "ConfigMapRef": pointer(&source.config_map_ref, |reference| {
            go_struct! { "Name": &reference.name, "Optional": reference.optional }
        }),
        "SecretRef": pointer(&source.secret_ref, |reference| {
            go_struct! { "Name": &reference.name, "Optional": reference.optional }
        }),
    }
}

fn env_var(variable: &EnvVar) -> GoValue {
    go_struct! {
        "Name": &variable.name,
        "Value": text(&variable.value),
        "ValueFrom": pointer(&variable.value_from, env_source),
    }
}

fn env_source(source: &EnvVarSource) -> GoValue {
    go_struct! {
        "FieldRef": pointer(&source.field_ref, |field| {
            go_struct! { "APIVersion": text(&field.api_version), "FieldPath": &field.field_path }
        }),
        "ResourceFieldRef": pointer(&source.resource_field_ref, resource_selector),
        "ConfigMapKeyRef": pointer(&source.config_map_key_ref, |key| {
            go_struct! { "Name": &key.name, "Key": &key.key, "Optional": key.optional }
        }),
        "SecretKeyRef": pointer(&source.secret_key_ref, |key| {
            go_struct! { "Name": &key.name, "Key": &key.key, "Optional": key.optional }
        }),
        "FileKeyRef": pointer(&source.file_key_ref, |key| {
            go_struct! {
                "VolumeName": &key.volume_name, "Path": &key.path, "Key": &key.key, "Optional": key.optional,
            }
        }),
    }
}

pub fn resource_selector(selector: &ResourceFieldSelector) -> GoValue {
    go_struct! {
        "ContainerName": text(&selector.container_name),
        "Resource": &selector.resource,
        "Divisor": selector.divisor.as_ref().map_or("0", |divisor| divisor.0.as_str()),
    }
}

fn volume_mount(mount: &VolumeMount) -> GoValue {
    go_struct! {
        "Name": &mount.name,
        "ReadOnly": flag(mount.read_only),
        "RecursiveReadOnly": mount.recursive_read_only.clone(),
        "MountPath": &mount.mount_path,
        "SubPath": text(&mount.sub_path),
        "MountPropagation": mount.mount_propagation.clone(),
        "SubPathExpr": text(&mount.sub_path_expr),
    }
}

fn probe(probe: &Probe) -> GoValue {
    go_struct! {
        "Exec": pointer(&probe.exec, exec),
        "HTTPGet": pointer(&probe.http_get, http_get),
        "TCPSocket": pointer(&probe.tcp_socket, tcp_socket),
        "GRPC": pointer(&probe.grpc, |grpc| go_struct! { "Port": grpc.port, "Service": grpc.service.clone() }),
        "InitialDelaySeconds": number(probe.initial_delay_seconds),
        "TimeoutSeconds": number(probe.timeout_seconds),
        "PeriodSeconds": number(probe.period_seconds),
        "SuccessThreshold": number(probe.success_threshold),
        "FailureThreshold": number(probe.failure_threshold),
        "TerminationGracePeriodSeconds": probe.termination_grace_period_seconds,
    }
}

fn lifecycle(lifecycle: &Lifecycle) -> GoValue {
    go_struct! {
        "PostStart": pointer(&lifecycle.post_start, hook),
        "PreStop": pointer(&lifecycle.pre_stop, hook),
        "StopSignal": lifecycle.stop_signal.clone(),
    }
}

fn hook(hook: &LifecycleHandler) -> GoValue {
    go_struct! {
        "Exec": pointer(&hook.exec, exec),
        "HTTPGet": pointer(&hook.http_get, http_get),
        "TCPSocket": pointer(&hook.tcp_socket, tcp_socket),
        "Sleep": pointer(&hook.sleep, |sleep| go_struct! { "Seconds": sleep.seconds }),
    }
}

fn exec(action: &ExecAction) -> GoValue {
    go_struct! { "Command": texts(&action.command) }
}

fn http_get(action: &HTTPGetAction) -> GoValue {
    go_struct! {
        "Path": text(&action.path),
        "Port": &action.port,
        "Host": text(&action.host),
        "Scheme": text(&action.scheme),
        "HTTPHeaders": GoValue::list(action.http_headers.as_ref(), |header| {
            go_struct! { "Name": &header.name, "Value": &header.value }
        }),
    }
}

fn tcp_socket(action: &TCPSocketAction) -> GoValue {
    go_struct! { "Port": &action.port, "Host": text(&action.host) }
}

pub fn security_context(context: &SecurityContext) -> GoValue {
    go_struct! {
        "Capabilities": pointer(&context.capabilities, |capabilities| {
            go_struct! { "Add": texts(&capabilities.add), "Drop": texts(&capabilities.drop) }
        }),
        "Privileged": context.privileged,
        "SELinuxOptions": pointer(&context.se_linux_options, se_linux_options),
        "WindowsOptions": pointer(&context.windows_options, windows_options),
        "RunAsUser": context.run_as_user,
        "RunAsGroup": context.run_as_group,
        "RunAsNonRoot": context.run_as_non_root,
        "ReadOnlyRootFilesystem": context.read_only_root_filesystem,
        "AllowPrivilegeEscalation": context.allow_privilege_escalation,
        "ProcMount": context.proc_mount.clone(),
        "SeccompProfile": pointer(&context.seccomp_profile, seccomp_profile),
        "AppArmorProfile": pointer(&context.app_armor_profile, app_armor_profile),
    }
}

pub fn se_linux_options(options: &SELinuxOptions) -> GoValue {
    go_struct! {
        "User": text(&options.user),
        "Role": text(&options.role),
        "Type": text(&options.type_),
        "Level": text(&options.level),
    }
}

pub fn windows_options(options: &WindowsSecurityContextOptions) -> GoValue {
    go_struct! {
        "GMSACredentialSpecName": options.gmsa_credential_spec_name.clone(),
        "GMSACredentialSpec": options.gmsa_credential_spec.clone(),
        "RunAsUserName": options.run_as_user_name.clone(),
        "HostProcess": options.host_process,
    }
}

pub fn seccomp_profile(profile: &SeccompProfile) -> GoValue {
    go_struct! { "Type": &profile.type_, "LocalhostProfile": profile.localhost_profile.clone() }
}

pub fn app_armor_profile(profile: &AppArmorProfile) -> GoValue {
    go_struct! { "Type": &profile.type_, "LocalhostProfile": profile.localhost_profile.clone() }
}
