//! How many finished Jobs are kept: so many that succeeded, so many that failed, the oldest go first.
//!
//! Mirrors: pkg/controller/cronjob/cronjob_controllerv2.go `cleanupFinishedJobs`.

use std::sync::Arc;

use api::k8s_openapi::api::batch::v1::Job;
use api::order::Order;

use super::Sync;
use crate::controllers::job::conditions;

impl Sync<'_, '_> {
    /// Deletes finished Jobs beyond the limits. One that cannot be deleted is tried again next time.
    pub(super) fn forget_old(&mut self) {
        let spec = &self.cron.spec;
        let limits = [("Complete", spec.successful_jobs_history_limit), ("Failed", spec.failed_jobs_history_limit)];
        for (kind, limit) in limits {
            let Some(limit) = limit else { continue };
            let ended = |job: &&Arc<Job>| conditions::finished(job).is_some_and(|condition| condition.type_ == kind);
            let mut jobs: Vec<Arc<Job>> = self.jobs.iter().filter(ended).cloned().collect();
            jobs.order_by_key(|job| {
                let start = job.status.as_ref().and_then(|status| status.start_time.clone());
                (start.is_none(), start, job.metadata.name.clone())
            });
            let surplus = jobs.len().saturating_sub(limit.max(0) as usize);
            for job in jobs.into_iter().take(surplus) {
                self.changed |= self.delete(&job).is_ok();
            }
        }
    }
}
