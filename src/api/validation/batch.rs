//! Job and CronJob.
//!
//! Mirrors: pkg/apis/batch/validation. A Job's generated selector and labels are the registry's.

use k8s_openapi::api::batch::v1::{CronJob, Job, JobSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::common::{IMMUTABLE, immutable_as, label_selector, nonnegative_if, one_of, required_one_of};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::workloads::matching_labels;
use super::{batch_policies, internal, pod};
use crate::meta::cron::Schedule;
use crate::meta::names;
use crate::meta::selector::{Labels, Selector};
use crate::meta::zone::Zone;
use crate::order::Gather;

/// Completions of an indexed job run side by side up to this many.
const MAX_INDEXED_PARALLELISM: i32 = 100_000;

pub(super) fn job(job: &Job, errors: &mut ErrorList) {
    let spec = job.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    generated_selector(job, &spec, &path, errors);
    job_spec(&spec, &path, errors);
    let Some(selector) = &spec.selector else {
        errors.push(FieldError::required(&path.child("selector"), ""));
        return;
    };
    label_selector(Some(selector), &path.child("selector"), errors);
    let selector = Selector::from_label_selector(Some(selector));
    matching_labels(Some(&spec.template), &selector, &path.child("template"), errors);
}

/// Unless it is chosen by hand, the selector is the job's own identity.
fn generated_selector(job: &Job, spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let (Some(selector), false) = (&spec.selector, spec.manual_selector == Some(true)) else { return };
    let uid = job.metadata.uid.clone().unwrap_or_default();
    let name = job.metadata.name.clone().unwrap_or_default();
    let expected: Labels = [
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_string(), value.clone()))
    .into_map();
    if !Selector::from_label_selector(Some(selector)).matches(Some(&expected)) {
        errors.push(FieldError::invalid(&path.child("selector"), selector, "`selector` not auto-generated"));
    }
}

fn job_spec(spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    nonnegative_if(spec.parallelism, &path.child("parallelism"), errors);
    nonnegative_if(spec.completions, &path.child("completions"), errors);
    nonnegative_if(spec.active_deadline_seconds, &path.child("activeDeadlineSeconds"), errors);
    nonnegative_if(spec.backoff_limit, &path.child("backoffLimit"), errors);
    nonnegative_if(spec.ttl_seconds_after_finished, &path.child("ttlSecondsAfterFinished"), errors);
    nonnegative_if(spec.backoff_limit_per_index, &path.child("backoffLimitPerIndex"), errors);
    nonnegative_if(spec.max_failed_indexes, &path.child("maxFailedIndexes"), errors);
    if spec.max_failed_indexes.is_some() && spec.backoff_limit_per_index.is_none() {
        let text = "when maxFailedIndexes is specified";
        errors.push(FieldError::required(&path.child("backoffLimitPerIndex"), text));
    }
    completion_mode(spec, path, errors);
    batch_policies::failure(spec, &path.child("podFailurePolicy"), errors);
    if let Some(policy) = spec.pod_replacement_policy.as_deref() {
        let here = path.child("podReplacementPolicy");
        if spec.pod_failure_policy.is_some() {
            one_of(policy, &["Failed"], &here, errors);
        } else {
            one_of(policy, &["Failed", "TerminatingOrFailed"], &here, errors);
        }
    }
    let template_path = path.child("template");
    pod::spec::template(Some(&spec.template), &template_path, errors);
    restart_policy(spec, &template_path.child("spec").child("restartPolicy"), errors);
}

