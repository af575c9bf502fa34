//! Deployment, ReplicaSet, DaemonSet, ReplicationController and ControllerRevision.
//!
//! Mirrors: pkg/apis/apps/validation, pkg/apis/core/validation `ValidateReplicationController`.
//! StatefulSet has more rules and its own file.

use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetUpdateStrategy, Deployment, DeploymentStrategy, ReplicaSet, RollingUpdateDaemonSet,
    RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{PodTemplateSpec, ReplicationController};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::common::{
    IMMUTABLE, at_most_100_percent, count_or_percent, is_empty, is_missing, is_zero, label_selector, nonnegative_if,
};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::internal::go_struct;
use super::pod;
use crate::meta::selector::Selector;

const MISMATCH: &str = "`selector` does not match template `labels`";

pub(super) fn deployment(deployment: &Deployment, errors: &mut ErrorList) {
    let spec = deployment.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    nonnegative_if(spec.replicas, &path.child("replicas"), errors);
    required_selector(&spec.selector, "deployment", &path.child("selector"), errors);
    replica_template(Some(&spec.template), &spec.selector, &path.child("template"), errors);
    strategy(&spec.strategy.unwrap_or_default(), &path.child("strategy"), errors);
    nonnegative_if(spec.min_ready_seconds, &path.child("minReadySeconds"), errors);
    nonnegative_if(spec.revision_history_limit, &path.child("revisionHistoryLimit"), errors);
    if let Some(seconds) = spec.progress_deadline_seconds {
        let here = path.child("progressDeadlineSeconds");
        nonnegative_if(Some(seconds), &here, errors);
        if seconds <= spec.min_ready_seconds.unwrap_or_default() {
            errors.push(FieldError::invalid(&here, seconds, "must be greater than minReadySeconds"));
        }
    }
}

pub(super) fn deployment_update(new: &Deployment, old: &Deployment, errors: &mut ErrorList) {
    deployment(new, errors);
    let selector = |deployment: &Deployment| deployment.spec.clone().unwrap_or_default().selector;
    immutable_selector(&selector(new), &selector(old), errors);
}

pub(super) fn replica_set(set: &ReplicaSet, errors: &mut ErrorList) {
    let spec = set.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    nonnegative_if(spec.replicas, &path.child("replicas"), errors);
    nonnegative_if(spec.min_ready_seconds, &path.child("minReadySeconds"), errors);
    // Upstream says deployment here, too.
    required_selector(&spec.selector, "deployment", &path.child("selector"), errors);
    replica_template(spec.template.as_ref(), &spec.selector, &path.child("template"), errors);
}

pub(super) fn replica_set_update(new: &ReplicaSet, old: &ReplicaSet, errors: &mut ErrorList) {
    replica_set(new, errors);
    let selector = |set: &ReplicaSet| set.spec.clone().unwrap_or_default().selector;
    immutable_selector(&selector(new), &selector(old), errors);
}

pub(super) fn required_selector(selector: &LabelSelector, kind: &str, path: &Path, errors: &mut ErrorList) {
    if is_missing(selector) {
        errors.push(FieldError::required(path, ""));
        return;
    }
    label_selector(Some(selector), path, errors);
    if is_empty(selector) {
        errors.push(FieldError::invalid(path, selector, format!("empty selector is invalid for {kind}")));
    }
}

pub(super) fn immutable_selector(new: &LabelSelector, old: &LabelSelector, errors: &mut ErrorList) {
    if new != old {
        let path = Path::ROOT.child("spec");
        errors.push(FieldError::invalid(&path.child("selector"), new, IMMUTABLE));
    }
}

/// A selector that is not there selects nothing, so it matches no template either.
fn as_selector(selector: &LabelSelector) -> Selector {
    Selector::from_label_selector(Some(selector).filter(|selector| !is_missing(selector)))
}

pub(super) fn matching_labels(
    template: Option<&PodTemplateSpec>,
    selector: &Selector,
    path: &Path,
    errors: &mut ErrorList,
) {
    let labels = template.and_then(|template| template.metadata.as_ref()).and_then(|meta| meta.labels.as_ref());
    if !selector.matches(labels) {
        errors.push(FieldError::invalid(&path.child("metadata").child("labels"), GoValue::text_map(labels), MISMATCH));
    }
}

/// A template whose pods are to run for ever, counted.
fn replica_template(template: Option<&PodTemplateSpec>, selector: &LabelSelector, path: &Path, errors: &mut ErrorList) {
    let selector = as_selector(selector);
    if !selector.is_everything() {
        matching_labels(template, &selector, path, errors);
    }
    pod::spec::template(template, path, errors);
    runs_for_ever(template, "ReplicaSet", path, errors);
}

/// Pods that a controller replaces may neither end nor be ended by a deadline.
pub(super) fn runs_for_ever(template: Option<&PodTemplateSpec>, kind: &str, path: &Path, errors: &mut ErrorList) {
    let spec = template.and_then(|template| template.spec.clone()).unwrap_or_default();
    let here = path.child("spec");
    let policy = spec.restart_policy.unwrap_or_default();
    if policy != "Always" {
        errors.push(FieldError::not_supported(&here.child("restartPolicy"), policy, &["Always"]));
    }
    if spec.active_deadline_seconds.is_some() {
        let text = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(FieldError::forbidden(&here.child("activeDeadlineSeconds"), text));
    }
}

