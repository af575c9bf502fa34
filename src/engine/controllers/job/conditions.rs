//! What a Job's conditions say: finished, and how; suspended; about to end.
//!
//! Mirrors: pkg/controller/job/utils.go, pkg/controller/job/job_controller.go `newCondition`, `ensureJobConditionStatus`.

use api::k8s_openapi::api::batch::v1::{Job, JobCondition};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The condition of this type, if it is True.
pub fn true_condition<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True")
}

/// Complete or Failed: nothing more happens to it.
pub fn finished(job: &Job) -> Option<&JobCondition> {
    true_condition(job, "Complete").or_else(|| true_condition(job, "Failed"))
}

pub fn is_finished(job: &Job) -> bool {
    finished(job).is_some()
}

pub fn is_suspended(job: &Job) -> bool {
    job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true))
}

/// A condition that is True from now on.
pub fn new(kind: &str, reason: &str, message: &str, now: Time) -> JobCondition {
    JobCondition {
        type_: kind.into(),
        status: "True".into(),
        reason: Some(reason.into()),
        message: Some(message.into()),
        last_probe_time: Some(now.clone()),
        last_transition_time: Some(now),
    }
}

/// Puts a condition in its place; `false` when it stood there already.
/// A condition that never was True needs not be told to be False.
pub fn ensure(conditions: &mut Vec<JobCondition>, wanted: JobCondition) -> bool {
    match conditions.iter_mut().find(|known| known.type_ == wanted.type_) {
        Some(known) => {
            let same =
                known.status == wanted.status && known.reason == wanted.reason && known.message == wanted.message;
            if !same {
                *known = wanted;
            }
            !same
        }
        None if wanted.status == "False" => false,
        None => {
            conditions.push(wanted);
            true
        }
    }
}
