//! Pods of a Job: how many there should be, which indexes they get, which go first.
//!
//! Wanted are `parallelism` pods, but no more than completions are missing; of a Job without completions, no new ones
//! once a pod has succeeded. An Indexed Job starts its lowest free indexes. With `podReplacementPolicy: Failed` a pod
//! on its way out keeps its place until it has ended; otherwise its successor comes at once.
//! Mirrors: pkg/controller/job/job_controller.go `manageJob`.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, ObjectFieldSelector, Pod};

use super::failure_policy::{Verdict, judge};
use super::sync::{Sync, is_terminating};
use super::{backoff, conditions, indexes, removal, tracking};
use crate::controllers::pod_control;
use crate::sim::Millis;

/// Pods written in one step: no event is long.
const SLICE: i32 = 50;

/// The longest base of a generated name.
const MAX_BASE: usize = 58;

const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";

impl Sync<'_, '_> {
    /// Moves the number of active pods towards what is wanted: in one sync either up or down.
    pub fn manage(&mut self) -> Result<(), Status> {
        let active = self.counts.active;
        if conditions::is_suspended(&self.job) {
            return self.remove(active);
        }
        let wanted = self.wanted();
        let surplus = (active - wanted).max(0);
        let doomed = removal::choose(self.spec(), indexes::is_indexed(&self.job), &self.active, surplus as usize);
        if !doomed.is_empty() {
            return self.remove(surplus);
        }
        // Where only failed pods are replaced, one that is still terminating keeps its place.
        let held = if self.replaces_failed_only() { self.counts.terminating } else { 0 };
        let missing = wanted - held - active;
        if missing <= 0 {
            return Ok(());
        }
        if self.spec().backoff_limit_per_index.is_none() {
            let wait = self.backoff.remaining(self.cx.api.unix_millis() as i64);
            if wait > 0 {
                self.look_again_in(wait);
                self.lose_count();
                return Ok(());
            }
        }
        self.more = missing > SLICE;
        self.create(missing.min(SLICE))
    }

    /// While a replacement waits, v1.36.2 tells of no active pods at all, whoever else is at work. With one of those
    /// ready the API server refuses such a status, and nothing of the Job is written until the wait is over.
    fn lose_count(&mut self) {
        self.counts.active = 0;
    }

    fn wanted(&self) -> i32 {
        let parallelism = self.spec().parallelism.unwrap_or(1);
        match self.completions() {
            // A work queue: when one pod has succeeded, the others finish and no more are started.
            None if self.counts.succeeded > 0 => self.counts.active,
            None => parallelism,
            Some(completions) => (completions - self.counts.succeeded).min(parallelism).max(0),
        }
    }

    /// Deletes pods without counting them as failed: their finalizer goes first.
    fn remove(&mut self, at_least: i32) -> Result<(), Status> {
        let owner = self.object();
        let doomed = removal::choose(self.spec(), indexes::is_indexed(&self.job), &self.active, at_least as usize);
        self.more = doomed.len() > SLICE as usize;
        for pod in doomed.into_iter().take(SLICE as usize) {
            tracking::untrack(self.cx, &pod)?;
            pod_control::delete(self.cx, self.recorder, &owner, &pod)?;
            self.left(&pod);
            self.pods.retain(|known| known.metadata.uid != pod.metadata.uid);
        }
        Ok(())
    }

    fn create(&mut self, count: i32) -> Result<(), Status> {
        let owner = self.object();
        let template = self.spec().template.clone();
        let job = self.job.metadata.name.clone().unwrap_or_default();
        if !indexes::is_indexed(&self.job) {
            return pod_control::slowly(count as usize, |_| {
                let mut pod = pod_control::from_template(&template, &owner, &format!("{job}-"));
                tracking::mark(&mut pod);
                pod_control::create(self.cx, self.recorder, &owner, pod)?;
                self.counts.active += 1;
                Ok(())
            });
        }
        let (due, waiting) = self.indexes_to_start(count as usize);
        if due.is_empty() && waiting {
            self.lose_count();
        }
        pod_control::slowly(due.len(), |at| {
            let index = due[at];
            let mut pod = pod_control::from_template(&template, &owner, &prefix(&job, index));
            tracking::mark(&mut pod);
            give_index(&mut pod, &job, index);
            if self.spec().backoff_limit_per_index.is_some() {
                let (counted, ignored) = self.failures_of(index);
                indexes::note_failures(&mut pod, counted, ignored);
            }
            pod_control::create(self.cx, self.recorder, &owner, pod)?;
            self.counts.active += 1;
            // The replacement knows; what it replaces may go.
            self.kept.remove(&index);
            Ok(())
        })
    }

