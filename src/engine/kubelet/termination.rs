//! The end of a pod: containers stop, the last status is written, the object may go.
//!
//! First the main containers are told, all at once, each with the pod's whole grace period; when they are
//! gone the sidecars, in the reverse of their order. Grace is the deletion's, or the pod's own when it
//! ends by itself; a second deletion may shorten it, never lengthen it. When nothing runs the last status
//! is written: containers of which nobody knows the end count as failed (137). Then the sandbox is taken
//! down, and a deleted pod's object is deleted once more, without grace: that is what lets it vanish. A
//! pod that is over, but not deleted, stays with its final phase.
//! Mirrors: pkg/kubelet/kubelet.go `SyncTerminatingPod`, `SyncTerminatedPod`,
//! pkg/kubelet/kuberuntime/kuberuntime_container.go `killContainersWithSyncResult`,
//! pkg/kubelet/kuberuntime `newTerminationOrdering`; pkg/kubelet/status/status_manager.go
//! `TerminatePod`, `syncPod` (the final delete). Left out: volumes that cannot be unmounted.

use api::Kind as ApiKind;
use api::k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodStatus};

use super::container::{Kind, Slot};
use super::events::Turn;
use super::eviction::EVICTION_GRACE;
use super::lifecycle::{PreStop, begin_kill};
use super::pod_worker::{Ending, PodWorker, RETRY, Work};
use crate::client::{DeleteOptions, Key};

impl PodWorker {
    /// Starts to stop the pod for good.
    pub(super) fn begin_ending(&mut self, turn: &mut Turn, ending: Ending) {
        self.ending = Some(ending);
        self.work = None;
        self.plan.clear();
        self.sandbox_seen = self.sandbox_ready;
        let instant = turn.cx.profile.instant;
        if instant && ending == Ending::Deleted {
            self.kill_main_containers(turn);
            self.torn_down(turn);
            return;
        }
        self.kill_main_containers(turn);
        if !instant {
            self.write_status(turn);
        }
        self.sync_ending(turn);
    }

    fn grace(&self) -> i64 {
        let own = self.pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
        match self.ending {
            Some(Ending::Deleted) => self.pod.metadata.deletion_grace_period_seconds.unwrap_or(own),
            Some(Ending::Orphaned) => 0,
            Some(Ending::Over) if self.is_evicted() => EVICTION_GRACE,
            Some(Ending::Over) | None => own,
        }
    }

    fn kill_main_containers(&mut self, turn: &mut Turn) {
        let names: Vec<String> = self
            .slots
            .iter()
            .filter(|slot| slot.kind != Kind::Sidecar && slot.running().is_some())
            .map(|slot| slot.name.clone())
            .collect();
        self.kill(turn, &names);
    }

    fn kill(&mut self, turn: &mut Turn, names: &[String]) {
        let pod = self.pod.clone();
        let grace = self.grace();
        for name in names {
            let why = format!("Stopping container {name}");
            begin_kill(turn, &pod, &mut self.slots, &mut self.world, name, grace, &why, PreStop::Runs);
        }
    }

    /// A deletion was repeated with less patience: running kills end sooner.
    pub(super) fn shorten_grace(&mut self, now: u64) {
        let at = now + u64::try_from(self.grace()).unwrap_or(0) * 1_000;
        for kill in self.slots.iter_mut().filter_map(Slot::running_mut).filter_map(|instance| instance.kill.as_mut()) {
            kill.deadline = kill.deadline.min(at);
        }
    }

    /// The next step towards the end.
    pub(super) fn sync_ending(&mut self, turn: &mut Turn) {
        let deleted = self.pod.metadata.deletion_timestamp.is_some();
        if deleted && self.ending != Some(Ending::Orphaned) {
            self.ending = Some(Ending::Deleted);
        }
        if self.finished && self.ending == Some(Ending::Orphaned) {
            // Nothing runs, and there is no object left to say anything about.
            self.gone = true;
            return;
        }
        if self.finished {
            if self.untold {
                self.write_status(turn);
            }
            if deleted {
                let until = turn.now + turn.labour(30, 60);
                self.work = Some((Some(until), Work::TearingDown));
            }
            return;
        }
        let main_runs = self.slots.iter().any(|slot| slot.kind != Kind::Sidecar && slot.running().is_some());
        if main_runs && self.ending == Some(Ending::Orphaned) {
            // Nobody has told them yet.
            self.kill_main_containers(turn);
        }
        if !main_runs {
            // Sidecars outlive what they serve; the last one started goes first.
            let sidecar = self.slots.iter().rev().find(|slot| slot.running().is_some()).map(|slot| slot.name.clone());
            self.kill(turn, &sidecar.into_iter().collect::<Vec<_>>());
        }
        self.collect_exits(turn);
        if self.any_running() {
            self.work = Some((None, Work::Stopping));
            return;
        }
        match self.ending {
            Some(Ending::Over) => {
                if self.slots.iter().any(|slot| slot.kind == Kind::Sidecar) {
                    // They were killed just now; that they are gone is told before the phase is.
                    self.sandbox_ready = false;
                    self.write_status(turn);
                }
                let until = turn.host.ticks.next_relist(turn.now + turn.delay(100, 100), turn.cx.profile.instant);
                self.work = Some((Some(until), Work::TearingDown));
            }
            Some(Ending::Deleted) => {
                self.sandbox_ready = false;
                self.finished = true;
                self.write_status(turn);
                let until = turn.now + turn.labour(380, 250);
                self.work = Some((Some(until), Work::TearingDown));
            }
            Some(Ending::Orphaned) | None => self.gone = true,
        }
    }

