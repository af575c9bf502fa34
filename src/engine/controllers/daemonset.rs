//! DaemonSet: one pod on every node that suits, bound there by the ordinary scheduler.
//!
//! Mirrors: pkg/controller/daemon. Left out: surge while a rollout runs on unready nodes.

mod nodes;
mod revision;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use super::claim::{self, Owner};
use super::{Controller, Outcome, pod_control, pods};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};

#[derive(Clone)]
pub struct DaemonSets {
    recorder: Recorder,
}

impl Owner for DaemonSet {
    type Dependent = Pod;

    fn selector(&self) -> Selector {
        Selector::from_label_selector(self.spec.as_ref().map(|spec| &spec.selector))
    }
}

impl Default for DaemonSets {
    fn default() -> Self {
        Self { recorder: Recorder::new("daemonset-controller", "") }
    }
}

/// Pods written in one step.
const SLICE: usize = 50;

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        claim::observe::<DaemonSet>(news, cx, queue);
        if news.key.kind == Kind::Node {
            let relevant = match (&news.object, news.previous.as_ref()) {
                (Object::Node(new), Some(Object::Node(old))) if news.change == Change::Modified => {
                    new.spec != old.spec || new.metadata.labels != old.metadata.labels
                }
                _ => true,
            };
            if relevant {
                claim::resync::<DaemonSet>(cx, queue);
            }
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        claim::resync::<DaemonSet>(cx, queue);
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(set) = claim::find::<DaemonSet>(cx, key) else { return Ok(Outcome::Done) };
        let owner = set.clone().wrap();
        if set.selector().is_everything() {
            let text = "This daemon set is selecting all pods. A non-empty selector is required.";
            self.recorder.event(cx, &EventOf::object(&owner), EventType::Warning, "SelectingAll", text);
            return Ok(Outcome::Done);
        }
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Done);
        }
        let hash = revision::ensure(cx, &set, &owner)?;
        let mut placed = Placed::new();
        for pod in claim::claim(cx, &set)? {
            placed.entry(nodes::target(&pod)).or_default().push(pod);
        }
        let more = self.manage(cx, &set, &owner, &placed, &hash)?;
        if !more {
            update::roll(cx, &mut self.recorder, &set, &owner, &hash)?;
            revision::clean_up(cx, &set, &owner, &hash)?;
        }
        let next = self.write_status(cx, &set, &hash)?;
        Ok(if more { Outcome::Again } else { next })
    }
}

/// The set's pods by the node they are on or meant for.
type Placed = BTreeMap<String, Vec<Arc<Pod>>>;

impl DaemonSets {
    /// Creates what is missing and deletes what does not belong; `true` when a further slice is needed.
    fn manage(
        &mut self,
        cx: &mut Context,
        set: &DaemonSet,
        owner: &Object,
        placed: &Placed,
        hash: &str,
    ) -> Result<bool, Status> {
        let all: Vec<Arc<Node>> = cx.api.list::<Node>("").cloned().collect();
        let mut missing: Vec<String> = Vec::new();
        let mut surplus: Vec<Arc<Pod>> = Vec::new();
        for node in &all {
            let name = node.metadata.name.clone().unwrap_or_default();
            let (should_run, should_continue) = nodes::suits(set, node);
            let here = placed.get(&name).cloned().unwrap_or_default();
            if !should_continue {
                surplus.extend(here.into_iter().filter(|pod| !pods::is_terminating(pod)));
                continue;
            }
            let mut running: Vec<Arc<Pod>> = Vec::new();
            for pod in here {
                if pods::is_terminating(&pod) {
                    continue;
                }
                match pods::phase(&pod) {
                    "Failed" | "Succeeded" => {
                        self.tell_finished(cx, owner, &pod, &name);
                        surplus.push(pod);
                    }
                    _ => running.push(pod),
                }
            }
            // Two daemons on one node: the older one stays, unless a surge wants both.
            let allowed = if update::max_surge(set, all.len()) > 0 { 2 } else { 1 };
            if running.len() > allowed {
                running.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
                surplus.extend(running.drain(allowed..));
            }
            let terminating =
                placed.get(&name).is_some_and(|pods_here| pods_here.iter().any(|pod| pods::is_terminating(pod)));
            if running.is_empty() && should_run && !terminating {
                missing.push(name);
            }
        }
        let known: Vec<String> = all.iter().filter_map(|node| node.metadata.name.clone()).collect();
        for (node, here) in placed {
            // Its node is gone before the pod was bound: nobody else would remove it.
            if !known.contains(node) {
                surplus.extend(here.iter().filter(|pod| pods::node(pod).is_empty() && pods::is_active(pod)).cloned());
            }
        }
        let more = missing.len() > SLICE || surplus.len() > SLICE;
        let template = set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
        for node in missing.into_iter().take(SLICE) {
            let mut pod = pod_control::from_template(&template, owner, &format!("{}-", owner.name()));
            nodes::pin(&mut pod, &node);
            revision::label(&mut pod, set, hash);
            pod_control::create(cx, &mut self.recorder, owner, pod)?;
        }
        for pod in surplus.into_iter().take(SLICE) {
            pod_control::delete(cx, &mut self.recorder, owner, &pod)?;
        }
        Ok(more)
    }

