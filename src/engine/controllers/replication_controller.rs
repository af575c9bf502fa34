//! ReplicationController: the ReplicaSet of the first days, run by the same code.
//!
//! Mirrors: pkg/controller/replication (an adapter there too).

use std::borrow::Cow;

use api::k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus};
use api::k8s_openapi::api::core::v1::{
    Pod, ReplicationController, ReplicationControllerCondition, ReplicationControllerStatus,
};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use api::meta::selector::Selector;

use super::claim::Owner;
use super::pods;
use super::replicaset::{Replicator, Replicators};

/// The loop of ReplicationControllers.
pub type ReplicationControllers = Replicators<ReplicationController>;

impl Owner for ReplicationController {
    type Dependent = Pod;

    fn selector(&self) -> Selector {
        Selector::from_set(self.spec.as_ref().and_then(|spec| spec.selector.as_ref()))
    }

    fn cares_for(&self, pod: &Pod) -> bool {
        pods::is_active(pod)
    }
}

impl Replicator for ReplicationController {
    const CONTROLLER: &'static str = "replication-controller";
    const COUNTS_TERMINATING: bool = false;

    fn view(&self) -> Cow<'_, ReplicaSet> {
        let spec = self.spec.as_ref().map(|spec| ReplicaSetSpec {
            min_ready_seconds: spec.min_ready_seconds,
            replicas: spec.replicas,
            selector: LabelSelector { match_labels: spec.selector.clone(), ..LabelSelector::default() },
            template: spec.template.clone(),
        });
        let status = self.status.as_ref().map(|status| ReplicaSetStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            terminating_replicas: None,
            observed_generation: status.observed_generation,
            conditions: status.conditions.as_ref().map(|all| all.iter().map(new_condition).collect()),
        });
        Cow::Owned(ReplicaSet { metadata: self.metadata.clone(), spec, status })
    }

    fn set_status(&mut self, status: ReplicaSetStatus) {
        self.status = Some(ReplicationControllerStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            observed_generation: status.observed_generation,
            conditions: status.conditions.map(|all| all.into_iter().map(old_condition).collect()),
        });
    }
}

fn new_condition(old: &ReplicationControllerCondition) -> ReplicaSetCondition {
    let ReplicationControllerCondition { type_, status, reason, message, last_transition_time } = old.clone();
    ReplicaSetCondition { type_, status, reason, message, last_transition_time }
}

fn old_condition(new: ReplicaSetCondition) -> ReplicationControllerCondition {
    let ReplicaSetCondition { type_, status, reason, message, last_transition_time } = new;
    ReplicationControllerCondition { type_, status, reason, message, last_transition_time }
}
