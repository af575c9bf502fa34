//! Affinity, tolerations and spreading in their internal form.

use k8s_openapi::api::core::v1::{
    Affinity, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm, Toleration, TopologySpreadConstraint,
    WeightedPodAffinityTerm,
};

use super::super::go_value::GoValue;
use super::{go_struct, pointer, text, texts};

pub fn affinity(affinity: &Affinity) -> GoValue {
    go_struct! {
        "NodeAffinity": pointer(&affinity.node_affinity, |node| {
            go_struct! {
                "RequiredDuringSchedulingIgnoredDuringExecution":
                    pointer(&node.required_during_scheduling_ignored_during_execution, |selector| {
                        let terms = selector.node_selector_terms.iter().map(node_selector_term);
                        go_struct! { "NodeSelectorTerms": GoValue::List(terms.collect()) }
                    }),
                "PreferredDuringSchedulingIgnoredDuringExecution":
                    GoValue::list(node.preferred_during_scheduling_ignored_during_execution.as_ref(), |term| {
                        go_struct! { "Weight": term.weight, "Preference": node_selector_term(&term.preference) }
                    }),
            }
        }),
        "PodAffinity": pointer(&affinity.pod_affinity, |pod| {
            pod_terms(
                pod.required_during_scheduling_ignored_during_execution.as_ref(),
                pod.preferred_during_scheduling_ignored_during_execution.as_ref(),
            )
        }),
        "PodAntiAffinity": pointer(&affinity.pod_anti_affinity, |pod| {
            pod_terms(
                pod.required_during_scheduling_ignored_during_execution.as_ref(),
                pod.preferred_during_scheduling_ignored_during_execution.as_ref(),
            )
        }),
    }
}

pub fn node_selector_term(term: &NodeSelectorTerm) -> GoValue {
    go_struct! {
        "MatchExpressions": GoValue::list(term.match_expressions.as_ref(), requirement),
        "MatchFields": GoValue::list(term.match_fields.as_ref(), requirement),
    }
}

fn requirement(requirement: &NodeSelectorRequirement) -> GoValue {
    go_struct! {
        "Key": &requirement.key,
        "Operator": &requirement.operator,
        "Values": texts(&requirement.values),
    }
}

fn pod_terms(required: Option<&Vec<PodAffinityTerm>>, preferred: Option<&Vec<WeightedPodAffinityTerm>>) -> GoValue {
    go_struct! {
        "RequiredDuringSchedulingIgnoredDuringExecution": GoValue::list(required, pod_term),
        "PreferredDuringSchedulingIgnoredDuringExecution": GoValue::list(preferred, |term| {
            go_struct! { "Weight": term.weight, "PodAffinityTerm": pod_term(&term.pod_affinity_term) }
        }),
    }
}

fn pod_term(term: &PodAffinityTerm) -> GoValue {
    go_struct! {
        "LabelSelector": term.label_selector.as_ref(),
        "Namespaces": texts(&term.namespaces),
        "TopologyKey": &term.topology_key,
        "NamespaceSelector": term.namespace_selector.as_ref(),
        "MatchLabelKeys": texts(&term.match_label_keys),
        "MismatchLabelKeys": texts(&term.mismatch_label_keys),
    }
}

pub fn toleration(toleration: &Toleration) -> GoValue {
    go_struct! {
        "Key": text(&toleration.key),
        "Operator": text(&toleration.operator),
        "Value": text(&toleration.value),
        "Effect": text(&toleration.effect),
        "TolerationSeconds": toleration.toleration_seconds,
    }
}

pub fn spread_constraint(constraint: &TopologySpreadConstraint) -> GoValue {
    go_struct! {
        "MaxSkew": constraint.max_skew,
        "TopologyKey": &constraint.topology_key,
        "WhenUnsatisfiable": &constraint.when_unsatisfiable,
        "LabelSelector": constraint.label_selector.as_ref(),
        "MinDomains": constraint.min_domains,
        "NodeAffinityPolicy": constraint.node_affinity_policy.clone(),
        "NodeTaintsPolicy": constraint.node_taints_policy.clone(),
        "MatchLabelKeys": texts(&constraint.match_label_keys),
    }
}
