//! What may change in a pod that exists: images, a shorter deadline, more tolerations, fewer gates.
//!
//! Mirrors: pkg/apis/core/validation `ValidatePodUpdate`, `ValidatePodEphemeralContainersUpdate`.

use k8s_openapi::api::core::v1::{Affinity, Container, NodeAffinity, Pod, PodSpec};

use super::super::diff::diff;
use super::super::field::{ErrorList, FieldError, Path};
use super::super::go_value::GoValue;
use super::super::internal;
use super::{containers, metadata_and_spec, scheduling, spec_of};
use crate::meta::names;
use crate::order::Gather;

const MAY_CHANGE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(in crate::validation) fn update(new_pod: &Pod, old_pod: &Pod, errors: &mut ErrorList) {
    metadata_and_spec(new_pod, errors);
    annotations(new_pod, old_pod, errors);
    let (new, old) = (spec_of(new_pod), spec_of(old_pod));
    let path = Path::ROOT.child("spec");
    let init = |spec: &PodSpec| spec.init_containers.clone().unwrap_or_default();
    if !images(&new.containers, &old.containers, &path.child("containers"), errors)
        || !images(&init(&new), &init(&old), &path.child("initContainers"), errors)
        || !deadline(&new, &old, &path.child("activeDeadlineSeconds"), errors)
    {
        return;
    }
    added_tolerations(&new, &old, &path.child("tolerations"), errors);
    deleted_gates(&new, &old, &path.child("schedulingGates"), errors);
    if new == old {
        return;
    }
    let munged = without_allowed_changes(new.into_owned(), &old, &path, errors);
    if munged != *old {
        let text = diff(&internal::pod_spec(&old).pretty(), &internal::pod_spec(&munged).pretty());
        errors.push(FieldError::forbidden(&path, format!("{MAY_CHANGE}\n{text}")));
    }
}

/// False when the lists cannot be compared, which ends all checks.
fn images(new: &[Container], old: &[Container], path: &Path, errors: &mut ErrorList) -> bool {
    if new.len() != old.len() {
        errors.push(FieldError::forbidden(path, "pod updates may not add or remove containers"));
        return false;
    }
    for (i, container) in new.iter().enumerate() {
        if container.image.as_deref().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(&path.index(i).child("image"), ""));
        }
        containers::image_is_trimmed(container.image.as_deref(), &path.index(i), errors);
    }
    true
}

/// A deadline may be set and brought forward, never lifted or put off.
fn deadline(new: &PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) -> bool {
    let max = i64::from(i32::MAX);
    match (new.active_deadline_seconds, old.active_deadline_seconds) {
        (Some(seconds), _) if !(0..=max).contains(&seconds) => {
            errors.push(FieldError::invalid(path, seconds, names::range_text(0, max)));
            false
        }
        (Some(seconds), Some(before)) if before < seconds => {
            errors.push(FieldError::invalid(path, seconds, "must be less than or equal to previous value"));
            false
        }
        (None, Some(_)) => {
            let text = "must not update from a positive integer to nil value";
            errors.push(FieldError::invalid(path, GoValue::Null, text));
            true
        }
        (Some(_) | None, _) => true,
    }
}

fn added_tolerations(new: &PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let now = new.tolerations.as_deref().unwrap_or_default();
    // All that may not change, in one.
    fn fixed(toleration: &k8s_openapi::api::core::v1::Toleration) -> [&str; 4] {
        [&toleration.key, &toleration.operator, &toleration.value, &toleration.effect]
            .map(|part| part.as_deref().unwrap_or_default())
    }
    let there = now.iter().map(fixed).into_set();
    let kept = old.tolerations.iter().flatten().all(|before| there.contains(&fixed(before)));
    if kept {
        scheduling::tolerations(now, path, errors);
    } else {
        let text = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(FieldError::forbidden(path, text));
    }
}

fn deleted_gates(new: &PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let before = old.scheduling_gates.iter().flatten().map(|gate| gate.name.as_str()).into_set();
    for (i, gate) in new.scheduling_gates.iter().flatten().enumerate() {
        if !before.contains(gate.name.as_str()) {
            let text = format!("only deletion is allowed, but found new scheduling gate '{}'", gate.name);
            errors.push(FieldError::forbidden(&path.index(i).child("name"), text));
        }
    }
}

/// The new spec with everything that may change set back to what it was.
fn without_allowed_changes(mut spec: PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) -> PodSpec {
    for (container, before) in spec.containers.iter_mut().zip(&old.containers) {
        container.image = before.image.clone();
    }
    for (container, before) in spec.init_containers.iter_mut().flatten().zip(old.init_containers.iter().flatten()) {
        container.image = before.image.clone();
    }
    spec.active_deadline_seconds = old.active_deadline_seconds;
    spec.scheduling_gates = old.scheduling_gates.clone();
    spec.tolerations = old.tolerations.clone();
    if old.termination_grace_period_seconds.is_some_and(|seconds| seconds < 0)
        && spec.termination_grace_period_seconds == Some(1)
    {
        spec.termination_grace_period_seconds = old.termination_grace_period_seconds;
    }
    if old.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty()) {
        gated_changes(&mut spec, old, path, errors);
    }
    spec
}

