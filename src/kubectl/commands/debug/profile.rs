//! What a profile makes of a pod to debug with: rights of the container, the host's namespaces, what a copy keeps.
//!
//! Mirrors: kubectl/pkg/cmd/debug/profiles.go.

use serde_json::{Value, json};

use crate::commands::{list_at, map_at, text_at};
use crate::flags::Args;

/// The profiles there are.
pub const NAMES: &[&str] = &["legacy", "general", "baseline", "restricted", "netadmin", "sysadmin"];

/// How one debugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Node,
    PodCopy,
    Ephemeral,
}

/// Changes a pod and the container to debug with.
pub fn apply(args: &Args, pod: &mut Value, container: &str, style: Style) {
    let profile = args.text("profile");
    if style == Style::PodCopy {
        keep(args, pod);
    }
    match (profile, style) {
        ("general", Style::PodCopy | Style::Ephemeral) => add_capabilities(pod, container, &["SYS_PTRACE"]),
        ("netadmin", _) => add_capabilities(pod, container, &["NET_ADMIN", "NET_RAW"]),
        ("sysadmin", _) => set(pod, container, json!({"privileged": true})),
        ("restricted", _) => {
            set(pod, container, Value::Null);
            set(
                pod,
                container,
                json!({
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "runAsNonRoot": true,
                    "seccompProfile": {"type": "RuntimeDefault"},
                }),
            );
        }
        ("baseline", _) | ("general", Style::Node) => set(pod, container, Value::Null),
        _ => {}
    }
    if style == Style::Node && matches!(profile, "general" | "netadmin" | "sysadmin" | "legacy") {
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            pod["spec"][field] = true.into();
        }
    }
    if style == Style::Node && matches!(profile, "general" | "sysadmin" | "legacy") {
        pod["spec"]["volumes"] = json!([{"name": "host-root", "hostPath": {"path": "/"}}]);
        if let Some(container) = find(pod, container) {
            container["volumeMounts"] = json!([{"mountPath": "/host", "name": "host-root"}]);
        }
    }
    if style == Style::PodCopy && profile != "legacy" && pod.pointer("/spec/shareProcessNamespace").is_none() {
        pod["spec"]["shareProcessNamespace"] = true.into();
    }
}

/// What a copy does not keep unless it is told to.
fn keep(args: &Args, pod: &mut Value) {
    if args.text("profile") == "legacy" {
        return;
    }
    for (flag, field) in [("keep-labels", "labels"), ("keep-annotations", "annotations")] {
        if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !args.flag(flag)) {
            metadata.remove(field);
        }
    }
    if let Some(spec) =
        pod.get_mut("spec").and_then(Value::as_object_mut).filter(|_| !args.flag("keep-init-containers"))
    {
        spec.remove("initContainers");
    }
    for container in pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut).into_iter().flatten() {
        for (flag, field) in
            [("keep-liveness", "livenessProbe"), ("keep-readiness", "readinessProbe"), ("keep-startup", "startupProbe")]
        {
            if let Some(map) = container.as_object_mut().filter(|_| !args.flag(flag)) {
                map.remove(field);
            }
        }
    }
}

fn find<'a>(pod: &'a mut Value, container: &str) -> Option<&'a mut Value> {
    let spec = pod.get_mut("spec")?.as_object_mut()?;
    let lists = spec.iter_mut().filter(|(field, _)| matches!(field.as_str(), "containers" | "ephemeralContainers"));
    lists
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
        .find(|candidate| text_at(candidate, "/name") == container)
}

/// Sets fields of the security context; nothing removes it.
fn set(pod: &mut Value, container: &str, fields: Value) {
    let Some(container) = find(pod, container) else { return };
    match fields {
        Value::Object(fields) => {
            if let Some(context) = map_at(container, &["securityContext"]) {
                context.extend(fields);
            }
        }
        _ => drop(container.as_object_mut().and_then(|map| map.remove("securityContext"))),
    }
}

fn add_capabilities(pod: &mut Value, container: &str, names: &[&str]) {
    let Some(container) = find(pod, container) else { return };
    let mut all = list_at(container, "/securityContext/capabilities/add").to_vec();
    all.extend(names.iter().map(|name| json!(name)));
    if let Some(capabilities) = map_at(container, &["securityContext", "capabilities"]) {
        capabilities.insert("add".into(), Value::Array(all));
    }
}
