//! Resource names and quantities: requests, limits and everything measured in them.
//!
//! Mirrors: pkg/apis/core/validation `validateResourceRequirements`, pkg/apis/core/helper.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::common::{NEGATIVE, invalid_each};
use super::field::{ErrorList, FieldError, Path};
use crate::meta::names;
use crate::meta::quantity::amount;

/// Checks that a resource has a name that its place allows.
type NameCheck = fn(&str, &Path, &mut ErrorList);

pub(super) fn container_requirements(
    requirements: Option<&ResourceRequirements>,
    claim_names: &BTreeSet<&str>,
    path: &Path,
    errors: &mut ErrorList,
) {
    if let Some(requirements) = requirements {
        check_requirements(requirements, container_name, claim_names, path, errors);
    }
}

/// Resources of the pod as a whole: cpu, memory and huge pages only.
pub(super) fn pod_requirements(
    requirements: &ResourceRequirements,
    claim_names: &BTreeSet<&str>,
    path: &Path,
    errors: &mut ErrorList,
) {
    check_requirements(requirements, pod_level_name, claim_names, path, errors);
}

fn check_requirements(
    requirements: &ResourceRequirements,
    check_name: NameCheck,
    claim_names: &BTreeSet<&str>,
    path: &Path,
    errors: &mut ErrorList,
) {
    let (limits_path, requests_path) = (path.child("limits"), path.child("requests"));
    let limits = requirements.limits.as_ref();
    for (name, quantity) in limits.into_iter().flatten() {
        let here = limits_path.key(name);
        check_name(name, &here, errors);
        quantity_value(name, quantity, &here, errors);
    }
    for (name, quantity) in requirements.requests.iter().flatten() {
        let here = requests_path.key(name);
        check_name(name, &here, errors);
        quantity_value(name, quantity, &here, errors);
        let request = || amount(quantity);
        match limits.and_then(|limits| limits.get(name)) {
            Some(limit) if request() != amount(limit) && !may_overcommit(name) => errors.push(FieldError::invalid(
                &requests_path,
                quantity,
                format!("must be equal to {name} limit of {}", limit.0),
            )),
            Some(limit) if request() > amount(limit) => errors.push(FieldError::invalid(
                &requests_path,
                quantity,
                format!("must be less than or equal to {name} limit of {}", limit.0),
            )),
            None if !may_overcommit(name) => {
                errors.push(FieldError::required(&limits_path, "Limit must be set for non overcommitable resources"))
            }
            Some(_) | None => {}
        }
    }
    let names = || limits.into_iter().flatten().chain(requirements.requests.iter().flatten()).map(|(name, _)| name);
    if names().any(|name| is_huge_pages(name)) && !names().any(|name| name == "cpu" || name == "memory") {
        errors.push(FieldError::forbidden(path, "HugePages require cpu or memory"));
    }
    let mut seen = BTreeSet::new();
    for (i, claim) in requirements.claims.iter().flatten().enumerate() {
        let here = path.child("claims");
        let here = here.index(i);
        if claim.name.is_empty() {
            errors.push(FieldError::required(&here, ""));
        } else if !seen.insert(claim.name.as_str()) {
            errors.push(FieldError::duplicate(&here, &claim.name));
        } else if !claim_names.contains(claim.name.as_str()) {
            errors.push(FieldError::not_found(&here, &claim.name));
        }
    }
}

/// A quantity that is not negative, and whole where halves make no sense.
pub(super) fn quantity_value(name: &str, quantity: &Quantity, path: &Path, errors: &mut ErrorList) {
    nonnegative_quantity(quantity, path, errors);
    if is_integer_resource(name) && !amount(quantity).is_whole() {
        errors.push(FieldError::invalid(path, quantity, "must be an integer"));
    }
}

pub(super) fn nonnegative_quantity(quantity: &Quantity, path: &Path, errors: &mut ErrorList) {
    if amount(quantity).is_negative() {
        errors.push(FieldError::invalid(path, quantity, NEGATIVE));
    }
}

pub(super) fn positive_quantity(quantity: &Quantity, path: &Path, errors: &mut ErrorList) {
    if amount(quantity) <= crate::meta::Amount::ZERO {
        errors.push(FieldError::invalid(path, quantity, "must be greater than zero"));
    }
}

/// A resource list of a status: valid names, no negative amounts.
pub(super) fn resource_list(list: Option<&BTreeMap<String, Quantity>>, path: &Path, errors: &mut ErrorList) {
    for (name, quantity) in list.into_iter().flatten() {
        let here = path.key(name);
        resource_name(name, &here, errors);
        quantity_value(name, quantity, &here, errors);
    }
}

pub(super) fn resource_name(name: &str, path: &Path, errors: &mut ErrorList) {
    let breaches = names::qualified_name(name);
    if !breaches.is_empty() {
        return invalid_each(path, name, breaches, errors);
    }
    if !name.contains('/') && !is_standard(name) {
        errors.push(FieldError::invalid(path, name, "must be a standard resource type or fully qualified"));
    }
}

pub(super) fn container_name(name: &str, path: &Path, errors: &mut ErrorList) {
    resource_name(name, path, errors);
    if !name.contains('/') {
        if !is_container_resource(name) {
            errors.push(FieldError::invalid(path, name, "must be a standard resource for containers"));
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.push(FieldError::invalid(path, name, "doesn't follow extended resource name standard"));
    }
}

fn pod_level_name(name: &str, path: &Path, errors: &mut ErrorList) {
    resource_name(name, path, errors);
    if !(matches!(name, "cpu" | "memory") || is_huge_pages(name)) {
        errors.push(FieldError::not_supported(path, name, &["cpu", "hugepages-", "memory"]));
    }
}

pub(super) fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

pub(super) fn is_container_resource(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge_pages(name)
}

/// Quotas count these in whole numbers.
const OBJECT_COUNTS: [&str; 9] = [
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

const QUOTA_COMPUTE: [&str; 10] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

fn is_standard(name: &str) -> bool {
    name == "storage" || is_quota_resource(name) || is_huge_pages(name)
}

/// What a ResourceQuota may bound without a domain.
pub(super) fn is_quota_resource(name: &str) -> bool {
    OBJECT_COUNTS.contains(&name)
        || QUOTA_COMPUTE.contains(&name)
        || is_huge_pages(name)
        || name.starts_with("requests.hugepages-")
}

pub(super) fn is_integer_resource(name: &str) -> bool {
    OBJECT_COUNTS.contains(&name) || is_extended(name)
}

/// Kubernetes' own: without a domain, or with one under kubernetes.io.
pub(super) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

pub(super) fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_pages(name)
}
