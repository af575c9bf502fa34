//! Where a pod may run: tolerations, taints, gates, spreading and claims.
//!
//! Mirrors: pkg/apis/core/validation `ValidateTolerations`, `validateTopologySpreadConstraints`, `validateSchedulingGates`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PodSpec, Toleration, TopologySpreadConstraint};

use super::super::common::{invalid_each, label_name, label_selector, one_of};
use super::super::field::{ErrorList, FieldError, Path};
use super::super::go_value::GoValue;
use super::super::internal::go_struct;
use super::affinity::label_keys;
use crate::meta::names;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(in crate::validation) fn taint_effect(effect: &str, path: &Path, errors: &mut ErrorList) {
    one_of(effect, &EFFECTS, path, errors);
}

pub fn tolerations(tolerations: &[Toleration], path: &Path, errors: &mut ErrorList) {
    for (i, toleration) in tolerations.iter().enumerate() {
        let here = path.index(i);
        fn text(field: &Option<String>) -> &str {
            field.as_deref().unwrap_or_default()
        }
        let (key, operator) = (text(&toleration.key), text(&toleration.operator));
        let (value, effect) = (text(&toleration.value), text(&toleration.effect));
        let operator_path = here.child("operator");
        if !key.is_empty() {
            label_name(key, &here.child("key"), errors);
        }
        if key.is_empty() && operator != "Exists" {
            errors.push(FieldError::invalid(
                &operator_path,
                operator,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            ));
        }
        if toleration.toleration_seconds.is_some() && effect != "NoExecute" {
            let text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(FieldError::invalid(&here.child("effect"), effect, text));
        }
        match operator {
            "" | "Equal" => {
                let breaches = names::label_value(value);
                if !breaches.is_empty() {
                    errors.push(FieldError::invalid(&operator_path, value, breaches.join(";")));
                }
            }
            "Exists" if !value.is_empty() => {
                // The whole toleration is the bad value, under Go's names.
                let whole = go_struct! {
                    "Key": key,
                    "Operator": operator,
                    "Value": value,
                    "Effect": effect,
                    "TolerationSeconds": toleration.toleration_seconds,
                };
                let text = "value must be empty when `operator` is 'Exists'";
                errors.push(FieldError::invalid(&operator_path, whole, text));
            }
            "Exists" => {}
            other => errors.push(FieldError::not_supported(&operator_path, other, &["Equal", "Exists"])),
        }
        if !effect.is_empty() {
            taint_effect(effect, &here.child("effect"), errors);
        }
    }
}

pub fn gates(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let mut seen = BTreeSet::new();
    for (i, gate) in spec.scheduling_gates.iter().flatten().enumerate() {
        label_name(&gate.name, &path.index(i), errors);
        if !seen.insert(gate.name.as_str()) {
            errors.push(FieldError::duplicate(&path.index(i), &gate.name));
        }
    }
}

/// Returns the claims' names, which containers may refer to.
pub fn resource_claims<'a>(spec: &'a PodSpec, path: &Path, errors: &mut ErrorList) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for (i, claim) in spec.resource_claims.iter().flatten().enumerate() {
        let here = path.index(i);
        let name = claim.name.as_str();
        if name.is_empty() {
            errors.push(FieldError::required(&here.child("name"), ""));
        } else if seen.contains(&name) {
            errors.push(FieldError::duplicate(&here.child("name"), name));
        } else {
            invalid_each(&here.child("name"), name, names::dns1123_label(name), errors);
            seen.insert(name);
        }
        let printed = || {
            GoValue::Struct(vec![
                ("Name", name.into()),
                ("ResourceClaimName", claim.resource_claim_name.clone().into()),
                ("ResourceClaimTemplateName", claim.resource_claim_template_name.clone().into()),
            ])
        };
        match (&claim.resource_claim_name, &claim.resource_claim_template_name) {
            (Some(_), Some(_)) => {
                let text = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
                errors.push(FieldError::invalid(&here, printed(), text));
            }
            (None, None) => {
                let text = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
                errors.push(FieldError::invalid(&here, printed(), text));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        for (field, name) in [
            ("resourceClaimName", &claim.resource_claim_name),
            ("resourceClaimTemplateName", &claim.resource_claim_template_name),
        ] {
            if let Some(name) = name {
                invalid_each(&here.child(field), name, names::dns1123_subdomain(name), errors);
            }
        }
    }
    seen
}

pub fn spread_constraints(constraints: &[TopologySpreadConstraint], path: &Path, errors: &mut ErrorList) {
    let pair = |one: &'_ TopologySpreadConstraint| format!("{{{}, {}}}", one.topology_key, one.when_unsatisfiable);
    let mut last = BTreeMap::new();
    for (i, constraint) in constraints.iter().enumerate() {
        last.insert(pair(constraint), i);
    }
    for (i, constraint) in constraints.iter().enumerate() {
        let here = path.index(i);
        if constraint.max_skew <= 0 {
            let text = "must be greater than zero";
            errors.push(FieldError::invalid(&here.child("maxSkew"), constraint.max_skew, text));
        }
        if constraint.topology_key.is_empty() {
            errors.push(FieldError::required(&here.child("topologyKey"), "can not be empty"));
        } else {
            label_name(&constraint.topology_key, &here.child("topologyKey"), errors);
        }
        let action = constraint.when_unsatisfiable.as_str();
        one_of(action, &["DoNotSchedule", "ScheduleAnyway"], &here.child("whenUnsatisfiable"), errors);
        // Upstream names the pair as if it were a field.
        let pair = pair(constraint);
        if last.get(&pair).is_some_and(|last| *last > i) {
            errors.push(FieldError::duplicate(&here.child("{topologyKey, whenUnsatisfiable}"), pair));
        }
        if let Some(domains) = constraint.min_domains {
            let here = here.child("minDomains");
            if domains <= 0 {
                errors.push(FieldError::invalid(&here, domains, "must be greater than zero"));
            }
            if action != "DoNotSchedule" {
                let text = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                errors.push(FieldError::invalid(&here, domains, text));
            }
        }
        for (field, policy) in [
            ("nodeAffinityPolicy", &constraint.node_affinity_policy),
            ("nodeTaintsPolicy", &constraint.node_taints_policy),
        ] {
            if let Some(policy) = policy {
                one_of(policy, &["Honor", "Ignore"], &here.child(field), errors);
            }
        }
        let keys = constraint.match_label_keys.as_deref();
        label_keys(keys, None, constraint.label_selector.as_ref(), &here, errors);
        label_selector(constraint.label_selector.as_ref(), &here.child("labelSelector"), errors);
    }
}