fn strategy(strategy: &DeploymentStrategy, path: &Path, errors: &mut ErrorList) {
    let here = path.child("rollingUpdate");
    match strategy.type_.as_deref().unwrap_or_default() {
        "Recreate" => {
            if strategy.rolling_update.is_some() {
                let text = "may not be specified when strategy `type` is 'Recreate'";
                errors.push(FieldError::forbidden(&here, text));
            }
        }
        "RollingUpdate" => match &strategy.rolling_update {
            None => errors.push(FieldError::required(&here, "this should be defaulted and never be nil")),
            Some(rolling) => rolling_update(rolling, &here, errors),
        },
        type_ => {
            let printed = go_struct! {
                "Type": type_,
                "RollingUpdate": strategy.rolling_update.as_ref().map(|rolling| go_struct! {
                    "MaxUnavailable": or_zero(rolling.max_unavailable.as_ref()),
                    "MaxSurge": or_zero(rolling.max_surge.as_ref()),
                }),
            };
            errors.push(FieldError::not_supported(path, printed, &["Recreate", "RollingUpdate"]));
        }
    }
}

fn rolling_update(rolling: &RollingUpdateDeployment, path: &Path, errors: &mut ErrorList) {
    let unavailable = or_zero(rolling.max_unavailable.as_ref());
    let surge = or_zero(rolling.max_surge.as_ref());
    count_or_percent(unavailable, &path.child("maxUnavailable"), errors);
    count_or_percent(surge, &path.child("maxSurge"), errors);
    if is_zero(Some(unavailable)) && is_zero(Some(surge)) {
        let text = "may not be 0 when `maxSurge` is 0";
        errors.push(FieldError::invalid(&path.child("maxUnavailable"), unavailable, text));
    }
    at_most_100_percent(unavailable, &path.child("maxUnavailable"), errors);
}

fn or_zero(value: Option<&IntOrString>) -> &IntOrString {
    value.unwrap_or(&IntOrString::Int(0))
}

pub(super) fn daemon_set(set: &DaemonSet, errors: &mut ErrorList) {
    let spec = set.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let template_path = path.child("template");
    label_selector(Some(&spec.selector), &path.child("selector"), errors);
    matching_labels(Some(&spec.template), &as_selector(&spec.selector), &template_path, errors);
    if !is_missing(&spec.selector) && is_empty(&spec.selector) {
        let text = "empty selector is invalid for daemonset";
        errors.push(FieldError::invalid(&path.child("selector"), &spec.selector, text));
    }
    pod::spec::template(Some(&spec.template), &template_path, errors);
    runs_for_ever(Some(&spec.template), "DaemonSet", &template_path, errors);
    nonnegative_if(spec.min_ready_seconds, &path.child("minReadySeconds"), errors);
    daemon_set_strategy(&spec.update_strategy.unwrap_or_default(), &path.child("updateStrategy"), errors);
    nonnegative_if(spec.revision_history_limit, &path.child("revisionHistoryLimit"), errors);
}

pub(super) fn daemon_set_update(new: &DaemonSet, old: &DaemonSet, errors: &mut ErrorList) {
    daemon_set(new, errors);
    let selector = |set: &DaemonSet| set.spec.clone().unwrap_or_default().selector;
    immutable_selector(&selector(new), &selector(old), errors);
}

fn daemon_set_strategy(strategy: &DaemonSetUpdateStrategy, path: &Path, errors: &mut ErrorList) {
    match strategy.type_.as_deref().unwrap_or_default() {
        "OnDelete" => {}
        "RollingUpdate" => match &strategy.rolling_update {
            None => errors.push(FieldError::required(&path.child("rollingUpdate"), "")),
            Some(rolling) => daemon_set_rolling_update(rolling, &path.child("rollingUpdate"), errors),
        },
        type_ => {
            let printed = go_struct! {
                "Type": type_,
                "RollingUpdate": strategy.rolling_update.as_ref().map(|rolling| go_struct! {
                    "MaxUnavailable": or_zero(rolling.max_unavailable.as_ref()),
                    "MaxSurge": or_zero(rolling.max_surge.as_ref()),
                }),
            };
            errors.push(FieldError::not_supported(path, printed, &["RollingUpdate", "OnDelete"]));
        }
    }
}

fn daemon_set_rolling_update(rolling: &RollingUpdateDaemonSet, path: &Path, errors: &mut ErrorList) {
    let unavailable = or_zero(rolling.max_unavailable.as_ref());
    let surge = or_zero(rolling.max_surge.as_ref());
    let (unavailable_path, surge_path) = (path.child("maxUnavailable"), path.child("maxSurge"));
    count_or_percent(unavailable, &unavailable_path, errors);
    count_or_percent(surge, &surge_path, errors);
    at_most_100_percent(unavailable, &unavailable_path, errors);
    at_most_100_percent(surge, &surge_path, errors);
    match (is_zero(Some(unavailable)), is_zero(Some(surge))) {
        (false, false) => {
            let text = "may not be set when maxUnavailable is non-zero";
            errors.push(FieldError::invalid(&surge_path, surge, text));
        }
        (true, true) => errors.push(FieldError::required(&unavailable_path, "cannot be 0 when maxSurge is 0")),
        (true, false) | (false, true) => {}
    }
}

pub(super) fn replication_controller(controller: &ReplicationController, errors: &mut ErrorList) {
    let spec = controller.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    nonnegative_if(spec.min_ready_seconds, &path.child("minReadySeconds"), errors);
    if spec.selector.is_none() {
        errors.push(FieldError::required(&path.child("selector"), ""));
    }
    nonnegative_if(spec.replicas, &path.child("replicas"), errors);
    let template_path = path.child("template");
    let Some(template) = &spec.template else {
        errors.push(FieldError::required(&template_path, ""));
        return;
    };
    if spec.selector.is_some() {
        matching_labels(Some(template), &Selector::from_set(spec.selector.as_ref()), &template_path, errors);
    }
    pod::spec::template(Some(template), &template_path, errors);
    runs_for_ever(Some(template), "ReplicationController", &template_path, errors);
}
