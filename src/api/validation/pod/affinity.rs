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
    let (matching, mismatching) = (term.match_label_keys.as_deref(), term.mismatch_label_keys.as_deref());
    label_keys(matching, mismatching, term.label_selector.as_ref(), path, errors);
    let topology = path.child("topologyKey");
    if term.topology_key.is_empty() {
        errors.push(FieldError::required(&topology, "can not be empty"));
    }
    label_name(&term.topology_key, &topology, errors);
}

/// Keys whose values are taken from the pod itself, beside the selector that they narrow.
///
/// A pod's selector has an expression for each key already, so a key that it names twice was in it before: such
/// a key filters nothing further. `mismatchLabelKeys` may well repeat a key of the selector.
pub fn label_keys(
    matching: Option<&[String]>,
    mismatching: Option<&[String]>,
    selector: Option<&LabelSelector>,
    path: &Path,
    errors: &mut ErrorList,
) {
    let (matching, mismatching) = (matching.unwrap_or_default(), mismatching.unwrap_or_default());
    for (field, keys) in [("matchLabelKeys", matching), ("mismatchLabelKeys", mismatching)] {
        let here = path.child(field);
        if !keys.is_empty() && selector.is_none() {
            errors.push(FieldError::forbidden(&here, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (i, key) in keys.iter().enumerate() {
            label_name(key, &here.index(i), errors);
        }
    }
    if let Some(selector) = selector {
        let mut seen: Vec<&str> = selector.match_labels.iter().flatten().map(|(key, _)| key.as_str()).collect();
        for expression in selector.match_expressions.iter().flatten() {
            let key = expression.key.as_str();
            if let Some(i) = matching.iter().rposition(|listed| listed == key).filter(|_| seen.contains(&key)) {
                // Upstream leaves the field's name out of the path.
                let text = "exists in both matchLabelKeys and labelSelector";
                errors.push(FieldError::invalid(&path.index(i), key, text));
            }
            seen.push(key);
        }
    }
    for (i, key) in matching.iter().enumerate().filter(|(_, key)| mismatching.contains(key)) {
        let text = "exists in both matchLabelKeys and mismatchLabelKeys";
        errors.push(FieldError::invalid(&path.child("matchLabelKeys").index(i), key, text));
    }
}
