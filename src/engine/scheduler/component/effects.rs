//! What an attempt comes to in the API: a binding, or a condition, an event, and victims that must leave.
//!
//! A failure becomes the event FailedScheduling and the condition `PodScheduled: False`, whose reason is
//! `Unschedulable` where no node fits and `SchedulerError` where something else went wrong. Both carry the
//! same words, the event at most 1024 bytes of them. The status is only written where it changes, so
//! that a waiting pod does not wake its scheduler.
//! Mirrors: schedule_one.go `handleSchedulingFailure`, framework/preemption/executor.go `PreemptPod`.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::{Kind, Status, Typed};
use k8s_openapi::api::core::v1::{Pod, PodCondition};

use super::{SCHEDULER_NAME, Scheduler, now_ms, volumes};
use crate::client::{Context, DeleteOptions, EventOf, EventType, Key};
use crate::scheduler::cycle::Outcome;
use crate::scheduler::plugins::default_binder;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::preemption::Nomination;
use crate::scheduler::queue::{ClusterEvent, QueuedPod};

/// An event's message may not be longer, in bytes.
const MESSAGE_LIMIT: usize = 1024;

impl Scheduler {
    /// One attempt, and everything that follows from it.
    pub(super) fn try_pod(&mut self, queued: QueuedPod, cx: &mut Context) {
        let info = queued.info.clone();
        if info.is_terminating() {
            let message = format!("skip schedule deleting pod: {}/{}", info.namespace, info.name);
            self.say(cx, &info, EventType::Warning, "FailedScheduling", &message);
            return;
        }
        let now = now_ms(cx);
        let rng = &mut *cx.rng;
        let mut pick = |count: usize| usize::try_from(rng.below(count as u64)).unwrap_or(0);
        let (outcome, trace) = self.algorithm.attempt(&self.cache, &self.nominator, &info, now, &mut pick);
        self.traces.push(trace);
        match outcome {
            Outcome::Scheduled { node } => {
                self.cache.assume(info.clone(), node.clone());
                self.nominator.remove(info.uid());
                match volumes::begin(&self.cache, &info, &node, cx) {
                    Ok(None) => self.bind(queued, &node, cx),
                    Ok(Some(awaited)) => self.wait_for_volumes(queued, node, awaited, now),
                    Err(status) => {
                        let message = format!("running PreBind plugin \"VolumeBinding\": {}", status.message);
                        self.failed_to_bind(queued, message, cx);
                    }
                }
            }
            Outcome::Unschedulable { message, plugins, nomination, keeps_nomination } => {
                self.queue.fail(queued, plugins, now);
                let node = nomination.as_ref().map(|nomination| &*nomination.node);
                if let Some(node) = node {
                    self.nominator.set(info.clone(), node.into());
                } else if !keeps_nomination {
                    self.nominator.remove(info.uid());
                }
                let nominated = if keeps_nomination { None } else { Some(node) };
                self.refuse(cx, &info, "Unschedulable", &message, nominated);
                if let Some(nomination) = &nomination {
                    self.preempt(&info, nomination, cx);
                }
            }
        }
    }

    pub(super) fn bind(&mut self, queued: QueuedPod, node: &Arc<str>, cx: &mut Context) {
        let info = queued.info.clone();
        match default_binder::bind(&mut cx.api, &info, node) {
            Ok(()) => {
                let message = format!("Successfully assigned {}/{} to {node}", info.namespace, info.name);
                self.say(cx, &info, EventType::Normal, "Scheduled", &message);
            }
            Err(status) => {
                let message =
                    format!("binding rejected: running Bind plugin \"{}\": {}", default_binder::NAME, status.message);
                self.failed_to_bind(queued, message, cx);
            }
        }
    }

    /// Takes the placement back; an error is tried again after its back-off, and others may have the place.
    pub(super) fn failed_to_bind(&mut self, mut queued: QueuedPod, message: String, cx: &mut Context) {
        let info = queued.info.clone();
        let now = now_ms(cx);
        self.cache.forget(info.uid());
        self.queue.on_event(&self.cache, &ClusterEvent::AssignedPodDeleted(&info), now);
        let Some(present) = cx.api.get::<Pod>(&info.namespace, &info.name) else { return };
        // Replaced or placed by somebody else meanwhile: no longer ours to schedule.
        let placed = present.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
        if placed || present.metadata.uid != info.pod.metadata.uid {
            return;
        }
        let present = self.cache.pod_info(present);
        queued.info = present.clone();
        self.queue.fail(queued, BTreeSet::new(), now);
        self.refuse(cx, &present, "SchedulerError", &message, Some(None));
    }

