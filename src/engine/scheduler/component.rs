//! The process kube-scheduler: hears of changes, tries one pod per step, and writes what was decided.
//!
//! All deciding is in the pure modules beside this one; here is only what reads and writes the API.
//! Mirrors: pkg/scheduler/{scheduler,eventhandlers,schedule_one}.go.

mod effects;
mod volumes;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::order::Order;
use api::{Kind, Object};
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::{
    apps::v1::{ReplicaSet, StatefulSet},
    core::v1::{Namespace, ReplicationController, Service},
    policy::v1::PodDisruptionBudget,
    storage::v1::{CSIDriver, CSINode, StorageClass},
};

use super::cache::{Cache, Capacity, DeviceClaim};
use super::cycle::Algorithm;
use super::nominator::Nominator;
use super::pod_info::PodInfo;
use super::queue::{ClusterEvent, Queue, StorageEvent};
use super::trace::Traces;
use crate::client::{Change, Component, Context, Next, Recorder, Revision};
use volumes::WaitingForVolumes;

/// The name by which pods ask for this scheduler.
const SCHEDULER_NAME: &str = "default-scheduler";

/// kube-scheduler.
#[derive(Clone)]
pub struct Scheduler {
    cache: Cache,
    queue: Queue,
    nominator: Nominator,
    algorithm: Algorithm,
    traces: Traces,
    recorder: Recorder,
    /// Placed pods whose claims are still being bound, by UID.
    waiting: BTreeMap<String, WaitingForVolumes>,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self {
            cache: Cache::default(),
            queue: Queue::default(),
            nominator: Nominator::default(),
            algorithm: Algorithm::default(),
            traces: Traces::default(),
            recorder: Recorder::new_style(SCHEDULER_NAME),
            waiting: BTreeMap::new(),
        }
    }
}

impl Component for Scheduler {
    fn start(&mut self, cx: &mut Context) -> Next {
        // Traces stay: they are the page's memory, not the process's.
        *self = Self { traces: std::mem::take(&mut self.traces), ..Self::default() };
        macro_rules! load {
            ($($kind:ty),*) => {$(
                for object in cx.api.list::<$kind>("") {
                    self.cache.listers.set(&api::Typed::wrap(object.clone()));
                }
            )*};
        }
        load!(
            Namespace,
            PersistentVolumeClaim,
            PersistentVolume,
            StorageClass,
            CSINode,
            CSIDriver,
            Service,
            ReplicaSet,
            StatefulSet,
            ReplicationController,
            PodDisruptionBudget
        );
        for kind in [Kind::CSIStorageCapacity, Kind::ResourceClaim, Kind::DeviceClass] {
            for object in cx.api.list_objects(kind, "") {
                self.cache.listers.set(object);
            }
        }
        let nodes: Vec<Arc<Node>> = cx.api.list("").cloned().collect();
        for node in nodes {
            self.cache.set_node(node);
        }
        let mut pods: Vec<Arc<Pod>> = cx.api.list("").cloned().collect();
        // Older pods first, as they would have been seen.
        pods.order_by(|a, b| a.metadata.creation_timestamp.cmp(&b.metadata.creation_timestamp));
        for pod in pods {
            self.pod_changed(None, Some(&pod), cx);
        }
        self.next(cx)
    }

    fn wake(&mut self, news: &[Arc<Revision>], cx: &mut Context) -> Next {
        for revision in news {
            self.observe(revision, cx);
        }
        self.continue_volumes(cx);
        if let Some(pod) = self.queue.pop(now_ms(cx)) {
            self.try_pod(pod, cx);
        }
        self.next(cx)
    }
}

