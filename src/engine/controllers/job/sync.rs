//! One sync of one Job: count its pods, decide whether it is over, else make or remove pods, write it down.
//!
//! The decision, in this order: a rule of `podFailurePolicy` failed the Job, `backoffLimit` is exceeded,
//! `activeDeadlineSeconds` have passed, indexes failed for good, `successPolicy` is met, all completions are there.
//! A Job that is over first says so (`FailureTarget`, `SuccessCriteriaMet`) and stops what is at work; `Failed` or
//! `Complete` it is when the last pod has ended.
//! Mirrors: pkg/controller/job/job_controller.go `syncJob`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus};
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::time::millis;
use api::order::Gather;
use api::{Object, Status, Typed};

use super::backoff::Backoff;
use super::failure_policy::{Verdict, judge};
use super::indexes::{self, Indexes};
use super::{conditions, success, tracking};
use crate::client::{Context, EventOf, EventType, Recorder};
use crate::controllers::{Outcome, claim, pod_control, pods};
use crate::sim::Millis;

/// One Job during one sync. `job` is a working copy; what it comes to is written at the end.
pub(super) struct Sync<'a, 'c> {
    pub cx: &'a mut Context<'c>,
    pub recorder: &'a mut Recorder,
    pub job: Job,
    /// All its pods, counted or not.
    pub pods: Vec<Arc<Pod>>,
    /// Neither finished nor on their way out.
    pub active: Vec<Arc<Pod>>,
    pub counts: Counts,
    /// UIDs that the status tells of, but does not count yet.
    pub uncounted: Uncounted,
    /// Of an Indexed Job: what had succeeded before this sync, what has now, what has failed for good.
    pub succeeded_before: Indexes,
    pub succeeded: Indexes,
    pub failed_indexes: Option<Indexes>,
    /// Failed pods kept until their replacement bears their index's number of failures.
    pub kept: BTreeMap<i32, Arc<Pod>>,
    pub backoff: Backoff,
    /// FailureTarget, Failed or SuccessCriteriaMet, when this sync finds the Job to be over.
    pub finish: Option<JobCondition>,
    /// Look again at this time at the latest.
    pub next: Option<Millis>,
    /// More pods than fit one step.
    pub more: bool,
    /// The status tells of all that was found.
    pub told: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub active: i32,
    pub ready: i32,
    pub terminating: i32,
    pub succeeded: i32,
    pub failed: i32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Uncounted {
    pub succeeded: BTreeSet<String>,
    pub failed: BTreeSet<String>,
}

impl<'a, 'c> Sync<'a, 'c> {
    /// Reads the Job's pods and counts them.
    pub fn begin(
        cx: &'a mut Context<'c>,
        recorder: &'a mut Recorder,
        job: &Arc<Job>,
        backoff: Backoff,
    ) -> Result<Self, Status> {
        let pods = own(cx, job)?;
        let active: Vec<Arc<Pod>> = pods.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let status = job.status.clone().unwrap_or_default();
        let listed = status.uncounted_terminated_pods.clone().unwrap_or_default();
        let mut sync = Self {
            cx,
            recorder,
            job: (**job).clone(),
            pods,
            active,
            counts: Counts::default(),
            uncounted: Uncounted {
                succeeded: listed.succeeded.into_iter().flatten().collect(),
                failed: listed.failed.into_iter().flatten().collect(),
            },
            succeeded_before: Indexes::default(),
            succeeded: Indexes::default(),
            failed_indexes: None,
            kept: BTreeMap::new(),
            backoff,
            finish: None,
            next: None,
            more: false,
            told: false,
        };
        sync.status_mut().uncounted_terminated_pods.get_or_insert_default();
        sync.count(&status);
        Ok(sync)
    }

    pub fn run(&mut self) -> Result<Outcome, Status> {
        if self.status().start_time.is_none() && !conditions::is_suspended(&self.job) {
            let now = self.cx.time();
            self.status_mut().start_time = Some(now);
        }
        let before = self.status().clone();
        self.decide_end();
        let managed = if self.finish.is_some() { self.stop() } else { self.carry_on() };
        let counts = self.counts;
        let status = self.status_mut();
        status.active = Some(counts.active).filter(|active| *active != 0);
        status.ready = Some(counts.ready);
        status.terminating = Some(counts.terminating);
        let changed = *self.status() != before;
        self.track(changed)?;
        managed?;
        Ok(match self.next {
            _ if self.more => Outcome::Again,
            Some(at) => Outcome::At(at),
            None => Outcome::Done,
        })
    }

