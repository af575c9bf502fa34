//! `matchLabelKeys` and `mismatchLabelKeys`: conditions whose values a pod brings along itself.
//!
//! When a pod is created, every such key that the pod has a label for becomes one more expression of
//! the selector beside it: pods with the same value, say of one revision, or with any other one, say
//! of other tenants. A key without a label says nothing. Templates keep their keys as they are, and
//! what a label becomes later changes nothing.
//! Mirrors: pkg/registry/core/pod/strategy.go `mutatePodAffinity`, `mutateTopologySpreadConstraints`.

use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::selector::Labels;

/// Writes out what the keys of a new pod mean.
pub fn merge(pod: &mut Pod) {
    let (Some(spec), Some(labels)) = (&mut pod.spec, &pod.metadata.labels) else { return };
    if let Some(affinity) = &mut spec.affinity {
        let near = affinity.pod_affinity.iter_mut().flat_map(|near| {
            let preferred = near.preferred_during_scheduling_ignored_during_execution.iter_mut().flatten();
            let required = near.required_during_scheduling_ignored_during_execution.iter_mut().flatten();
            preferred.map(|term| &mut term.pod_affinity_term).chain(required)
        });
        let away = affinity.pod_anti_affinity.iter_mut().flat_map(|away| {
            let preferred = away.preferred_during_scheduling_ignored_during_execution.iter_mut().flatten();
            let required = away.required_during_scheduling_ignored_during_execution.iter_mut().flatten();
            preferred.map(|term| &mut term.pod_affinity_term).chain(required)
        });
        near.chain(away).for_each(|term| merge_term(term, labels));
    }
    for constraint in spec.topology_spread_constraints.iter_mut().flatten() {
        let keys = constraint.match_label_keys.as_deref();
        append(constraint.label_selector.as_mut(), keys, "In", labels);
    }
}

fn merge_term(term: &mut PodAffinityTerm, labels: &Labels) {
    append(term.label_selector.as_mut(), term.match_label_keys.as_deref(), "In", labels);
    append(term.label_selector.as_mut(), term.mismatch_label_keys.as_deref(), "NotIn", labels);
}

/// Without a selector the term speaks of no pod, whatever the keys.
fn append(selector: Option<&mut LabelSelector>, keys: Option<&[String]>, operator: &str, labels: &Labels) {
    let Some(selector) = selector else { return };
    let known = keys.unwrap_or_default().iter().filter_map(|key| Some((key, labels.get(key)?)));
    let expressions = known.map(|(key, value)| LabelSelectorRequirement {
        key: key.clone(),
        operator: operator.to_owned(),
        values: Some(vec![value.clone()]),
    });
    let expressions: Vec<LabelSelectorRequirement> = expressions.collect();
    if !expressions.is_empty() {
        selector.match_expressions.get_or_insert_default().extend(expressions);
    }
}
