//! ReplicaSet: keeps the wanted number of pods that match a selector; adopts, releases, creates, deletes.
//!
//! Level-triggered: it reads the present, never the event that woke it.
//! Mirrors: pkg/controller/replicaset/replica_set.go. Left out: expectations (reads never lag here).

mod ranking;
mod status;

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::ReplicaSet;
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::owner::controller_of;
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use super::{Controller, Outcome, pod_control, pods};
use crate::client::{Context, Key, Recorder, Revision, WorkQueue};
use crate::sim::Millis;

#[derive(Clone)]
pub struct ReplicaSets {
    recorder: Recorder,
    took: Millis,
}

impl Default for ReplicaSets {
    fn default() -> Self {
        Self { recorder: Recorder::new("replicaset-controller", ""), took: 0 }
    }
}

/// Pods written in one step: no event is long.
const SLICE: usize = 50;

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        "replicaset-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::ReplicaSet => queue.add(format!("{}/{}", news.key.namespace, news.key.name)),
            Kind::Pod => {
                for object in [Some(&news.object), news.previous.as_ref()].into_iter().flatten() {
                    match controller_of(object.meta()) {
                        Some(owner) if owner.kind == "ReplicaSet" => {
                            queue.add(format!("{}/{}", news.key.namespace, owner.name));
                        }
                        Some(_) => {}
                        // An orphan may be somebody's to adopt.
                        None => wake_matching(cx, object, queue),
                    }
                }
            }
            // Only these two can change what a ReplicaSet has to do.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for set in cx.api.list::<ReplicaSet>("") {
            let meta = &set.metadata;
            queue.add(format!(
                "{}/{}",
                meta.namespace.as_deref().unwrap_or_default(),
                meta.name.as_deref().unwrap_or_default()
            ));
        }
    }

    fn took(&self) -> Millis {
        self.took
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        // Deleted since it was queued: the garbage collector removes its pods, not we.
        let Some(set) = cx.api.get::<ReplicaSet>(namespace, name) else { return Ok(Outcome::Done) };
        let owned = claim(cx, &set)?;
        self.took = pods::looking_at(owned.len());
        let active: Vec<Arc<Pod>> = owned.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let mut more = false;
        let mut failure = None;
        if set.metadata.deletion_timestamp.is_none() {
            match self.manage(cx, &set, &active) {
                Ok(again) => more = again,
                Err(status) => failure = Some(status),
            }
        }
        // The status tells what was there when the sync began, as upstream's does.
        let terminating = owned.iter().filter(|pod| pods::is_terminating(pod) && !pods::is_terminal(pod)).count();
        let next = status::update(cx, &set, &active, terminating, failure.as_ref())?;
        match (failure, more, next) {
            (Some(status), ..) => Err(status),
            (None, true, _) => Ok(Outcome::Again),
            (None, false, Some(at)) => Ok(Outcome::At(at)),
            (None, false, None) => Ok(Outcome::Done),
        }
    }
}

impl ReplicaSets {
    /// Moves the number of active pods towards `spec.replicas`; `true` when a further slice is needed.
    ///
    /// Creation starts slowly (1, 2, 4, …) and stops at the first refusal, so that a full
    /// quota is asked once and not five hundred times.
    fn manage(&mut self, cx: &mut Context, set: &ReplicaSet, active: &[Arc<Pod>]) -> Result<bool, Status> {
        let Some(spec) = &set.spec else { return Ok(false) };
        let wanted = spec.replicas.unwrap_or(1).max(0) as usize;
        let owner = Arc::new(set.clone()).wrap();
        if active.len() < wanted {
            let missing = wanted - active.len();
            let template = spec.template.clone().unwrap_or_default();
            let prefix = format!("{}-", owner.name());
            for _ in 0..missing.min(SLICE) {
                let pod = pod_control::from_template(&template, &owner, &prefix);
                pod_control::create(cx, &mut self.recorder, &owner, pod)?;
            }
            return Ok(missing > SLICE);
        }
        let surplus = active.len() - wanted;
        let victims = ranking::least_useful(cx, set, active, surplus.min(SLICE));
        for pod in victims {
            pod_control::delete(cx, &mut self.recorder, &owner, &pod)?;
        }
        Ok(surplus > SLICE)
    }
}

/// The set's pods: what matches and has no controller is adopted, what no longer matches is released.
fn claim(cx: &mut Context, set: &ReplicaSet) -> Result<Vec<Arc<Pod>>, Status> {
    let owner: Object = set.clone().into_object();
    let selector = Selector::from_label_selector(set.spec.as_ref().map(|spec| &spec.selector));
    let alive = set.metadata.deletion_timestamp.is_none();
    let mut claimed = Vec::new();
    let owned: Vec<Arc<Pod>> = cx.api.owned_by::<Pod>(owner.uid()).cloned().collect();
    for pod in owned {
        if selector.matches(pod.metadata.labels.as_ref()) {
            claimed.push(pod);
        } else if alive {
            let key = Key::new(Kind::Pod, pods::namespace(&pod), pods::name(&pod));
            pod_control::release(cx, owner.uid(), &key)?;
        }
    }
    if alive {
        let orphans: Vec<Arc<Pod>> = cx
            .api
            .orphans::<Pod>(owner.namespace())
            .filter(|pod| pods::is_active(pod) && selector.matches(pod.metadata.labels.as_ref()))
            .cloned()
            .collect();
        for pod in orphans {
            let key = Key::new(Kind::Pod, pods::namespace(&pod), pods::name(&pod));
            pod_control::adopt(cx, &owner, &key)?;
            claimed.extend(cx.api.get::<Pod>(pods::namespace(&pod), pods::name(&pod)));
        }
    }
    Ok(claimed)
}

/// Queues the sets whose selector matches an orphan.
fn wake_matching(cx: &mut Context, object: &Object, queue: &mut WorkQueue) {
    let Some(labels) = object.meta().labels.as_ref() else { return };
    for set in cx.api.list::<ReplicaSet>(object.namespace()) {
        let selector = Selector::from_label_selector(set.spec.as_ref().map(|spec| &spec.selector));
        if selector.matches(Some(labels)) {
            queue.add(format!("{}/{}", object.namespace(), set.metadata.name.as_deref().unwrap_or_default()));
        }
    }
}