    /// Upstream's numbers: what is counted, what is about to be, and what is new.
    fn count(&mut self, status: &JobStatus) {
        let new: Vec<Arc<Pod>> = self.pods.iter().filter(|pod| self.is_new(pod)).cloned().collect();
        let (succeeded, rest): (Vec<_>, Vec<_>) = new.into_iter().partition(|pod| pods::phase(pod) == "Succeeded");
        let succeeded: Vec<_> =
            succeeded.into_iter().filter(|pod| !self.uncounted.succeeded.contains(uid(pod))).collect();
        let failed: Vec<_> =
            rest.into_iter().filter(|pod| self.is_failed(pod) && !self.uncounted.failed.contains(uid(pod))).collect();
        let policy = self.spec().pod_failure_policy.as_ref();
        let counting = failed.iter().filter(|pod| judge(policy, pod) != Verdict::Ignore).count() as i32;
        self.counts = Counts {
            active: self.active.len() as i32,
            ready: self.active.iter().filter(|pod| pods::is_ready(pod)).count() as i32,
            terminating: self.pods.iter().filter(|pod| is_terminating(pod)).count() as i32,
            succeeded: status.succeeded.unwrap_or(0) + succeeded.len() as i32 + self.uncounted.succeeded.len() as i32,
            failed: status.failed.unwrap_or(0) + counting + self.uncounted.failed.len() as i32,
        };
        self.backoff = std::mem::take(&mut self.backoff).after(&succeeded, &failed);
        if indexes::is_indexed(&self.job) {
            self.count_indexes(status);
        }
    }

    fn count_indexes(&mut self, status: &JobStatus) {
        let completions = self.completions().unwrap_or(0);
        self.succeeded_before = Indexes::parse(status.completed_indexes.as_deref().unwrap_or_default(), completions);
        self.succeeded = self.succeeded_before.clone();
        let tracked: Vec<(i32, Arc<Pod>)> = self
            .pods
            .iter()
            .filter(|pod| tracking::is_tracked(pod))
            .filter_map(|pod| Some((indexes::of(pod, self.spec())?, pod.clone())))
            .collect();
        let done = tracked.iter().filter(|(_, pod)| pods::phase(pod) == "Succeeded").map(|(index, _)| *index);
        self.succeeded.0.extend(done);
        self.counts.succeeded = self.succeeded.total();
        let Some(limit) = self.spec().backoff_limit_per_index else { return };
        let mut failed = Indexes::parse(status.failed_indexes.as_deref().unwrap_or_default(), completions);
        failed.0.extend(tracked.iter().filter(|(_, pod)| self.fails_index(pod, limit)).map(|(index, _)| *index));
        // Each other failed index waits for a replacement, which must learn of its failures.
        let active: BTreeSet<i32> = self.active.iter().filter_map(|pod| indexes::raw(pod)).into_set();
        for (index, pod) in tracked {
            let settled = self.succeeded.has(index) || failed.has(index) || active.contains(&index);
            if settled || !self.is_failed(&pod) {
                continue;
            }
            let rank = |pod: &Pod| {
                let (counted, ignored) = indexes::failures(pod);
                (counted + ignored, super::backoff::finished_at(pod))
            };
            if self.kept.get(&index).is_none_or(|known| rank(known) <= rank(&pod)) {
                self.kept.insert(index, pod);
            }
        }
        self.failed_indexes = Some(failed);
    }

    /// The index of a failed pod fails with it: by a rule, or because it failed too often.
    fn fails_index(&self, pod: &Pod, limit: i32) -> bool {
        if !self.is_failed(pod) {
            return false;
        }
        match judge(self.spec().pod_failure_policy.as_ref(), pod) {
            Verdict::FailIndex => true,
            Verdict::Ignore => false,
            Verdict::FailJob(_) | Verdict::Count => indexes::failures(pod).0 >= limit,
        }
    }

