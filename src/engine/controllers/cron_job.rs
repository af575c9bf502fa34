//! CronJob: makes a Job each time its schedule says so, and keeps the last few.
//!
//! Of all times missed only the latest is made up for, and only within `startingDeadlineSeconds`. The Job is named
//! after its minute, so that one time never gets two. If another Job is still at work, `Forbid` waits for its end (and
//! for the deadline), `Replace` deletes that Job first, `Allow` does not care.
//! Mirrors: pkg/controller/cronjob/cronjob_controllerv2.go. Left out: nothing of batch/v1.

mod history;
mod schedule;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use api::k8s_openapi::api::batch::v1::{CronJob, Job};
use api::k8s_openapi::api::core::v1::ObjectReference;
use api::meta::owner::{controller_of, controller_reference, is_controlled_by};
use api::meta::time::{rfc3339, time_from_millis};
use api::{Kind, Object, Status, Typed};

use self::schedule::{Due, Timetable};
use super::job::conditions;
use super::{Controller, Outcome, claim};
use crate::client::{
    Change, Context, DeleteOptions, EventOf, EventType, Key, Propagation, Recorder, Revision, WorkQueue,
};
use crate::sim::Millis;

/// From the scheduled time until the controller looks.
const DELTA: Millis = 100;

const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

#[derive(Clone)]
pub struct CronJobs {
    recorder: Recorder,
}

impl Default for CronJobs {
    fn default() -> Self {
        Self { recorder: Recorder::new("cronjob-controller", "") }
    }
}

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::CronJob if news.change != Change::Deleted => {
                let key = format!("{}/{}", news.key.namespace, news.key.name);
                let times = |object: &Object| {
                    object.get::<CronJob>().map(|cron| (cron.spec.schedule.clone(), cron.spec.time_zone.clone()))
                };
                // A new schedule starts with its next time; anything else may matter at once.
                match news.object.get::<CronJob>() {
                    Some(cron) if news.previous.as_ref().is_some_and(|old| times(old) != times(&news.object)) => {
                        let unix = cx.api.unix_millis() as i64;
                        if let Some(at) = Timetable::of(cron).ok().and_then(|table| table.next(cron, unix)) {
                            queue.add_at(cx.now + (at - unix).max(0) as Millis + DELTA, key);
                        }
                    }
                    _ => queue.add(key),
                }
            }
            Kind::Job => {
                for object in [Some(&news.object), news.previous.as_ref()].into_iter().flatten() {
                    if let Some(owner) = controller_of(object.meta()).filter(|owner| owner.kind == "CronJob") {
                        queue.add(format!("{}/{}", news.key.namespace, owner.name));
                    }
                }
            }
            // Only CronJobs and their Jobs matter; the rest is time.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        claim::resync::<CronJob>(cx, queue);
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(cron) = claim::find::<CronJob>(cx, key) else { return Ok(Outcome::Done) };
        let jobs = cx.api.owned_by::<Job>(cron.metadata.uid.as_deref().unwrap_or_default()).cloned().collect();
        let recorder = &mut self.recorder;
        let mut sync = Sync { cx, recorder, cron: (*cron).clone(), jobs, changed: false };
        sync.forget_old();
        let result = sync.run();
        if sync.changed {
            sync.cx.api.update_status(sync.cron)?;
        }
        result
    }
}

/// One CronJob during one sync; all changes of its status are written at the end.
struct Sync<'a, 'c> {
    cx: &'a mut Context<'c>,
    recorder: &'a mut Recorder,
    cron: CronJob,
    /// The Jobs it controls.
    jobs: Vec<Arc<Job>>,
    changed: bool,
}