impl Scheduler {
    /// The last few hundred attempts.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    fn next(&self, cx: &Context) -> Next {
        let now = now_ms(cx);
        if self.queue.has_ready(now) {
            return Next::Again;
        }
        let volumes = self.waiting.values().map(|waiting| waiting.look_at_ms);
        match self.queue.next_wake_ms().into_iter().chain(volumes).min() {
            Some(at) => Next::At(cx.now + u64::try_from(at - now).unwrap_or(0)),
            None => Next::Idle,
        }
    }

    fn observe(&mut self, revision: &Revision, cx: &Context) {
        let now = now_ms(cx);
        let deleted = revision.change == Change::Deleted;
        match &revision.object {
            Object::Pod(pod) => {
                let old = revision.previous.as_ref().and_then(|previous| previous.get::<Pod>());
                // A deletion's own object is the pod's last state.
                let (old, new) = if deleted { (Some(old.unwrap_or(pod)), None) } else { (old, Some(pod)) };
                self.pod_changed(old, new, cx);
            }
            Object::Node(node) if deleted => {
                self.cache.remove_node(revision.object.name());
                self.queue.on_event(&self.cache, &ClusterEvent::NodeDeleted(node), now);
            }
            Object::Node(node) => {
                self.cache.set_node(node.clone());
                let old = revision.previous.as_ref().and_then(|previous| previous.get::<Node>()).map(|node| &**node);
                if old.is_none_or(|old| matters(old, node)) {
                    self.queue.on_event(&self.cache, &ClusterEvent::Node { old, new: node }, now);
                }
            }
            other if deleted => self.cache.listers.remove(other),
            other => {
                self.cache.listers.set(other);
                if let Some(event) =
                    storage_event(revision).map(ClusterEvent::Storage).or_else(|| device_event(revision))
                {
                    self.queue.on_event(&self.cache, &event, now);
                }
            }
        }
    }

    /// Sorts a change of a pod: on a node, waiting for one, or gone. Ended pods count as gone.
    fn pod_changed(&mut self, old: Option<&Arc<Pod>>, new: Option<&Arc<Pod>>, cx: &Context) {
        let now = now_ms(cx);
        let old = old.filter(|pod| !ended(pod));
        match new.filter(|pod| !ended(pod)) {
            Some(pod) => {
                let info = self.cache.pod_info(pod.clone());
                if info.node_name().is_some() {
                    self.pod_has_node(info, old, now);
                } else if is_ours(pod) && !self.cache.is_assumed(info.uid()) {
                    self.pod_waits(info, old, now);
                }
            }
            None => {
                if let Some(old) = old {
                    self.pod_gone(old, now);
                }
            }
        }
    }

    /// A pod that waits for a node, new or changed.
    fn pod_waits(&mut self, info: Arc<PodInfo>, old: Option<&Arc<Pod>>, now: i64) {
        let nominated_before = old.and_then(|old| old.status.as_ref()?.nominated_node_name.as_deref());
        match info.nominated_node() {
            Some(node) => self.nominator.set(info.clone(), node.into()),
            None if nominated_before.is_some() => self.nominator.remove(info.uid()),
            // Nominated just now, and not yet heard of: the promise stands.
            None => {
                if let Some(node) = self.nominator.node_of(info.uid()).cloned() {
                    self.nominator.set(info.clone(), node);
                }
            }
        }
        let moved = nominated_before.is_some_and(|before| info.nominated_node() != Some(before));
        let priority = info.priority;
        self.queue.update(&self.cache, info, now);
        if let Some(old) = old.filter(|_| moved) {
            self.place_no_longer_kept(old, priority, now);
        }
    }

    /// A node that was kept for a pod is free again for those that had to stand back.
    fn place_no_longer_kept(&mut self, pod: &Arc<Pod>, priority: i32, now: i64) {
        let info = self.cache.pod_info(pod.clone());
        let event = ClusterEvent::AssignedPodDeleted(&info);
        self.queue.on_event_up_to(priority, &self.cache, &event, now);
    }

    fn pod_has_node(&mut self, info: Arc<PodInfo>, old: Option<&Arc<Pod>>, now: i64) {
        let known = self.cache.pod(info.uid()).cloned();
        self.queue.remove(info.uid());
        self.nominator.remove(info.uid());
        self.waiting.remove(info.uid());
        self.cache.set_pod(info.clone());
        let had_node = old.is_some_and(|old| old.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()));
        match known.filter(|_| had_node) {
            None => self.queue.on_event(&self.cache, &ClusterEvent::AssignedPodAdded(&info), now),
            Some(known) => {
                let relevant = known.labels() != info.labels() || known.requests != info.requests;
                if relevant {
                    let event = ClusterEvent::AssignedPodUpdated { old: &known, new: &info };
                    self.queue.on_event(&self.cache, &event, now);
                }
            }
        }
    }

    fn pod_gone(&mut self, pod: &Arc<Pod>, now: i64) {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        self.waiting.remove(uid);
        self.queue.remove(uid);
        let waited_for = self.nominator.node_of(uid).is_some();
        self.nominator.remove(uid);
        match self.cache.remove_pod(uid) {
            Some(info) => self.queue.on_event(&self.cache, &ClusterEvent::AssignedPodDeleted(&info), now),
            None if waited_for => {
                let priority = pod.spec.as_ref().and_then(|spec| spec.priority).unwrap_or(0);
                self.place_no_longer_kept(pod, priority, now);
            }
            None => {}
        }
    }
}

