//! Node selectors: which nodes a pod, a volume or a storage class means.
//!
//! Mirrors: pkg/apis/core/validation `ValidateNodeSelector`, `ValidateNodeSelectorTerm`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, TopologySelectorTerm};

use super::super::common::{invalid_each, label_name, selector_values};
use super::super::field::{ErrorList, FieldError, Path};
use crate::meta::names;

pub(in crate::validation) fn node_selector(selector: &NodeSelector, path: &Path, errors: &mut ErrorList) {
    let terms = path.child("nodeSelectorTerms");
    if selector.node_selector_terms.is_empty() {
        errors.push(FieldError::required(&terms, "must have at least one node selector term"));
    }
    for (i, item) in selector.node_selector_terms.iter().enumerate() {
        term(item, true, &terms.index(i), errors);
    }
}

/// `strict_values` is off for preferences: what is no label value merely never matches.
pub(super) fn term(term: &NodeSelectorTerm, strict_values: bool, path: &Path, errors: &mut ErrorList) {
    for (i, requirement) in term.match_expressions.iter().flatten().enumerate() {
        expression(requirement, strict_values, &path.child("matchExpressions").index(i), errors);
    }
    for (i, requirement) in term.match_fields.iter().flatten().enumerate() {
        field(requirement, &path.child("matchFields").index(i), errors);
    }
}

fn expression(requirement: &NodeSelectorRequirement, strict_values: bool, path: &Path, errors: &mut ErrorList) {
    let values = requirement.values.as_deref().unwrap_or_default();
    match requirement.operator.as_str() {
        "Gt" | "Lt" if values.len() == 1 => {}
        "Gt" | "Lt" => errors.push(FieldError::required(
            &path.child("values"),
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
        )),
        operator => selector_values(operator, values, path, errors),
    }
    label_name(&requirement.key, &path.child("key"), errors);
    for (i, value) in values.iter().enumerate().filter(|_| strict_values) {
        invalid_each(&path.child("values").index(i), value, names::label_value(value), errors);
    }
}

fn field(requirement: &NodeSelectorRequirement, path: &Path, errors: &mut ErrorList) {
    let values = requirement.values.as_deref().unwrap_or_default();
    match requirement.operator.as_str() {
        "In" | "NotIn" if values.len() == 1 => {}
        "In" | "NotIn" => errors.push(FieldError::required(
            &path.child("values"),
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        )),
        operator => {
            errors.push(FieldError::invalid(&path.child("operator"), operator, "not a valid selector operator"));
        }
    }
    if requirement.key != "metadata.name" {
        let text = "not a valid field selector key";
        errors.push(FieldError::invalid(&path.child("key"), &requirement.key, text));
        return;
    }
    for (i, value) in values.iter().enumerate() {
        invalid_each(&path.child("values").index(i), value, names::dns1123_subdomain(value), errors);
    }
}

/// The topologies a storage class is allowed in.
pub(in crate::validation) fn topology_selector_terms(
    terms: &[TopologySelectorTerm],
    path: &Path,
    errors: &mut ErrorList,
) {
    for (i, term) in terms.iter().enumerate() {
        let list = path.index(i);
        let list = list.child("matchLabelExpressions");
        let mut keys = BTreeSet::new();
        for (j, requirement) in term.match_label_expressions.iter().flatten().enumerate() {
            let here = list.index(j);
            let values = here.child("values");
            if requirement.values.is_empty() {
                errors.push(FieldError::required(&values, ""));
            }
            let mut seen = BTreeSet::new();
            for (k, value) in requirement.values.iter().enumerate() {
                if !seen.insert(value.as_str()) {
                    errors.push(FieldError::duplicate(&values.index(k), value));
                }
            }
            label_name(&requirement.key, &here.child("key"), errors);
            if !keys.insert(requirement.key.as_str()) {
                errors.push(FieldError::duplicate(&here.child("key"), &requirement.key));
            }
        }
    }
}