    /// Sets `finish` when the Job has ended one way or the other.
    fn decide_end(&mut self) {
        if let Some(met) = conditions::true_condition(&self.job, "SuccessCriteriaMet") {
            self.finish = Some(met.clone());
            return;
        }
        if let Some(target) = conditions::true_condition(&self.job, "FailureTarget") {
            let (reason, message) = (target.reason.clone(), target.message.clone());
            let condition = conditions::new("Failed", "", "", self.cx.time());
            self.finish = Some(JobCondition { reason, message, ..condition });
            return;
        }
        let fails = |reason: &'static str, message: &str| Some((reason, message.to_string()));
        let mut failure = self.policy_failure().map(|message| ("PodFailurePolicy", message));
        if failure.is_none() {
            let limit = self.spec().backoff_limit.unwrap_or(6);
            if self.counts.failed > limit || self.restarts_exceed(limit) {
                failure = fails("BackoffLimitExceeded", "Job has reached the specified backoff limit");
            } else if self.is_past_deadline() {
                failure = fails("DeadlineExceeded", "Job was active longer than specified deadline");
            }
        }
        if let (None, Some(failed)) = (&failure, &self.failed_indexes) {
            let all = failed.total() + self.succeeded.total() >= self.completions().unwrap_or(0);
            if self.spec().max_failed_indexes.is_some_and(|most| failed.total() > most) {
                let message = "Job has exceeded the specified maximal number of failed indexes";
                failure = fails("MaxFailedIndexesExceeded", message);
            } else if failed.total() > 0 && all {
                failure = fails("FailedIndexes", "Job has failed indexes");
            }
        }
        let now = self.cx.time();
        self.finish = match failure {
            Some((reason, message)) => Some(conditions::new("FailureTarget", reason, &message, now)),
            None if indexes::is_indexed(&self.job) => {
                let policy = self.spec().success_policy.as_ref();
                success::met(policy, self.completions().unwrap_or(0), &self.succeeded)
                    .map(|message| conditions::new("SuccessCriteriaMet", "SuccessPolicy", &message, now))
            }
            None => None,
        };
    }

    fn policy_failure(&self) -> Option<String> {
        let policy = self.spec().pod_failure_policy.as_ref()?;
        self.pods.iter().filter(|pod| self.is_failed(pod)).find_map(|pod| match judge(Some(policy), pod) {
            Verdict::FailJob(why) => Some(why),
            Verdict::FailIndex | Verdict::Ignore | Verdict::Count => None,
        })
    }

    /// Pods that restart in place count their restarts instead of failing.
    fn restarts_exceed(&self, limit: i32) -> bool {
        let template = self.spec().template.spec.as_ref();
        if template.and_then(|spec| spec.restart_policy.as_deref()) != Some("OnFailure") {
            return false;
        }
        let alive = self.pods.iter().filter(|pod| matches!(pods::phase(pod), "Running" | "Pending"));
        let statuses = alive.filter_map(|pod| pod.status.as_ref());
        let containers = statuses.flat_map(|status| {
            status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
        });
        let restarts: i32 = containers.map(|container| container.restart_count).sum();
        if limit == 0 { restarts > 0 } else { restarts >= limit }
    }

    /// Past `activeDeadlineSeconds`; otherwise remembers to look again when it will be.
    fn is_past_deadline(&mut self) -> bool {
        let Some(seconds) = self.spec().active_deadline_seconds else { return false };
        if conditions::is_suspended(&self.job) {
            return false;
        }
        let Some(start) = self.status().start_time.as_ref().map(millis) else { return false };
        let left = start + seconds.saturating_mul(1000) - self.cx.api.unix_millis() as i64;
        if left > 0 {
            self.look_again_in(left as Millis);
        }
        left <= 0
    }

    /// The Job is over: what still runs is stopped.
    fn stop(&mut self) -> Result<(), Status> {
        let owner = self.object();
        for pod in std::mem::take(&mut self.active) {
            if let Err(status) = pod_control::delete(self.cx, self.recorder, &owner, &pod) {
                // Not over yet: pods are left whose end must be counted.
                self.finish = None;
                return Err(status);
            }
            self.left(&pod);
        }
        Ok(())
    }

