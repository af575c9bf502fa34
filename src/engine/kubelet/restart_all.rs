//! RestartAllContainers: a container that ended by a rule takes all others with it, and the pod begins anew in place.
//!
//! Who still runs is stopped, without its preStop hook; then all containers are forgotten, init containers
//! too, and everything starts again in the same sandbox, with the same address and volumes. Each counts
//! one restart more, and of its last run only says that it was removed. Meanwhile a condition tells of it.
//! Mirrors: pkg/kubelet/container/helpers.go `ShouldAllContainersRestart`,
//! pkg/kubelet/kuberuntime/kuberuntime_manager.go `getContainersToReset`.

use super::container::{End, Kind, restarts_all};
use super::events::Turn;
use super::images::Failure;
use super::lifecycle::{PreStop, begin_kill};
use super::pod_worker::{PodWorker, Work};

/// Why a container waits, and what is left of its last run.
pub const RESTARTING: &str = "RestartingAllContainers";
const MESSAGE: &str = "The container is removed because RestartAllContainers in place";

impl PodWorker {
    /// Begins to stop all containers, or forgets them; `true` while some are being stopped.
    pub(super) fn restart_all(&mut self, turn: &mut Turn) -> bool {
        let pod = self.pod.clone();
        let triggers = self.slots.iter().any(|slot| slot.ended().is_some_and(|end| restarts_all(&pod, slot, end.code)));
        if !triggers {
            return false;
        }
        self.restarting_all = true;
        self.hold_status(turn);
        self.flush_status(turn);
        if self.any_running() {
            let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
            let running = self.slots.iter().filter(|slot| slot.running().is_some());
            let names: Vec<String> = running.map(|slot| slot.name.clone()).collect();
            for name in &names {
                let why = format!("Stopping container {name}");
                begin_kill(turn, &pod, &mut self.slots, &mut self.world, name, grace, &why, PreStop::LeftOut);
            }
            self.work = Some((None, Work::Stopping));
            return true;
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.kind != Kind::Ephemeral) {
            let Some(mut instance) = slot.current.take() else { continue };
            instance.end = Some(End { code: 137, at: turn.now, reason: RESTARTING, message: Some(MESSAGE.to_owned()) });
            slot.previous = Some(instance);
            slot.restarts += 1;
            self.reasons.insert(slot.name.clone(), Failure { reason: RESTARTING, message: MESSAGE.to_owned() });
        }
        self.hold_status(turn);
        self.flush_status(turn);
        self.restarting_all = false;
        false
    }
}
