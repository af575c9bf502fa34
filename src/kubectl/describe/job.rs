//! Jobs and CronJobs.

use api::meta::time::{human_duration, parse_rfc3339};
use serde_json::Value;

use super::common::{controller, date, heading, metadata, optional_boolean, or_none, plain_selector};
use super::events::{self, Events};
use super::page::Page;
use super::pod_template;
use super::value::Fields as _;

pub fn job(job: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", job.name());
    page.field(0, "Namespace", job.namespace());
    page.field(0, "Selector", plain_selector(job.at("/spec/selector")));
    metadata(&mut page, job);
    if let Some(controller) = controller(job) {
        page.field(0, "Controlled By", controller);
    }
    let spoken = |page: &mut Page, label: &str, pointer: &str| {
        if job.has(pointer) {
            page.field(0, label, job.written(pointer));
        }
    };
    spoken(&mut page, "Parallelism", "/spec/parallelism");
    page.field(0, "Completions", unset_or(job, "/spec/completions"));
    spoken(&mut page, "Completion Mode", "/spec/completionMode");
    spoken(&mut page, "Suspend", "/spec/suspend");
    spoken(&mut page, "Backoff Limit", "/spec/backoffLimit");
    spoken(&mut page, "TTL Seconds After Finished", "/spec/ttlSecondsAfterFinished");
    let (start, end) = (job.text("/status/startTime"), job.text("/status/completionTime"));
    if !start.is_empty() {
        page.field(0, "Start Time", date(start));
    }
    if !end.is_empty() {
        page.field(0, "Completed At", date(end));
    }
    if let (Some(start), Some(end)) = (parse_rfc3339(start), parse_rfc3339(end)) {
        page.field(0, "Duration", human_duration(end - start));
    }
    if job.has("/spec/activeDeadlineSeconds") {
        page.field(0, "Active Deadline Seconds", format!("{}s", job.int("/spec/activeDeadlineSeconds")));
    }
    let ready = match job.has("/status/ready") {
        true => format!(" ({} Ready)", job.int("/status/ready")),
        false => String::new(),
    };
    let count = |key: &str| job.int(&format!("/status/{key}"));
    let (active, succeeded, failed) = (count("active"), count("succeeded"), count("failed"));
    page.field(0, "Pods Statuses", format!("{active} Active{ready} / {succeeded} Succeeded / {failed} Failed"));
    if job.text("/spec/completionMode") == "Indexed" {
        page.field(0, "Completed Indexes", indexes(job.text("/status/completedIndexes")));
    }
    pod_template::write(&mut page, job.at("/spec/template"));
    events::write(&mut page, events, now_ms);
    page.finish()
}

/// A long list of indexes is cut at the first comma after fifty characters.
fn indexes(indexes: &str) -> String {
    const SOFT_LIMIT: usize = 50;
    match indexes.get(SOFT_LIMIT..).and_then(|rest| rest.find(',')) {
        Some(comma) => format!("{}...", &indexes[..=SOFT_LIMIT + comma]),
        None => or_none(indexes).into(),
    }
}

pub fn cron_job(cron_job: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, cron_job, true);
    page.field(0, "Schedule", cron_job.text("/spec/schedule"));
    page.field(0, "Concurrency Policy", cron_job.text("/spec/concurrencyPolicy"));
    page.field(0, "Suspend", optional_boolean(cron_job.at("/spec/suspend")));
    page.field(0, "Time Zone", unset_or(cron_job, "/spec/timeZone"));
    page.field(0, "Successful Job History Limit", unset_or(cron_job, "/spec/successfulJobsHistoryLimit"));
    page.field(0, "Failed Job History Limit", unset_or(cron_job, "/spec/failedJobsHistoryLimit"));
    let deadline = match cron_job.has("/spec/startingDeadlineSeconds") {
        true => format!("{}s", cron_job.int("/spec/startingDeadlineSeconds")),
        false => "<unset>".into(),
    };
    page.field(0, "Starting Deadline Seconds", deadline);
    template(&mut page, cron_job.at("/spec/jobTemplate"));
    let last = match cron_job.text("/status/lastScheduleTime") {
        "" => "<unset>".into(),
        time => date(time),
    };
    page.field(0, "Last Schedule Time", last);
    let active: Vec<_> = cron_job.list("/status/active").iter().map(|job| job.text("/name")).collect();
    page.field(0, "Active Jobs", or_none(&active.join(", ")));
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn template(page: &mut Page, template: &Value) {
    let selector = match template.has("/spec/selector") {
        true => plain_selector(template.at("/spec/selector")),
        false => "<unset>".into(),
    };
    page.field(0, "Selector", selector);
    page.field(0, "Parallelism", unset_or(template, "/spec/parallelism"));
    page.field(0, "Completions", unset_or(template, "/spec/completions"));
    if template.has("/spec/activeDeadlineSeconds") {
        page.field(0, "Active Deadline Seconds", format!("{}s", template.int("/spec/activeDeadlineSeconds")));
    }
    pod_template::write(page, template.at("/spec/template"));
}

fn unset_or(object: &Value, pointer: &str) -> String {
    if object.has(pointer) { object.written(pointer) } else { "<unset>".into() }
}
