//! Roles and their bindings.
//!
//! Mirrors: pkg/apis/rbac/validation.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, RoleRef, Subject};

use super::common::{invalid_each, label_selector};
use super::field::{ErrorList, FieldError, Path};
use super::internal::go_struct;
use crate::meta::names;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn rules(rules: Option<&[PolicyRule]>, namespaced: bool, errors: &mut ErrorList) {
    let path = Path::ROOT.child("rules");
    for (i, item) in rules.unwrap_or_default().iter().enumerate() {
        rule(item, namespaced, &path.index(i), errors);
    }
}

fn rule(rule: &PolicyRule, namespaced: bool, path: &Path, errors: &mut ErrorList) {
    let given = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    if rule.verbs.is_empty() {
        errors.push(FieldError::required(&path.child("verbs"), "verbs must contain at least one value"));
    }
    if let Some(urls) = rule.non_resource_urls.as_ref().filter(|urls| !urls.is_empty()) {
        let here = path.child("nonResourceURLs");
        if namespaced {
            let text = "namespaced rules cannot apply to non-resource URLs";
            errors.push(FieldError::invalid(&here, urls, text));
        }
        if given(&rule.api_groups) || given(&rule.resources) || given(&rule.resource_names) {
            let text = "rules cannot apply to both regular resources and non-resource URLs";
            errors.push(FieldError::invalid(&here, urls, text));
        }
        return;
    }
    if !given(&rule.api_groups) {
        let text = "resource rules must supply at least one api group";
        errors.push(FieldError::required(&path.child("apiGroups"), text));
    }
    if !given(&rule.resources) {
        let text = "resource rules must supply at least one resource";
        errors.push(FieldError::required(&path.child("resources"), text));
    }
}

pub(super) fn cluster_role(role: &ClusterRole, errors: &mut ErrorList) {
    rules(role.rules.as_deref(), false, errors);
    let Some(aggregation) = &role.aggregation_rule else { return };
    let path = Path::ROOT.child("aggregationRule");
    let path = path.child("clusterRoleSelectors");
    let selectors = aggregation.cluster_role_selectors.as_deref().unwrap_or_default();
    if selectors.is_empty() {
        let text = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(FieldError::required(&path, text));
    }
    for (i, selector) in selectors.iter().enumerate() {
        label_selector(Some(selector), &path.index(i), errors);
    }
}

pub(super) fn binding(role: &RoleRef, subjects: Option<&[Subject]>, namespaced: bool, errors: &mut ErrorList) {
    let path = Path::ROOT.child("roleRef");
    let group = role.api_group.as_deref().unwrap_or_default();
    if group != GROUP {
        errors.push(FieldError::not_supported(&path.child("apiGroup"), group, &[GROUP]));
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role.kind.as_str()) {
        errors.push(FieldError::not_supported(&path.child("kind"), &role.kind, kinds));
    }
    if role.name.is_empty() {
        errors.push(FieldError::required(&path.child("name"), ""));
    } else {
        invalid_each(&path.child("name"), &role.name, names::path_segment(&role.name), errors);
    }
    let path = Path::ROOT.child("subjects");
    for (i, item) in subjects.unwrap_or_default().iter().enumerate() {
        subject(item, namespaced, &path.index(i), errors);
    }
}

fn subject(subject: &Subject, namespaced: bool, path: &Path, errors: &mut ErrorList) {
    if subject.name.is_empty() {
        errors.push(FieldError::required(&path.child("name"), ""));
    }
    let group = subject.api_group.as_deref().unwrap_or_default();
    match subject.kind.as_str() {
        "ServiceAccount" => {
            if !subject.name.is_empty() {
                invalid_each(&path.child("name"), &subject.name, names::dns1123_subdomain(&subject.name), errors);
            }
            if !group.is_empty() {
                errors.push(FieldError::not_supported(&path.child("apiGroup"), group, &[""]));
            }
            // Inside a namespace its own is meant.
            if !namespaced && subject.namespace.as_deref().unwrap_or_default().is_empty() {
                errors.push(FieldError::required(&path.child("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.push(FieldError::not_supported(&path.child("apiGroup"), group, &[GROUP]));
            }
        }
        other => {
            errors.push(FieldError::not_supported(&path.child("kind"), other, &["ServiceAccount", "User", "Group"]))
        }
    }
}

/// To point elsewhere, a binding is deleted and made anew.
pub(super) fn same_role(new: &RoleRef, old: &RoleRef, errors: &mut ErrorList) {
    if new != old {
        let printed = go_struct! {
            "APIGroup": new.api_group.clone().unwrap_or_default(),
            "Kind": &new.kind,
            "Name": &new.name,
        };
        errors.push(FieldError::invalid(&Path::ROOT.child("roleRef"), printed, "cannot change roleRef"));
    }
}
