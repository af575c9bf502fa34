//! The checks behind the Pod Security Standards, in the order of their names.
//!
//! Mirrors: k8s.io/pod-security-admission/policy `check_*.go`: reasons, details and their wording.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{PodSpec, SecurityContext, Volume};
use api::order::Order;

use super::Level;

/// What a container of any kind says that is judged.
struct Judged<'a> {
    name: &'a str,
    context: Option<&'a SecurityContext>,
    host_ports: Vec<i32>,
}

/// `reason (detail)` for everything that breaks the standard.
pub fn violations(spec: &PodSpec, _annotations: Option<&BTreeMap<String, String>>, level: Level) -> Vec<String> {
    if level == Level::Privileged {
        return Vec::new();
    }
    let containers = containers(spec);
    let windows = spec.os.as_ref().is_some_and(|os| os.name == "windows");
    let strict = level == Level::Restricted;
    let checks: [Option<(&str, String)>; 13] = [
        (strict && !windows).then(|| allow_privilege_escalation(&containers)).flatten(),
        if strict && !windows { restricted_capabilities(&containers) } else { added_capabilities(&containers) },
        host_namespaces(spec),
        (!strict).then(|| host_paths(spec)).flatten(),
        host_ports(&containers),
        setting(&containers, "privileged", "privileged=true", |c| c.privileged == Some(true)),
        setting(&containers, "procMount", "procMount to \"Unmasked\"", |c| c.proc_mount.as_deref() == Some("Unmasked")),
        strict.then(|| restricted_volumes(spec)).flatten(),
        (strict && !windows).then(|| run_as_non_root(spec, &containers)).flatten(),
        strict.then(|| run_as_user(spec, &containers)).flatten(),
        selinux(spec, &containers),
        if strict && !windows { restricted_seccomp(spec, &containers) } else { unconfined_seccomp(spec, &containers) },
        sysctls(spec),
    ];
    checks.into_iter().flatten().map(|(reason, detail)| format!("{reason} ({detail})")).collect()
}

fn containers(spec: &PodSpec) -> Vec<Judged<'_>> {
    let main = spec.init_containers.iter().flatten().chain(&spec.containers);
    let mut list: Vec<Judged> = main
        .map(|container| Judged {
            name: &container.name,
            context: container.security_context.as_ref(),
            host_ports: container.ports.iter().flatten().filter_map(|p| p.host_port).filter(|p| *p != 0).collect(),
        })
        .collect();
    list.extend(spec.ephemeral_containers.iter().flatten().map(|container| Judged {
        name: &container.name,
        context: container.security_context.as_ref(),
        host_ports: Vec::new(),
    }));
    list
}

/// `container "a"`, or `containers "a", "b"`.
fn named(what: &str, names: &[&str]) -> String {
    let list: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("{what}{} {}", if names.len() == 1 { "" } else { "s" }, list.join(", "))
}

fn those<'a>(containers: &[Judged<'a>], bad: impl Fn(Option<&SecurityContext>) -> bool) -> Vec<&'a str> {
    containers.iter().filter(|container| bad(container.context)).map(|container| container.name).collect()
}

fn allow_privilege_escalation(containers: &[Judged]) -> Option<(&'static str, String)> {
    let bad = those(containers, |context| context.and_then(|c| c.allow_privilege_escalation) != Some(false));
    let detail = || format!("{} must set securityContext.allowPrivilegeEscalation=false", named("container", &bad));
    (!bad.is_empty()).then(|| ("allowPrivilegeEscalation != false", detail()))
}

const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn added<'a>(context: Option<&'a SecurityContext>, allowed: &[&str]) -> Vec<&'a str> {
    let list = context.and_then(|c| c.capabilities.as_ref()).and_then(|c| c.add.as_ref());
    list.into_iter().flatten().map(String::as_str).filter(|name| !allowed.contains(name)).collect()
}

