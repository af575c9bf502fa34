//! Disruption: how many pods of a budget may leave at will, now.
//!
//! It counts, and writes the status of PodDisruptionBudgets; the eviction subresource and
//! preemption read it. Pods that were to be evicted and stayed are told so.
//! Mirrors: pkg/controller/disruption/disruption.go.

mod expected;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::meta::selector::Selector;
use api::meta::time::millis;
use api::{Object, Status, Typed};

use super::{Controller, Outcome, claim, pods};
use crate::client::{
    Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue, tell_disruptions, tell_failure,
    tells_disruptions,
};
use crate::sim::{MINUTE, Millis};

#[derive(Clone)]
pub struct Disruption {
    recorder: Recorder,
    took: Millis,
}

impl Default for Disruption {
    fn default() -> Self {
        // Upstream never gave this recorder a name of its own.
        Self { recorder: Recorder::new("controllermanager", ""), took: 0 }
    }
}

/// How long an evicted pod may take to be marked as deleted, and a disrupted one to be deleted at all.
const PATIENCE: Millis = 2 * MINUTE;

/// Keys are of two kinds: budgets to count, pods whose announced disruption did not happen.
const BUDGET: &str = "budget/";
const POD: &str = "pod/";

impl Controller for Disruption {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match &news.object {
            Object::PodDisruptionBudget(budget) if news.change != Change::Deleted => {
                queue.add(format!("{BUDGET}{}", claim::key_of(&budget.metadata)));
            }
            Object::Pod(pod) => {
                let budgets = budgets_of(cx, pod);
                if budgets.len() > 1 && news.change != Change::Deleted {
                    self.tell_ambiguous(cx, pod, &budgets);
                }
                let before = news.previous.as_ref().and_then(|old| old.get::<Pod>());
                let relabelled = before.filter(|old| old.metadata.labels != pod.metadata.labels);
                let left = relabelled.map(|old| budgets_of(cx, old)).unwrap_or_default();
                for budget in budgets.iter().chain(&left) {
                    queue.add(format!("{BUDGET}{}", claim::key_of(&budget.metadata)));
                }
                if news.change != Change::Deleted && announced(pod).is_some() {
                    queue.add(format!("{POD}{}", claim::key_of(&pod.metadata)));
                }
            }
            // Whoever owns the pods is asked for its size at the next count.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for budget in cx.api.list::<PodDisruptionBudget>("") {
            queue.add(format!("{BUDGET}{}", claim::key_of(&budget.metadata)));
        }
        for pod in cx.api.list::<Pod>("").filter(|pod| announced(pod).is_some()) {
            queue.add(format!("{POD}{}", claim::key_of(&pod.metadata)));
        }
    }

    fn took(&self) -> Millis {
        self.took
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        self.took = 0;
        if let Some(key) = key.strip_prefix(POD) {
            return withdraw(cx, key);
        }
        let found = claim::find::<PodDisruptionBudget>(cx, key.strip_prefix(BUDGET).unwrap_or(key));
        let Some(budget) = found else { return Ok(Outcome::Done) };
        match self.count(cx, &budget) {
            Ok(outcome) => Ok(outcome),
            Err(Failure::Refused(status)) => Err(status),
            Err(Failure::Unknown(why)) => {
                let message = format!("Failed to calculate the number of expected pods: {why}");
                self.event(cx, &budget.clone().wrap(), EventType::Warning, "CalculateExpectedPodCountFailed", message);
                forbid_all(cx, &budget, &why)?;
                Ok(Outcome::Done)
            }
        }
    }
}

/// Why a budget could not be worked out.
enum Failure {
    /// The number of pods there should be cannot be told.
    Unknown(String),
    Refused(Status),
}

impl Disruption {
    /// Counts, and writes the status if it changed.
    fn count(&mut self, cx: &mut Context, budget: &Arc<PodDisruptionBudget>) -> Result<Outcome, Failure> {
        let object = budget.clone().wrap();
        let selector = selector_of(budget);
        let matching: Vec<Arc<Pod>> = cx
            .api
            .list::<Pod>(object.namespace())
            .filter(|pod| selector.matches(pod.metadata.labels.as_ref()))
            .cloned()
            .collect();
        self.took = pods::looking_at(matching.len());
        if matching.is_empty() {
            self.event(cx, &object, EventType::Normal, "NoPods", "No matching pods found".into());
        }
        let expected = expected::count(cx, budget, &matching).map_err(Failure::Unknown)?;
        if expected.unmanaged {
            self.event(cx, &object, EventType::Warning, "UnmanagedPods", expected::unmanaged_text(budget));
        }
        let now = cx.api.unix_millis() as i64;
        let (disrupted, recheck) = self.still_disrupted(cx, budget, &matching, now);
        let serves = |pod: &&Arc<Pod>| {
            !pods::is_terminating(pod) && !disrupted.contains_key(pods::name(pod)) && pods::is_ready(pod)
        };
        let healthy = matching.iter().filter(serves).count() as i32;
        // A budget that matches no pods yet must not let the first of them go.
        let allowed = if expected.pods <= 0 { 0 } else { (healthy - expected.healthy).max(0) };
        let old = budget.status.clone().unwrap_or_default();
        let mut status = PodDisruptionBudgetStatus {
            current_healthy: Some(healthy),
            desired_healthy: Some(expected.healthy),
            expected_pods: Some(expected.pods),
            disruptions_allowed: Some(allowed),
            disrupted_pods: Some(disrupted).filter(|map| !map.is_empty()),
            observed_generation: budget.metadata.generation,
            conditions: old.conditions.clone(),
        };
        if status != old || !tells_disruptions(&old) {
            tell_disruptions(&mut status, cx.time());
            write(cx, budget, status).map_err(Failure::Refused)?;
        }
        Ok(recheck.map_or(Outcome::Done, |at| Outcome::At(cx.now + (at - now).max(0) as Millis)))
    }