    /// Says why a pod stays pending: an event, and the condition if it tells something new.
    /// `nominated` is the node to note, or to forget; `None` leaves what is noted.
    fn refuse(
        &mut self,
        cx: &mut Context,
        pod: &PodInfo,
        reason: &str,
        message: &str,
        nominated: Option<Option<&str>>,
    ) {
        self.say(cx, pod, EventType::Warning, "FailedScheduling", message);
        let condition = PodCondition {
            type_: "PodScheduled".into(),
            status: "False".into(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            observed_generation: pod.pod.metadata.generation,
            last_transition_time: Some(cx.time()),
            ..PodCondition::default()
        };
        let status = pod.pod.status.as_ref();
        let told = status.is_some_and(|status| {
            status.conditions.iter().flatten().any(|old| {
                (&old.type_, &old.status, &old.reason, &old.message)
                    == (&condition.type_, &condition.status, &condition.reason, &condition.message)
            })
        });
        let noted = status.and_then(|status| status.nominated_node_name.as_deref());
        if told && nominated.is_none_or(|node| node == noted) {
            return;
        }
        let node = nominated.map(|node| node.map(str::to_owned));
        // Gone meanwhile: then there is nobody to tell.
        let _ = cx.api.patch::<Pod>(&pod.namespace, &pod.name, "status", |pod| {
            let status = pod.status.get_or_insert_default();
            set_condition(status.conditions.get_or_insert_default(), condition);
            if let Some(node) = node {
                status.nominated_node_name = node;
            }
        });
    }

    /// Removes the victims and tells those who waited for the same node.
    fn preempt(&mut self, pod: &PodInfo, nomination: &Nomination, cx: &mut Context) {
        for victim in &nomination.victims {
            if let Err(_gone) = self.remove_victim(pod, victim, &nomination.node, cx) {
                // It left by itself.
                continue;
            }
        }
        for other in &nomination.displaced {
            self.nominator.remove(other.uid());
            let _ = cx.api.patch::<Pod>(&other.namespace, &other.name, "status", |pod| {
                pod.status.get_or_insert_default().nominated_node_name = None;
            });
        }
    }

    fn remove_victim(&mut self, pod: &PodInfo, victim: &PodInfo, node: &str, cx: &mut Context) -> Result<(), Status> {
        // Asked to leave already.
        if victim.is_terminating() {
            return Ok(());
        }
        let condition = PodCondition {
            type_: "DisruptionTarget".into(),
            status: "True".into(),
            reason: Some("PreemptionByScheduler".into()),
            message: Some(format!("{SCHEDULER_NAME}: preempting to accommodate a higher priority pod")),
            observed_generation: victim.pod.metadata.generation,
            last_transition_time: Some(cx.time()),
            ..PodCondition::default()
        };
        cx.api.patch::<Pod>(&victim.namespace, &victim.name, "status", |pod| {
            set_condition(pod.status.get_or_insert_default().conditions.get_or_insert_default(), condition);
        })?;
        let key = Key::new(Kind::Pod, &victim.namespace, &victim.name);
        cx.api.delete(&key, &DeleteOptions::default())?;
        let message = format!("Preempted by pod {} on node {node}", pod.uid());
        self.say(cx, victim, EventType::Normal, "Preempted", &message);
        Ok(())
    }

    fn say(&mut self, cx: &mut Context, about: &PodInfo, kind: EventType, reason: &str, message: &str) {
        let of = EventOf::object(&about.pod.clone().wrap());
        self.recorder.event(cx, &of, kind, reason, shortened(message));
    }
}

/// Sets a condition; its transition time stays while its status does.
fn set_condition(conditions: &mut Vec<PodCondition>, mut new: PodCondition) {
    match conditions.iter_mut().find(|condition| condition.type_ == new.type_) {
        Some(old) => {
            if old.status == new.status {
                new.last_transition_time = old.last_transition_time.clone();
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

/// Cuts what an event cannot hold.
fn shortened(message: &str) -> String {
    const ELLIPSIS: &str = " ...";
    if message.len() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let mut end = MESSAGE_LIMIT - ELLIPSIS.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ELLIPSIS}", &message[..end])
}