/// Who adds what it must not.
fn adding(containers: &[Judged], allowed: &[&str]) -> Option<String> {
    let bad = those(containers, |context| !added(context, allowed).is_empty());
    let mut list: Vec<String> =
        containers.iter().flat_map(|c| added(c.context, allowed)).map(|name| format!("{name:?}")).collect();
    list.order();
    list.dedup();
    (!bad.is_empty()).then(|| {
        format!("{} must not include {} in securityContext.capabilities.add", named("container", &bad), list.join(", "))
    })
}

fn added_capabilities(containers: &[Judged]) -> Option<(&'static str, String)> {
    adding(containers, &DEFAULT_CAPABILITIES).map(|detail| ("non-default capabilities", detail))
}

fn restricted_capabilities(containers: &[Judged]) -> Option<(&'static str, String)> {
    let drops_all = |context: Option<&SecurityContext>| {
        let list = context.and_then(|c| c.capabilities.as_ref()).and_then(|c| c.drop.as_ref());
        list.into_iter().flatten().any(|name| name == "ALL")
    };
    let keeping = those(containers, |context| !drops_all(context));
    let mut details = Vec::new();
    if !keeping.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", named("container", &keeping)));
    }
    details.extend(adding(containers, &["NET_BIND_SERVICE"]));
    (!details.is_empty()).then(|| ("unrestricted capabilities", details.join("; ")))
}

fn host_namespaces(spec: &PodSpec) -> Option<(&'static str, String)> {
    let used: Vec<&str> =
        [("hostNetwork=true", spec.host_network), ("hostPID=true", spec.host_pid), ("hostIPC=true", spec.host_ipc)]
            .into_iter()
            .filter(|(_, used)| *used == Some(true))
            .map(|(word, _)| word)
            .collect();
    (!used.is_empty()).then(|| ("host namespaces", used.join(", ")))
}

fn host_paths(spec: &PodSpec) -> Option<(&'static str, String)> {
    let bad: Vec<&str> =
        spec.volumes.iter().flatten().filter(|v| v.host_path.is_some()).map(|v| v.name.as_str()).collect();
    (!bad.is_empty()).then(|| ("hostPath volumes", named("volume", &bad)))
}

fn host_ports(containers: &[Judged]) -> Option<(&'static str, String)> {
    let bad: Vec<&str> = containers.iter().filter(|c| !c.host_ports.is_empty()).map(|c| c.name).collect();
    let mut ports: Vec<i32> = containers.iter().flat_map(|c| c.host_ports.clone()).collect();
    ports.order();
    ports.dedup();
    let verb = if bad.len() == 1 { "uses" } else { "use" };
    let noun = if ports.len() == 1 { "hostPort" } else { "hostPorts" };
    let list: Vec<String> = ports.iter().map(ToString::to_string).collect();
    (!bad.is_empty()).then(|| ("hostPort", format!("{} {verb} {noun} {}", named("container", &bad), list.join(", "))))
}

fn setting(
    containers: &[Judged],
    reason: &'static str,
    what: &str,
    bad: impl Fn(&SecurityContext) -> bool,
) -> Option<(&'static str, String)> {
    let bad = those(containers, |context| context.is_some_and(&bad));
    (!bad.is_empty()).then(|| (reason, format!("{} must not set securityContext.{what}", named("container", &bad))))
}