fn completion_mode(spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let mode = spec.completion_mode.as_deref().unwrap_or("NonIndexed");
    one_of(mode, &["Indexed", "NonIndexed"], &path.child("completionMode"), errors);
    if mode == "Indexed" {
        if spec.completions.is_none() {
            let text = "when completion mode is Indexed";
            errors.push(FieldError::required(&path.child("completions"), text));
        }
        if let Some(pods) = spec.parallelism.filter(|pods| *pods > MAX_INDEXED_PARALLELISM) {
            let text =
                format!("must be less than or equal to {MAX_INDEXED_PARALLELISM} when completion mode is Indexed");
            errors.push(FieldError::invalid(&path.child("parallelism"), pods, text));
        }
        batch_policies::success(spec, &path.child("successPolicy"), errors);
        return;
    }
    for (field, value) in
        [("backoffLimitPerIndex", spec.backoff_limit_per_index), ("maxFailedIndexes", spec.max_failed_indexes)]
    {
        if let Some(value) = value {
            errors.push(FieldError::invalid(&path.child(field), value, "requires indexed completion mode"));
        }
    }
    if spec.success_policy.is_some() {
        let text = "requires indexed completion mode";
        errors.push(FieldError::invalid(&path.child("successPolicy"), GoValue::Struct(vec![]), text));
    }
}

/// A job's pods must be able to end; the default, Always, counts as none given.
fn restart_policy(spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    let policy = spec.template.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()).unwrap_or_default();
    match policy {
        "" | "Always" => {
            errors.push(FieldError::required(path, "valid values: \"OnFailure\", \"Never\""));
        }
        "OnFailure" if spec.pod_failure_policy.is_some() => {
            let text = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(path, policy, text));
        }
        "OnFailure" | "Never" => {}
        other => errors.push(FieldError::not_supported(path, other, &["OnFailure", "Never"])),
    }
}

pub(super) fn job_update(new_job: &Job, old_job: &Job, errors: &mut ErrorList) {
    let (new, old) = (new_job.spec.clone().unwrap_or_default(), old_job.spec.clone().unwrap_or_default());
    let path = Path::ROOT.child("spec");
    job_spec(&new, &path, errors);
    match &new.selector {
        None => errors.push(FieldError::required(&path.child("selector"), "")),
        Some(selector) => label_selector(Some(selector), &path.child("selector"), errors),
    }
    if new.completions != old.completions && !is_elastic(&new) {
        errors.push(FieldError::invalid(&path.child("completions"), new.completions, IMMUTABLE));
    }
    let selector = |selector: &Option<_>| GoValue::from(selector.as_ref());
    immutable_as(&new.selector, &old.selector, selector, &path.child("selector"), errors);
    let template = template_without_directives(&new.template, &old, old_job);
    immutable_as(&template, &old.template, internal::template, &path.child("template"), errors);
    let text = |text: &Option<String>| text.clone().into();
    immutable_as(&new.completion_mode, &old.completion_mode, text, &path.child("completionMode"), errors);
    let printed = |value: serde_json::Value| GoValue::from(value);
    immutable_as(
        &new.pod_failure_policy,
        &old.pod_failure_policy,
        |policy| printed(crate::codec::encode(policy)),
        &path.child("podFailurePolicy"),
        errors,
    );
    immutable_as(
        &new.backoff_limit_per_index,
        &old.backoff_limit_per_index,
        |limit| (*limit).into(),
        &path.child("backoffLimitPerIndex"),
        errors,
    );
    immutable_as(
        &new.success_policy,
        &old.success_policy,
        |policy| printed(crate::codec::encode(policy)),
        &path.child("successPolicy"),
        errors,
    );
    immutable_as(&new.managed_by, &old.managed_by, text, &path.child("managedBy"), errors);
}

/// An indexed job may grow and shrink while completions and parallelism stay equal.
/// Of the rules for a Job's status only the one that its own controller can break.
pub(super) fn job_status_update(new: &Job, old: &Job, errors: &mut ErrorList) {
    let counts = |job: &Job| job.status.as_ref().map_or((0, 0), |it| (it.ready.unwrap_or(0), it.active.unwrap_or(0)));
    let (ready, active) = counts(new);
    if ready > active && counts(old) != (ready, active) {
        let path = Path::ROOT.child("status");
        errors.push(FieldError::invalid(&path.child("ready"), ready, "cannot set more ready pods than active"));
    }
}

fn is_elastic(spec: &JobSpec) -> bool {
    spec.completion_mode.as_deref() == Some("Indexed")
        && spec.completions.is_some()
        && spec.completions == spec.parallelism
}

