//! TTL after finished: a Job that is done, and says how long it wants to be seen, goes when that time is up.
//!
//! The time runs from the condition `Complete` or `Failed`. It is deleted in the foreground, exactly as it was read.
//! Mirrors: pkg/controller/ttlafterfinished. Left out: nothing.

use api::k8s_openapi::api::batch::v1::Job;
use api::meta::time::millis;
use api::{Object, Status, Typed};

use super::claim::{find, key_of};
use super::job::conditions;
use super::{Controller, Outcome};
use crate::client::{Change, Context, DeleteOptions, Key, Propagation, Revision, WorkQueue};
use crate::sim::Millis;

#[derive(Clone, Default)]
pub struct TtlAfterFinished;

impl Controller for TtlAfterFinished {
    fn name(&self) -> &'static str {
        "ttl-after-finished-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        if let Object::Job(job) = &news.object
            && news.change != Change::Deleted
            && expires(job).is_some()
        {
            queue.add(format!("{}/{}", news.key.namespace, news.key.name));
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for job in cx.api.list::<Job>("").filter(|job| expires(job).is_some()) {
            queue.add(key_of(&job.metadata));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(job) = find::<Job>(cx, key) else { return Ok(Outcome::Done) };
        let Some(at) = expires(&job) else { return Ok(Outcome::Done) };
        let left = at - cx.api.unix_millis() as i64;
        if left > 0 {
            return Ok(Outcome::At(cx.now + left as Millis));
        }
        // Exactly this Job as it was read: its pods go first.
        let options = DeleteOptions {
            propagation: Some(Propagation::Foreground),
            uid: job.metadata.uid.clone(),
            resource_version: job.metadata.resource_version.clone(),
            ..DeleteOptions::default()
        };
        match cx.api.delete(&Key::of(&job.wrap()), &options) {
            Err(status) if status.code != 404 => Err(status),
            Ok(_) | Err(_) => Ok(Outcome::Done),
        }
    }
}

/// When a finished Job is to go, in Unix milliseconds.
fn expires(job: &Job) -> Option<i64> {
    if job.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let seconds = job.spec.as_ref()?.ttl_seconds_after_finished?;
    let finished = conditions::finished(job)?.last_transition_time.as_ref().map(millis)?;
    Some(finished + i64::from(seconds) * 1000)
}
