//! HorizontalPodAutoscaler and PodDisruptionBudget.
//!
//! Mirrors: pkg/apis/autoscaling/validation, pkg/apis/policy/validation.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HPAScalingRules, HorizontalPodAutoscaler, MetricIdentifier, MetricSpec, MetricTarget,
};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use super::common::{at_most_100_percent, count_or_percent, invalid_each, label_selector, nonnegative_if, one_of};
use super::field::{ErrorList, FieldError, Path};
use super::internal::go_struct;
use crate::meta::names;
use crate::meta::quantity::{Amount, amount};

pub(super) fn autoscaler(autoscaler: &HorizontalPodAutoscaler, errors: &mut ErrorList) {
    let spec = &autoscaler.spec;
    let path = Path::ROOT.child("spec");
    let (min, max) = (spec.min_replicas, spec.max_replicas);
    if let Some(min) = min.filter(|min| *min < 1) {
        errors.push(FieldError::invalid(&path.child("minReplicas"), min, "must be greater than or equal to 1"));
    }
    if max < 1 {
        errors.push(FieldError::invalid(&path.child("maxReplicas"), max, "must be greater than 0"));
    }
    if min.is_some_and(|min| max < min) {
        let text = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid(&path.child("maxReplicas"), max, text));
    }
    reference(&spec.scale_target_ref, &path.child("scaleTargetRef"), errors);
    for (i, spec) in spec.metrics.iter().flatten().enumerate() {
        metric(spec, &path.child("metrics").index(i), errors);
    }
    if let Some(behavior) = &spec.behavior {
        let here = path.child("behavior");
        for (field, rules) in [("scaleUp", &behavior.scale_up), ("scaleDown", &behavior.scale_down)] {
            if let Some(rules) = rules {
                scaling_rules(rules, &here.child(field), errors);
            }
        }
    }
}

fn reference(reference: &CrossVersionObjectReference, path: &Path, errors: &mut ErrorList) {
    for (field, value) in [("kind", &reference.kind), ("name", &reference.name)] {
        if value.is_empty() {
            errors.push(FieldError::required(&path.child(field), ""));
        } else {
            invalid_each(&path.child(field), value, names::path_segment(value), errors);
        }
    }
}

fn metric(spec: &MetricSpec, path: &Path, errors: &mut ErrorList) {
    let types = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    if spec.type_.is_empty() {
        errors.push(FieldError::required(&path.child("type"), "must specify a metric source type"));
    }
    one_of(&spec.type_, &types, &path.child("type"), errors);
    let given = [
        ("object", spec.object.is_some()),
        ("external", spec.external.is_some()),
        ("pods", spec.pods.is_some()),
        ("resource", spec.resource.is_some()),
        ("containerResource", spec.container_resource.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, given)| *given).map(|(field, _)| field).collect();
    match given.first() {
        Some(&"object") => {
            if let Some(source) = &spec.object {
                let here = path.child("object");
                reference(&source.described_object, &here.child("describedObject"), errors);
                identifier(&source.metric, &here.child("metric"), errors);
                target(&source.target, &here.child("target"), errors);
            }
        }
        Some(&"external") => {
            if let Some(source) = &spec.external {
                let here = path.child("external");
                identifier(&source.metric, &here.child("metric"), errors);
                target(&source.target, &here.child("target"), errors);
            }
        }
        Some(&"pods") => {
            if let Some(source) = &spec.pods {
                let here = path.child("pods");
                identifier(&source.metric, &here.child("metric"), errors);
                target(&source.target, &here.child("target"), errors);
                if source.target.average_value.as_ref().is_none_or(|value| amount(value) <= Amount::ZERO) {
                    let text = "must specify a positive target averageValue";
                    errors.push(FieldError::required(&here.child("target").child("averageValue"), text));
                }
            }
        }
        Some(&"resource") => {
            if let Some(source) = &spec.resource {
                resource(&source.name, &source.target, &path.child("resource"), errors);
            }
        }
        Some(_) => {
            if let Some(source) = &spec.container_resource {
                let here = path.child("containerResource");
                resource(&source.name, &source.target, &here, errors);
                if source.container.is_empty() {
                    errors.push(FieldError::required(&here.child("container"), "must specify a container"));
                }
            }
        }
        None => {}
    }
    let expected = match spec.type_.split_at_checked(1) {
        Some((first, rest)) => format!("{}{rest}", first.to_lowercase()),
        None => String::new(),
    };
    if !given.contains(&expected.as_str()) {
        let text = "must populate information for the given metric source";
        errors.push(FieldError::required(&path.child(&expected), text));
    }
    if given.len() != 1 {
        for other in given.iter().filter(|field| **field != expected) {
            let text = "must populate the given metric source only";
            errors.push(FieldError::forbidden(&path.child(other), text));
        }
    }
}