/// A suspended job that never started may still be told where to run.
fn template_without_directives(new: &PodTemplateSpec, old: &JobSpec, old_job: &Job) -> PodTemplateSpec {
    let mut template = new.clone();
    let started = old_job.status.as_ref().is_some_and(|status| status.start_time.is_some());
    if old.suspend != Some(true) || started {
        return template;
    }
    if let (Some(meta), Some(before)) = (&mut template.metadata, &old.template.metadata) {
        meta.annotations = before.annotations.clone();
        meta.labels = before.labels.clone();
    }
    if let (Some(spec), Some(before)) = (&mut template.spec, &old.template.spec) {
        spec.node_selector = before.node_selector.clone();
        spec.affinity = before.affinity.clone();
        spec.tolerations = before.tolerations.clone();
        spec.scheduling_gates = before.scheduling_gates.clone();
    }
    template
}

pub(super) fn cron_job(cron_job: &CronJob, errors: &mut ErrorList) {
    let spec = &cron_job.spec;
    let path = Path::ROOT.child("spec");
    let schedule_path = path.child("schedule");
    if spec.schedule.is_empty() {
        errors.push(FieldError::required(&schedule_path, ""));
    } else {
        if let Err(text) = schedule(&spec.schedule) {
            errors.push(FieldError::invalid(&schedule_path, &spec.schedule, text));
        }
        if spec.schedule.contains("TZ") {
            let text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            errors.push(FieldError::invalid(&schedule_path, &spec.schedule, text));
        }
    }
    nonnegative_if(spec.starting_deadline_seconds, &path.child("startingDeadlineSeconds"), errors);
    time_zone(spec.time_zone.as_deref(), &path.child("timeZone"), errors);
    required_one_of(
        spec.concurrency_policy.as_deref(),
        &["Allow", "Forbid", "Replace"],
        &path.child("concurrencyPolicy"),
        errors,
    );
    nonnegative_if(spec.successful_jobs_history_limit, &path.child("successfulJobsHistoryLimit"), errors);
    nonnegative_if(spec.failed_jobs_history_limit, &path.child("failedJobsHistoryLimit"), errors);
    let template_path = path.child("jobTemplate");
    let template_path = template_path.child("spec");
    let job = spec.job_template.spec.clone().unwrap_or_default();
    job_spec(&job, &template_path, errors);
    if let Some(selector) = &job.selector {
        let text = "`selector` will be auto-generated";
        errors.push(FieldError::invalid(&template_path.child("selector"), selector, text));
    }
    if job.manual_selector == Some(true) {
        errors.push(FieldError::not_supported(&template_path.child("manualSelector"), true, &["nil", "false"]));
    }
}

/// Whether a schedule can be read; a zone before it is not what is wrong with it.
fn schedule(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ="));
    let Some((zone, fields)) = rest.and_then(|rest| rest.split_once(' ')) else {
        return Schedule::parse(text).map(|_| ());
    };
    Zone::named(zone).map_err(|why| format!("provided bad location {zone}: {why}"))?;
    Schedule::parse(fields.trim()).map(|_| ())
}

/// Room for the eleven characters that a job's name adds.
pub(super) fn cron_job_name(name: &str, errors: &mut ErrorList) {
    if name.len() > 52 {
        let path = Path::ROOT.child("metadata");
        errors.push(FieldError::invalid(&path.child("name"), name, names::max_characters(52)));
    }
}

fn time_zone(zone: Option<&str>, path: &Path, errors: &mut ErrorList) {
    let Some(zone) = zone else { return };
    if zone.is_empty() {
        errors.push(FieldError::invalid(path, zone, "timeZone must be nil or non-empty string"));
    } else if zone.eq_ignore_ascii_case("local") {
        errors.push(FieldError::invalid(
            path,
            zone,
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        ));
    } else if let Err(text) = Zone::named(zone) {
        errors.push(FieldError::invalid(path, zone, text));
    }
}
