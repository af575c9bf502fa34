//! StatefulSet: pods with names and volumes of their own, made, replaced and removed in order.
//!
//! Each sync reads the present, does what the order allows, and writes the status.
//! Mirrors: pkg/controller/statefulset. Left out: `maxUnavailable` (the API server drops it,
//! its gate is off in this version), expectations (reads never lag here).

mod identity;
mod pods;
mod revisions;
mod rollout;
mod status;
mod volumes;

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use super::claim::{self, Owner};
use super::{Controller, Outcome};
use crate::client::{Change, Context, Recorder, Revision, WorkQueue};
use crate::sim::Millis;
use identity::{Replicas, is_member};
use revisions::Revisions;

#[derive(Clone)]
pub struct StatefulSets {
    recorder: Recorder,
    took: Millis,
}

impl Default for StatefulSets {
    fn default() -> Self {
        Self { recorder: Recorder::new("statefulset-controller", ""), took: 0 }
    }
}

impl Owner for StatefulSet {
    type Dependent = Pod;

    fn selector(&self) -> Selector {
        Selector::from_label_selector(self.spec.as_ref().map(|spec| &spec.selector))
    }

    /// A pod of another name could never take a place in the order.
    fn is_member(&self, pod: &Pod) -> bool {
        is_member(self, pod)
    }
}

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        claim::observe::<StatefulSet>(news, cx, queue);
        // A pod whose old claim was on its way out waits for it to be gone.
        if news.key.kind == Kind::PersistentVolumeClaim && news.change == Change::Deleted {
            for set in cx.api.list::<StatefulSet>(&news.key.namespace) {
                let templates = set.spec.iter().filter_map(|spec| spec.volume_claim_templates.as_ref()).flatten();
                let concerned = templates.into_iter().any(|template| {
                    let prefix =
                        format!("{}-{}-", identity::name_of(&template.metadata), identity::name_of(&set.metadata));
                    news.key.name.starts_with(&prefix)
                });
                if concerned {
                    queue.add(claim::key_of(&set.metadata));
                }
            }
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        claim::resync::<StatefulSet>(cx, queue);
    }

    fn took(&self) -> Millis {
        self.took
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(set) = claim::find::<StatefulSet>(cx, key) else { return Ok(Outcome::Done) };
        let owner = set.clone().wrap();
        let revisions = Revisions::of(cx, &set, &owner)?;
        let pods = claim::claim(cx, &set)?;
        self.took = super::pods::looking_at(pods.len());
        let replicas = Replicas::of(&set, &pods);
        let mut sync = Sync { cx, recorder: &mut self.recorder, set: &set, owner, revisions, replicas, more: false };
        let done = sync.run(&pods);
        sync.revisions.truncate(sync.cx, &set, &pods)?;
        done?;
        Ok(sync.next_look(&pods))
    }
}

/// One StatefulSet during one sync.
struct Sync<'a, 'c> {
    cx: &'a mut Context<'c>,
    recorder: &'a mut Recorder,
    set: &'a StatefulSet,
    owner: Object,
    revisions: Revisions,
    replicas: Replicas,
    /// A further slice of writes is to follow.
    more: bool,
}

impl Sync<'_, '_> {
    /// Does what may be done now and writes the status, after a failure too.
    fn run(&mut self, pods: &[Arc<Pod>]) -> Result<(), Status> {
        let (status, done) =
            if self.set.metadata.deletion_timestamp.is_some() { (self.count(pods), Ok(())) } else { self.advance() };
        self.write_status(status)?;
        done
    }

    /// When something changes by the mere passing of time: a ready pod becomes available.
    fn next_look(&self, pods: &[Arc<Pod>]) -> Outcome {
        if self.more {
            return Outcome::Again;
        }
        let now = self.unix();
        match super::pods::next_available(pods, self.min_ready(), now) {
            Some(at) => Outcome::At(self.cx.now + (at - now).max(0) as u64),
            None => Outcome::Done,
        }
    }

    fn spec(&self) -> Option<&StatefulSetSpec> {
        self.set.spec.as_ref()
    }

    fn min_ready(&self) -> i32 {
        self.spec().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
    }

    fn unix(&self) -> i64 {
        self.cx.api.unix_millis() as i64
    }
}

#[cfg(test)]
mod tests;
