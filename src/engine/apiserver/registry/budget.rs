//! PodDisruptionBudgets: their one condition, written by the server on an eviction, by the controller otherwise.
//!
//! Mirrors: component-helpers/apps/poddisruptionbudget.

use api::k8s_openapi::api::policy::v1::PodDisruptionBudgetStatus;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

const DISRUPTION_ALLOWED: &str = "DisruptionAllowed";

/// Makes the condition say what the number of allowed disruptions means.
pub fn tell_disruptions(status: &mut PodDisruptionBudgetStatus, now: Time) {
    let (state, reason) = verdict(status);
    put(status, state, reason, "", now);
}

/// Makes the condition say that the budget could not be worked out.
pub fn tell_failure(status: &mut PodDisruptionBudgetStatus, why: &str, now: Time) {
    put(status, "False", "SyncFailed", why, now);
}

/// Whether the condition says already what the numbers mean.
pub fn tells_disruptions(status: &PodDisruptionBudgetStatus) -> bool {
    let condition = status.conditions.iter().flatten().find(|condition| condition.type_ == DISRUPTION_ALLOWED);
    condition.is_some_and(|condition| {
        condition.observed_generation == status.observed_generation
            && (condition.status.as_str(), condition.reason.as_str()) == verdict(status)
    })
}

fn verdict(status: &PodDisruptionBudgetStatus) -> (&'static str, &'static str) {
    if status.disruptions_allowed.unwrap_or(0) > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") }
}

fn put(status: &mut PodDisruptionBudgetStatus, state: &str, reason: &str, message: &str, now: Time) {
    let observed_generation = status.observed_generation;
    let conditions = status.conditions.get_or_insert_default();
    let known = conditions.iter_mut().find(|condition| condition.type_ == DISRUPTION_ALLOWED);
    let since = known.as_ref().filter(|known| known.status == state).map(|known| known.last_transition_time.clone());
    let condition = Condition {
        type_: DISRUPTION_ALLOWED.into(),
        status: state.into(),
        reason: reason.into(),
        message: message.into(),
        observed_generation,
        last_transition_time: since.unwrap_or(now),
    };
    match known {
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
}
