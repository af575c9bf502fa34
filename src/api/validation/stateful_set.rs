//! StatefulSet: identities, ordered updates, claims that stay.
//!
//! Mirrors: pkg/apis/apps/validation `ValidateStatefulSet`, `ValidateStatefulSetUpdate`.

use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec, StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::common::{at_most_100_percent, count_or_percent, invalid_each, is_zero, labels, nonnegative_if};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::internal::go_struct;
use super::object_meta;
use super::workloads::{matching_labels, required_selector, runs_for_ever};
use crate::meta::names;
use crate::meta::selector::Selector;

const MAY_CHANGE: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

pub(super) fn create(set: &StatefulSet, errors: &mut ErrorList) {
    let spec = set.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let policy_path = path.child("podManagementPolicy");
    match spec.pod_management_policy.as_deref().unwrap_or_default() {
        "" => errors.push(FieldError::required(&policy_path, "")),
        "OrderedReady" | "Parallel" => {}
        policy => errors.push(FieldError::invalid(&policy_path, policy, "must be 'OrderedReady' or 'Parallel'")),
    }
    strategy(&spec.update_strategy.clone().unwrap_or_default(), &path.child("updateStrategy"), errors);
    let retention = spec.persistent_volume_claim_retention_policy.clone().unwrap_or_default();
    self::retention(&retention, &path.child("persistentVolumeClaimRetentionPolicy"), errors);
    nonnegative_if(spec.replicas, &path.child("replicas"), errors);
    nonnegative_if(spec.min_ready_seconds, &path.child("minReadySeconds"), errors);
    let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start);
    nonnegative_if(start, &path.child("ordinals").child("start"), errors);
    if let Some(name) = spec.service_name.as_deref().filter(|name| !name.is_empty()) {
        invalid_each(&path.child("serviceName"), name, names::dns1123_label(name), errors);
    }
    required_selector(&spec.selector, "statefulset", &path.child("selector"), errors);
    let template_path = path.child("template");
    let missing = super::common::is_missing(&spec.selector);
    let selector = Selector::from_label_selector(Some(&spec.selector).filter(|_| !missing));
    if !selector.is_everything() {
        matching_labels(Some(&spec.template), &selector, &template_path, errors);
    }
    template_metadata(&spec.template, &template_path, errors);
    runs_for_ever(Some(&spec.template), "StatefulSet", &template_path, errors);
}

/// The pod spec is judged only when a pod is made: claims become volumes then.
fn template_metadata(template: &PodTemplateSpec, path: &Path, errors: &mut ErrorList) {
    let meta = template.metadata.clone().unwrap_or_default();
    labels(meta.labels.as_ref(), &path.child("labels"), errors);
    object_meta::annotations(meta.annotations.as_ref(), &path.child("annotations"), errors);
}

fn strategy(strategy: &StatefulSetUpdateStrategy, path: &Path, errors: &mut ErrorList) {
    let here = path.child("rollingUpdate");
    let printed = || {
        strategy.rolling_update.as_ref().map_or(GoValue::Null, |rolling| {
            go_struct! {
                "Partition": rolling.partition.unwrap_or_default(),
                "MaxUnavailable": rolling.max_unavailable.as_ref(),
            }
        })
    };
    match strategy.type_.as_deref().unwrap_or_default() {
        "" => errors.push(FieldError::required(path, "")),
        "OnDelete" => {
            if strategy.rolling_update.is_some() {
                let text = "only allowed for updateStrategy 'RollingUpdate'";
                errors.push(FieldError::invalid(&here, printed(), text));
            }
        }
        "RollingUpdate" => {
            let Some(rolling) = &strategy.rolling_update else { return };
            nonnegative_if(rolling.partition, &here.child("partition"), errors);
            if let Some(unavailable) = &rolling.max_unavailable {
                let here = here.child("maxUnavailable");
                count_or_percent(unavailable, &here, errors);
                if is_zero(Some(unavailable)) {
                    errors.push(FieldError::invalid(&here, unavailable, "cannot be 0"));
                }
                at_most_100_percent(unavailable, &here, errors);
            }
        }
        type_ => {
            let printed = go_struct! { "Type": type_, "RollingUpdate": printed() };
            errors.push(FieldError::invalid(path, printed, "must be 'RollingUpdate' or 'OnDelete'"));
        }
    }
}

fn retention(policy: &StatefulSetPersistentVolumeClaimRetentionPolicy, path: &Path, errors: &mut ErrorList) {
    for (field, value) in [("whenDeleted", &policy.when_deleted), ("whenScaled", &policy.when_scaled)] {
        let value = value.as_deref().unwrap_or_default();
        super::common::one_of(value, &["Retain", "Delete"], &path.child(field), errors);
    }
}

pub(super) fn update(new: &StatefulSet, old: &StatefulSet, errors: &mut ErrorList) {
    create(new, errors);
    let (new, old) = (new.spec.clone().unwrap_or_default(), old.spec.clone().unwrap_or_default());
    let munged = StatefulSetSpec {
        replicas: old.replicas,
        ordinals: old.ordinals.clone(),
        template: old.template.clone(),
        update_strategy: old.update_strategy.clone(),
        min_ready_seconds: old.min_ready_seconds,
        revision_history_limit: old.revision_history_limit,
        persistent_volume_claim_retention_policy: old.persistent_volume_claim_retention_policy.clone(),
        ..new
    };
    if munged != old {
        errors.push(FieldError::forbidden(&Path::ROOT.child("spec"), MAY_CHANGE));
    }
}
