//! What is allowed in a pod but ill-advised.
//!
//! Mirrors: pkg/api/pod/warnings.go, pkg/api/node/util.go.

use k8s_openapi::api::core::v1::{Affinity, Container, NodeSelectorTerm, PodAffinityTerm, PodSpec, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::field::{Path, go_quote};
use crate::meta::quantity::amount;

/// Labels of nodes that were renamed: the old name, since when, the new name.
const RENAMED_LABELS: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "v1.17", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "v1.17", "topology.kubernetes.io/zone"),
    ("beta.kubernetes.io/instance-type", "v1.17", "node.kubernetes.io/instance-type"),
];

/// Annotations that became fields: the key, since when they do nothing, the field.
const RETIRED_ANNOTATIONS: [(&str, &str, &str); 5] = [
    ("scheduler.alpha.kubernetes.io/critical-pod", "v1.16", "priorityClassName"),
    ("scheduler.alpha.kubernetes.io/tolerations", "v1.7", "tolerations"),
    ("security.alpha.kubernetes.io/sysctls", "v1.11", "sysctls"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "v1.11", "sysctls"),
    ("seccomp.security.alpha.kubernetes.io/pod", "v1.27", "seccompProfile"),
];

pub(in crate::validation) fn renamed_label(key: &str) -> Option<String> {
    RENAMED_LABELS
        .iter()
        .find(|(old, _, _)| *old == key)
        .map(|(_, since, new)| format!("deprecated since {since}; use {new:?} instead"))
}

