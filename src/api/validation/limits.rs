//! LimitRange and ResourceQuota.
//!
//! Mirrors: pkg/apis/core/validation `ValidateLimitRange`, `ValidateResourceQuota`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem, ResourceQuota, ResourceQuotaSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::common::{IMMUTABLE, invalid_each};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::resources::{container_name, is_native, is_quota_resource, quantity_value, resource_name};
use crate::meta::names;
use crate::meta::quantity::{Amount, Format, amount};
use crate::order::Gather;

type Quantities = BTreeMap<String, Quantity>;

pub(super) fn limit_range(range: &LimitRange, errors: &mut ErrorList) {
    let path = Path::ROOT.child("spec");
    let path = path.child("limits");
    let limits = range.spec.as_ref().map(|spec| spec.limits.as_slice()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (i, limit) in limits.iter().enumerate() {
        let here = path.index(i);
        type_name(&limit.type_, &here.child("type"), errors);
        if !seen.insert(limit.type_.as_str()) {
            errors.push(FieldError::duplicate(&here.child("type"), &limit.type_));
        }
        item(limit, &here, errors);
    }
}

fn type_name(type_: &str, path: &Path, errors: &mut ErrorList) {
    let breaches = names::qualified_name(type_);
    if !breaches.is_empty() {
        return invalid_each(path, type_, breaches, errors);
    }
    if !type_.contains('/') && !matches!(type_, "Pod" | "Container" | "PersistentVolumeClaim") {
        errors.push(FieldError::invalid(path, type_, "must be a standard limit type or fully qualified"));
    }
}

fn item(limit: &LimitRangeItem, path: &Path, errors: &mut ErrorList) {
    let check_names = |list: &Option<Quantities>, field: &str, errors: &mut ErrorList| {
        for name in list.iter().flatten().map(|(name, _)| name) {
            let here = path.child(field);
            match limit.type_.as_str() {
                "Pod" | "Container" => container_name(name, &here.key(name), errors),
                _ => resource_name(name, &here.key(name), errors),
            }
        }
    };
    check_names(&limit.max, "max", errors);
    check_names(&limit.min, "min", errors);
    if limit.type_ == "Pod" {
        for (field, list) in [("default", &limit.default), ("defaultRequest", &limit.default_request)] {
            if list.as_ref().is_some_and(|list| !list.is_empty()) {
                let text = "may not be specified when `type` is 'Pod'";
                errors.push(FieldError::forbidden(&path.child(field), text));
            }
        }
    } else {
        check_names(&limit.default, "default", errors);
        check_names(&limit.default_request, "defaultRequest", errors);
    }
    if limit.type_ == "PersistentVolumeClaim" {
        let has = |list: &Option<Quantities>| list.as_ref().is_some_and(|list| list.contains_key("storage"));
        if !has(&limit.min) && !has(&limit.max) {
            let text = "either minimum or maximum storage value is required, but neither was provided";
            errors.push(FieldError::required(&path.child("limits"), text));
        }
    }
    check_names(&limit.max_limit_request_ratio, "maxLimitRequestRatio", errors);
    let lists = [&limit.max, &limit.min, &limit.default, &limit.default_request, &limit.max_limit_request_ratio];
    let keys: BTreeSet<&String> = lists.into_iter().flatten().flat_map(BTreeMap::keys).into_set();
    for key in keys {
        bounds(limit, key, path, errors);
    }
}

/// Minimum ≤ default request ≤ default limit ≤ maximum.
fn bounds(limit: &LimitRangeItem, key: &str, path: &Path, errors: &mut ErrorList) {
    let value = |list: &Option<Quantities>| {
        list.as_ref().and_then(|list| list.get(key)).map(|value| (value.clone(), amount(value)))
    };
    let (min, max) = (value(&limit.min), value(&limit.max));
    let pod = limit.type_ == "Pod";
    let default = value(&limit.default).filter(|_| !pod);
    let request = value(&limit.default_request).filter(|_| !pod);
    let ratio = value(&limit.max_limit_request_ratio);
    let mut compare = |low: &Option<(Quantity, Amount)>,
                       low_name: &str,
                       high: &Option<(Quantity, Amount)>,
                       high_name: &str,
                       field: &str,
                       shown_is_low: bool| {
        let (Some((low_text, low)), Some((high_text, high))) = (low, high) else { return };
        if low > high {
            let text = format!("{low_name} value {} is greater than {high_name} value {}", low_text.0, high_text.0);
            let shown = if shown_is_low { low_text } else { high_text };
            errors.push(FieldError::invalid(&path.child(field).key(key), shown, text));
        }
    };
    compare(&min, "min", &max, "max", "min", true);
    compare(&min, "min", &request, "default request", "defaultRequest", false);
    compare(&request, "default request", &max, "max", "defaultRequest", true);
    compare(&request, "default request", &default, "default limit", "defaultRequest", true);
    compare(&min, "min", &default, "default", "default", true);
    compare(&default, "default", &max, "max", "default", false);
    if let Some((text, ratio)) = ratio {
        let here = path.child("maxLimitRequestRatio");
        let here = here.key(key);
        if ratio < Amount::from_units(1, Format::DecimalSi) {
            errors.push(FieldError::invalid(&here, &text, format!("ratio {} is less than 1", text.0)));
        }
        if let (Some((_, min)), Some((_, max))) = (&min, &max)
            && !min.is_zero()
            && ratio.ratio(Amount::from_units(1, Format::DecimalSi)) > max.ratio(*min)
        {
            let detail = format!("ratio {} is greater than max/min = {:.6}", text.0, max.ratio(*min));
            errors.push(FieldError::invalid(&here, &text, detail));
        }
    }
    if let (Some((default, a)), Some((request, b))) = (&default, &request)
        && a != b
        && (!is_native(key) || super::resources::is_huge_pages(key))
    {
        let text =
            format!("default value {} must equal to defaultRequest value {} in {}", default.0, request.0, limit.type_);
        errors.push(FieldError::invalid(&path.child("defaultRequest").key(key), request, text));
    }
}

pub(super) fn resource_quota(quota: &ResourceQuota, errors: &mut ErrorList) {
    let spec = quota.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let hard = path.child("hard");
    quota_resources(spec.hard.as_ref(), &hard, errors);
    scopes(&spec, &path, errors);
    let status = Path::ROOT.child("status");
    quota_resources(quota.status.as_ref().and_then(|status| status.hard.as_ref()), &status.child("hard"), errors);
    quota_resources(quota.status.as_ref().and_then(|status| status.used.as_ref()), &status.child("used"), errors);
}

fn quota_resources(list: Option<&Quantities>, path: &Path, errors: &mut ErrorList) {
    for (name, quantity) in list.into_iter().flatten() {
        let here = path.key(name);
        resource_name(name, &here, errors);
        if !name.contains('/') && names::qualified_name(name).is_empty() && !is_quota_resource(name) {
            errors.push(FieldError::invalid(&here, name, "must be a standard resource for quota"));
        }
        quantity_value(name, quantity, &here, errors);
    }
}

fn scopes(spec: &ResourceQuotaSpec, path: &Path, errors: &mut ErrorList) {
    let list = spec.scopes.clone().unwrap_or_default();
    let here = path.child("scopes");
    let printed = || GoValue::from(&list);
    for scope in &list {
        if !is_scope(scope) {
            errors.push(FieldError::invalid(&here, printed(), "unsupported scope"));
        }
        for name in spec.hard.iter().flatten().map(|(name, _)| name) {
            // Best effort is the absence of requests, so only pods can be counted by it.
            let fits = match scope.as_str() {
                "BestEffort" => name == "pods",
                "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
                    name == "pods" || is_compute(name)
                }
                _ => true,
            };
            if is_quota_resource(name) && !fits {
                errors.push(FieldError::invalid(&here, printed(), "unsupported scope applied to resource"));
            }
        }
    }
    for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
        if list.iter().any(|scope| scope == one) && list.iter().any(|scope| scope == other) {
            errors.push(FieldError::invalid(&here, printed(), "conflicting scopes"));
        }
    }
    for (i, expression) in
        spec.scope_selector.iter().flat_map(|selector| selector.match_expressions.iter().flatten()).enumerate()
    {
        let here = path.child("scopeSelector");
        let here = here.child("matchExpressions");
        let here = here.index(i);
        if !is_scope(&expression.scope_name) {
            errors.push(FieldError::invalid(&here.child("scopeName"), &expression.scope_name, "unsupported scope"));
        }
        let values = expression.values.as_deref().unwrap_or_default();
        match expression.operator.as_str() {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                &here.child("values"),
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::invalid(
                &here.child("values"),
                &values.to_vec(),
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.push(FieldError::invalid(&here.child("operator"), other, "not a valid selector operator")),
        }
    }
}

fn is_scope(scope: &str) -> bool {
    matches!(
        scope,
        "Terminating"
            | "NotTerminating"
            | "BestEffort"
            | "NotBestEffort"
            | "PriorityClass"
            | "CrossNamespacePodAffinity"
            | "VolumeAttributesClass"
    )
}

fn is_compute(name: &str) -> bool {
    let base = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
    matches!(base, "cpu" | "memory" | "ephemeral-storage") || base.starts_with("hugepages-")
}

pub(super) fn resource_quota_update(new: &ResourceQuota, old: &ResourceQuota, errors: &mut ErrorList) {
    resource_quota(new, errors);
    let scopes = |quota: &ResourceQuota| -> BTreeSet<String> {
        quota.spec.as_ref().and_then(|spec| spec.scopes.clone()).unwrap_or_default().into_iter().collect()
    };
    if scopes(new) != scopes(old) {
        let path = Path::ROOT.child("spec");
        let list: Vec<String> = scopes(new).into_iter().collect();
        errors.push(FieldError::invalid(&path.child("scopes"), &list, IMMUTABLE));
    }
}