fn identifier(metric: &MetricIdentifier, path: &Path, errors: &mut ErrorList) {
    if metric.name.is_empty() {
        errors.push(FieldError::required(&path.child("name"), "must specify a metric name"));
    } else {
        invalid_each(&path.child("name"), &metric.name, names::path_segment(&metric.name), errors);
    }
}

fn resource(name: &str, metric_target: &MetricTarget, path: &Path, errors: &mut ErrorList) {
    if name.is_empty() {
        errors.push(FieldError::required(&path.child("name"), "must specify a resource name"));
    }
    let here = path.child("target");
    target(metric_target, &here, errors);
    match (metric_target.average_utilization, &metric_target.average_value) {
        (None, None) => {
            let text = "must set either a target raw value or a target utilization";
            errors.push(FieldError::required(&here.child("averageUtilization"), text));
        }
        (Some(_), Some(_)) => {
            let text = "may not set both a target raw value and a target utilization";
            errors.push(FieldError::forbidden(&here.child("averageValue"), text));
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
}

fn target(target: &MetricTarget, path: &Path, errors: &mut ErrorList) {
    match target.type_.as_str() {
        "" => errors.push(FieldError::required(&path.child("type"), "must specify a metric target type")),
        "Utilization" | "Value" | "AverageValue" => {}
        other => {
            let text = "must be either Utilization, Value, or AverageValue";
            errors.push(FieldError::invalid(&path.child("type"), other, text));
        }
    }
    for (field, value) in [("value", &target.value), ("averageValue", &target.average_value)] {
        if let Some(value) = value.as_ref().filter(|value| amount(value) <= Amount::ZERO) {
            errors.push(FieldError::invalid(&path.child(field), value, "must be positive"));
        }
    }
    if let Some(percent) = target.average_utilization.filter(|percent| *percent < 1) {
        errors.push(FieldError::invalid(&path.child("averageUtilization"), percent, "must be greater than 0"));
    }
}

fn scaling_rules(rules: &HPAScalingRules, path: &Path, errors: &mut ErrorList) {
    let window = path.child("stabilizationWindowSeconds");
    nonnegative_if(rules.stabilization_window_seconds, &window, errors);
    if let Some(seconds) = rules.stabilization_window_seconds.filter(|seconds| *seconds > 3600) {
        errors.push(FieldError::invalid(&window, seconds, "must be less than or equal to 3600"));
    }
    if let Some(select) = rules.select_policy.as_deref() {
        one_of(select, &["Disabled", "Max", "Min"], &path.child("selectPolicy"), errors);
    }
    let policies = path.child("policies");
    let list = rules.policies.as_deref().unwrap_or_default();
    if list.is_empty() {
        errors.push(FieldError::required(&policies, "must specify at least one Policy"));
    }
    for (i, policy) in list.iter().enumerate() {
        let here = policies.index(i);
        one_of(&policy.type_, &["Percent", "Pods"], &here.child("type"), errors);
        if policy.value <= 0 {
            errors.push(FieldError::invalid(&here.child("value"), policy.value, "must be greater than zero"));
        }
        if policy.period_seconds <= 0 {
            let text = "must be greater than zero";
            errors.push(FieldError::invalid(&here.child("periodSeconds"), policy.period_seconds, text));
        }
        if policy.period_seconds > 1800 {
            let text = "must be less than or equal to 1800";
            errors.push(FieldError::invalid(&here.child("periodSeconds"), policy.period_seconds, text));
        }
    }
}

pub(super) fn disruption_budget(budget: &PodDisruptionBudget, errors: &mut ErrorList) {
    let spec = budget.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    if spec.min_available.is_some() && spec.max_unavailable.is_some() {
        let printed = go_struct! {
            "MinAvailable": spec.min_available.as_ref(),
            "Selector": spec.selector.as_ref(),
            "MaxUnavailable": spec.max_unavailable.as_ref(),
            "UnhealthyPodEvictionPolicy": spec.unhealthy_pod_eviction_policy.clone(),
        };
        errors.push(FieldError::invalid(&path, printed, "minAvailable and maxUnavailable cannot be both set"));
    }
    for (field, value) in [("minAvailable", &spec.min_available), ("maxUnavailable", &spec.max_unavailable)] {
        if let Some(value) = value {
            count_or_percent(value, &path.child(field), errors);
            at_most_100_percent(value, &path.child(field), errors);
        }
    }
    label_selector(spec.selector.as_ref(), &path.child("selector"), errors);
    if let Some(policy) = spec.unhealthy_pod_eviction_policy.as_deref() {
        let here = path.child("unhealthyPodEvictionPolicy");
        one_of(policy, &["AlwaysAllow", "IfHealthyBudget"], &here, errors);
    }
}
