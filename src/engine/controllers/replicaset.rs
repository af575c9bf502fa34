//! ReplicaSet: keeps the wanted number of pods that match a selector; adopts, releases, creates, deletes.
//!
//! Level-triggered: it reads the present, never the event that woke it. Pods that ended or are on their way out do
//! not count, and get their successors at once. Creations start with one and double while they succeed, so that a
//! full quota is told of once and not five hundred times. The same code serves ReplicationControllers, seen as
//! ReplicaSets.
//! Mirrors: pkg/controller/replicaset/replica_set.go. Left out: expectations (reads never lag here).

mod ranking;
mod status;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetStatus};
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::selector::Selector;
use api::{Object, Status};

use super::claim::{self, Owner};
use super::{Controller, Outcome, pod_control, pods};
use crate::client::{Context, Recorder, Revision, WorkQueue};
use crate::sim::Millis;

/// A kind that keeps a number of pods: a ReplicaSet, or what was there before it.
pub trait Replicator: Owner<Dependent = Pod> {
    /// As upstream names the controller in events.
    const CONTROLLER: &'static str;

    /// Whether its status counts pods on their way out.
    const COUNTS_TERMINATING: bool;

    /// The object as a ReplicaSet, whose rules hold for it.
    fn view(&self) -> Cow<'_, ReplicaSet>;

    fn set_status(&mut self, status: ReplicaSetStatus);
}

impl Owner for ReplicaSet {
    type Dependent = Pod;

    fn selector(&self) -> Selector {
        Selector::from_label_selector(self.spec.as_ref().map(|spec| &spec.selector))
    }

    fn cares_for(&self, pod: &Pod) -> bool {
        pods::is_active(pod)
    }
}

impl Replicator for ReplicaSet {
    const CONTROLLER: &'static str = "replicaset-controller";
    const COUNTS_TERMINATING: bool = true;

    fn view(&self) -> Cow<'_, ReplicaSet> {
        Cow::Borrowed(self)
    }

    fn set_status(&mut self, status: ReplicaSetStatus) {
        self.status = Some(status);
    }
}

/// The loop of ReplicaSets.
pub type ReplicaSets = Replicators<ReplicaSet>;

#[derive(Clone)]
pub struct Replicators<R> {
    recorder: Recorder,
    took: Millis,
    kind: PhantomData<R>,
}

impl<R: Replicator> Default for Replicators<R> {
    fn default() -> Self {
        Self { recorder: Recorder::new(R::CONTROLLER, ""), took: 0, kind: PhantomData }
    }
}

/// Pods written in one step: no event is long.
const SLICE: usize = 50;

impl<R: Replicator> Controller for Replicators<R> {
    fn name(&self) -> &'static str {
        R::CONTROLLER
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        claim::observe::<R>(news, cx, queue);
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        claim::resync::<R>(cx, queue);
    }

    fn took(&self) -> Millis {
        self.took
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(found) = claim::find::<R>(cx, key) else { return Ok(Outcome::Done) };
        let owned = claim::claim(cx, &found)?;
        self.took = pods::looking_at(owned.len());
        let owner = found.clone().wrap();
        let set = found.view();
        let active: Vec<Arc<Pod>> = owned.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let mut more = false;
        let mut failure = None;
        if set.metadata.deletion_timestamp.is_none() {
            match self.manage(cx, &set, &owner, &active) {
                Ok(again) => more = again,
                Err(status) => failure = Some(status),
            }
        }
        // The status tells what was there when the sync began, as upstream's does.
        let terminating = owned.iter().filter(|pod| pods::is_terminating(pod) && !pods::is_terminal(pod)).count();
        let next = status::update::<R>(cx, &set, &active, terminating, failure.as_ref())?;
        match (failure, more, next) {
            (Some(status), ..) => Err(status),
            (None, true, _) => Ok(Outcome::Again),
            (None, false, Some(at)) => Ok(Outcome::At(at)),
            (None, false, None) => Ok(Outcome::Done),
        }
    }
}

impl<R: Replicator> Replicators<R> {
    /// Moves the number of active pods towards `spec.replicas`; `true` when a further slice is needed.
    fn manage(
        &mut self,
        cx: &mut Context,
        set: &ReplicaSet,
        owner: &Object,
        active: &[Arc<Pod>],
    ) -> Result<bool, Status> {
        let Some(spec) = &set.spec else { return Ok(false) };
        let wanted = spec.replicas.unwrap_or(1).max(0) as usize;
        if active.len() < wanted {
            let missing = wanted - active.len();
            let template = spec.template.clone().unwrap_or_default();
            let prefix = format!("{}-", owner.name());
            pod_control::slowly(missing.min(SLICE), |_| {
                let pod = pod_control::from_template(&template, owner, &prefix);
                pod_control::create(cx, &mut self.recorder, owner, pod)
            })?;
            return Ok(missing > SLICE);
        }
        let surplus = active.len() - wanted;
        let victims = ranking::least_useful(cx, set, active, surplus.min(SLICE));
        for pod in victims {
            pod_control::delete(cx, &mut self.recorder, owner, &pod)?;
        }
        Ok(surplus > SLICE)
    }
}
