//! Affinity: nodes and pods that a pod wants near or far.
//!
//! Mirrors: pkg/apis/core/validation `validateAffinity` and its parts.

use k8s_openapi::api::core::v1::{Affinity, PodAffinityTerm, WeightedPodAffinityTerm};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::super::common::{invalid_each, label_name, label_selector};
use super::super::field::{ErrorList, FieldError, Path};
use super::node_selector::{node_selector, term as node_term};
use crate::meta::names;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub fn affinity(affinity: Option<&Affinity>, path: &Path, errors: &mut ErrorList) {
    let Some(affinity) = affinity else { return };
    if let Some(node) = &affinity.node_affinity {
        let here = path.child("nodeAffinity");
        if let Some(selector) = &node.required_during_scheduling_ignored_during_execution {
            node_selector(selector, &here.child(REQUIRED), errors);
        }
        let preferred = here.child(PREFERRED);
        for (i, item) in node.preferred_during_scheduling_ignored_during_execution.iter().flatten().enumerate() {
            let here = preferred.index(i);
            weight(item.weight, &here, errors);
            node_term(&item.preference, false, &here.child("preference"), errors);
        }
    }
    if let Some(pod) = &affinity.pod_affinity {
        let here = path.child("podAffinity");
        terms(&pod.required_during_scheduling_ignored_during_execution, &here, errors);
        weighted_terms(&pod.preferred_during_scheduling_ignored_during_execution, &here, errors);
    }
    if let Some(pod) = &affinity.pod_anti_affinity {
        let here = path.child("podAntiAffinity");
        terms(&pod.required_during_scheduling_ignored_during_execution, &here, errors);
        weighted_terms(&pod.preferred_during_scheduling_ignored_during_execution, &here, errors);
    }
}

fn weight(weight: i32, path: &Path, errors: &mut ErrorList) {
    if !(1..=100).contains(&weight) {
        errors.push(FieldError::invalid(&path.child("weight"), weight, "must be in the range 1-100"));
    }
}

fn terms(list: &Option<Vec<PodAffinityTerm>>, path: &Path, errors: &mut ErrorList) {
    for (i, item) in list.iter().flatten().enumerate() {
        term(item, &path.child(REQUIRED).index(i), errors);
    }
}

fn weighted_terms(list: &Option<Vec<WeightedPodAffinityTerm>>, path: &Path, errors: &mut ErrorList) {
    for (i, item) in list.iter().flatten().enumerate() {
        let here = path.child(PREFERRED);
        let here = here.index(i);
        weight(item.weight, &here, errors);
        term(&item.pod_affinity_term, &here.child("podAffinityTerm"), errors);
    }
}

fn term(term: &PodAffinityTerm, path: &Path, errors: &mut ErrorList) {
    label_selector(term.label_selector.as_ref(), &path.child("labelSelector"), errors);
    label_selector(term.namespace_selector.as_ref(), &path.child("namespaceSelector"), errors);
    for name in term.namespaces.iter().flatten() {
        invalid_each(&path.child("namespace"), name, names::dns1123_label(name), errors);
    }
    let selector = term.label_selector.as_ref();
    label_keys(term.match_label_keys.as_deref(), selector, "matchLabelKeys", path, errors);
    label_keys(term.mismatch_label_keys.as_deref(), selector, "mismatchLabelKeys", path, errors);
    let mismatched = term.mismatch_label_keys.as_deref().unwrap_or_default();
    for (i, key) in term.match_label_keys.iter().flatten().enumerate().filter(|(_, key)| mismatched.contains(key)) {
        let text = "exists in both matchLabelKeys and mismatchLabelKeys";
        errors.push(FieldError::invalid(&path.child("matchLabelKeys").index(i), key, text));
    }
    let topology = path.child("topologyKey");
    if term.topology_key.is_empty() {
        errors.push(FieldError::required(&topology, "can not be empty"));
    }
    label_name(&term.topology_key, &topology, errors);
}

/// Keys whose values are taken from the pod itself make sense only beside a selector.
pub fn label_keys(
    keys: Option<&[String]>,
    selector: Option<&LabelSelector>,
    field: &str,
    path: &Path,
    errors: &mut ErrorList,
) {
    let keys = keys.unwrap_or_default();
    let here = path.child(field);
    if !keys.is_empty() && selector.is_none() {
        errors.push(FieldError::forbidden(&here, "must not be specified when labelSelector is not set"));
        return;
    }
    for (i, key) in keys.iter().enumerate() {
        label_name(key, &here.index(i), errors);
    }
}
