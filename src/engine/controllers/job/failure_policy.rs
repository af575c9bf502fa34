//! `podFailurePolicy`: what a failed pod means, by its exit codes and conditions.
//!
//! The first rule that fits decides: the Job fails, the index fails, it is not counted, or it counts as ever. A rule on
//! exit codes looks at containers that ended other than with 0, one on conditions at the pod's (`DisruptionTarget`).
//! Mirrors: pkg/controller/job/pod_failure_policy.go.

use api::k8s_openapi::api::batch::v1::{
    PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern,
};
use api::k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use crate::controllers::pods;

/// What the first rule that fits says of a failed pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The whole Job fails, for this reason.
    FailJob(String),
    /// Its index fails without further tries.
    FailIndex,
    /// It never happened.
    Ignore,
    /// It counts towards the limit, as it does without any policy.
    Count,
}

pub fn judge(policy: Option<&PodFailurePolicy>, pod: &Pod) -> Verdict {
    for (at, rule) in policy.iter().flat_map(|policy| &policy.rules).enumerate() {
        let why = match (&rule.on_exit_codes, &rule.on_pod_conditions) {
            (Some(codes), _) => failed_container(pod, codes).map(|(container, code)| {
                format!(
                    "Container {container} for pod {}/{} failed with exit code {code} matching {} rule at index {at}",
                    pods::namespace(pod),
                    pods::name(pod),
                    rule.action
                )
            }),
            (None, Some(patterns)) => condition(pod, patterns).map(|kind| {
                format!(
                    "Pod {}/{} has condition {kind} matching {} rule at index {at}",
                    pods::namespace(pod),
                    pods::name(pod),
                    rule.action
                )
            }),
            (None, None) => None,
        };
        match (why, rule.action.as_str()) {
            (Some(why), "FailJob") => return Verdict::FailJob(why),
            (Some(_), "FailIndex") => return Verdict::FailIndex,
            (Some(_), "Ignore") => return Verdict::Ignore,
            (Some(_), "Count") => return Verdict::Count,
            // It does not fit, or its action is from a later release.
            _ => {}
        }
    }
    Verdict::Count
}

/// The first container whose exit code fits, containers before init containers.
fn failed_container<'a>(pod: &'a Pod, wanted: &PodFailurePolicyOnExitCodesRequirement) -> Option<(&'a str, i32)> {
    let status = pod.status.as_ref()?;
    let containers = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    containers.filter_map(|container| Some((container, exit_code(container)?))).find_map(|(container, code)| {
        let named = wanted.container_name.as_ref().is_none_or(|name| *name == container.name);
        let listed = wanted.values.contains(&code);
        let fits = match wanted.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            _ => false,
        };
        (named && code != 0 && fits).then_some((container.name.as_str(), code))
    })
}

fn exit_code(container: &ContainerStatus) -> Option<i32> {
    Some(container.state.as_ref()?.terminated.as_ref()?.exit_code)
}

fn condition<'a>(pod: &'a Pod, patterns: &[PodFailurePolicyOnPodConditionsPattern]) -> Option<&'a str> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let fits = |kind: &str, status: &str| {
        patterns.iter().any(|pattern| pattern.type_ == kind && pattern.status.as_deref().unwrap_or("True") == status)
    };
    conditions.iter().find(|c| fits(&c.type_, &c.status)).map(|c| c.type_.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let pod = |code: i32, disrupted: &str| -> Pod {
            serde_json::from_value(json!({
                "metadata": {"namespace": "default", "name": "p"},
                "status": {
                    "conditions": [{"type": "DisruptionTarget", "status": disrupted}],
                    "containerStatuses": [
                        {"name": "side", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                         "state": {"terminated": {"exitCode": 0}}},
                        {"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                         "state": {"terminated": {"exitCode": code}}},
                    ],
                },
            }))
            .unwrap()
        };
        let policy: PodFailurePolicy = serde_json::from_value(json!({"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
            {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}},
            {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [3]}},
            {"action": "Count", "onExitCodes": {"operator": "NotIn", "values": [9]}},
            {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "False"}]},
        ]}))
        .unwrap();
        let fails = |why: &str| Verdict::FailJob(why.into());
        for (pod, verdict) in [
            (pod(42, "True"), Verdict::Ignore),
            (
                pod(42, "False"),
                fails("Container main for pod default/p failed with exit code 42 matching FailJob rule at index 1"),
            ),
            (pod(3, "False"), Verdict::FailIndex),
            (pod(1, "False"), Verdict::Count),
            (pod(9, "False"), fails("Pod default/p has condition DisruptionTarget matching FailJob rule at index 4")),
            (pod(9, "Unknown"), Verdict::Count),
        ] {
            assert_eq!(judge(Some(&policy), &pod), verdict);
        }
    }
}