    /// The evictions that were granted and are not yet seen, and when the first of them is given up.
    fn still_disrupted(
        &mut self,
        cx: &mut Context,
        budget: &PodDisruptionBudget,
        matching: &[Arc<Pod>],
        now: i64,
    ) -> (BTreeMap<String, Time>, Option<i64>) {
        let granted = budget.status.as_ref().and_then(|status| status.disrupted_pods.clone()).unwrap_or_default();
        let (mut still, mut recheck) = (BTreeMap::new(), None);
        for pod in matching.iter().filter(|pod| !pods::is_terminating(pod)) {
            let Some(since) = granted.get(pods::name(pod)) else { continue };
            let until = millis(since) + PATIENCE as i64;
            if until <= now {
                // Upstream prints the namespace where the budget's name was meant.
                let namespace = budget.metadata.namespace.as_deref().unwrap_or_default();
                let message = format!("Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't");
                self.event(cx, &pod.clone().wrap(), EventType::Warning, "NotDeleted", message);
                continue;
            }
            recheck = Some(recheck.map_or(until, |known: i64| known.min(until)));
            still.insert(pods::name(pod).into(), since.clone());
        }
        (still, recheck)
    }

    fn tell_ambiguous(&mut self, cx: &mut Context, pod: &Arc<Pod>, budgets: &[Arc<PodDisruptionBudget>]) {
        let message = format!(
            "Pod {:?}/{:?} matches multiple PodDisruptionBudgets.  Chose {:?} arbitrarily.",
            pods::namespace(pod),
            pods::name(pod),
            budgets[0].metadata.name.as_deref().unwrap_or_default()
        );
        self.event(cx, &pod.clone().wrap(), EventType::Warning, "MultiplePodDisruptionBudgets", message);
    }

    fn event(&mut self, cx: &mut Context, about: &Object, kind: EventType, reason: &str, message: String) {
        self.recorder.event(cx, &EventOf::object(about), kind, reason, message);
    }
}

fn selector_of(budget: &PodDisruptionBudget) -> Selector {
    Selector::from_label_selector(budget.spec.as_ref().and_then(|spec| spec.selector.as_ref()))
}

fn budgets_of(cx: &Context, pod: &Pod) -> Vec<Arc<PodDisruptionBudget>> {
    let all = cx.api.list::<PodDisruptionBudget>(pods::namespace(pod));
    all.filter(|budget| selector_of(budget).matches(pod.metadata.labels.as_ref())).cloned().collect()
}

fn write(cx: &mut Context, budget: &PodDisruptionBudget, status: PodDisruptionBudgetStatus) -> Result<(), Status> {
    let namespace = budget.metadata.namespace.as_deref().unwrap_or_default();
    let name = budget.metadata.name.as_deref().unwrap_or_default();
    cx.api.change::<PodDisruptionBudget>(namespace, name, "status", |it| it.status = Some(status)).map(|_| ())
}

/// Nothing is known for sure: no disruption is allowed until it is.
fn forbid_all(cx: &mut Context, budget: &PodDisruptionBudget, why: &str) -> Result<(), Status> {
    let mut status = budget.status.clone().unwrap_or_default();
    status.disruptions_allowed = Some(0);
    tell_failure(&mut status, why, cx.time());
    if budget.status.as_ref() == Some(&status) { Ok(()) } else { write(cx, budget, status) }
}

/// Since when a pod that is still there has been announced to go; what the kubelet announced may take its time.
fn announced(pod: &Pod) -> Option<i64> {
    if pods::is_terminating(pod) || pods::is_terminal(pod) {
        return None;
    }
    let condition = pods::condition(pod, "DisruptionTarget").filter(|condition| condition.status == "True")?;
    if condition.reason.as_deref() == Some("TerminationByKubelet") {
        return None;
    }
    Some(condition.last_transition_time.as_ref().map_or(0, millis))
}

/// Takes back the announcement that a pod is about to go, when it has stayed too long.
fn withdraw(cx: &mut Context, key: &str) -> Result<Outcome, Status> {
    let Some(pod) = claim::find::<Pod>(cx, key) else { return Ok(Outcome::Done) };
    let Some(since) = announced(&pod) else { return Ok(Outcome::Done) };
    let (until, now) = (since + PATIENCE as i64, cx.api.unix_millis() as i64);
    if until > now {
        return Ok(Outcome::At(cx.now + (until - now) as Millis));
    }
    let time = cx.time();
    cx.api.change::<Pod>(pods::namespace(&pod), pods::name(&pod), "status", |pod| {
        let generation = pod.metadata.generation;
        let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
        for condition in conditions.iter_mut().filter(|condition| condition.type_ == "DisruptionTarget") {
            condition.status = "False".into();
            condition.reason = None;
            condition.message = None;
            condition.observed_generation = generation;
            condition.last_transition_time = Some(time.clone());
        }
    })?;
    Ok(Outcome::Done)
}
