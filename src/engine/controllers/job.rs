//! Job: runs pods until enough of them succeeded, or too many failed.
//!
//! Every pod bears a finalizer until it is counted, so that none is counted twice or never.
//! Mirrors: pkg/controller/job. Left out: expectations (reads never lag here), gang scheduling
//! (`spec.scheduling` is stored and has no effect).

mod backoff;
pub(super) mod conditions;
mod failure_policy;
mod indexes;
mod pods;
mod removal;
mod success;
mod sync;
#[cfg(test)]
mod tests;
mod tracking;

use std::collections::BTreeMap;

use api::k8s_openapi::api::batch::v1::Job;
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::owner::controller_of;
use api::meta::selector::Selector;
use api::{Kind, Object, Status};

use self::backoff::Backoff;
use self::sync::Sync;
use super::claim::{self, Owner, key_of};
use super::{Controller, Outcome};
use crate::client::{Change, Context, Recorder, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};

/// News of pods and of one's own writes is gathered for this long before the next sync.
const BATCH: Millis = SECOND;
/// First wait after a sync that failed, doubling up to [`MAX_RETRY`].
const RETRY: Millis = SECOND;
const MAX_RETRY: Millis = 60 * SECOND;

/// Keys of pods that wait for nothing but their finalizer's removal: no Job has such a name.
const ORPHAN: &str = "pod:";

#[derive(Clone)]
pub struct Jobs {
    recorder: Recorder,
    /// Failures since the last success, by Job. Forgotten at a restart, as upstream's are.
    backoff: BTreeMap<String, Backoff>,
    /// When the next gathered sync of a Job is due.
    gathering: BTreeMap<String, Millis>,
    /// Syncs of a Job that failed in a row.
    failures: BTreeMap<String, u32>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            recorder: Recorder::new("job-controller", ""),
            backoff: BTreeMap::new(),
            gathering: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }
}

impl Owner for Job {
    type Dependent = Pod;

    fn selector(&self) -> Selector {
        Selector::from_label_selector(self.spec.as_ref().and_then(|spec| spec.selector.as_ref()))
    }
}

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::Job => {
                let key = format!("{}/{}", news.key.namespace, news.key.name);
                let generation = |object: &Object| object.meta().generation;
                if news.change == Change::Deleted {
                    for pod in cx.api.owned_by::<Pod>(news.object.uid()).filter(|pod| tracking::is_tracked(pod)) {
                        queue.add(orphan_key(pod));
                    }
                    queue.add(key);
                } else if news.previous.as_ref().map(generation) == Some(generation(&news.object)) {
                    self.gather(key, cx.now, queue);
                } else {
                    queue.add(key);
                }
            }
            Kind::Pod => self.observe_pod(news, cx, queue),
            // Only Jobs and their pods change what a Job has to do.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        *self = Self::default();
        claim::resync::<Job>(cx, queue);
        for pod in cx.api.list::<Pod>("").filter(|pod| tracking::is_tracked(pod)) {
            if job_of(cx, pod).is_none() {
                queue.add(orphan_key(pod));
            }
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        if let Some(pod) = key.strip_prefix(ORPHAN) {
            return free_orphan(cx, pod).map(|()| Outcome::Done);
        }
        if self.gathering.get(key).is_some_and(|at| *at <= cx.now) {
            self.gathering.remove(key);
        }
        match self.sync(key, cx) {
            Ok(outcome) => {
                self.failures.remove(key);
                Ok(outcome)
            }
            // Jobs are in less of a hurry than the queue's own back-off.
            Err(next) => {
                let failures = self.failures.entry(key.into()).or_insert(0);
                let wait = RETRY.saturating_mul(1 << (*failures).min(10)).min(MAX_RETRY);
                *failures += 1;
                let again = cx.now + wait;
                Ok(Outcome::At(next.map_or(again, |next| next.min(again))))
            }
        }
    }
}

impl Jobs {
    fn observe_pod(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        for object in [Some(&news.object), news.previous.as_ref()].into_iter().flatten() {
            match controller_of(object.meta()) {
                Some(owner) if owner.kind == "Job" => {
                    self.gather(format!("{}/{}", news.key.namespace, owner.name), cx.now, queue);
                }
                Some(_) => {}
                // An orphan may be somebody's to adopt.
                None => {
                    for job in matching(cx, object) {
                        self.gather(job, cx.now, queue);
                    }
                }
            }
        }
        let Some(pod) = news.object.get::<Pod>().filter(|_| news.change != Change::Deleted) else { return };
        if tracking::is_tracked(pod) && job_of(cx, pod).is_none_or(|job| conditions::is_finished(&job)) {
            queue.add(orphan_key(pod));
        }
    }

    /// Queues a Job a second from now, unless it is about to be synced anyway.
    fn gather(&mut self, key: String, now: Millis, queue: &mut WorkQueue) {
        if self.gathering.get(&key).is_none_or(|at| *at <= now) {
            self.gathering.insert(key.clone(), now + BATCH);
            queue.add_at(now + BATCH, key);
        }
    }

    /// # Errors
    /// When it fails: what it wanted to look at again, and when.
    fn sync(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Option<Millis>> {
        let job = claim::find::<Job>(cx, key);
        let Some(job) = job.filter(|job| !is_managed_elsewhere(job) && !conditions::is_finished(job)) else {
            self.backoff.remove(key);
            return Ok(Outcome::Done);
        };
        let known = self.backoff.get(key).cloned().unwrap_or_default();
        let mut sync = Sync::begin(cx, &mut self.recorder, &job, known).map_err(|_| None)?;
        let outcome = sync.run();
        let next = sync.next;
        // Pods that no status tells of will be met again: they have not failed twice.
        if sync.told {
            let backoff = sync.backoff.clone();
            self.backoff.insert(key.into(), backoff);
        }
        outcome.map_err(|_| next)
    }
}

/// `spec.managedBy` names somebody else.
fn is_managed_elsewhere(job: &Job) -> bool {
    let manager = job.spec.as_ref().and_then(|spec| spec.managed_by.as_deref());
    manager.is_some_and(|manager| manager != "kubernetes.io/job-controller")
}

/// A pod whose Job is gone or done is nobody's to count any more.
fn free_orphan(cx: &mut Context, key: &str) -> Result<(), Status> {
    let Some(pod) = claim::find::<Pod>(cx, key) else { return Ok(()) };
    if job_of(cx, &pod).is_some_and(|job| is_managed_elsewhere(&job) || !conditions::is_finished(&job)) {
        return Ok(());
    }
    tracking::untrack(cx, &pod)
}

/// The Job that controls a pod, if it is still there.
fn job_of(cx: &Context, pod: &Pod) -> Option<std::sync::Arc<Job>> {
    let owner = controller_of(&pod.metadata).filter(|owner| owner.kind == "Job")?;
    let job = cx.api.get::<Job>(super::pods::namespace(pod), &owner.name)?;
    (job.metadata.uid.as_deref() == Some(&owner.uid)).then_some(job)
}

/// Keys of the Jobs whose selector matches an orphan.
fn matching(cx: &Context, object: &Object) -> Vec<String> {
    let Some(labels) = object.meta().labels.as_ref() else { return Vec::new() };
    let jobs = cx.api.list::<Job>(object.namespace());
    jobs.filter(|job| job.selector().matches(Some(labels))).map(|job| key_of(&job.metadata)).collect()
}

fn orphan_key(pod: &Pod) -> String {
    format!("{ORPHAN}{}", key_of(&pod.metadata))
}
