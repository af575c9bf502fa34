//! Deployment: turns a template into ReplicaSets, and one ReplicaSet into the next.
//!
//! Each sync takes one step. Being deleted, it only writes the status; paused, or when only `spec.replicas` changed,
//! it scales what is there. Else it finds or makes the ReplicaSet of this template (the new one), scales as its
//! strategy has it, up or down, and writes the status. That tells of what was there before the step; what the
//! step wrote wakes the next sync.
//! Mirrors: pkg/controller/deployment. Left out: the annotation `deprecated.deployment.rollback.to` (kubectl rolls
//! back by patching the template).

mod progress;
mod recreate;
mod revision;
mod rolling;
mod scale;

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, ReplicaSet};
use api::meta::owner::controller_of;
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use super::claim::{self, Owner};
use super::{Controller, Outcome};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};

#[derive(Clone)]
pub struct Deployments {
    recorder: Recorder,
}

impl Owner for Deployment {
    type Dependent = ReplicaSet;

    fn selector(&self) -> Selector {
        Selector::from_label_selector(self.spec.as_ref().map(|spec| &spec.selector))
    }
}

impl Default for Deployments {
    fn default() -> Self {
        Self { recorder: Recorder::new("deployment-controller", "") }
    }
}

/// One Deployment during one sync.
struct Sync<'a, 'c> {
    cx: &'a mut Context<'c>,
    recorder: &'a mut Recorder,
    deployment: Deployment,
    /// All ReplicaSets it controls.
    sets: Vec<Arc<ReplicaSet>>,
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        claim::observe::<Deployment>(news, cx, queue);
        // A pod that is gone lets a Recreate rollout go on.
        if news.key.kind == Kind::Pod && news.change == Change::Deleted {
            let owner = controller_of(news.object.meta()).filter(|owner| owner.kind == "ReplicaSet");
            let set = owner.and_then(|owner| cx.api.get::<ReplicaSet>(&news.key.namespace, &owner.name));
            if let Some(owner) = set.as_ref().and_then(|set| controller_of(&set.metadata)) {
                queue.add(format!("{}/{}", news.key.namespace, owner.name));
            }
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        claim::resync::<Deployment>(cx, queue);
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(deployment) = claim::find::<Deployment>(cx, key) else { return Ok(Outcome::Done) };
        if deployment.selector().is_everything() {
            let of = EventOf::object(&deployment.wrap());
            let text = "This deployment is selecting all pods. A non-empty selector is required.";
            self.recorder.event(cx, &of, EventType::Warning, "SelectingAll", text);
            return Ok(Outcome::Done);
        }
        let sets = claim::claim(cx, &deployment)?;
        let deployment = (*deployment).clone();
        let mut sync = Sync { cx, recorder: &mut self.recorder, deployment, sets };
        sync.run()
    }
}

impl Sync<'_, '_> {
    fn run(&mut self) -> Result<Outcome, Status> {
        if self.deployment.metadata.deletion_timestamp.is_some() {
            self.sync_status_only()?;
            return Ok(Outcome::Done);
        }
        self.check_paused_conditions()?;
        if self.spec().paused == Some(true) || self.is_scaling() {
            self.sync_scale()?;
        } else if self.recreates() {
            self.rollout_recreate()?;
        } else {
            self.rollout_rolling()?;
        }
        Ok(self.next_check())
    }

    fn spec(&self) -> DeploymentSpec {
        self.deployment.spec.clone().unwrap_or_default()
    }

    fn replicas(&self) -> i32 {
        self.deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }

    fn object(&self) -> Object {
        self.deployment.clone().into_object()
    }

    fn event(&mut self, kind: EventType, reason: &str, message: String) {
        let of = EventOf::object(&self.object());
        self.recorder.event(self.cx, &of, kind, reason, message);
    }

    /// ReplicaSets as the store has them now, after writes of this sync.
    fn refresh(&mut self) {
        let uid = self.deployment.metadata.uid.clone().unwrap_or_default();
        self.sets = self.cx.api.owned_by::<ReplicaSet>(&uid).cloned().collect();
    }
}

/// Wanted replicas of a ReplicaSet.
fn wanted(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(0)
}

fn available(set: &ReplicaSet) -> i32 {
    set.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0)
}

fn actual(set: &ReplicaSet) -> i32 {
    set.status.as_ref().map_or(0, |status| status.replicas)
}

fn name_of(set: &ReplicaSet) -> &str {
    set.metadata.name.as_deref().unwrap_or_default()
}

fn annotation<'a>(set: &'a ReplicaSet, key: &str) -> Option<&'a str> {
    set.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests;
