//! Pods that wait to be scheduled: which is next, who backs off, and what wakes the others.
//!
//! Three places. *Active*: tried next, by priority and age. *Backing off*: woken, but too soon after
//! a failure (1 s, 2 s, 4 s, 8 s, then 10 s). *Unschedulable*: waits until something happens of which
//! a plugin that refused the pod says that it may help, or five minutes have passed; gated pods wait
//! apart for their last gate, and pods whose claims of devices are not there yet for these. An idle scheduler does not wait for back-offs; only pods that failed by an
//! error sit theirs out. A pod's age counts from its last failure: who has failed stands behind.
//! Pure: time is an argument. Mirrors: pkg/scheduler/backend/queue. Left out: events that arrive
//! during an attempt, since an attempt takes no time here.

mod event;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;

pub use event::{ClusterEvent, StorageEvent};

use super::cache::Cache;
use super::plugins::taint_toleration::taints_of;
use super::plugins::{self, dynamic_resources, priority_sort, scheduling_gates};
use super::pod_info::PodInfo;

const INITIAL_BACKOFF_MS: i64 = 1_000;
const MAX_BACKOFF_MS: i64 = 10_000;
/// How often finished back-offs are looked for.
const BACKOFF_FLUSH_MS: i64 = 1_000;
/// How long a pod may lie unschedulable without any event.
const UNSCHEDULABLE_LIMIT_MS: i64 = 5 * 60_000;
/// How often that limit is looked at.
const UNSCHEDULABLE_FLUSH_MS: i64 = 30_000;

type Uid = Arc<str>;
type Place = (Reverse<i32>, i64, u64);

/// A waiting pod and its history.
#[derive(Debug, Clone)]
pub struct QueuedPod {
    pub info: Arc<PodInfo>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued, or last failed.
    queued_at_ms: i64,
    sequence: u64,
    unschedulable_count: u32,
    consecutive_errors: u32,
    /// Who refused it last; none after an error.
    refused_by: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    Active,
    BackingOff,
    /// Backing off after an error: never taken early.
    BackingOffFromError,
    Unschedulable,
    Gated,
}

/// The scheduling queue.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    pods: BTreeMap<Uid, (QueuedPod, Where)>,
    active: BTreeMap<Place, Uid>,
    backing_off: BTreeMap<(i64, Place), Uid>,
    backing_off_from_error: BTreeMap<(i64, Place), Uid>,
    /// The longest waiting first.
    unschedulable: BTreeSet<(i64, Uid)>,
    sequence: u64,
}

impl Queue {
    /// A pod without a node, seen for the first time.
    pub fn add(&mut self, cache: &Cache, info: Arc<PodInfo>, now_ms: i64) {
        let uid: Uid = info.uid().into();
        self.sequence += 1;
        let to = if held_back(cache, &info) { Where::Gated } else { Where::Active };
        let pod = QueuedPod {
            info,
            attempts: 0,
            queued_at_ms: now_ms,
            sequence: self.sequence,
            unschedulable_count: 0,
            consecutive_errors: 0,
            refused_by: BTreeSet::new(),
        };
        self.put(uid, pod, to);
    }

    /// A waiting pod has changed; its plugins may now think better of it.
    pub fn update(&mut self, cache: &Cache, info: Arc<PodInfo>, now_ms: i64) {
        let uid: Uid = info.uid().into();
        let Some((mut pod, place)) = self.take(&uid) else { return self.add(cache, info, now_ms) };
        let old = std::mem::replace(&mut pod.info, info.clone());
        let to = match place {
            Where::Gated if !held_back(cache, &info) => Where::Active,
            Where::Unschedulable => {
                let event = ClusterEvent::PodUpdated { old: &old, new: &info };
                let changed = old.pod.spec != info.pod.spec || old.labels() != info.labels();
                if changed && may_help(cache, &pod, &event) { woken(&pod, now_ms) } else { place }
            }
            Where::Active | Where::BackingOff | Where::BackingOffFromError | Where::Gated => place,
        };
        self.put(uid, pod, to);
    }

    pub fn remove(&mut self, uid: &str) {
        self.take(uid);
    }

    pub fn get(&self, uid: &str) -> Option<&QueuedPod> {
        self.pods.get(uid).map(|(pod, _)| pod)
    }