/// The type of a volume that `restricted` does not allow.
fn restricted_type(volume: &Volume) -> Option<&'static str> {
    let types = [
        (volume.host_path.is_some(), "hostPath"),
        (volume.gce_persistent_disk.is_some(), "gcePersistentDisk"),
        (volume.aws_elastic_block_store.is_some(), "awsElasticBlockStore"),
        (volume.git_repo.is_some(), "gitRepo"),
        (volume.nfs.is_some(), "nfs"),
        (volume.iscsi.is_some(), "iscsi"),
        (volume.glusterfs.is_some(), "glusterfs"),
        (volume.rbd.is_some(), "rbd"),
        (volume.flex_volume.is_some(), "flexVolume"),
        (volume.cinder.is_some(), "cinder"),
        (volume.cephfs.is_some(), "cephfs"),
        (volume.flocker.is_some(), "flocker"),
        (volume.fc.is_some(), "fc"),
        (volume.azure_file.is_some(), "azureFile"),
        (volume.vsphere_volume.is_some(), "vsphereVolume"),
        (volume.quobyte.is_some(), "quobyte"),
        (volume.azure_disk.is_some(), "azureDisk"),
        (volume.photon_persistent_disk.is_some(), "photonPersistentDisk"),
        (volume.portworx_volume.is_some(), "portworxVolume"),
        (volume.scale_io.is_some(), "scaleIO"),
        (volume.storageos.is_some(), "storageos"),
    ];
    types.into_iter().find(|(used, _)| *used).map(|(_, name)| name)
}

fn restricted_volumes(spec: &PodSpec) -> Option<(&'static str, String)> {
    let found: Vec<(&str, &str)> =
        spec.volumes.iter().flatten().filter_map(|v| Some((v.name.as_str(), restricted_type(v)?))).collect();
    let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let mut types: Vec<&str> = found.iter().map(|(_, kind)| *kind).collect();
    types.order();
    types.dedup();
    let verb = if names.len() == 1 { "uses" } else { "use" };
    (!names.is_empty()).then(|| {
        let detail = format!("{} {verb} {}", named("volume", &names), named("restricted volume type", &types));
        ("restricted volume types", detail)
    })
}

fn run_as_non_root(spec: &PodSpec, containers: &[Judged]) -> Option<(&'static str, String)> {
    const REASON: &str = "runAsNonRoot != true";
    let pod = spec.security_context.as_ref().and_then(|context| context.run_as_non_root);
    let of = |context: Option<&SecurityContext>| context.and_then(|context| context.run_as_non_root);
    let refusing = those(containers, |context| of(context) == Some(false));
    let silent = those(containers, |context| of(context).is_none());
    let mut details = Vec::new();
    if pod == Some(false) {
        details.push("pod must not set securityContext.runAsNonRoot=false".to_string());
    }
    if !refusing.is_empty() {
        details.push(format!("{} must not set securityContext.runAsNonRoot=false", named("container", &refusing)));
    }
    if details.is_empty() && pod != Some(true) && !silent.is_empty() {
        details.push(format!("pod or {} must set securityContext.runAsNonRoot=true", named("container", &silent)));
    }
    (!details.is_empty()).then(|| (REASON, details.join(", ")))
}

fn run_as_user(spec: &PodSpec, containers: &[Judged]) -> Option<(&'static str, String)> {
    let pod = spec.security_context.as_ref().and_then(|context| context.run_as_user) == Some(0);
    let bad = those(containers, |context| context.and_then(|context| context.run_as_user) == Some(0));
    let mut subjects: Vec<String> = Vec::new();
    if pod {
        subjects.push("pod".into());
    }
    if !bad.is_empty() {
        subjects.push(named("container", &bad));
    }
    (!subjects.is_empty()).then(|| ("runAsUser=0", format!("{} must not set runAsUser=0", subjects.join(" and "))))
}

