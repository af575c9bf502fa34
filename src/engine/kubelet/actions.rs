//! The sync: compares a pod with its containers and decides what comes next.
//!
//! In this order: a pod that is deleted, over its deadline or at its end is stopped; else its volumes are
//! mounted and its sandbox made, one step per sync. Then containers that failed a probe, or whose image
//! changed, are killed, and what is missing is started. Ephemeral containers need nobody. Init containers
//! run one after the other: the next one starts when the one before has ended with 0, or, with a restart
//! policy of its own (a sidecar), has started and finished its hook. Main containers start all at once,
//! and from then on init containers are history, but sidecars are kept up beside them. Whether one that
//! ended starts again is `restarts_after`; when, the crash back-off (`operations.rs`).
//! Mirrors: pkg/kubelet/kuberuntime/kuberuntime_manager.go `computePodActions`,
//! `computeInitContainerActions`, pkg/kubelet/kubelet.go `SyncPod`, pkg/kubelet/active_deadline.go. Left
//! out: init containers that an image pruned away, and a changed network namespace.

use super::container::{Kind, restarts_after, restarts_when_killed, slots};
use super::events::Turn;
use super::images;
use super::lifecycle::{PreStop, begin_kill};
use super::mounting::Mounting;
use super::pod_worker::{Ending, PodWorker, Work};
use super::probes::ProbeKind;
use super::status;
use super::volumes;
use crate::client::EventType;

/// A pod that is well is looked at this often.
const RESYNC: u64 = 60_000;
/// Of a pod that is longer on its node than it may be. Mirrors: pkg/kubelet/active_deadline.go.
const DEADLINE_REASON: &str = "DeadlineExceeded";
const DEADLINE_MESSAGE: &str = "Pod was active on the node longer than the specified deadline";

impl PodWorker {
    pub(super) fn sync(&mut self, turn: &mut Turn) {
        self.begin_sync(turn);
        self.flush_status(turn);
    }

    fn begin_sync(&mut self, turn: &mut Turn) {
        self.retry_at = None;
        self.stopped.clear();
        self.take_in_added();
        if self.finished || self.ending.is_some() {
            self.sync_ending(turn);
            return;
        }
        if self.pod.metadata.deletion_timestamp.is_some() {
            self.begin_ending(turn, Ending::Deleted);
            return;
        }
        self.sandbox_seen = self.sandbox_ready;
        if self.deadline_passed(turn) {
            self.rejected = Some((DEADLINE_REASON.to_owned(), DEADLINE_MESSAGE.to_owned()));
            self.tell_deadline(turn);
            self.begin_ending(turn, Ending::Over);
            return;
        }
        if self.rejected.is_some() {
            // Refused on arrival: nothing of it ever runs, and its status says no more than that.
            self.finished = true;
            self.write_status(turn);
            return;
        }
        let instant = turn.cx.profile.instant;
        self.finish_resize(turn);
        if !instant || self.sandbox_seen {
            self.hold_status(turn);
        }
        if matches!(status::phase(self), "Succeeded" | "Failed") {
            self.begin_ending(turn, Ending::Over);
            return;
        }
        self.trigger_readiness(turn);
        if !instant {
            images::check_pull_secrets(turn, &self.pod.clone());
        }
        if !self.mounted {
            let until = turn.now + turn.labour(180, 160);
            self.work = Some((Some(until), Work::Mounting(Mounting::first(turn.now, until))));
            return;
        }
        volumes::refresh(turn, &self.pod.clone(), &self.world.ip.clone(), &mut self.world.volumes);
        if !self.sandbox_ready {
            let until = turn.now + turn.labour(180, 160);
            self.work = Some((Some(until), Work::CreatingSandbox));
            return;
        }
        self.decide(turn);
    }

    /// Containers that were added since the pod began.
    fn take_in_added(&mut self) {
        let known = slots(&self.pod);
        // They come behind all others, in both lists.
        if known.len() > self.slots.len() {
            let new = known.into_iter().filter(|slot| !self.slots.iter().any(|old| old.name == slot.name));
            let new: Vec<_> = new.collect();
            self.slots.extend(new);
        }
    }

    /// A running container that is not ready yet is probed at once.
    fn trigger_readiness(&mut self, turn: &mut Turn) {
        for probe in self.probes.iter_mut().filter(|probe| probe.kind == ProbeKind::Readiness) {
            let slot = self.slots.iter().find(|slot| slot.name == probe.container);
            if slot.and_then(|slot| slot.running()).is_some_and(|instance| instance.started && !instance.ready) {
                let answer = if probe.runs_a_command() { turn.delay(30, 30) } else { turn.delay(2, 4) };
                probe.trigger(turn.now + answer);
            }
        }
    }

    fn deadline_passed(&mut self, turn: &Turn) -> bool {
        let Some(seconds) = self.pod.spec.as_ref().and_then(|spec| spec.active_deadline_seconds) else { return false };
        let started = self
            .pod
            .status
            .as_ref()
            .and_then(|status| status.start_time.as_ref())
            .map_or(self.seen_at, |time| u64::try_from(api::meta::time::millis(time)).unwrap_or(0));
        let at = started + u64::try_from(seconds).unwrap_or(0) * 1_000;
        if turn.now < at {
            self.sync_by(at);
        }
        turn.now >= at
    }

    /// The event of a pod that took too long. It is written with each of its last statuses.
    pub(super) fn tell_deadline(&self, turn: &mut Turn) {
        if self.rejected.as_ref().is_some_and(|(reason, _)| reason == DEADLINE_REASON) {
            turn.pod_event(&self.pod, EventType::Normal, DEADLINE_REASON, DEADLINE_MESSAGE);
        }
    }