    /// The next pod to try now.
    pub fn pop(&mut self, now_ms: i64) -> Option<QueuedPod> {
        self.flush(now_ms);
        let uid = match self.active.first_key_value() {
            Some((_, uid)) => uid.clone(),
            // Nothing better to do: a back-off is no reason to idle.
            None => self.backing_off.first_key_value()?.1.clone(),
        };
        let (mut pod, _) = self.take(&uid)?;
        pod.attempts += 1;
        Some(pod)
    }

    /// Puts a pod back that could not be scheduled. No refusing plugin means an error.
    pub fn fail(&mut self, mut pod: QueuedPod, refused_by: BTreeSet<&'static str>, now_ms: i64) {
        pod.queued_at_ms = now_ms;
        pod.refused_by = refused_by;
        let to = if pod.refused_by.is_empty() {
            pod.consecutive_errors += 1;
            Where::BackingOffFromError
        } else {
            pod.unschedulable_count += 1;
            pod.consecutive_errors = 0;
            Where::Unschedulable
        };
        self.put(pod.info.uid().into(), pod, to);
    }

    /// Wakes the pods that `event` may help.
    pub fn on_event(&mut self, cache: &Cache, event: &ClusterEvent, now_ms: i64) {
        self.on_event_up_to(i32::MAX, cache, event, now_ms);
    }

    /// As [`Queue::on_event`], but for pods of no higher priority: a place that was only kept for a pod was
    /// kept from them alone.
    pub fn on_event_up_to(&mut self, priority: i32, cache: &Cache, event: &ClusterEvent, now_ms: i64) {
        let woken_pods: Vec<Uid> = self
            .unschedulable
            .iter()
            .filter(|(_, uid)| {
                self.get(uid).is_some_and(|pod| pod.info.priority <= priority && may_help(cache, pod, event))
            })
            .map(|(_, uid)| uid.clone())
            .collect();
        for uid in woken_pods {
            self.wake(&uid, now_ms);
        }
        if matches!(event, ClusterEvent::DeviceClaim { .. }) {
            self.open_gates(cache);
        }
    }

    /// Lets in the pods that nothing holds back any more.
    fn open_gates(&mut self, cache: &Cache) {
        let free = |(pod, place): &(QueuedPod, Where)| *place == Where::Gated && !held_back(cache, &pod.info);
        let free: Vec<Uid> = self.pods.iter().filter(|(_, pod)| free(pod)).map(|(uid, _)| uid.clone()).collect();
        for uid in free {
            self.activate(&uid);
        }
    }

    /// Whether a pod could be tried right now.
    pub fn has_ready(&self, now_ms: i64) -> bool {
        !self.active.is_empty()
            || !self.backing_off.is_empty()
            || self.backing_off_from_error.first_key_value().is_some_and(|((expiry, _), _)| *expiry <= now_ms)
    }

    /// When the queue must be looked at again though nothing happens.
    pub fn next_wake_ms(&self) -> Option<i64> {
        let errors = self.backing_off_from_error.keys().next().map(|(expiry, _)| up_to(*expiry, BACKOFF_FLUSH_MS));
        let forgotten = self
            .unschedulable
            .first()
            .map(|(since, _)| up_to(since + UNSCHEDULABLE_LIMIT_MS + 1, UNSCHEDULABLE_FLUSH_MS));
        [errors, forgotten].into_iter().flatten().min()
    }

