//! Status and conditions: counts, availability, progress and its deadline.
//!
//! `Available`: at least `replicas - maxUnavailable` pods are available. `Progressing` tells of the rollout:
//!
//! - complete (every pod is new and available): `NewReplicaSetAvailable`, and so it stays until pods of another
//!   template are there;
//! - any count got better since the last status: `ReplicaSetUpdated`, which starts the deadline's clock anew;
//! - `progressDeadlineSeconds` after the condition's last update: `ProgressDeadlineExceeded`. The rollout goes on;
//!   this is a word to whoever waits for it. Pausing stops the clock, and no deadline, no condition.
//!
//! Mirrors: pkg/controller/deployment/progress.go, sync.go `calculateStatus`.

use api::Status;
use api::k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};
use api::meta::time::millis;

use super::{Sync, actual, available, name_of, wanted};
use crate::controllers::Outcome;
use crate::sim::Millis;

impl Sync<'_, '_> {
    pub fn condition(&self, kind: &str) -> Option<&DeploymentCondition> {
        let conditions = self.deployment.status.as_ref()?.conditions.as_ref()?;
        conditions.iter().find(|condition| condition.type_ == kind)
    }

    /// Sets a condition of the Deployment in hand; nothing is written yet.
    pub fn set_condition(&mut self, kind: &str, status: &str, reason: &str, message: String) {
        let now = self.cx.time();
        let conditions = self.deployment.status.get_or_insert_default().conditions.get_or_insert_default();
        put_condition(conditions, now, kind, status, reason, message);
    }

    pub fn has_deadline(&self) -> bool {
        self.spec().progress_deadline_seconds.is_some_and(|seconds| seconds != i32::MAX)
    }

    /// Pausing stops the deadline's clock; resuming starts it anew.
    pub fn check_paused_conditions(&mut self) -> Result<(), Status> {
        if !self.has_deadline() {
            return Ok(());
        }
        let reason = self.condition("Progressing").and_then(|condition| condition.reason.clone());
        // A timed-out rollout stays timed out.
        if reason.as_deref() == Some("ProgressDeadlineExceeded") {
            return Ok(());
        }
        let paused = self.spec().paused == Some(true);
        let says_paused = reason.as_deref() == Some("DeploymentPaused");
        if paused == says_paused {
            return Ok(());
        }
        if paused {
            self.set_condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused".into());
        } else {
            self.set_condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed".into());
        }
        self.write_status()
    }

