//! DaemonSet: one pod on every node that suits, bound there by the ordinary scheduler.
//!
//! Its pod names its node by a required affinity and tolerates what befalls nodes (not ready, unreachable, pressure,
//! cordon), so that it is there when nobody else may be. Each sync: what is missing is made and what is too much
//! removed, then the rollout takes its step, old revisions are forgotten, and the status is written.
//! Mirrors: pkg/controller/daemon. Left out: the label `pod-template-generation` of long ago as a sign of revision.

mod backoff;
mod nodes;
mod placement;
mod revision;
mod status;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::DaemonSet;
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use super::claim::{self, Owner};
use super::{Controller, Outcome, pod_control, pods};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};
use crate::sim::Millis;
use backoff::Backoff;
use placement::Rules;

#[derive(Clone)]
pub struct DaemonSets {
    recorder: Recorder,
    backoff: Backoff,
}

impl Owner for DaemonSet {
    type Dependent = Pod;

    fn selector(&self) -> Selector {
        Selector::from_label_selector(self.spec.as_ref().map(|spec| &spec.selector))
    }
}

impl Default for DaemonSets {
    fn default() -> Self {
        Self { recorder: Recorder::new("daemonset-controller", ""), backoff: Backoff::default() }
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
        let placed = place(claim::claim(cx, &set)?);
        let mut sync = Sync { set: &set, owner, hash, more: false, look_again: None };
        let done = self.manage(cx, &mut sync, &placed);
        status::write(cx, &set, &sync.owner, &sync.hash)?;
        done?;
        if sync.more {
            return Ok(Outcome::Again);
        }
        revision::clean_up(cx, &set, &sync.owner, &sync.hash)?;
        let (unix, min_ready) = (cx.api.unix_millis() as i64, min_ready(&set));
        let available = pods::next_available(placed.values().flatten(), min_ready, unix);
        let available = available.map(|at| cx.now + (at - unix).max(0) as Millis);
        Ok(available.into_iter().chain(sync.look_again).min().map_or(Outcome::Done, Outcome::At))
    }
}

/// The pods by the node they are on or meant for. One that has ended and is being deleted is as good as gone.
fn place(pods: Vec<Arc<Pod>>) -> Placed {
    let mut placed = Placed::new();
    for pod in pods.into_iter().filter(|pod| !(pods::is_terminal(pod) && pods::is_terminating(pod))) {
        placed.entry(nodes::target(&pod)).or_default().push(pod);
    }
    placed
}

fn min_ready(set: &DaemonSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
}

/// One DaemonSet during one sync.
struct Sync<'a> {
    set: &'a DaemonSet,
    owner: Object,
    /// Of the revision that is due.
    hash: String,
    /// A further slice of writes is to follow.
    more: bool,
    /// When a failed daemon may be removed.
    look_again: Option<Millis>,
}

/// The set's pods by the node they are on or meant for.
type Placed = BTreeMap<String, Vec<Arc<Pod>>>;

impl DaemonSets {
    /// Creates what is missing and deletes what does not belong, then takes the rollout one step on.
    fn manage(&mut self, cx: &mut Context, sync: &mut Sync, placed: &Placed) -> Result<(), Status> {
        let set = sync.set;
        let hash = sync.hash.clone();
        let rules = Rules {
            hash: &hash,
            surges: update::allows_surge(set),
            min_ready: min_ready(set),
            unix: cx.api.unix_millis() as i64,
        };
        let all: Vec<Arc<Node>> = cx.api.list::<Node>("").cloned().collect();
        let (mut missing, mut surplus) = (Vec::new(), Vec::new());
        for node in &all {
            let name = node.metadata.name.clone().unwrap_or_default();
            let here = placed.get(&name).map(Vec::as_slice).unwrap_or_default();
            let verdict = placement::judge(&rules, nodes::suits(set, node), here);
            surplus.extend(verdict.surplus);
            for pod in verdict.finished {
                if self.may_remove(cx.now, sync, &pod, &name) {
                    self.tell_finished(cx, &sync.owner, &pod, &name);
                    surplus.push(pod);
                }
            }
            if verdict.needed {
                missing.push(name);
            }
        }
        let known: Vec<&str> = all.iter().filter_map(|node| node.metadata.name.as_deref()).collect();
        for (node, here) in placed {
            // Its node is gone before the pod was bound: nobody else would remove it.
            if !known.contains(&node.as_str()) {
                surplus.extend(here.iter().filter(|pod| pods::node(pod).is_empty() && pods::is_active(pod)).cloned());
            }
        }
        let idle = missing.is_empty() && surplus.is_empty();
        self.write_pods(cx, sync, &missing, surplus)?;
        if !idle {
            // What was written just now is looked at first, as upstream waits until it has seen it.
            return Ok(());
        }
        let step = update::next(cx, set, placed, &rules);
        self.write_pods(cx, sync, &step.nodes, step.pods)
    }

    /// Whether a finished daemon may be removed now: one that failed often is left lying for a while.
    fn may_remove(&mut self, now: Millis, sync: &mut Sync, pod: &Pod, node: &str) -> bool {
        if pods::phase(pod) != "Failed" {
            return true;
        }
        let generation = sync.set.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(0);
        match self.backoff.grant(&format!("{}/{generation}/{node}", sync.owner.uid()), now) {
            Ok(()) => true,
            Err(at) => {
                sync.look_again = Some(sync.look_again.map_or(at, |known| known.min(at)));
                false
            }
        }
    }

    /// Makes and deletes a slice of daemons; deletes even where making one is refused.
    fn write_pods(
        &mut self,
        cx: &mut Context,
        sync: &mut Sync,
        missing: &[String],
        surplus: Vec<Arc<Pod>>,
    ) -> Result<(), Status> {
        sync.more |= missing.len() > SLICE || surplus.len() > SLICE;
        let template = sync.set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
        let owner = &sync.owner;
        let made = pod_control::slowly(missing.len().min(SLICE), |at| {
            let mut pod = pod_control::from_template(&template, owner, &format!("{}-", owner.name()));
            nodes::pin(&mut pod, &missing[at]);
            revision::label(&mut pod, sync.set, &sync.hash);
            pod_control::create(cx, &mut self.recorder, owner, pod)
        });
        for pod in surplus.into_iter().take(SLICE) {
            pod_control::delete(cx, &mut self.recorder, owner, &pod)?;
        }
        made
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
}