/// A gated pod may still narrow where it can go.
fn gated_changes(spec: &mut PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) {
    if spec.node_selector != old.node_selector {
        let now = spec.node_selector.clone().unwrap_or_default();
        for (key, value) in old.node_selector.iter().flatten() {
            if now.get(key) != Some(value) {
                let text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
                errors.push(FieldError::invalid(&path.child("nodeSelector"), GoValue::text_map(Some(&now)), text));
                break;
            }
        }
        spec.node_selector = old.node_selector.clone();
    }
    let node_affinity =
        |affinity: &Option<Affinity>| affinity.as_ref().and_then(|affinity| affinity.node_affinity.clone());
    let (now, before) = (node_affinity(&spec.affinity), node_affinity(&old.affinity));
    if now == before {
        return;
    }
    node_affinity_change(now.as_ref(), before.as_ref(), &path.child("affinity").child("nodeAffinity"), errors);
    match &mut spec.affinity {
        None => spec.affinity = before.map(|node| Affinity { node_affinity: Some(node), ..Affinity::default() }),
        Some(affinity)
            if old.affinity.is_none() && affinity.pod_affinity.is_none() && affinity.pod_anti_affinity.is_none() =>
        {
            spec.affinity = None;
        }
        Some(affinity) => affinity.node_affinity = before,
    }
}

fn node_affinity_change(
    now: Option<&NodeAffinity>,
    before: Option<&NodeAffinity>,
    path: &Path,
    errors: &mut ErrorList,
) {
    let required = |affinity: Option<&NodeAffinity>| {
        affinity
            .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref())
            .map(|selector| selector.node_selector_terms.clone())
            .unwrap_or_default()
    };
    let (now, before) = (required(now), required(before));
    // What was not required may be required now.
    if before.is_empty() {
        return;
    }
    let here = path.child("requiredDuringSchedulingIgnoredDuringExecution");
    let terms = here.child("nodeSelectorTerms");
    if now.len() != before.len() {
        let list = GoValue::List(now.iter().map(internal::node_selector_term).collect());
        errors.push(FieldError::invalid(
            &terms,
            list,
            "no additions/deletions to non-empty NodeSelectorTerms list are allowed",
        ));
        return;
    }
    for (i, (after, before)) in now.iter().zip(&before).enumerate() {
        let kept =
            before.match_expressions.iter().flatten().all(|e| after.match_expressions.iter().flatten().any(|x| x == e))
                && before.match_fields.iter().flatten().all(|e| after.match_fields.iter().flatten().any(|x| x == e));
        if !kept {
            let text = "only additions are allowed (no mutations or deletions)";
            errors.push(FieldError::invalid(&terms.index(i), internal::node_selector_term(after), text));
        }
    }
}

fn annotations(new: &Pod, old: &Pod, errors: &mut ErrorList) {
    let path = Path::ROOT.child("metadata");
    let path = path.child("annotations");
    let mirror = "kubernetes.io/config.mirror";
    let value = |pod: &Pod| pod.metadata.annotations.as_ref().and_then(|map| map.get(mirror)).cloned();
    match (value(old), value(new)) {
        (Some(before), after) if after.as_ref() != Some(&before) => {
            errors.push(FieldError::forbidden(&path.key(mirror), "may not remove or update mirror pod annotation"));
        }
        (None, Some(_)) => {
            errors.push(FieldError::forbidden(&path.key(mirror), "may not add mirror pod annotation"));
        }
        (Some(_) | None, _) => {}
    }
}

/// The subresource `ephemeralcontainers`: containers may be added, none changed.
pub(in crate::validation) fn update_ephemeral_containers(new: &Pod, old: &Pod, errors: &mut ErrorList) {
    metadata_and_spec(new, errors);
    let path = Path::ROOT.child("spec");
    let path = path.child("ephemeralContainers");
    let spec = spec_of(new);
    let now = spec.ephemeral_containers.as_deref().unwrap_or_default();
    let names = now.iter().rev().map(|after| (after.name.as_str(), after)).into_map();
    for before in spec_of(old).ephemeral_containers.iter().flatten() {
        match names.get(before.name.as_str()).copied() {
            None => errors.push(FieldError::forbidden(
                &path,
                format!("existing ephemeral containers {:?} may not be removed\n", before.name),
            )),
            Some(after) if after != before => {
                let text = diff(
                    &internal::ephemeral_container(before).pretty(),
                    &internal::ephemeral_container(after).pretty(),
                );
                errors.push(FieldError::forbidden(
                    &path,
                    format!("existing ephemeral containers {:?} may not be changed\n{text}", before.name),
                ));
            }
            Some(_) => {}
        }
    }
}
