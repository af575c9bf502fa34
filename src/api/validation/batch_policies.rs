//! What a Job may ask of failures, successes and indexes: its policies.
//!
//! Mirrors: pkg/apis/batch/validation `validateSuccessPolicy`, `validatePodFailurePolicy`, `validateIndexesFormat`.

use k8s_openapi::api::batch::v1::{JobSpec, PodFailurePolicyRule, SuccessPolicyRule};

use super::common::{invalid_each, nonnegative_if, required_one_of};
use super::field::{ErrorList, FieldError, Path, go_quote};
use super::go_value::GoValue;
use crate::meta::names;

const MAX_RULES: usize = 20;
const MAX_EXIT_CODES: usize = 255;
const MAX_PATTERNS: usize = 20;

pub(super) fn failure(spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let Some(policy) = &spec.pod_failure_policy else { return };
    let path = path.child("rules");
    if policy.rules.len() > MAX_RULES {
        errors.push(FieldError::too_many(&path, policy.rules.len(), MAX_RULES));
    }
    for (i, rule) in policy.rules.iter().enumerate() {
        failure_rule(rule, spec, &path.index(i), errors);
    }
}

fn failure_rule(rule: &PodFailurePolicyRule, spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let actions = ["Count", "FailIndex", "FailJob", "Ignore"];
    if rule.action == "FailIndex" && spec.backoff_limit_per_index.is_none() {
        let text = "requires the backoffLimitPerIndex to be set";
        errors.push(FieldError::invalid(&path.child("action"), &rule.action, text));
    }
    required_one_of(Some(&rule.action), &actions, &path.child("action"), errors);
    let conditions = rule.on_pod_conditions.as_deref().unwrap_or_default();
    match &rule.on_exit_codes {
        Some(_) if !conditions.is_empty() => {
            let text = "specifying both OnExitCodes and OnPodConditions is not supported";
            errors.push(FieldError::invalid(path, GoValue::Null, text));
        }
        None if conditions.is_empty() => {
            let text = "specifying one of OnExitCodes and OnPodConditions is required";
            errors.push(FieldError::invalid(path, GoValue::Null, text));
        }
        Some(_) => exit_codes(rule, spec, &path.child("onExitCodes"), errors),
        None => {}
    }
    if conditions.len() > MAX_PATTERNS {
        errors.push(FieldError::too_many(&path.child("onPodConditions"), conditions.len(), MAX_PATTERNS));
    }
    for (i, pattern) in conditions.iter().enumerate() {
        let here = path.child("onPodConditions");
        let here = here.index(i);
        let breaches = names::qualified_name(&pattern.type_);
        invalid_each(&here.child("type"), &pattern.type_, breaches, errors);
        let statuses = ["False", "True", "Unknown"];
        required_one_of(pattern.status.as_deref(), &statuses, &here.child("status"), errors);
    }
}

fn exit_codes(rule: &PodFailurePolicyRule, spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let Some(codes) = &rule.on_exit_codes else { return };
    required_one_of(Some(&codes.operator), &["In", "NotIn"], &path.child("operator"), errors);
    if let Some(name) = &codes.container_name {
        let pod_spec = spec.template.spec.clone().unwrap_or_default();
        let mut containers = pod_spec.containers.iter().chain(pod_spec.init_containers.iter().flatten());
        if !containers.any(|container| container.name == *name) {
            let text = "must be one of the container or initContainer names in the pod template";
            errors.push(FieldError::invalid(&path.child("containerName"), name, text));
        }
    }
    let at = path.child("values");
    let list = || GoValue::List(codes.values.iter().map(|code| (*code).into()).collect());
    if codes.values.is_empty() {
        errors.push(FieldError::invalid(&at, list(), "at least one value is required"));
    } else if codes.values.len() > MAX_EXIT_CODES {
        errors.push(FieldError::too_many(&at, codes.values.len(), MAX_EXIT_CODES));
    }
    for (i, code) in codes.values.iter().enumerate() {
        if codes.operator == "In" && *code == 0 {
            errors.push(FieldError::invalid(&at.index(i), 0, "must not be 0 for the In operator"));
        }
        if codes.values[..i].contains(code) {
            errors.push(FieldError::duplicate(&at.index(i), *code));
        }
    }
    if !codes.values.is_sorted() {
        errors.push(FieldError::invalid(&at, list(), "must be ordered"));
    }
}

/// Of an Indexed Job; without completions there is nothing to hold it against.
pub(super) fn success(spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let (Some(policy), Some(completions)) = (&spec.success_policy, spec.completions) else { return };
    let path = path.child("rules");
    if policy.rules.is_empty() {
        let text = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&path, text));
    }
    if policy.rules.len() > MAX_RULES {
        errors.push(FieldError::too_many(&path, policy.rules.len(), MAX_RULES));
    }
    for (i, rule) in policy.rules.iter().enumerate() {
        success_rule(rule, completions, &path.index(i), errors);
    }
}

fn success_rule(rule: &SuccessPolicyRule, completions: i32, path: &Path, errors: &mut ErrorList) {
    if rule.succeeded_count.is_none() && rule.succeeded_indexes.is_none() {
        let text = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(path, text));
    }
    let mut listed = None;
    if let Some(text) = &rule.succeeded_indexes {
        match count_indexes(text, completions) {
            Ok(count) => listed = Some(count),
            Err(why) => {
                listed = Some(0);
                let why = format!("error parsing succeededIndexes: {why}");
                errors.push(FieldError::invalid(&path.child("succeededIndexes"), text, why));
            }
        }
    }
    let Some(count) = rule.succeeded_count else { return };
    let at = path.child("succeededCount");
    nonnegative_if(Some(count), &at, errors);
    let mut at_most = |most: i32, what: &str| {
        if count > most {
            let text = format!("must be less than or equal to {most} ({what})");
            errors.push(FieldError::invalid(&at, count, text));
        }
    };
    at_most(completions, "the number of specified completions");
    if let Some(listed) = listed {
        at_most(listed, "the number of indexes in the specified succeededIndexes field");
    }
}

/// How many indexes `1,3-5` names.
fn count_indexes(text: &str, completions: i32) -> Result<i32, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = |digits: &str| -> Result<i32, String> {
        let quoted = go_quote(digits);
        let index: i32 = digits.parse().map_err(|_| format!("cannot convert string to integer for index: {quoted}"))?;
        if index >= completions { Err(format!("too large index: {quoted}")) } else { Ok(index) }
    };
    let order = |last: i32, next: i32| format!("non-increasing order, previous: {last}, current: {next}");
    let (mut total, mut last) = (0, None);
    for part in text.split(',') {
        let limits: Vec<&str> = part.split('-').collect();
        let (first, end) = match limits[..] {
            [one] => (number(one)?, None),
            [first, end] => (number(first)?, Some(number(end)?)),
            _ => {
                return Err(format!(
                    "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
                    go_quote(part)
                ));
            }
        };
        if let Some(end) = end.filter(|end| first >= *end) {
            return Err(order(first, end));
        }
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(order(last, first));
        }
        let end = end.unwrap_or(first);
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}
