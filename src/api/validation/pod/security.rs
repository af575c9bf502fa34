//! Security contexts of pods and containers.
//!
//! Mirrors: pkg/apis/core/validation `ValidateSecurityContext`, `validatePodSpecSecurityContext`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{AppArmorProfile, PodSpec, SeccompProfile, SecurityContext};

use super::super::common::one_of;
use super::super::field::{ErrorList, FieldError, Path};
use super::super::internal;
use super::volumes::relative_path;
use crate::meta::names;

pub fn container_context(context: Option<&SecurityContext>, path: &Path, errors: &mut ErrorList) {
    let Some(context) = context else { return };
    user_id(context.run_as_user, &path.child("runAsUser"), errors);
    user_id(context.run_as_group, &path.child("runAsGroup"), errors);
    if let Some(mount) = context.proc_mount.as_deref() {
        one_of(mount, &["Default", "Unmasked"], &path.child("procMount"), errors);
    }
    seccomp(context.seccomp_profile.as_ref(), &path.child("seccompProfile"), errors);
    if context.allow_privilege_escalation == Some(false) {
        if context.privileged == Some(true) {
            let text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.push(FieldError::invalid(path, internal::security_context(context), text));
        }
        let added = context.capabilities.iter().flat_map(|capabilities| capabilities.add.iter().flatten());
        for _ in added.filter(|capability| *capability == "CAP_SYS_ADMIN") {
            let text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.push(FieldError::invalid(path, internal::security_context(context), text));
        }
    }
    app_armor(context.app_armor_profile.as_ref(), &path.child("appArmorProfile"), errors);
}

pub fn pod_context(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let Some(context) = &spec.security_context else { return };
    user_id(context.fs_group, &path.child("fsGroup"), errors);
    user_id(context.run_as_user, &path.child("runAsUser"), errors);
    user_id(context.run_as_group, &path.child("runAsGroup"), errors);
    for (i, group) in context.supplemental_groups.iter().flatten().enumerate() {
        user_id(Some(*group), &path.child("supplementalGroups").index(i), errors);
    }
    if spec.share_process_namespace == Some(true) && spec.host_pid == Some(true) {
        let text = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(&path.child("shareProcessNamespace"), true, text));
    }
    sysctls(spec, &path.child("sysctls"), errors);
    if let Some(policy) = context.fs_group_change_policy.as_deref() {
        one_of(policy, &["Always", "OnRootMismatch"], &path.child("fsGroupChangePolicy"), errors);
    }
    seccomp(context.seccomp_profile.as_ref(), &path.child("seccompProfile"), errors);
    app_armor(context.app_armor_profile.as_ref(), &path.child("appArmorProfile"), errors);
    if let Some(policy) = context.supplemental_groups_policy.as_deref() {
        one_of(policy, &["Merge", "Strict"], &path.child("supplementalGroupsPolicy"), errors);
    }
    if let Some(policy) = context.se_linux_change_policy.as_deref() {
        one_of(policy, &["MountOption", "Recursive"], &path.child("seLinuxChangePolicy"), errors);
    }
}

fn user_id(id: Option<i64>, path: &Path, errors: &mut ErrorList) {
    let Some(id) = id else { return };
    errors.extend(names::user_id(id).into_iter().map(|text| FieldError::invalid(path, id, text)));
}

fn sysctls(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let list = spec.security_context.as_ref().and_then(|context| context.sysctls.as_deref()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (i, sysctl) in list.iter().enumerate() {
        let here = path.index(i);
        let here = here.child("name");
        let name = sysctl.name.as_str();
        let new = seen.insert(name);
        if name.is_empty() {
            errors.push(FieldError::required(&here, ""));
        } else if !is_sysctl_name(name) {
            let text = "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
            errors.push(FieldError::invalid(&here, name, text));
        } else if !new {
            errors.push(FieldError::duplicate(&here, name));
        }
        let dotted = name.replace('/', ".");
        if spec.host_network == Some(true) && dotted.starts_with("net.") {
            errors.push(FieldError::invalid(&here, name, "may not be specified when 'hostNetwork' is true"));
        } else if spec.host_ipc == Some(true) && (dotted.starts_with("kernel.shm") || dotted.starts_with("fs.mqueue."))
        {
            errors.push(FieldError::invalid(&here, name, "may not be specified when 'hostIPC' is true"));
        }
    }
}

fn is_sysctl_name(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 253
        && name.split(['.', '/']).all(|segment| {
            let bytes = segment.as_bytes();
            edge(bytes.first())
                && edge(bytes.last())
                && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(b))
        })
}

fn seccomp(profile: Option<&SeccompProfile>, path: &Path, errors: &mut ErrorList) {
    let Some(profile) = profile else { return };
    match profile.type_.as_str() {
        "" => {
            errors.push(FieldError::required(&path.child("type"), "type is required when seccompProfile is set"));
        }
        type_ => one_of(type_, &["Localhost", "RuntimeDefault", "Unconfined"], &path.child("type"), errors),
    }
    let here = path.child("localhostProfile");
    match (profile.type_ == "Localhost", &profile.localhost_profile) {
        (true, None) => errors.push(FieldError::required(&here, "must be set when seccomp type is Localhost")),
        (true, Some(file)) => relative_path(file, &here, errors),
        (false, Some(_)) => {
            let printed = internal::seccomp_profile(profile);
            errors.push(FieldError::invalid(&here, printed, "can only be set when seccomp type is Localhost"));
        }
        (false, None) => {}
    }
}

fn app_armor(profile: Option<&AppArmorProfile>, path: &Path, errors: &mut ErrorList) {
    let Some(profile) = profile else { return };
    let here = path.child("localhostProfile");
    match profile.type_.as_str() {
        "Localhost" => match profile.localhost_profile.as_deref() {
            None | Some("") => {
                errors.push(FieldError::required(&here, "must be set when AppArmor type is Localhost"));
            }
            Some(name) if name.trim() != name => {
                errors.push(FieldError::invalid(&here, name, "must not be padded with whitespace"));
            }
            Some(_) => {}
        },
        "RuntimeDefault" | "Unconfined" => {
            if let Some(name) = &profile.localhost_profile {
                let text = "can only be set when AppArmor type is Localhost";
                errors.push(FieldError::invalid(&here, name, text));
            }
        }
        "" => {
            errors.push(FieldError::required(&path.child("type"), "type is required when appArmorProfile is set"));
        }
        other => errors.push(FieldError::not_supported(
            &path.child("type"),
            other,
            &["Localhost", "RuntimeDefault", "Unconfined"],
        )),
    }
}
