//! Counting each pod once: its UID goes into the status, then its finalizer goes, then the number rises.
//!
//! Mirrors: pkg/controller/job/job_controller.go `trackJobStatusAndRemoveFinalizers`, pkg/controller/job/tracking_utils.go.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::batch::v1::{JobStatus, UncountedTerminatedPods};
use api::k8s_openapi::api::core::v1::Pod;
use api::order::{Gather, Order};

use super::failure_policy::{Verdict, judge};
use super::sync::{Sync, uid};
use super::{conditions, indexes};
use crate::client::{Context, EventType};
use crate::controllers::pods;

const FINALIZER: &str = "batch.kubernetes.io/job-tracking";

/// UIDs that a status holds at most.
const MAX_UNCOUNTED: usize = 500;

/// Bears the finalizer: it has not been counted.
pub(super) fn is_tracked(pod: &Pod) -> bool {
    pod.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// Puts the finalizer on a pod that is about to be made.
pub(super) fn mark(pod: &mut Pod) {
    if !is_tracked(pod) {
        pod.metadata.finalizers.get_or_insert_default().push(FINALIZER.into());
    }
}

/// Puts the finalizer on a pod that was adopted.
pub(super) fn track(cx: &mut Context, pod: &Pod) -> Result<Arc<Pod>, Status> {
    cx.api.patch::<Pod>(pods::namespace(pod), pods::name(pod), "", mark)
}

/// Takes the finalizer off; a pod that is gone already is no error.
pub(super) fn untrack(cx: &mut Context, pod: &Pod) -> Result<(), Status> {
    if !is_tracked(pod) {
        return Ok(());
    }
    let result = cx.api.patch::<Pod>(pods::namespace(pod), pods::name(pod), "", |pod| {
        if let Some(list) = &mut pod.metadata.finalizers {
            list.retain(|known| known != FINALIZER);
            if list.is_empty() {
                pod.metadata.finalizers = None;
            }
        }
    });
    match result {
        Err(status) if status.code != 404 => Err(status),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl Sync<'_, '_> {
    /// Writes what this sync found: at most once before finalizers go, and once after.
    pub fn track(&mut self, changed: bool) -> Result<(), Status> {
        let indexed = indexes::is_indexed(&self.job);
        if indexed {
            self.pods.order_by_key(|pod| indexes::raw(pod).unwrap_or(-1));
        }
        let mut tracked: BTreeSet<String> =
            self.pods.iter().filter(|pod| is_tracked(pod)).map(|pod| uid(pod).to_string()).into_set();
        let mut dirty = changed | count_untracked(self.status_mut(), &tracked);
        let (done, full) = self.collect(&mut dirty);
        if indexed {
            dirty |= self.write_indexes();
        }
        self.announce_end(&mut dirty);
        if dirty {
            self.write()?;
        }
        self.told = true;
        let mut failure = None;
        for pod in &done {
            match untrack(self.cx, pod) {
                Ok(()) => {
                    tracked.remove(uid(pod));
                }
                Err(status) => failure = Some(status),
            }
        }
        let counted = count_untracked(self.status_mut(), &tracked);
        if let Some(status) = failure {
            if counted {
                self.write()?;
            }
            return Err(status);
        }
        let over = !full && self.end();
        if counted || over {
            self.write()?;
        }
        if over {
            self.tell_end();
        }
        Ok(())
    }

    /// The pods whose finalizer may go; new ones among them go into the status. `true` when it is full.
    ///
    /// Pods that a failed Job has stopped count as failed, those that a successful one did not need do not.
    fn collect(&mut self, dirty: &mut bool) -> (Vec<Arc<Pod>>, bool) {
        let indexed = indexes::is_indexed(&self.job);
        let mut listed = self.status_mut().uncounted_terminated_pods.clone().unwrap_or_default();
        let (mut done, mut new_indexes, mut full) = (Vec::new(), BTreeSet::new(), false);
        let failed_too = self.finish.as_ref().is_some_and(|finish| finish.type_ != "SuccessCriteriaMet");
        for pod in self.pods.iter().filter(|pod| is_tracked(pod)) {
            if !self.may_go(pod) {
                continue;
            }
            done.push(pod.clone());
            let index = indexes::of(pod, self.spec());
            let told = self.uncounted.failed.contains(uid(pod));
            if pods::phase(pod) == "Succeeded" && !told {
                // Its index is enough to count a pod once.
                if let Some(index) = index.filter(|_| indexed) {
                    if !self.succeeded_before.has(index) {
                        new_indexes.insert(index);
                        *dirty = true;
                    }
                } else if !indexed && !self.uncounted.succeeded.contains(uid(pod)) {
                    listed.succeeded.get_or_insert_default().push(uid(pod).into());
                    *dirty = true;
                }
            } else if (failed_too || self.is_failed(pod)) && !told && (!indexed || index.is_some()) {
                let verdict = judge(self.spec().pod_failure_policy.as_ref(), pod);
                if verdict != Verdict::Ignore {
                    listed.failed.get_or_insert_default().push(uid(pod).into());
                    *dirty = true;
                }
            }
            let total = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
            if new_indexes.len() + total(&listed.succeeded) + total(&listed.failed) >= MAX_UNCOUNTED {
                full = true;
                break;
            }
        }
        self.more |= full;
        if indexed {
            self.succeeded = self.succeeded_before.clone();
            self.succeeded.0.extend(new_indexes);
        }
        self.status_mut().uncounted_terminated_pods = Some(listed);
        (done, full)
    }

    fn may_go(&self, pod: &Pod) -> bool {
        let over = self.job.metadata.deletion_timestamp.is_some() || self.finish.is_some();
        if over || pods::phase(pod) == "Succeeded" {
            return true;
        }
        let kept = || self.kept.values().any(|kept| kept.metadata.uid == pod.metadata.uid);
        self.is_failed(pod) && !kept()
    }

    fn write_indexes(&mut self) -> bool {
        let completed = Some(self.succeeded.to_string()).filter(|text| !text.is_empty());
        let failed = self.failed_indexes.as_ref().map(ToString::to_string);
        let succeeded = Some(self.succeeded.total()).filter(|total| *total != 0);
        let status = self.status_mut();
        let changed = status.completed_indexes != completed || status.failed_indexes != failed;
        status.succeeded = succeeded;
        status.completed_indexes = completed;
        status.failed_indexes = failed;
        changed
    }

    /// FailureTarget and SuccessCriteriaMet are written before finalizers go, so that the verdict outlives the pods.
    fn announce_end(&mut self, dirty: &mut bool) {
        let Some(finish) = self.finish.take() else { return };
        let (reason, message) = (finish.reason.clone(), finish.message.clone());
        let last = match finish.type_.as_str() {
            "FailureTarget" => "Failed",
            "SuccessCriteriaMet" => "Complete",
            _ => {
                self.finish = Some(finish);
                return;
            }
        };
        if conditions::true_condition(&self.job, &finish.type_).is_none() {
            self.conditions_mut().push(finish);
            *dirty = true;
        }
        let condition = conditions::new(last, "", "", self.cx.time());
        self.finish = Some(api::k8s_openapi::api::batch::v1::JobCondition { reason, message, ..condition });
    }

    /// Failed or Complete, once every pod is counted and has stopped.
    fn end(&mut self) -> bool {
        let Some(finish) = self.finish.clone() else { return false };
        let listed = self.status_mut().uncounted_terminated_pods.clone().unwrap_or_default();
        let waits = listed.succeeded.is_some() || listed.failed.is_some() || self.counts.terminating > 0;
        if waits {
            return false;
        }
        if finish.type_ == "Complete" {
            self.status_mut().completion_time.clone_from(&finish.last_transition_time);
        }
        conditions::ensure(self.conditions_mut(), finish);
        true
    }

    fn tell_end(&mut self) {
        let Some(finish) = self.finish.clone() else { return };
        if finish.type_ == "Failed" {
            let (reason, message) = (finish.reason.unwrap_or_default(), finish.message.unwrap_or_default());
            self.event(EventType::Warning, &reason, &message);
            return;
        }
        let succeeded = self.status().succeeded.unwrap_or(0);
        if self.completions().is_some_and(|wanted| succeeded > wanted) {
            let message = "Too many succeeded pods running after completion count reached";
            self.event(EventType::Warning, "TooManySucceededPods", message);
        }
        self.event(EventType::Normal, "Completed", "Job completed");
    }

    fn write(&mut self) -> Result<(), Status> {
        let written = self.cx.api.update_status(self.job.clone())?;
        self.job = (*written).clone();
        Ok(())
    }
}

/// Counts the listed pods whose finalizer is gone, and takes them off the list.
fn count_untracked(status: &mut JobStatus, tracked: &BTreeSet<String>) -> bool {
    let listed = status.uncounted_terminated_pods.get_or_insert_default();
    let UncountedTerminatedPods { succeeded, failed } = listed;
    let mut changed = false;
    for (list, count) in [(succeeded, &mut status.succeeded), (failed, &mut status.failed)] {
        let Some(uids) = list else { continue };
        let before = uids.len();
        uids.retain(|uid| tracked.contains(uid));
        let gone = before - uids.len();
        if uids.is_empty() {
            *list = None;
        }
        if gone > 0 {
            *count = Some(count.unwrap_or(0) + gone as i32);
            changed = true;
        }
    }
    changed
}