    /// Writes the very last status.
    fn leave(&mut self, turn: &mut Turn, mut status: PodStatus) {
        self.flush_status(turn);
        leave_with(&self.pod, &mut status);
        self.hold(status);
        self.flush_status(turn);
    }

    /// The sandbox is gone: the very last step.
    pub(super) fn torn_down(&mut self, turn: &mut Turn) {
        turn.host.addresses.take_back(&self.uid, turn.now);
        self.sandbox_ready = false;
        if self.ending != Some(Ending::Deleted) {
            self.finished = true;
            self.probes.clear();
            self.tell_deadline(turn);
            let status = self.status(turn);
            self.leave(turn, status);
            if self.pod.metadata.deletion_timestamp.is_some() {
                self.sync_by(turn.now);
            }
            return;
        }
        if self.untold {
            // Who counts ended pods must see how this one ended before it goes.
            self.write_status(turn);
        }
        if !turn.cx.profile.instant {
            // What was told of it, not what is known: a restarted kubelet knows less.
            let told = self.pod.status.clone().unwrap_or_default();
            self.leave(turn, told);
        }
        let key = Key::new(ApiKind::Pod, self.namespace(), self.name());
        let options =
            DeleteOptions { grace_period_seconds: Some(0), uid: Some(self.uid.clone()), ..DeleteOptions::default() };
        // Somebody else may have removed it already; then there is nothing left to do either.
        let deleted = turn.cx.api.delete(&key, &options);
        self.gone = true;
        if deleted.is_err_and(|status| status.is_unreachable()) {
            self.gone = false;
            self.work = Some((Some(turn.now + RETRY), Work::TearingDown));
        }
    }
}

/// Makes the status one that a pod may leave with: what never ran is lost, and a phase says that it is over.
///
/// Mirrors: pkg/kubelet/status/status_manager.go `TerminatePod`.
fn leave_with(pod: &Pod, status: &mut PodStatus) {
    let init = status.init_container_statuses.iter_mut().flatten();
    let mut init: Vec<&mut ContainerStatus> = init.collect();
    let main = status.container_statuses.as_mut();
    if main.as_ref().is_some_and(|main| was_initialized(pod, &init, main)) {
        main.into_iter().flatten().for_each(lose);
    }
    // Those at the end that never had a turn are left out; the first one always had.
    let tried = init.iter().rposition(|one| !is_waiting(one) || has_ended_before(one)).unwrap_or(0);
    init.iter_mut().take(tried + 1).for_each(|one| lose(one));
    if !matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        status.phase = Some("Failed".to_owned());
    }
}

fn was_initialized(pod: &Pod, init: &[&mut ContainerStatus], main: &[ContainerStatus]) -> bool {
    let Some(last) = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_ref()?.last()) else { return true };
    if main.iter().any(|one| !is_waiting(one) || has_ended_before(one)) {
        return true;
    }
    let Some(status) = init.iter().find(|one| one.name == last.name) else { return false };
    if last.restart_policy.as_deref() == Some("Always") {
        return status.started == Some(true);
    }
    let went_well = |state: &Option<ContainerState>| {
        state.as_ref().and_then(|state| state.terminated.as_ref()).is_some_and(|end| end.exit_code == 0)
    };
    went_well(&status.state) || went_well(&status.last_state)
}

fn is_waiting(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_none_or(|state| state.running.is_none() && state.terminated.is_none())
}

fn has_ended_before(status: &ContainerStatus) -> bool {
    status.last_state.as_ref().is_some_and(|state| state.terminated.is_some())
}

/// Nobody knows how the container ended, so it counts as a failure.
fn lose(status: &mut ContainerStatus) {
    if status.state.as_ref().is_some_and(|state| state.terminated.is_some()) {
        return;
    }
    let terminated = ContainerStateTerminated {
        exit_code: 137,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container could not be located when the pod was terminated".to_owned()),
        ..ContainerStateTerminated::default()
    };
    status.state = Some(ContainerState { terminated: Some(terminated), ..ContainerState::default() });
}
