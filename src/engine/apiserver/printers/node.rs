//! Nodes: readiness, roles, and in wide output addresses and software.
//!
//! Mirrors: pkg/printers/internalversion `printNode`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Node, NodeStatus, NodeSystemInfo};
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, text, text_or};
use super::column::{AGE, Column, NAME, field, string};

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Status", "The status of the node"),
    string("Roles", "The roles of the node"),
    AGE,
    field("Version", "core/v1.NodeSystemInfo", "kubeletVersion"),
    field("Internal-IP", "core/v1.NodeStatus", "addresses").wide(),
    field("External-IP", "core/v1.NodeStatus", "addresses").wide(),
    field("OS-Image", "core/v1.NodeSystemInfo", "osImage").wide(),
    field("Kernel-Version", "core/v1.NodeSystemInfo", "kernelVersion").wide(),
    field("Container-Runtime", "core/v1.NodeSystemInfo", "containerRuntimeVersion").wide(),
];

pub(super) fn cells(node: &Node, now: Now) -> Cells {
    let empty = NodeStatus::default();
    let status = node.status.as_ref().unwrap_or(&empty);
    let info = status.node_info.clone().unwrap_or_default();
    vec![
        text(&node.metadata.name),
        json!(readiness(node, status)),
        text_or(Some(&roles(node)), "<none>"),
        now.age(&node.metadata),
        json!(info.kubelet_version),
        address(status, "InternalIP"),
        address(status, "ExternalIP"),
        text_or(Some(&info.os_image), "<unknown>"),
        json!(kernel(&info)),
        text_or(Some(&info.container_runtime_version), "<unknown>"),
    ]
}

fn readiness(node: &Node, status: &NodeStatus) -> String {
    let ready = status.conditions.iter().flatten().rfind(|c| c.type_ == "Ready");
    let mut text = match ready {
        Some(condition) if condition.status == "True" => "Ready",
        // False and Unknown alike: which of them, `describe` tells.
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_string();
    if node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true)) {
        text.push_str(",SchedulingDisabled");
    }
    text
}

/// Roles are labels; sorted, each once.
fn roles(node: &Node) -> String {
    let mut roles = BTreeSet::new();
    for (key, value) in node.metadata.labels.iter().flatten() {
        if let Some(role) = key.strip_prefix(ROLE_PREFIX) {
            roles.insert(role);
        } else if key == ROLE_LABEL {
            roles.insert(value);
        }
    }
    roles.remove("");
    roles.into_iter().collect::<Vec<_>>().join(",")
}

/// The kernel's version, and the machine it was built for.
fn kernel(info: &NodeSystemInfo) -> String {
    match (info.kernel_version.as_str(), info.architecture.as_str()) {
        ("", _) => "<unknown>".into(),
        (version, "") => version.into(),
        (version, architecture) => format!("{version} ({architecture})"),
    }
}

fn address(status: &NodeStatus, kind: &str) -> Value {
    let found = status.addresses.iter().flatten().find(|address| address.type_ == kind);
    json!(found.map_or("<none>", |address| address.address.as_str()))
}