impl Sync<'_, '_> {
    fn run(&mut self) -> Result<Outcome, Status> {
        self.look_at_jobs();
        self.miss_jobs();
        if self.cron.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Done);
        }
        let table = match Timetable::of(&self.cron) {
            Ok(table) => table,
            Err((reason, message)) => {
                // Suspended, it is only looked at as far as its zone.
                if reason == "UnknownTimeZone" || self.cron.spec.suspend != Some(true) {
                    self.event(EventType::Warning, reason, &message);
                }
                return Ok(Outcome::Done);
            }
        };
        if self.cron.spec.suspend == Some(true) {
            return Ok(Outcome::Done);
        }
        let unix = self.cx.api.unix_millis() as i64;
        let next = table
            .next(&self.cron, unix)
            .map_or(Outcome::Done, |at| Outcome::At(self.cx.now + (at - unix).max(0) as Millis + DELTA));
        let at = match table.due(&self.cron, unix) {
            Due::Never => {
                let message = format!(
                    "invalid schedule: {} : time difference between two schedules is less than 1 second",
                    self.cron.spec.schedule
                );
                self.event(EventType::Warning, "InvalidSchedule", &message);
                return Ok(Outcome::Done);
            }
            Due::NotYet => return Ok(next),
            Due::Since { at, many_missed } => {
                if many_missed {
                    let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                    self.event(EventType::Warning, "TooManyMissedTimes", message);
                }
                at
            }
        };
        if self.cron.spec.starting_deadline_seconds.is_some_and(|seconds| at + seconds.saturating_mul(1000) < unix) {
            let message = format!("Missed scheduled time to start a job: {}", rfc1123z(at));
            self.event(EventType::Warning, "MissSchedule", &message);
            return Ok(next);
        }
        let name = job_name(&self.cron, at);
        let scheduled = Some(time_from_millis(at));
        let last = self.cron.status.as_ref().and_then(|status| status.last_schedule_time.clone());
        if last == scheduled || self.active().iter().any(|job| job.name.as_deref() == Some(&name)) {
            return Ok(next);
        }
        match self.cron.spec.concurrency_policy.as_deref() {
            Some("Forbid") if !self.active().is_empty() => {
                let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.event(EventType::Normal, "JobAlreadyActive", message);
                return Ok(next);
            }
            Some("Replace") => self.replace()?,
            _ => {}
        }
        if let Some(job) = self.create(&table, &name, at)? {
            let reference = EventOf::object(&job.wrap()).0;
            let status = self.cron.status.get_or_insert_default();
            status.active.get_or_insert_default().push(reference);
            status.last_schedule_time = scheduled;
            self.changed = true;
        }
        Ok(next)
    }

    /// What has become of the Jobs there are.
    fn look_at_jobs(&mut self) {
        for job in self.jobs.clone() {
            let name = job.metadata.name.clone().unwrap_or_default();
            let uid = job.metadata.uid.clone();
            let listed = self.active().iter().any(|known| known.uid == uid);
            let finished = conditions::finished(&job);
            match (listed, finished) {
                (false, None) => {
                    let message = format!("Saw a job that the controller did not create or forgot: {name}");
                    self.event(EventType::Warning, "UnexpectedJob", &message);
                }
                (true, Some(condition)) => {
                    self.forget(uid.as_deref());
                    let message = format!("Saw completed job: {name}, condition: {}", condition.type_);
                    self.event(EventType::Normal, "SawCompletedJob", &message);
                    self.changed = true;
                }
                (true, None) | (false, Some(_)) => {}
            }
            if conditions::true_condition(&job, "Complete").is_some() {
                let completed = job.status.as_ref().and_then(|status| status.completion_time.clone());
                let status = self.cron.status.get_or_insert_default();
                if completed > status.last_successful_time {
                    status.last_successful_time = completed;
                    self.changed = true;
                }
            }
        }
    }

    /// Jobs that are listed but gone.
    fn miss_jobs(&mut self) {
        for listed in self.active() {
            if self.jobs.iter().any(|job| job.metadata.uid == listed.uid) {
                continue;
            }
            let name = listed.name.unwrap_or_default();
            if self.cx.api.get::<Job>(listed.namespace.as_deref().unwrap_or_default(), &name).is_none() {
                self.event(EventType::Normal, "MissingJob", &format!("Active job went missing: {name}"));
                self.forget(listed.uid.as_deref());
                self.changed = true;
            }
        }
    }

    /// Deletes the Jobs that still run.
    fn replace(&mut self) -> Result<(), Status> {
        for listed in self.active() {
            let (namespace, name) = (listed.namespace.unwrap_or_default(), listed.name.unwrap_or_default());
            let Some(job) = self.cx.api.get::<Job>(&namespace, &name) else { continue };
            self.delete(&job)?;
            self.changed = true;
        }
        Ok(())
    }

    /// The Job of that time, new or as it was made before; none when it is somebody else's.
    fn create(&mut self, table: &Timetable, name: &str, at: i64) -> Result<Option<Arc<Job>>, Status> {
        let template = &self.cron.spec.job_template;
        let mut job = Job { spec: template.spec.clone(), ..Job::default() };
        if let Some(meta) = &template.metadata {
            job.metadata.labels.clone_from(&meta.labels);
            job.metadata.annotations.clone_from(&meta.annotations);
        }
        job.metadata.annotations.get_or_insert_default().insert(SCHEDULED.into(), table.zone.rfc3339(at));
        job.metadata.name = Some(name.into());
        job.metadata.namespace.clone_from(&self.cron.metadata.namespace);
        job.metadata.owner_references = Some(vec![controller_reference(&self.object())]);
        match self.cx.api.create(job) {
            Ok(job) => {
                self.event(EventType::Normal, "SuccessfulCreate", &format!("Created job {name}"));
                Ok(Some(job))
            }
            Err(status) if status.reason == "AlreadyExists" => {
                let namespace = self.cron.metadata.namespace.clone().unwrap_or_default();
                let uid = self.cron.metadata.uid.clone().unwrap_or_default();
                Ok(self.cx.api.get::<Job>(&namespace, name).filter(|job| is_controlled_by(&job.metadata, &uid)))
            }
            Err(status) => {
                let causes = status.details.iter().flat_map(|details| &details.causes);
                // A namespace on its way out refuses everything; that is no news about the CronJob.
                if !causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating") {
                    self.event(EventType::Warning, "FailedCreate", &format!("Error creating job: {status}"));
                }
                Err(status)
            }
        }
    }

    fn delete(&mut self, job: &Job) -> Result<(), Status> {
        let meta = &job.metadata;
        let name = meta.name.as_deref().unwrap_or_default();
        let key = Key::new(Kind::Job, meta.namespace.as_deref().unwrap_or_default(), name);
        let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
        if let Err(status) = self.cx.api.delete(&key, &options) {
            self.event(EventType::Warning, "FailedDelete", &format!("Deleted job: {status}"));
            return Err(status);
        }
        self.forget(meta.uid.as_deref());
        self.event(EventType::Normal, "SuccessfulDelete", &format!("Deleted job {name}"));
        Ok(())
    }

    fn active(&self) -> Vec<ObjectReference> {
        self.cron.status.as_ref().and_then(|status| status.active.clone()).unwrap_or_default()
    }

    /// Takes a Job off the list of active ones.
    fn forget(&mut self, uid: Option<&str>) {
        let Some(list) = self.cron.status.as_mut().and_then(|status| status.active.as_mut()) else { return };
        list.retain(|known| known.uid.as_deref() != uid);
        if list.is_empty() {
            self.cron.status.get_or_insert_default().active = None;
        }
    }

    fn object(&self) -> Object {
        self.cron.clone().into_object()
    }

    fn event(&mut self, kind: EventType, reason: &str, message: &str) {
        let of = EventOf::object(&self.object());
        self.recorder.event(self.cx, &of, kind, reason, message);
    }
}

/// One name for each scheduled time: a Job that was made twice would be refused.
fn job_name(cron: &CronJob, at: i64) -> String {
    format!("{}-{}", cron.metadata.name.as_deref().unwrap_or_default(), at.div_euclid(60_000))
}

/// `Mon, 02 Jan 2006 15:04:05 +0000`
fn rfc1123z(unix_ms: i64) -> String {
    let stamp = time_from_millis(unix_ms).0;
    api::k8s_openapi::jiff::fmt::rfc2822::to_string(&stamp.to_zoned(api::k8s_openapi::jiff::tz::TimeZone::UTC))
        .unwrap_or_else(|_| rfc3339(unix_ms))
}