/// Milliseconds since the epoch: back-offs end on whole seconds of it.
fn now_ms(cx: &Context) -> i64 {
    i64::try_from(cx.api.unix_millis()).unwrap_or(i64::MAX)
}

fn ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn is_ours(pod: &Pod) -> bool {
    let name = pod.spec.as_ref().and_then(|spec| spec.scheduler_name.as_deref());
    matches!(name, None | Some("" | SCHEDULER_NAME))
}

/// What a change of anything about volumes is to waiting pods.
fn storage_event(revision: &Revision) -> Option<StorageEvent> {
    fn old<T: api::Typed>(revision: &Revision) -> Option<Arc<T>> {
        revision.previous.as_ref().and_then(|previous| previous.get::<T>()).cloned()
    }
    Some(match &revision.object {
        Object::PersistentVolumeClaim(new) => StorageEvent::Claim { old: old(revision), new: new.clone() },
        Object::PersistentVolume(new) => StorageEvent::Volume { old: old(revision), new: new.clone() },
        Object::StorageClass(new) => StorageEvent::Class { old: old(revision), new: new.clone() },
        Object::CSIDriver(new) => StorageEvent::Driver { old: old(revision), new: new.clone() },
        Object::CSINode(_) => StorageEvent::DriversOfNode { first: revision.previous.is_none() },
        new if new.kind() == Kind::CSIStorageCapacity => {
            let largest = |object: &Object| match object {
                Object::Dynamic(object) => Capacity::read(object).largest,
                _ => None,
            };
            let grew = revision.previous.as_ref().is_none_or(|previous| largest(new) > largest(previous));
            return grew.then_some(StorageEvent::MoreCapacity);
        }
        // Services, budgets and owners only matter to the next attempt.
        _ => return None,
    })
}

/// What a change of anything about devices is to waiting pods.
fn device_event(revision: &Revision) -> Option<ClusterEvent<'static>> {
    let claim = |object: &Object| match object {
        Object::Dynamic(object) => Some(DeviceClaim::read(object)),
        _ => None,
    };
    match revision.object.kind() {
        Kind::DeviceClass | Kind::ResourceSlice => Some(ClusterEvent::Devices),
        Kind::ResourceClaim => {
            let old = revision.previous.as_ref().and_then(claim);
            claim(&revision.object).map(|new| ClusterEvent::DeviceClaim { old, new })
        }
        // Everything else is no device.
        _ => None,
    }
}

/// Whether a node's change can make a difference to scheduling; heartbeats cannot.
fn matters(old: &Node, new: &Node) -> bool {
    let status =
        |node: &Node| node.status.as_ref().map(|status| (status.allocatable.clone(), status.declared_features.clone()));
    old.spec != new.spec || old.metadata.labels != new.metadata.labels || status(old) != status(new)
}
