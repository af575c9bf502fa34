//! Defaults of Job and CronJob.
//!
//! Mirrors: pkg/apis/batch/v1/defaults.go. The generated selector and labels are the registry's.

use k8s_openapi::api::batch::v1::{CronJob, Job, JobSpec};

use super::fill::{object_meta, set, set_text};
use super::pod_spec;

pub(super) fn job(job: &mut Job) {
    let spec = job.spec.get_or_insert_default();
    pod_spec::template(&mut spec.template);
    // Only an unlabelled job takes its template's labels.
    if job.metadata.labels.is_none() {
        job.metadata.labels = spec.template.metadata.as_ref().and_then(|meta| meta.labels.clone());
    }
    // Neither given is one pod once; parallelism alone is a work queue.
    if spec.completions.is_none() && spec.parallelism.is_none() {
        spec.completions = Some(1);
    }
    set(&mut spec.parallelism, 1);
    let backoff_limit = if spec.backoff_limit_per_index.is_some() { i32::MAX } else { 6 };
    set(&mut spec.backoff_limit, backoff_limit);
    set(&mut spec.completion_mode, "NonIndexed".into());
    set(&mut spec.suspend, false);
    set(&mut spec.manual_selector, false);
    failure_policy(spec);
    let replacement = if spec.pod_failure_policy.is_some() { "Failed" } else { "TerminatingOrFailed" };
    set(&mut spec.pod_replacement_policy, replacement.into());
}

fn failure_policy(spec: &mut JobSpec) {
    let rules = spec.pod_failure_policy.iter_mut().flat_map(|policy| &mut policy.rules);
    for pattern in rules.flat_map(|rule| rule.on_pod_conditions.iter_mut().flatten()) {
        set_text(&mut pattern.status, "True");
    }
}

pub(super) fn cron_job(cron_job: &mut CronJob) {
    let spec = &mut cron_job.spec;
    set_text(&mut spec.concurrency_policy, "Allow");
    set(&mut spec.suspend, false);
    set(&mut spec.successful_jobs_history_limit, 3);
    set(&mut spec.failed_jobs_history_limit, 1);
    object_meta(spec.job_template.metadata.get_or_insert_default());
    let job_spec = spec.job_template.spec.get_or_insert_default();
    pod_spec::template(&mut job_spec.template);
    failure_policy(job_spec);
}