    /// Kills what must go, then starts what is missing.
    pub(super) fn decide(&mut self, turn: &mut Turn) {
        if self.restart_all(turn) {
            return;
        }
        if self.kill_unwanted(turn) || self.resize(turn) {
            self.work = Some((None, Work::Stopping));
            return;
        }
        self.plan = self.to_start().into();
        self.start_next(turn);
    }

    /// Containers whose probe failed or whose image changed.
    ///
    /// Where nothing of the pod would run on, nor start again, the pod as a whole is stopped instead: then the
    /// events say no more than that, and the probe's own grace does not count.
    fn kill_unwanted(&mut self, turn: &mut Turn) -> bool {
        let pod = self.pod.clone();
        let pod_grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
        let mut victims = Vec::new();
        // Whether a main container runs on, or is to start again.
        let mut goes_on = false;
        for slot in &self.slots {
            let counts = slot.kind == Kind::Main;
            let Some(instance) = slot.running() else {
                goes_on |= counts && slot.ended().is_none_or(|end| restarts_after(&pod, slot, end.code));
                continue;
            };
            let failed = self.probes.iter().find(|probe| probe.container == slot.name && probe.condemns(&instance.id));
            let name = &slot.name;
            if let Some(probe) = failed.filter(|_| instance.kill.is_none()) {
                let kind = if probe.kind == ProbeKind::Startup { "startup" } else { "liveness" };
                let (what, restarts) = match slot.kind {
                    Kind::Sidecar => ("Init container", false),
                    _ => ("Container", restarts_when_killed(&pod, slot)),
                };
                let then = if restarts { ", will be restarted" } else { "" };
                let why = format!("{what} {name} failed {kind} probe{then}");
                goes_on |= counts && restarts;
                victims.push((name.clone(), probe.grace().unwrap_or(pod_grace), why));
                continue;
            }
            goes_on |= counts;
            let image = slot.spec(&pod).and_then(|spec| spec.image.clone()).unwrap_or_default();
            if image != instance.spec_image && slot.kind != Kind::Init && instance.kill.is_none() {
                let why = format!("Container {name} definition changed, will be restarted");
                victims.push((name.clone(), pod_grace, why));
            }
        }
        if !victims.is_empty() && !goes_on {
            let running = self.slots.iter().filter(|slot| slot.kind == Kind::Main && slot.running().is_some());
            victims = running
                .map(|slot| (slot.name.clone(), pod_grace, format!("Stopping container {}", slot.name)))
                .collect();
        }
        for (name, grace, why) in &victims {
            self.stopped.push(name.clone());
            begin_kill(turn, &pod, &mut self.slots, &mut self.world, name, *grace, why, PreStop::Runs);
        }
        !victims.is_empty()
    }

    /// The containers to start now, in order, by their places among the slots.
    fn to_start(&self) -> Vec<usize> {
        let mut start = Vec::new();
        let begun = self.slots.iter().any(|slot| slot.kind == Kind::Main && slot.current.is_some());
        let slots = || self.slots.iter().enumerate();
        let added = slots().filter(|(_, slot)| slot.kind == Kind::Ephemeral && slot.current.is_none());
        start.extend(added.map(|(index, _)| index));
        for (index, slot) in slots().filter(|(_, slot)| slot.kind.is_init()) {
            match (slot.kind, slot.running(), slot.ended()) {
                (Kind::Sidecar, Some(instance), _) if (instance.started && instance.hook.is_none()) || begun => {}
                (_, Some(_), _) => return start,
                (Kind::Init, None, _) if begun => {}
                (Kind::Init, None, Some(end)) if end.code == 0 => {}
                (_, None, Some(end)) if !restarts_after(&self.pod, slot, end.code) => return start,
                (Kind::Sidecar, None, _) if begun => start.push(index),
                (_, None, _) => {
                    start.push(index);
                    return start;
                }
            }
        }
        for (index, slot) in slots().filter(|(_, slot)| slot.kind == Kind::Main) {
            let wanted = match (slot.running(), slot.ended()) {
                (Some(_), _) => false,
                (None, None) => true,
                (None, Some(end)) => restarts_after(&self.pod, slot, end.code),
            };
            if wanted {
                start.push(index);
            }
        }
        start
    }

    /// Nothing is left to do in this sync: when is the next one?
    pub(super) fn end_sync(&mut self, turn: &mut Turn) {
        let instant = turn.cx.profile.instant;
        if let Some(at) = self.retry_at.take() {
            self.sync_by(at);
        }
        if std::mem::take(&mut self.changed_something) {
            // The relist that follows a change is not waited for.
            let soon = turn.delay(8, 4);
            self.sync_by(turn.now + soon);
            self.made_sandbox = false;
            if !self.probes.is_empty() {
                self.sync_by_relist(turn);
            }
        } else if std::mem::take(&mut self.made_sandbox) {
            let soon = turn.delay(90, 30);
            self.sync_by(turn.now + soon);
        } else if !instant && self.sync_at.is_none() && self.follows_objects() {
            let wait = turn.stretch(RESYNC, 0.5);
            self.sync_by(turn.host.ticks.next_sync(turn.now + wait));
        }
    }

    /// The status written at once may be followed by one more look at the next relist.
    fn sync_by_relist(&mut self, turn: &Turn) {
        let at = turn.host.ticks.next_relist(turn.now, turn.cx.profile.instant);
        self.relist_at = Some(at);
    }

    fn follows_objects(&self) -> bool {
        self.pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).any(volumes::follows_object)
    }
}
