//! CronJobs.
//!
//! Mirrors: pkg/printers/internalversion `printCronJob`.

use k8s_openapi::api::batch::v1::CronJob;
use serde_json::json;

use super::Cells;
use super::cell::{Now, containers, selector, text};
use super::column::{AGE, CONTAINERS, Column, IMAGES, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Schedule", "batch/v1.CronJobSpec", "schedule"),
    field("Timezone", "batch/v1.CronJobSpec", "timeZone"),
    field("Suspend", "batch/v1.CronJobSpec", "suspend").of("boolean"),
    field("Active", "batch/v1.CronJobStatus", "active").of("integer"),
    field("Last Schedule", "batch/v1.CronJobStatus", "lastScheduleTime"),
    AGE,
    CONTAINERS.wide(),
    IMAGES.wide(),
    field("Selector", "batch/v1.JobSpec", "selector").wide(),
];

pub(super) fn cells(cron_job: &CronJob, now: Now) -> Cells {
    let spec = &cron_job.spec;
    let status = cron_job.status.as_ref();
    let job = spec.job_template.spec.as_ref();
    let template = job.and_then(|job| job.template.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    let last = status.and_then(|status| status.last_schedule_time.as_ref());
    vec![
        text(&cron_job.metadata.name),
        json!(spec.schedule),
        json!(spec.time_zone.as_deref().unwrap_or("<none>")),
        // Text, in spite of the column's type.
        json!(match spec.suspend {
            None => "<unset>",
            Some(true) => "True",
            Some(false) => "False",
        }),
        json!(status.map_or(0, |status| status.active.iter().flatten().count())),
        json!(last.map_or("<none>".into(), |last| now.since(Some(last)))),
        now.age(&cron_job.metadata),
        names,
        images,
        selector(job.and_then(|job| job.selector.as_ref())),
    ]
}
