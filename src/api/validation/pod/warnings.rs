//! What is allowed in a pod but ill-advised.
//!
//! Mirrors: pkg/api/pod/warnings.go, pkg/api/node/util.go.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Affinity, Container, ContainerPort, NodeSelectorTerm, PodSpec, Volume};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

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
const RETIRED_ANNOTATIONS: [(&str, &str, &str); 3] = [
    ("scheduler.alpha.kubernetes.io/critical-pod", "v1.16", "priorityClassName"),
    ("security.alpha.kubernetes.io/sysctls", "v1.11", "sysctls"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "v1.11", "sysctls"),
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
    node_labels(spec, &spec_path, warnings);
    let none = BTreeMap::new();
    let annotations = meta.and_then(|meta| meta.annotations.as_ref()).unwrap_or(&none);
    let annotation_path = path.child("metadata");
    let annotation_path = annotation_path.child("annotations");
    for (key, since, field) in RETIRED_ANNOTATIONS {
        if annotations.contains_key(key) {
            let here = annotation_path.key(key);
            warnings.push(format!("{here}: non-functional in {since}+; use the \"{field}\" field instead"));
        }
    }
    for (i, item) in spec.volumes.iter().flatten().enumerate() {
        volume(item, &spec_path.child("volumes").index(i), warnings);
    }
    host_aliases_and_secrets(spec, &spec_path, warnings);
    for name in ["memory", "ephemeral-storage"] {
        fraction(spec.overhead.as_ref(), name, &spec_path.child("overhead"), warnings);
    }
    let has_seccomp = spec.security_context.as_ref().is_some_and(|context| context.seccomp_profile.is_some());
    let key = "seccomp.security.alpha.kubernetes.io/pod";
    if annotations.contains_key(key) && !has_seccomp {
        let here = annotation_path.key(key);
        warnings.push(format!("{here}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    for (list, containers) in lists(spec) {
        for (i, container) in containers.iter().enumerate() {
            let has_seccomp =
                container.security_context.as_ref().is_some_and(|context| context.seccomp_profile.is_some());
            let key = format!("container.seccomp.security.alpha.kubernetes.io/{}", container.name);
            if annotations.contains_key(&key) && !has_seccomp {
                let here = annotation_path.key(&key);
                warnings.push(format!("{here}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
            }
            self::container(container, &spec_path.child(list).index(i), warnings);
        }
    }
    ports(spec, &spec_path, warnings);
    if spec.termination_grace_period_seconds.is_some_and(|seconds| seconds < 0) {
        let here = spec_path.child("terminationGracePeriodSeconds");
        warnings.push(format!("{here}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    if let Some(affinity) = &spec.affinity {
        pod_affinity(affinity, &spec_path.child("affinity"), warnings);
    }
}

/// The containers in the order upstream visits them.
fn lists(spec: &PodSpec) -> [(&'static str, &[Container]); 2] {
    [
        ("initContainers", spec.init_containers.as_deref().unwrap_or_default()),
        ("containers", spec.containers.as_slice()),
    ]
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Everywhere a spec names labels of nodes.
fn node_labels(spec: &PodSpec, path: &Path, warnings: &mut Vec<String>) {
    for key in spec.node_selector.iter().flatten().map(|(key, _)| key) {
        if let Some(text) = renamed_label(key) {
            warnings.push(format!("{}: {text}", path.child("nodeSelector").key(key)));
        }
    }
    if let Some(node) = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref()) {
        let here = path.child("affinity");
        let here = here.child("nodeAffinity");
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
    for (i, constraint) in spec.topology_spread_constraints.iter().flatten().enumerate() {
        let here = path.child("topologySpreadConstraints");
        let here = here.index(i);
        if let Some(text) = renamed_label(&constraint.topology_key) {
            warnings.push(format!("{}: {} is {text}", here.child("topologyKey"), constraint.topology_key));
        }
        null_selector(constraint.label_selector.as_ref(), &here, warnings);
    }
}

fn null_selector(selector: Option<&LabelSelector>, path: &Path, warnings: &mut Vec<String>) {
    if selector.is_none() {
        warnings.push(format!("{}: a null labelSelector results in matching no pod", path.child("labelSelector")));
    }
}

fn pod_affinity(affinity: &Affinity, path: &Path, warnings: &mut Vec<String>) {
    let near = affinity.pod_affinity.as_ref().map(|pod| {
        let preferred = &pod.preferred_during_scheduling_ignored_during_execution;
        (&pod.required_during_scheduling_ignored_during_execution, preferred)
    });
    let far = affinity.pod_anti_affinity.as_ref().map(|pod| {
        let preferred = &pod.preferred_during_scheduling_ignored_during_execution;
        (&pod.required_during_scheduling_ignored_during_execution, preferred)
    });
    for (field, terms) in [("podAffinity", near), ("podAntiAffinity", far)] {
        let Some((required, preferred)) = terms else { continue };
        let here = path.child(field);
        for (i, term) in required.iter().flatten().enumerate() {
            null_selector(term.label_selector.as_ref(), &here.child(REQUIRED).index(i), warnings);
        }
        for (i, term) in preferred.iter().flatten().enumerate() {
            let term_path = here.child(PREFERRED);
            let term_path = term_path.index(i);
            let selector = term.pod_affinity_term.label_selector.as_ref();
            null_selector(selector, &term_path.child("podAffinityTerm"), warnings);
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

fn volume(volume: &Volume, path: &Path, warnings: &mut Vec<String>) {
    for (field, set, text) in [
        (
            "photonPersistentDisk",
            volume.photon_persistent_disk.is_some(),
            "deprecated in v1.11, non-functional in v1.16+",
        ),
        ("gitRepo", volume.git_repo.is_some(), "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", volume.scale_io.is_some(), "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", volume.flocker.is_some(), "deprecated in v1.22, non-functional in v1.25+"),
        ("storageOS", volume.storageos.is_some(), "deprecated in v1.22, non-functional in v1.25+"),
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
    let mut seen = BTreeSet::new();
    for (i, alias) in aliases.iter().enumerate() {
        if !seen.insert(alias.ip.as_str()) {
            let here = path.child("hostAliases");
            warnings.push(format!("{}: duplicate ip {}", here.index(i).child("ip"), go_quote(&alias.ip)));
        }
    }
    let secrets = spec.image_pull_secrets.as_deref().unwrap_or_default();
    let list = path.child("imagePullSecrets");
    let mut seen = BTreeSet::new();
    for (i, secret) in secrets.iter().enumerate() {
        if !seen.insert(secret.name.as_str()) {
            let here = list.index(i);
            warnings.push(format!("{}: duplicate name {}", here.child("name"), go_quote(&secret.name)));
        }
    }
    for (i, _) in secrets.iter().enumerate().filter(|(_, secret)| secret.name.is_empty()) {
        warnings.push(format!("{}: invalid empty name \"\"", list.index(i).child("name")));
    }
}

fn fraction(list: Option<&BTreeMap<String, Quantity>>, name: &str, path: &Path, warnings: &mut Vec<String>) {
    if let Some(quantity) = list.and_then(|list| list.get(name)).filter(|quantity| !amount(quantity).is_whole()) {
        let text = format!("fractional byte value {} is invalid, must be an integer", go_quote(&quantity.0));
        warnings.push(format!("{}: {text}", path.key(name)));
    }
}

fn container(container: &Container, path: &Path, warnings: &mut Vec<String>) {
    if let Some(resources) = &container.resources {
        let here = path.child("resources");
        for name in ["memory", "ephemeral-storage"] {
            fraction(resources.limits.as_ref(), name, &here.child("limits"), warnings);
            fraction(resources.requests.as_ref(), name, &here.child("requests"), warnings);
        }
    }
    let variables = container.env.as_deref().unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (i, variable) in variables.iter().enumerate() {
        if seen.insert(variable.name.as_str()) {
            continue;
        }
        // A value that builds on the hidden one makes the repetition deliberate.
        let reference = format!("$({})", variable.name);
        let value = variable.value.as_deref().unwrap_or_default();
        if variable.value_from.is_some() || value == reference || !value.contains(&reference) {
            let name = go_quote(&variable.name);
            let here = path.child("env");
            warnings.push(format!(
                "{}: hides previous definition of {name}, which may be dropped when using apply",
                here.index(i)
            ));
        }
    }
}

/// More letters of warnings than this the server never sends.
const MOST: usize = 4 * 1024;

/// Two ports of one pod with the same number and protocol.
fn ports(spec: &PodSpec, path: &Path, warnings: &mut Vec<String>) {
    type Place = (&'static str, usize, usize);
    let show = |(list, i, j): Place| path.child(list).index(i).child("ports").index(j).to_string();
    let mut seen: BTreeMap<(i32, &str), Vec<(Place, &ContainerPort)>> = BTreeMap::new();
    for (list, containers) in lists(spec) {
        for (i, container) in containers.iter().enumerate() {
            for (j, port) in container.ports.iter().flatten().enumerate() {
                let here = (list, i, j);
                let same = seen.entry((port.container_port, port.protocol.as_deref().unwrap_or_default())).or_default();
                for (there, other) in &*same {
                    // Each pair is a warning; so many are shown to nobody.
                    if warnings.len() >= MOST {
                        return;
                    }
                    if let Some(relation) = relation(port, other) {
                        let (here, there) = (show(here), show(*there));
                        warnings.push(format!("{here}: {relation} port definition with {there}"));
                    }
                }
                same.push((here, port));
            }
        }
    }
}

/// How two ports of the same number and protocol stand to each other on the host.
fn relation(port: &ContainerPort, other: &ContainerPort) -> Option<&'static str> {
    let host = |port: &ContainerPort| (port.host_ip.clone().unwrap_or_default(), port.host_port.unwrap_or_default());
    let ((ip, number), (other_ip, other_number)) = (host(port), host(other));
    if ip == other_ip && number == other_number {
        Some("duplicate")
    } else if number == 0 || other_number == 0 {
        Some("overlapping")
    } else if number == other_number && ip.is_empty() != other_ip.is_empty() {
        Some("dangerously ambiguous")
    } else {
        None
    }
}