    fn counts(&self) -> DeploymentStatus {
        let new = self.new_set();
        let old = self.deployment.status.clone().unwrap_or_default();
        let sum = |of: fn(&api::k8s_openapi::api::apps::v1::ReplicaSet) -> i32| -> i32 {
            self.sets.iter().map(|set| of(set)).sum()
        };
        let non_zero = |count: i32| Some(count).filter(|count| *count != 0);
        let total = sum(actual);
        let ready = sum(|set| set.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0));
        let terminating = sum(|set| set.status.as_ref().and_then(|status| status.terminating_replicas).unwrap_or(0));
        let all_available = sum(available);
        let unavailable = (sum(wanted) - all_available).max(0);
        DeploymentStatus {
            observed_generation: self.deployment.metadata.generation,
            replicas: non_zero(total),
            updated_replicas: non_zero(new.as_deref().map_or(0, actual)),
            ready_replicas: non_zero(ready),
            available_replicas: non_zero(all_available),
            unavailable_replicas: non_zero(unavailable),
            terminating_replicas: Some(terminating),
            collision_count: old.collision_count,
            conditions: old.conditions,
        }
    }

    fn with_availability(&self, mut status: DeploymentStatus) -> DeploymentStatus {
        let enough = status.available_replicas.unwrap_or(0) >= self.replicas() - self.max_unavailable();
        let (state, reason, message) = if enough {
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        let now = self.cx.time();
        let conditions = status.conditions.get_or_insert_default();
        put_condition(conditions, now, "Available", state, reason, message.into());
        status
    }

    /// Writes counts and availability, without judging progress.
    pub fn sync_status_only(&mut self) -> Result<(), Status> {
        let status = self.with_availability(self.counts());
        self.store(status)
    }

    /// Writes counts, availability, progress and failures.
    pub fn sync_rollout_status(&mut self) -> Result<(), Status> {
        let mut status = self.with_availability(self.counts());
        let old = self.deployment.status.clone().unwrap_or_default();
        let now = self.cx.time();
        let new = self.new_set();
        let named = |verb: &str| match &new {
            Some(set) => format!("ReplicaSet {:?} {verb}", name_of(set)),
            None => {
                format!("Deployment {:?} {verb}", self.deployment.metadata.name.as_deref().unwrap_or_default())
            }
        };
        if !self.has_deadline()
            && let Some(conditions) = &mut status.conditions
        {
            conditions.retain(|condition| condition.type_ != "Progressing");
        }
        let current = self.condition("Progressing").cloned();
        let finished = status.replicas == status.updated_replicas
            && current.as_ref().is_some_and(|condition| condition.reason.as_deref() == Some("NewReplicaSetAvailable"));
        if self.has_deadline() && !finished {
            if is_complete_with(&self.deployment, &status) {
                let message = named("has successfully progressed.");
                let conditions = status.conditions.get_or_insert_default();
                put_condition(conditions, now, "Progressing", "True", "NewReplicaSetAvailable", message);
            } else if is_progressing(&old, &status) {
                let message = named("is progressing.");
                let was_true = current.as_ref().is_some_and(|condition| condition.status == "True");
                let since = current.as_ref().and_then(|condition| condition.last_transition_time.clone());
                let conditions = status.conditions.get_or_insert_default();
                conditions.retain(|condition| condition.type_ != "Progressing");
                conditions.push(DeploymentCondition {
                    type_: "Progressing".into(),
                    status: "True".into(),
                    reason: Some("ReplicaSetUpdated".into()),
                    message: Some(message),
                    last_update_time: Some(now.clone()),
                    last_transition_time: if was_true { since } else { Some(now) },
                });
            } else if self.timed_out(&status) {
                let message = named("has timed out progressing.");
                let conditions = status.conditions.get_or_insert_default();
                put_condition(conditions, now, "Progressing", "False", "ProgressDeadlineExceeded", message);
            }
        }
        self.copy_failure(&mut status);
        self.store(status)
    }

    /// A ReplicaSet that cannot make pods is the Deployment's failure too, since it failed; the new one's before others'.
    fn copy_failure(&self, status: &mut DeploymentStatus) {
        let new = self.new_set();
        let sets = new.iter().chain(&self.sets);
        let failure = sets
            .filter_map(|set| set.status.as_ref()?.conditions.as_ref())
            .flatten()
            .find(|condition| condition.type_ == "ReplicaFailure");
        let conditions = status.conditions.get_or_insert_default();
        match failure {
            Some(failure) => put_condition(
                conditions,
                failure.last_transition_time.clone().unwrap_or_else(|| self.cx.time()),
                "ReplicaFailure",
                &failure.status,
                failure.reason.as_deref().unwrap_or_default(),
                failure.message.clone().unwrap_or_default(),
            ),
            None => conditions.retain(|condition| condition.type_ != "ReplicaFailure"),
        }
    }

    pub fn is_complete(&self) -> bool {
        is_complete_with(&self.deployment, self.deployment.status.as_ref().unwrap_or(&DeploymentStatus::default()))
    }

    fn timed_out(&self, status: &DeploymentStatus) -> bool {
        let Some(condition) = status.conditions.iter().flatten().find(|condition| condition.type_ == "Progressing")
        else {
            return false;
        };
        match condition.reason.as_deref() {
            Some("NewReplicaSetAvailable") => false,
            Some("ProgressDeadlineExceeded") => true,
            _ => self.deadline_of(condition).is_some_and(|deadline| deadline < self.cx.api.unix_millis() as i64),
        }
    }

    /// When progress must have shown, in Unix milliseconds.
    fn deadline_of(&self, condition: &DeploymentCondition) -> Option<i64> {
        let seconds = i64::from(self.spec().progress_deadline_seconds?);
        condition.last_update_time.as_ref().map(|time| millis(time) + seconds * 1000)
    }

    /// A rollout that stands still is looked at again when its deadline has passed.
    pub fn next_check(&self) -> Outcome {
        let status = self.deployment.status.clone().unwrap_or_default();
        let condition = status.conditions.iter().flatten().find(|condition| condition.type_ == "Progressing");
        match condition {
            Some(condition)
                if self.has_deadline()
                    && self.spec().paused != Some(true)
                    && !is_complete_with(&self.deployment, &status)
                    && condition.reason.as_deref() != Some("ProgressDeadlineExceeded")
                    && condition.reason.as_deref() != Some("NewReplicaSetAvailable") =>
            {
                let unix = self.cx.api.unix_millis() as i64;
                match self.deadline_of(condition) {
                    // A second more: timestamps are whole seconds.
                    Some(deadline) => Outcome::At(self.cx.now + (deadline - unix).max(0) as Millis + 1000),
                    None => Outcome::Done,
                }
            }
            _ => Outcome::Done,
        }
    }

    fn store(&mut self, status: DeploymentStatus) -> Result<(), Status> {
        if self.deployment.status.as_ref() == Some(&status) {
            return Ok(());
        }
        self.deployment.status = Some(status);
        self.write_status()
    }

    /// Writes the Deployment in hand to its status subresource; annotations travel along.
    ///
    /// What is in hand keeps its old version, as upstream forgets the answer: a second write in the
    /// same sync meets a conflict, and the next sync, a moment later, writes it.
    pub fn write_status(&mut self) -> Result<(), Status> {
        self.cx.api.update_status(self.deployment.clone()).map(|_| ())
    }
}

fn is_complete_with(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    status.updated_replicas.unwrap_or(0) == wanted
        && status.replicas.unwrap_or(0) == wanted
        && status.available_replicas.unwrap_or(0) == wanted
        && status.observed_generation >= deployment.metadata.generation
}

/// More updated, fewer old, more ready or more available than before.
fn is_progressing(old: &DeploymentStatus, new: &DeploymentStatus) -> bool {
    let count = |value: Option<i32>| value.unwrap_or(0);
    let olds = |status: &DeploymentStatus| count(status.replicas) - count(status.updated_replicas);
    count(new.updated_replicas) > count(old.updated_replicas)
        || olds(new) < olds(old)
        || count(new.ready_replicas) > count(old.ready_replicas)
        || count(new.available_replicas) > count(old.available_replicas)
}

/// Sets a condition; one that says the same keeps its times, one of the same status its transition.
fn put_condition(
    conditions: &mut Vec<DeploymentCondition>,
    now: api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time,
    kind: &str,
    status: &str,
    reason: &str,
    message: String,
) {
    let old = conditions.iter().find(|condition| condition.type_ == kind);
    if old.is_some_and(|old| old.status == status && old.reason.as_deref() == Some(reason)) {
        return;
    }
    let since = old.filter(|old| old.status == status).and_then(|old| old.last_transition_time.clone());
    conditions.retain(|condition| condition.type_ != kind);
    conditions.push(DeploymentCondition {
        type_: kind.into(),
        status: status.into(),
        reason: Some(reason.into()),
        message: Some(message),
        last_update_time: Some(now.clone()),
        last_transition_time: Some(since.unwrap_or(now)),
    });
}