fn selinux(spec: &PodSpec, containers: &[Judged]) -> Option<(&'static str, String)> {
    const TYPES: [&str; 6] =
        ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "container_logreader_t"];
    let pod = spec.security_context.as_ref().and_then(|context| context.se_linux_options.as_ref());
    let of = |context: Option<&SecurityContext>| context.and_then(|context| context.se_linux_options.clone());
    let forbidden = |options: &api::k8s_openapi::api::core::v1::SELinuxOptions| {
        let set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        !TYPES.contains(&options.type_.as_deref().unwrap_or_default()) || set(&options.user) || set(&options.role)
    };
    let mut subjects = Vec::new();
    if pod.is_some_and(forbidden) {
        subjects.push("pod".to_string());
    }
    let bad = those(containers, |context| of(context).is_some_and(|options| forbidden(&options)));
    if !bad.is_empty() {
        subjects.push(named("container", &bad));
    }
    let all: Vec<_> = pod.cloned().into_iter().chain(containers.iter().filter_map(|c| of(c.context))).collect();
    let mut details: Vec<String> = Vec::new();
    let types: Vec<String> = all
        .iter()
        .filter_map(|o| o.type_.as_deref())
        .filter(|name| !TYPES.contains(name))
        .map(|name| format!("{name:?}"))
        .collect();
    if !types.is_empty() {
        details.push(format!("type{} {}", if types.len() == 1 { "" } else { "s" }, types.join(", ")));
    }
    if all.iter().any(|o| o.user.as_deref().is_some_and(|u| !u.is_empty())) {
        details.push("user may not be set".into());
    }
    if all.iter().any(|o| o.role.as_deref().is_some_and(|r| !r.is_empty())) {
        details.push("role may not be set".into());
    }
    (!subjects.is_empty()).then(|| {
        let detail =
            format!("{} set forbidden securityContext.seLinuxOptions: {}", subjects.join(" and "), details.join("; "));
        ("seLinuxOptions", detail)
    })
}

fn seccomp(context: Option<&SecurityContext>) -> Option<&str> {
    context.and_then(|context| context.seccomp_profile.as_ref()).map(|profile| profile.type_.as_str())
}

fn pod_seccomp(spec: &PodSpec) -> Option<&str> {
    spec.security_context.as_ref().and_then(|c| c.seccomp_profile.as_ref()).map(|profile| profile.type_.as_str())
}

/// Who sets a profile that confines nothing.
fn unconfined(spec: &PodSpec, containers: &[Judged]) -> Option<String> {
    let confined = |profile: &str| matches!(profile, "RuntimeDefault" | "Localhost");
    let mut subjects = Vec::new();
    let mut values: Vec<String> = Vec::new();
    if let Some(profile) = pod_seccomp(spec).filter(|profile| !confined(profile)) {
        subjects.push("pod".to_string());
        values.push(format!("{profile:?}"));
    }
    let bad = those(containers, |context| seccomp(context).is_some_and(|profile| !confined(profile)));
    if !bad.is_empty() {
        subjects.push(named("container", &bad));
        let found = containers.iter().filter_map(|c| seccomp(c.context)).filter(|profile| !confined(profile));
        values.extend(found.map(|profile| format!("{profile:?}")));
    }
    values.dedup();
    (!subjects.is_empty()).then(|| {
        format!("{} must not set securityContext.seccompProfile.type to {}", subjects.join(" and "), values.join(", "))
    })
}

fn unconfined_seccomp(spec: &PodSpec, containers: &[Judged]) -> Option<(&'static str, String)> {
    unconfined(spec, containers).map(|detail| ("seccompProfile", detail))
}

fn restricted_seccomp(spec: &PodSpec, containers: &[Judged]) -> Option<(&'static str, String)> {
    const WANTED: &str = "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"";
    if let Some(detail) = unconfined(spec, containers) {
        return Some(("seccompProfile", detail));
    }
    let silent = those(containers, |context| seccomp(context).is_none());
    (pod_seccomp(spec).is_none() && !silent.is_empty())
        .then(|| ("seccompProfile", format!("pod or {} {WANTED}", named("container", &silent))))
}

fn sysctls(spec: &PodSpec) -> Option<(&'static str, String)> {
    const SAFE: [&str; 9] = [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
    ];
    let list = spec.security_context.as_ref().and_then(|context| context.sysctls.as_ref());
    let bad: Vec<&str> = list
        .into_iter()
        .flatten()
        .map(|sysctl| sysctl.name.as_str())
        .filter(|name| !SAFE.contains(name) && *name != "net.ipv4.tcp_keepalive_probes")
        .collect();
    (!bad.is_empty()).then(|| ("forbidden sysctls", bad.join(", ")))
}