    pub fn len(&self) -> usize {
        self.pods.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// Moves what has waited long enough.
    fn flush(&mut self, now_ms: i64) {
        while let Some(((expiry, _), uid)) = self.backing_off_from_error.first_key_value() {
            if *expiry > now_ms {
                break;
            }
            let uid = uid.clone();
            self.activate(&uid);
        }
        while let Some(((expiry, _), uid)) = self.backing_off.first_key_value() {
            if *expiry > now_ms {
                break;
            }
            let uid = uid.clone();
            self.activate(&uid);
        }
        while let Some((since, uid)) = self.unschedulable.first() {
            if now_ms - since <= UNSCHEDULABLE_LIMIT_MS {
                break;
            }
            let uid = uid.clone();
            self.wake(&uid, now_ms);
        }
    }

    fn activate(&mut self, uid: &str) {
        if let Some((pod, _)) = self.take(uid) {
            self.put(uid.into(), pod, Where::Active);
        }
    }

    fn wake(&mut self, uid: &str, now_ms: i64) {
        if let Some((pod, _)) = self.take(uid) {
            let to = woken(&pod, now_ms);
            self.put(uid.into(), pod, to);
        }
    }

    fn put(&mut self, uid: Uid, pod: QueuedPod, to: Where) {
        self.take(&uid);
        match to {
            Where::Active => _ = self.active.insert(place(&pod), uid.clone()),
            Where::BackingOff => _ = self.backing_off.insert((expiry(&pod), place(&pod)), uid.clone()),
            Where::BackingOffFromError => {
                self.backing_off_from_error.insert((expiry(&pod), place(&pod)), uid.clone());
            }
            Where::Unschedulable => _ = self.unschedulable.insert((pod.queued_at_ms, uid.clone())),
            Where::Gated => {}
        }
        self.pods.insert(uid, (pod, to));
    }

    fn take(&mut self, uid: &str) -> Option<(QueuedPod, Where)> {
        let (uid, (pod, from)) = self.pods.remove_entry(uid)?;
        match from {
            Where::Active => _ = self.active.remove(&place(&pod)),
            Where::BackingOff => _ = self.backing_off.remove(&(expiry(&pod), place(&pod))),
            Where::BackingOffFromError => _ = self.backing_off_from_error.remove(&(expiry(&pod), place(&pod))),
            Where::Unschedulable => _ = self.unschedulable.remove(&(pod.queued_at_ms, uid)),
            Where::Gated => {}
        }
        Some((pod, from))
    }
}

/// Whether a pod may not be tried at all: it has gates, or a claim of devices that is not there.
fn held_back(cache: &Cache, info: &PodInfo) -> bool {
    scheduling_gates::gated(&info.pod) || dynamic_resources::claims_of(cache, info).is_err()
}

fn place(pod: &QueuedPod) -> Place {
    priority_sort::place(pod.info.priority, pod.queued_at_ms, pod.sequence)
}

/// Plugins that ask to hear of new nodes but not of taints. Any change of a node's taints wakes the pods
/// they refused, helpful or not: a node that came with a taint may once have been kept from them.
/// A node that is no longer cordoned counts as one that has lost a taint.
///
/// Mirrors: pkg/scheduler/scheduler.go `buildQueueingHintMap`.
const WOKEN_BY_TAINTS: [&str; 8] = [
    "InterPodAffinity",
    "NodeAffinity",
    "NodeName",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeBinding",
    "VolumeRestrictions",
    "VolumeZone",
];

fn may_help(cache: &Cache, pod: &QueuedPod, event: &ClusterEvent) -> bool {
    if let ClusterEvent::Node { old: Some(old), new } = event
        && (taints_of(old) != taints_of(new) || cordoned(old) && !cordoned(new))
        && WOKEN_BY_TAINTS.iter().any(|name| pod.refused_by.contains(name))
    {
        return true;
    }
    pod.refused_by.iter().filter_map(|name| plugins::by_name(name)).any(|plugin| plugin.hint(cache, &pod.info, event))
}

fn cordoned(node: &Node) -> bool {
    node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true))
}

fn woken(pod: &QueuedPod, now_ms: i64) -> Where {
    if expiry(pod) > now_ms { Where::BackingOff } else { Where::Active }
}

/// When a pod's back-off ends: on a whole second, so that pods of one second are sorted by priority.
fn expiry(pod: &QueuedPod) -> i64 {
    let failures = if pod.consecutive_errors > 0 { pod.consecutive_errors } else { pod.unschedulable_count };
    let end = pod.queued_at_ms + backoff_ms(failures);
    end - end.rem_euclid(BACKOFF_FLUSH_MS)
}

/// The wait after the n-th failure.
pub fn backoff_ms(failures: u32) -> i64 {
    match failures {
        0 => 0,
        n => (INITIAL_BACKOFF_MS << (n - 1).min(10)).min(MAX_BACKOFF_MS),
    }
}

fn up_to(at_ms: i64, step_ms: i64) -> i64 {
    at_ms + (-at_ms).rem_euclid(step_ms)
}

#[cfg(test)]
mod tests;