/// `path` is the pod's, or the template's.
pub(in crate::validation) fn pod(meta: Option<&ObjectMeta>, spec: &PodSpec, path: &Path, warnings: &mut Vec<String>) {
    let spec_path = path.child("spec");
    for key in spec.node_selector.iter().flatten().map(|(key, _)| key) {
        if let Some(text) = renamed_label(key) {
            warnings.push(format!("{}: {text}", spec_path.child("nodeSelector").key(key)));
        }
    }
    if let Some(affinity) = &spec.affinity {
        self::affinity(affinity, &spec_path.child("affinity"), warnings);
    }
    for (i, constraint) in spec.topology_spread_constraints.iter().flatten().enumerate() {
        let here = spec_path.child("topologySpreadConstraints");
        let here = here.index(i);
        if let Some(text) = renamed_label(&constraint.topology_key) {
            warnings.push(format!("{}: {} is {text}", here.child("topologyKey"), constraint.topology_key));
        }
        if constraint.label_selector.is_none() {
            let here = here.child("labelSelector");
            warnings.push(format!("{here}: a null labelSelector results in matching no pod"));
        }
    }
    let annotations = meta.and_then(|meta| meta.annotations.as_ref());
    let annotation_path = path.child("metadata");
    let annotation_path = annotation_path.child("annotations");
    for (key, since, field) in RETIRED_ANNOTATIONS {
        if annotations.is_some_and(|annotations| annotations.contains_key(key)) {
            let here = annotation_path.key(key);
            warnings.push(format!("{here}: non-functional in {since}+; use the \"{field}\" field instead"));
        }
    }
    for key in annotations.into_iter().flatten().map(|(key, _)| key) {
        if key.starts_with("container.seccomp.security.alpha.kubernetes.io/") {
            let here = annotation_path.key(key);
            warnings.push(format!("{here}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
        } else if key.starts_with("container.apparmor.security.beta.kubernetes.io/") {
            let here = annotation_path.key(key);
            warnings.push(format!("{here}: deprecated since v1.30; use the \"appArmorProfile\" field instead"));
        }
    }
    for (i, item) in spec.volumes.iter().flatten().enumerate() {
        volume(item, &spec_path.child("volumes").index(i), warnings);
    }
    host_aliases_and_secrets(spec, &spec_path, warnings);
    for (i, container) in spec.init_containers.iter().flatten().enumerate() {
        self::container(container, &spec_path.child("initContainers").index(i), warnings);
    }
    for (i, container) in spec.containers.iter().enumerate() {
        self::container(container, &spec_path.child("containers").index(i), warnings);
    }
    duplicate_ports_across(spec, &spec_path, warnings);
    if spec.termination_grace_period_seconds.is_some_and(|seconds| seconds < 0) {
        let here = spec_path.child("terminationGracePeriodSeconds");
        warnings.push(format!("{here}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
}

fn affinity(affinity: &Affinity, path: &Path, warnings: &mut Vec<String>) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    if let Some(node) = &affinity.node_affinity {
        let here = path.child("nodeAffinity");
        let required = node.required_during_scheduling_ignored_during_execution.as_ref();
        for (i, term) in required.into_iter().flat_map(|selector| &selector.node_selector_terms).enumerate() {
            let here = here.child(REQUIRED);
            let here = here.child("nodeSelectorTerms");
            node_term(term, &here.index(i), warnings);
        }
        for (i, term) in node.preferred_during_scheduling_ignored_during_execution.iter().flatten().enumerate() {
            let here = here.child(PREFERRED);
            node_term(&term.preference, &here.index(i).child("preference"), warnings);
        }
    }
    let pods = [
        (
            "podAffinity",
            affinity.pod_affinity.as_ref().map(|pod| {
                (
                    &pod.required_during_scheduling_ignored_during_execution,
                    &pod.preferred_during_scheduling_ignored_during_execution,
                )
            }),
        ),
        (
            "podAntiAffinity",
            affinity.pod_anti_affinity.as_ref().map(|pod| {
                (
                    &pod.required_during_scheduling_ignored_during_execution,
                    &pod.preferred_during_scheduling_ignored_during_execution,
                )
            }),
        ),
    ];
    for (field, terms) in pods {
        let Some((required, preferred)) = terms else { continue };
        let here = path.child(field);
        for (i, term) in required.iter().flatten().enumerate() {
            pod_term(term, &here.child(REQUIRED).index(i), warnings);
        }
        for (i, term) in preferred.iter().flatten().enumerate() {
            pod_term(&term.pod_affinity_term, &here.child(PREFERRED).index(i).child("podAffinityTerm"), warnings);
        }
    }
}

fn node_term(term: &NodeSelectorTerm, path: &Path, warnings: &mut Vec<String>) {
    for (i, expression) in term.match_expressions.iter().flatten().enumerate() {
        if let Some(text) = renamed_label(&expression.key) {
            let here = path.child("matchExpressions");
            warnings.push(format!("{}: {} is {text}", here.index(i).child("key"), expression.key));
        }
    }
}

fn pod_term(term: &PodAffinityTerm, path: &Path, warnings: &mut Vec<String>) {
    if let Some(text) = renamed_label(&term.topology_key) {
        warnings.push(format!("{}: {} is {text}", path.child("topologyKey"), term.topology_key));
    }
    if term.label_selector.is_none() {
        let here = path.child("labelSelector");
        warnings.push(format!("{here}: a null labelSelector results in matching no pod"));
    }
}

fn volume(volume: &Volume, path: &Path, warnings: &mut Vec<String>) {
    for (field, set, text) in [
        ("gitRepo", volume.git_repo.is_some(), "deprecated in v1.11, and disabled by default in v1.33+"),
        (
            "photonPersistentDisk",
            volume.photon_persistent_disk.is_some(),
            "deprecated in v1.11, non-functional in v1.16+",
        ),
        ("scaleIO", volume.scale_io.is_some(), "deprecated in v1.16, non-functional in v1.22+"),
        ("storageos", volume.storageos.is_some(), "deprecated in v1.22, non-functional in v1.25+"),
        ("flocker", volume.flocker.is_some(), "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", volume.quobyte.is_some(), "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", volume.glusterfs.is_some(), "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", volume.cephfs.is_some(), "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", volume.rbd.is_some(), "deprecated in v1.28, non-functional in v1.31+"),
    ] {
        if set {
            warnings.push(format!("{}: {text}", path.child(field)));
        }
    }
}

fn host_aliases_and_secrets(spec: &PodSpec, path: &Path, warnings: &mut Vec<String>) {
    let aliases = spec.host_aliases.as_deref().unwrap_or_default();
    for (i, alias) in aliases.iter().enumerate() {
        if aliases[..i].iter().any(|other| other.ip == alias.ip) {
            let here = path.child("hostAliases");
            warnings.push(format!("{}: duplicate ip {}", here.index(i).child("ip"), go_quote(&alias.ip)));
        }
    }
    let secrets = spec.image_pull_secrets.as_deref().unwrap_or_default();
    for (i, secret) in secrets.iter().enumerate() {
        let here = path.child("imagePullSecrets");
        let here = here.index(i);
        if secret.name.is_empty() {
            warnings.push(format!("{here}: invalid empty name \"\""));
        } else if secrets[..i].contains(secret) {
            warnings.push(format!("{here}: duplicate name {}", go_quote(&secret.name)));
        }
    }
}

fn container(container: &Container, path: &Path, warnings: &mut Vec<String>) {
    if let Some(resources) = &container.resources {
        let here = path.child("resources");
        for (field, list) in [("limits", &resources.limits), ("requests", &resources.requests)] {
            for (name, quantity) in list.iter().flatten() {
                if matches!(name.as_str(), "memory" | "ephemeral-storage") && !amount(quantity).is_whole() {
                    let here = here.child(field);
                    let text =
                        format!("fractional byte value {} is invalid, must be an integer", go_quote(&quantity.0));
                    warnings.push(format!("{}: {text}", here.key(name)));
                }
            }
        }
    }
    let variables = container.env.as_deref().unwrap_or_default();
    for (i, variable) in variables.iter().enumerate() {
        let hidden = variables[..i].iter().rev().find(|other| other.name == variable.name);
        // A reference to the hidden value makes the repetition deliberate.
        let reference = format!("$({})", variable.name);
        if hidden.is_some() && !variable.value.as_deref().unwrap_or_default().contains(&reference) {
            let here = path.child("env");
            let text = format!(
                "hides previous definition of {}, which may be dropped when using apply",
                go_quote(&variable.name)
            );
            warnings.push(format!("{}: {text}", here.index(i)));
        }
    }
}

/// Two ports of one pod with the same number or name: only the first is found by it.
fn duplicate_ports_across(spec: &PodSpec, path: &Path, warnings: &mut Vec<String>) {
    let list = path.child("containers");
    let mut seen: Vec<(usize, usize, &k8s_openapi::api::core::v1::ContainerPort)> = Vec::new();
    for (i, container) in spec.containers.iter().enumerate() {
        for (j, port) in container.ports.iter().flatten().enumerate() {
            let at = |i: usize, j: usize| {
                let here = list.index(i);
                let here = here.child("ports");
                here.index(j).to_string()
            };
            let same = |other: &k8s_openapi::api::core::v1::ContainerPort| {
                other.container_port == port.container_port
                    && other.protocol == port.protocol
                    && other.host_port == port.host_port
                    && other.host_ip == port.host_ip
            };
            if let Some((oi, oj, _)) = seen.iter().find(|(_, _, other)| same(other)) {
                warnings.push(format!("{}: duplicate port definition with {}", at(i, j), at(*oi, *oj)));
            }
            let name = port.name.as_deref().unwrap_or_default();
            let named =
                seen.iter().find(|(oi, _, other)| *oi != i && !name.is_empty() && other.name.as_deref() == Some(name));
            if let Some((oi, oj, _)) = named {
                let other = at(*oi, *oj);
                warnings.push(format!(
                    "{}: duplicate port name {} with {other}, services and probes that select ports by name will use {other}",
                    at(i, j),
                    go_quote(name)
                ));
            }
            seen.push((i, j, port));
        }
    }
}