    /// The lowest indexes that nobody works on. Where each index waits for itself, only those that have waited;
    /// and whether others still do.
    fn indexes_to_start(&mut self, count: usize) -> (Vec<i32>, bool) {
        let mut taken: BTreeSet<i32> = self.succeeded.0.clone();
        taken.extend(self.active.iter().filter_map(|pod| indexes::raw(pod)));
        if self.replaces_failed_only() {
            taken.extend(self.pods.iter().filter(|pod| is_terminating(pod)).filter_map(|pod| indexes::raw(pod)));
        }
        taken.extend(self.failed_indexes.iter().flat_map(|failed| &failed.0));
        let free = indexes::first_free(&taken, count, self.completions().unwrap_or(0));
        if self.spec().backoff_limit_per_index.is_none() {
            return (free, false);
        }
        let now = self.cx.api.unix_millis() as i64;
        let wait = |pod: &Arc<Pod>| -> Millis {
            let (counted, ignored) = indexes::failures(pod);
            backoff::remaining((counted + ignored + 1) as u32, backoff::finished_at(pod), now)
        };
        let (mut due, mut soonest) = (Vec::new(), None::<Millis>);
        for index in free {
            match self.kept.get(&index).map(wait).filter(|wait| *wait > 0) {
                None => due.push(index),
                Some(wait) => soonest = Some(soonest.map_or(wait, |known| known.min(wait))),
            }
        }
        if let Some(wait) = soonest {
            self.look_again_in(wait);
        }
        (due, soonest.is_some())
    }

    /// How often an index has failed, its last pod included: what counts, and what a policy ignored.
    fn failures_of(&self, index: i32) -> (i32, i32) {
        let Some(pod) = self.kept.get(&index) else { return (0, 0) };
        let (counted, ignored) = indexes::failures(pod);
        match judge(self.spec().pod_failure_policy.as_ref(), pod) {
            Verdict::Ignore => (counted, ignored + 1),
            Verdict::FailJob(_) | Verdict::FailIndex | Verdict::Count => (counted + 1, ignored),
        }
    }
}

/// `job-3-`, the job's name cut so that the whole is a base of a generated name.
fn prefix(job: &str, index: i32) -> String {
    let suffix = format!("-{index}-");
    let kept: String = job.chars().take(MAX_BASE - suffix.len()).collect();
    format!("{kept}{suffix}")
}

/// An annotation, a label, a variable in each container, and a hostname.
fn give_index(pod: &mut Pod, job: &str, index: i32) {
    let meta = &mut pod.metadata;
    meta.annotations.get_or_insert_default().insert(indexes::INDEX.into(), index.to_string());
    meta.labels.get_or_insert_default().insert(indexes::INDEX.into(), index.to_string());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(format!("{job}-{index}"));
    spec.init_containers.iter_mut().flatten().chain(&mut spec.containers).for_each(add_variable);
}

fn add_variable(container: &mut Container) {
    let variables = container.env.get_or_insert_default();
    if variables.iter().any(|variable| variable.name == INDEX_VARIABLE) {
        return;
    }
    let field = ObjectFieldSelector {
        field_path: format!("metadata.labels['{}']", indexes::INDEX),
        ..ObjectFieldSelector::default()
    };
    variables.push(EnvVar {
        name: INDEX_VARIABLE.into(),
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
        ..EnvVar::default()
    });
}
