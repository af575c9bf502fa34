//! Waiting for a pod's volumes: each is tried again and again, and a sync waits for all of them only so long.
//!
//! Two clocks run. The volume manager tries a mount that failed again after half a second, then after
//! twice as long each time, at most two minutes and two seconds, and every failure is an event. A sync of
//! the pod waits for all of its volumes at most two minutes and three seconds; then it says which are
//! missing, fails, and the next sync waits anew. A claim that is not there or not bound is known at once:
//! that sync fails without waiting.
//! Mirrors: pkg/kubelet/volumemanager/volume_manager.go `WaitForAttachAndMount`,
//! pkg/util/goroutinemap/exponentialbackoff. Left out: volumes that a controller attaches first.

use super::agent::Host;
use super::events::Turn;
use super::pod_worker::{PodWorker, Work};
use super::probes;
use super::runtime::Millis;
use super::volumes;
use crate::client::EventType;

/// Before the second try of a mount, …
const FIRST_WAIT: Millis = 500;
/// … and never longer than this before another.
const LONGEST_WAIT: Millis = 122_000;
/// How long a sync waits for all volumes.
const PATIENCE: Millis = 123_000;
/// A failed sync is tried again after this long, up to half longer.
const RETRY: Millis = 10_000;

/// How far the mounting of a pod's volumes has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Mounting {
    pub tries: u32,
    /// When the volume manager tries again.
    again: Millis,
    /// When the sync loses its patience.
    until: Millis,
    missing: Vec<String>,
}

impl Mounting {
    /// The first try, at `at`, of a sync that begins now.
    pub fn first(now: Millis, at: Millis) -> Mounting {
        Mounting { tries: 0, again: at, until: now + PATIENCE, missing: Vec::new() }
    }
}

impl PodWorker {
    pub(super) fn mount(&mut self, turn: &mut Turn, mut mounting: Mounting) {
        let pod = self.pod.clone();
        if turn.now >= mounting.again {
            let mounted = volumes::mount_all(turn, &pod, "");
            // Where nothing really runs, nothing needs its files.
            if mounted.failures.is_empty() || turn.cx.profile.instant {
                self.world.volumes = mounted.trees;
                self.shared = volumes::on_disk(turn, &pod, &mut self.world.volumes);
                return self.all_mounted(turn);
            }
            volumes::report(turn, &pod, &mounted.failures);
            let wait = (FIRST_WAIT << mounting.tries.min(8)).min(LONGEST_WAIT);
            mounting.again = turn.now + wait;
            mounting.tries += 1;
            if mounted.failures.iter().any(volumes::fails_the_sync) {
                mounting.again = next_sync(turn);
                mounting.until = mounting.again + PATIENCE;
            }
            mounting.missing = mounted.failures.into_iter().map(|failure| failure.volume).collect();
        }
        if turn.now >= mounting.until {
            let message = format!(
                "Unable to attach or mount volumes: unmounted volumes=[{}], unattached volumes=[], failed to process volumes=[]: context deadline exceeded",
                mounting.missing.join(" ")
            );
            turn.pod_event(&pod, EventType::Warning, "FailedMount", message);
            mounting.until = next_sync(turn) + PATIENCE;
        }
        self.work = Some((Some(mounting.again.min(mounting.until)), Work::Mounting(mounting)));
    }

    /// Sees what others wrote to the volumes that it shares with them.
    pub fn take_shared(&mut self, host: &Host) {
        for (volume, key) in &self.shared {
            if let Some(tree) = host.disks.get(key) {
                self.world.volumes.insert(volume.clone(), tree.clone());
            }
        }
    }

    /// Lets others see what it wrote.
    pub fn give_shared(&self, host: &mut Host) {
        for (volume, key) in &self.shared {
            if let Some(tree) = self.world.volumes.get(volume) {
                host.disks.insert(key.clone(), tree.clone());
            }
        }
    }

    fn all_mounted(&mut self, turn: &mut Turn) {
        self.mounted = true;
        if !turn.cx.profile.instant {
            self.probes = probes::workers(&self.pod, &self.slots, turn.now);
        }
        if self.sandbox_ready {
            self.decide(turn);
            return;
        }
        let until = turn.now + turn.labour(180, 160);
        self.work = Some((Some(until), Work::CreatingSandbox));
    }
}

/// When the sync that follows a failed one begins.
fn next_sync(turn: &mut Turn) -> Millis {
    let at = turn.now + turn.stretch(RETRY, 0.5);
    turn.host.ticks.next_sync(at)
}
