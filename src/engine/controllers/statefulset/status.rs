//! The status of a StatefulSet: how many pods there are, of which revision, and when a rollout is over.
//!
//! `currentRevision` becomes `updateRevision` when every pod is of the new revision and ready; with a partition, or
//! with `OnDelete`, that day may never come. A pod on its way out is counted among the replicas, and to no revision.
//! Mirrors: pkg/controller/statefulset/stateful_set_control.go `updateStatus`, `completeRollingUpdate`.

use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use api::k8s_openapi::api::core::v1::Pod;

use super::Sync;
use super::identity::{Replicas, revision_of};
use crate::controllers::pods;

impl Sync<'_, '_> {
    /// Counts every pod that has a place or is to lose it, as they were when the sync began.
    pub fn count_all(&self) -> StatefulSetStatus {
        let Replicas { wanted, condemned } = &self.replicas;
        let all: Vec<Arc<Pod>> = wanted.values().chain(condemned).cloned().collect();
        self.count(&all)
    }

    /// The status that these pods make.
    pub fn count(&self, all: &[Arc<Pod>]) -> StatefulSetStatus {
        let (mut ready, mut available, mut current, mut updated) = (0, 0, 0, 0);
        for pod in all {
            if pods::phase(pod) == "Running" && pods::is_ready(pod) {
                ready += 1;
                available += i32::from(pods::available(pod, self.min_ready(), self.unix()).is_ok());
            }
            if !pods::is_terminating(pod) {
                current += i32::from(revision_of(pod) == self.revisions.current);
                updated += i32::from(revision_of(pod) == self.revisions.update);
            }
        }
        StatefulSetStatus {
            observed_generation: self.set.metadata.generation,
            replicas: all.len() as i32,
            ready_replicas: Some(ready),
            available_replicas: Some(available),
            current_replicas: Some(current),
            updated_replicas: Some(updated),
            current_revision: Some(self.revisions.current.clone()),
            update_revision: Some(self.revisions.update.clone()),
            collision_count: Some(self.revisions.collisions),
            conditions: None,
        }
    }

    /// Writes the status if it changed; a finished rollout makes the new revision the current one.
    pub fn write_status(&mut self, mut status: StatefulSetStatus) -> Result<(), Status> {
        let spec = self.spec();
        let rolls = spec.and_then(|spec| spec.update_strategy.as_ref()?.type_.as_deref()) == Some("RollingUpdate");
        let wanted = spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let everywhere = [status.updated_replicas, status.ready_replicas, Some(status.replicas)];
        if rolls && everywhere.iter().all(|count| *count == Some(wanted)) {
            status.current_replicas = status.updated_replicas;
            status.current_revision.clone_from(&status.update_revision);
        }
        let status = written(status);
        if self.set.status.as_ref() != Some(&status) {
            let (namespace, name) = (self.owner.namespace().to_string(), self.owner.name().to_string());
            self.cx.api.change::<StatefulSet>(&namespace, &name, "status", |set| set.status = Some(status))?;
        }
        Ok(())
    }
}

/// Counts that are left out when they are zero; replicas and availableReplicas are not.
fn written(status: StatefulSetStatus) -> StatefulSetStatus {
    let non_zero = |count: Option<i32>| count.filter(|count| *count != 0);
    StatefulSetStatus {
        ready_replicas: non_zero(status.ready_replicas),
        current_replicas: non_zero(status.current_replicas),
        updated_replicas: non_zero(status.updated_replicas),
        ..status
    }
}