    /// The Job goes on: pods are made or removed; it may be complete, suspended or resumed.
    fn carry_on(&mut self) -> Result<(), Status> {
        let leaving = self.job.metadata.deletion_timestamp.is_some();
        let managed = if leaving { Ok(()) } else { self.manage() };
        let (active, succeeded) = (self.counts.active, self.counts.succeeded);
        let complete = match self.completions() {
            // A work queue ends when one pod found it empty, and the others have stopped.
            None => succeeded > 0 && active == 0,
            Some(wanted) => succeeded >= wanted && active == 0,
        };
        let now = self.cx.time();
        if complete {
            let message = "Reached expected number of succeeded pods";
            self.finish = Some(conditions::new("SuccessCriteriaMet", "CompletionsReached", message, now));
        } else if !leaving {
            let suspended = conditions::is_suspended(&self.job);
            let mut condition = if suspended {
                conditions::new("Suspended", "JobSuspended", "Job suspended", now.clone())
            } else {
                conditions::new("Suspended", "JobResumed", "Job resumed", now.clone())
            };
            if !suspended {
                condition.status = "False".into();
            }
            if conditions::ensure(self.conditions_mut(), condition) {
                let (reason, message) =
                    if suspended { ("Suspended", "Job suspended") } else { ("Resumed", "Job resumed") };
                self.event(EventType::Normal, reason, message);
                // The deadline does not run while the Job is suspended.
                self.status_mut().start_time = Some(now).filter(|_| !suspended);
            }
            if self.conditions_mut().is_empty() {
                self.status_mut().conditions = None;
            }
        }
        managed
    }

    /// Has a pod ended that no status tells of yet?
    fn is_new(&self, pod: &Pod) -> bool {
        let indexed = indexes::is_indexed(&self.job);
        tracking::is_tracked(pod) && (!indexed || indexes::of(pod, self.spec()).is_some())
    }

    /// Failed, or deleted before it could: unless only the former may be replaced.
    pub fn is_failed(&self, pod: &Pod) -> bool {
        match pods::phase(pod) {
            "Failed" => true,
            "Succeeded" => false,
            _ => pods::is_terminating(pod) && !self.replaces_failed_only(),
        }
    }

    pub fn replaces_failed_only(&self) -> bool {
        let spec = self.spec();
        spec.pod_replacement_policy.as_deref() == Some("Failed") || spec.pod_failure_policy.is_some()
    }

    /// An active pod was deleted.
    pub fn left(&mut self, pod: &Pod) {
        self.counts.active -= 1;
        self.counts.terminating += 1;
        self.counts.ready -= i32::from(pods::is_ready(pod));
    }

    pub fn look_again_in(&mut self, wait: Millis) {
        let at = self.cx.now + wait;
        self.next = Some(self.next.map_or(at, |known| known.min(at)));
    }

    pub fn spec(&self) -> &JobSpec {
        // Validation lets no Job without a spec be stored.
        self.job.spec.as_ref().expect("a stored Job has a spec")
    }

    pub fn completions(&self) -> Option<i32> {
        self.spec().completions
    }

    pub fn status(&mut self) -> &JobStatus {
        self.status_mut()
    }

    pub fn status_mut(&mut self) -> &mut JobStatus {
        self.job.status.get_or_insert_default()
    }

    pub fn conditions_mut(&mut self) -> &mut Vec<JobCondition> {
        self.status_mut().conditions.get_or_insert_default()
    }

    pub fn object(&self) -> Object {
        self.job.clone().into_object()
    }

    pub fn event(&mut self, kind: EventType, reason: &str, message: &str) {
        let of = EventOf::object(&self.object());
        self.recorder.event(self.cx, &of, kind, reason, message);
    }
}

pub(super) fn uid(pod: &Pod) -> &str {
    pod.metadata.uid.as_deref().unwrap_or_default()
}

/// On its way out, and not ended yet.
pub(super) fn is_terminating(pod: &Pod) -> bool {
    pods::is_terminating(pod) && !pods::is_terminal(pod)
}

/// The Job's pods. One that is adopted now has not been counted: it gets the finalizer, too.
fn own(cx: &mut Context, job: &Arc<Job>) -> Result<Vec<Arc<Pod>>, Status> {
    let owner = job.metadata.uid.as_deref().unwrap_or_default();
    let known: BTreeSet<String> = cx.api.owned_by::<Pod>(owner).map(|pod| uid(pod).to_string()).into_set();
    let mut pods = claim::claim(cx, job)?;
    for pod in pods.iter_mut().filter(|pod| !known.contains(uid(pod))) {
        *pod = tracking::track(cx, pod)?;
    }
    Ok(pods)
}