    fn tell_finished(&mut self, cx: &mut Context, owner: &Object, pod: &Pod, node: &str) {
        let (kind, reason, word) = match pods::phase(pod) {
            "Failed" => (EventType::Warning, "FailedDaemonPod", ("failed", "kill")),
            _ => (EventType::Normal, "SucceededDaemonPod", ("succeeded", "delete")),
        };
        let message = format!(
            "Found {} daemon pod {}/{} on node {node}, will try to {} it",
            word.0,
            pods::namespace(pod),
            pods::name(pod),
            word.1
        );
        self.recorder.event(cx, &EventOf::object(owner), kind, reason, message);
    }

    fn write_status(&self, cx: &mut Context, set: &DaemonSet, hash: &str) -> Result<Outcome, Status> {
        let owner: Object = set.clone().into_object();
        let min_ready = set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0);
        let unix = cx.api.unix_millis() as i64;
        let mut status = DaemonSetStatus {
            observed_generation: set.metadata.generation,
            conditions: set.status.as_ref().and_then(|status| status.conditions.clone()),
            // Read anew: making the revision may have met a name that was taken.
            collision_count: cx
                .api
                .get::<DaemonSet>(owner.namespace(), owner.name())
                .and_then(|set| set.status.as_ref()?.collision_count),
            ..DaemonSetStatus::default()
        };
        let (mut updated, mut available) = (0, 0);
        let mut soonest: Option<i64> = None;
        let owned: Vec<Arc<Pod>> = cx.api.owned_by::<Pod>(owner.uid()).cloned().collect();
        for node in cx.api.list::<Node>("") {
            let name = node.metadata.name.as_deref().unwrap_or_default();
            let (should_run, _) = nodes::suits(set, node);
            let mut here: Vec<&Arc<Pod>> = owned.iter().filter(|pod| nodes::target(pod) == name).collect();
            here.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
            if !should_run {
                status.number_misscheduled += i32::from(!here.is_empty());
                continue;
            }
            status.desired_number_scheduled += 1;
            let Some(pod) = here.iter().find(|pod| pods::is_active(pod)).or(here.first()) else { continue };
            status.current_number_scheduled += 1;
            if pods::is_ready(pod) {
                status.number_ready += 1;
                match pods::available(pod, min_ready, unix) {
                    Ok(()) => available += 1,
                    Err(Some(at)) => soonest = Some(soonest.map_or(at, |known| known.min(at))),
                    Err(None) => {}
                }
            }
            updated += i32::from(revision::is_current(pod, hash));
        }
        let non_zero = |count: i32| Some(count).filter(|count| *count != 0);
        status.updated_number_scheduled = non_zero(updated);
        status.number_available = non_zero(available);
        status.number_unavailable = non_zero(status.desired_number_scheduled - available);
        if set.status.as_ref() != Some(&status) {
            cx.api.patch::<DaemonSet>(owner.namespace(), owner.name(), "status", |set| set.status = Some(status))?;
        }
        Ok(soonest.map_or(Outcome::Done, |at| Outcome::At(cx.now + (at - unix).max(0) as u64)))
    }
}
