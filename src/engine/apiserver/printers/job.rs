//! Jobs: how far, for how long, and how it stands.
//!
//! Mirrors: pkg/printers/internalversion `printJob`.

use api::meta::time::human_duration;
use k8s_openapi::api::batch::v1::{Job, JobStatus};
use serde_json::json;

use super::Cells;
use super::cell::{Now, containers, selector, text};
use super::column::{AGE, CONTAINERS, Column, IMAGES, NAME, field, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Status", "Status of the job."),
    field("Completions", "batch/v1.JobStatus", "succeeded"),
    string("Duration", "Time required to complete the job."),
    AGE,
    CONTAINERS.wide(),
    IMAGES.wide(),
    field("Selector", "batch/v1.JobSpec", "selector").wide(),
];

pub(super) fn cells(job: &Job, now: Now) -> Cells {
    let empty = JobStatus::default();
    let status = job.status.as_ref().unwrap_or(&empty);
    let spec = job.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    vec![
        text(&job.metadata.name),
        json!(standing(job, status)),
        json!(completions(job, status)),
        json!(duration(status, now)),
        now.age(&job.metadata),
        names,
        images,
        selector(spec.and_then(|spec| spec.selector.as_ref())),
    ]
}

fn standing(job: &Job, status: &JobStatus) -> &'static str {
    let is = |kind: &str| {
        let condition = status.conditions.iter().flatten().find(|c| c.type_ == kind);
        condition.is_some_and(|c| c.status == "True")
    };
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if job.metadata.deletion_timestamp.is_some() {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

/// `succeeded/wanted`; a work queue (no number of completions) ends with its first success.
fn completions(job: &Job, status: &JobStatus) -> String {
    let succeeded = status.succeeded.unwrap_or_default();
    let spec = job.spec.as_ref();
    match (spec.and_then(|spec| spec.completions), spec.and_then(|spec| spec.parallelism)) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, Some(parallelism)) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

/// From start to completion, or until now; empty before the start.
fn duration(status: &JobStatus, now: Now) -> String {
    match (&status.start_time, &status.completion_time) {
        (None, _) => String::new(),
        (Some(start), None) => now.since(Some(start)),
        (Some(start), Some(end)) => human_duration(end.0.as_millisecond() - start.0.as_millisecond()),
    }
}
