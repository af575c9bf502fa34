//! The worker of one pod: what it knows, what it is doing, and when it looks next.
//!
//! Upstream has a goroutine per pod which runs one sync at a time, and blocks in it for as long as a pull
//! or a hook takes. Here what takes time is a work with an end ([`Work`]), never a blocked call: while one
//! lasts no sync begins, and news of the pod wait. A *sync* compares the pod with its containers
//! (`actions.rs`) and starts the next work. A pod goes through three stages, and never back: it is synced,
//! it is stopped (`termination.rs`), it is gone.
//! The status is made at every sync and written a little later, only if something in it is new; probes
//! change it between syncs.
//! Mirrors: pkg/kubelet/pod_workers.go, pkg/kubelet/kubelet.go `SyncPod`,
//! pkg/kubelet/status/status_manager.go. Left out: syncs that were under way when a pod was deleted are
//! not carried on to their end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Pod, PodStatus};

use super::backoff::Backoff;
use super::container::{End, Slot, slots};
use super::events::Turn;
use super::images::{Ensure, Failure};
use super::lifecycle::{advance_kill, kill_due};
use super::mounting::Mounting;
use super::probes::{ProbeKind, ProbeWorker, Tick};
use super::runtime::{Image, Millis, Reference, SandboxWorld};
use super::status;
use crate::client::EventType;

/// What the worker is busy with.
#[derive(Debug, Clone)]
pub enum Work {
    /// Volumes that cannot be mounted yet are tried again, each time a little later.
    Mounting(Mounting),
    CreatingSandbox,
    Pulling {
        container: String,
        ensure: Box<Ensure>,
    },
    Creating {
        container: String,
        image: Arc<Image>,
        reference: Reference,
    },
    Starting {
        container: String,
        image: Arc<Image>,
        reference: Reference,
    },
    /// postStart holds back the containers behind it.
    PostStart {
        container: String,
    },
    /// Until every container that is being killed is gone.
    Stopping,
    /// The sandbox is being taken down.
    TearingDown,
}

/// After a write that did not get through. Mirrors: pkg/kubelet `backOffPeriod`.
pub(super) const RETRY: Millis = 10_000;

/// How often the status manager compares what is stored with what it knows. Mirrors: `syncPeriod`.
const RECONCILE: Millis = 10_000;

/// The most that a termination message holds of its file, …
const MESSAGE_BYTES: usize = 4096;
/// … and of a log: the end of this many lines. Mirrors: pkg/kubelet/container `MaxContainerTerminationMessage…`.
const LOG_BYTES: usize = 2048;
const LOG_LINES: usize = 80;

/// Why a pod is being stopped for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was deleted: the object goes when everything is gone.
    Deleted,
    /// It is over by itself, or by decision of the kubelet; the object stays.
    Over,
    /// The object is gone already.
    Orphaned,
}

#[derive(Debug, Clone)]
pub struct PodWorker {
    pub pod: Arc<Pod>,
    pub uid: String,
    pub world: SandboxWorld,
    pub slots: Vec<Slot>,
    pub probes: Vec<ProbeWorker>,
    /// Why containers wait, until they start: upstream's reason cache.
    pub reasons: BTreeMap<String, Failure>,
    pub crashes: Backoff,
    pub image_waits: Backoff,
    pub image_errors: BTreeMap<String, String>,
    pub seen_at: Millis,
    pub mounted: bool,
    /// Volumes that other pods may mount, too, with their keys on the node's disk.
    pub shared: Vec<(String, String)>,
    pub sandbox_ready: bool,
    /// The sandbox existed when the last sync began.
    pub sandbox_seen: bool,
    /// Reason and message of a pod that was refused or evicted.
    pub rejected: Option<(String, String)>,
    /// Why a wished resize is not done: reason and message.
    pub resize_pending: Option<(String, String)>,
    /// A resize is under way: the generation of the pod that asked for it.
    pub resizing: Option<i64>,
    /// A container that ended takes all others with it.
    pub restarting_all: bool,
    pub ending: Option<Ending>,
    /// Everything has stopped and the last status was written.
    pub finished: bool,
    /// The API object may be forgotten: the worker is done.
    pub gone: bool,
    /// Somebody else writes this pod's status.
    pub left_alone: bool,
    /// The API server did not hear the last status: it is told before anything is given up.
    pub untold: bool,
    /// A status on its way: the status manager writes it a little after the sync has said what it does.
    held: Option<PodStatus>,
    pub work: Option<(Option<Millis>, Work)>,
    /// Containers still to be started in this sync.
    /// Places among the slots.
    pub plan: VecDeque<usize>,
    pub sync_at: Option<Millis>,
    /// When the next sync must come because of errors in this one.
    pub retry_at: Option<Millis>,
    pub changed_something: bool,
    /// Counted among the pods that keep the machine busy.
    pub counted: bool,
    /// Containers that this very sync has stopped.
    pub stopped: Vec<String>,
    pub made_sandbox: bool,
    /// One more look after containers started, for the probes' sake.
    pub relist_at: Option<Millis>,
    /// The kubelet has judged it once.
    pub admitted: bool,
}

impl Work {
    /// Whether the machine works for it. Pulls mostly wait for the network, and hooks for themselves.
    pub fn keeps_busy(&self) -> bool {
        match self {
            Work::Mounting(mounting) => mounting.tries == 0,
            Work::Pulling { .. } | Work::PostStart { .. } => false,
            Work::CreatingSandbox
            | Work::Creating { .. }
            | Work::Starting { .. }
            | Work::Stopping
            | Work::TearingDown => true,
        }
    }
}

impl PodWorker {
    pub fn new(pod: Arc<Pod>, now: Millis) -> PodWorker {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        PodWorker {
            slots: slots(&pod),
            uid,
            pod,
            world: SandboxWorld::default(),
            probes: Vec::new(),
            reasons: BTreeMap::new(),
            crashes: Backoff::default(),
            image_waits: Backoff::default(),
            image_errors: BTreeMap::new(),
            seen_at: now,
            mounted: false,
            shared: Vec::new(),
            sandbox_ready: false,
            sandbox_seen: false,
            rejected: None,
            resize_pending: None,
            resizing: None,
            restarting_all: false,
            ending: None,
            finished: false,
            gone: false,
            left_alone: false,
            untold: false,
            held: None,
            work: None,
            plan: VecDeque::new(),
            sync_at: Some(now),
            retry_at: None,
            changed_something: false,
            counted: false,
            stopped: Vec::new(),
            made_sandbox: false,
            relist_at: None,
            admitted: false,
        }
    }

    pub fn name(&self) -> &str {
        self.pod.metadata.name.as_deref().unwrap_or_default()
    }

    pub fn namespace(&self) -> &str {
        self.pod.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub fn is_terminating(&self) -> bool {
        self.ending.is_some()
    }

    pub fn any_running(&self) -> bool {
        self.slots.iter().any(|slot| slot.running().is_some())
    }

    /// Looks again at `at`, or earlier if that was planned already.
    pub fn sync_by(&mut self, at: Millis) {
        self.sync_at = Some(self.sync_at.map_or(at, |known| known.min(at)));
    }

    /// Does everything that is due now.
    pub fn advance(&mut self, turn: &mut Turn) {
        for _ in 0..64 {
            self.run_containers(turn);
            self.run_probes(turn);
            if self.relist_at.is_some_and(|at| at <= turn.now) {
                self.relist_at = None;
                self.sync_by(turn.now);
            }
            let worked = self.run_work(turn);
            let synced = self.work.is_none() && self.sync_at.is_some_and(|at| at <= turn.now) && !self.gone;
            if synced {
                self.sync_at = None;
                self.sync(turn);
            }
            if self.gone || !(worked || synced) {
                return;
            }
        }
    }

    /// When the worker has something to do by itself.
    pub fn next_due(&self, now: Millis) -> Option<Millis> {
        if self.gone {
            return None;
        }
        let work = match &self.work {
            Some((at, _)) => *at,
            None => self.sync_at,
        };
        let containers = self.slots.iter().filter_map(Slot::running);
        let runtime = containers.clone().filter_map(|instance| instance.runtime.next_wake(now));
        let kills = containers.filter_map(|instance| instance.kill.as_ref()).map(kill_due);
        let probing = self.any_running() && !self.finished;
        let probes = self.probes.iter().filter(|_| probing).map(ProbeWorker::due);
        runtime.chain(kills).chain(probes).chain(work).chain(self.relist_at).min()
    }

    /// Notes containers that ended over what was just done to them.
    pub(super) fn collect_exits(&mut self, turn: &mut Turn) {
        for index in 0..self.slots.len() {
            self.note_exit(turn, index);
        }
    }

    /// Lets the containers run, and notes which of them ended.
    fn run_containers(&mut self, turn: &mut Turn) {
        let now = turn.now;
        for index in 0..self.slots.len() {
            let Some(instance) = self.slots[index].running_mut() else { continue };
            if instance.runtime.next_wake(now).is_some_and(|at| at <= now) {
                instance.runtime.run(now, &mut self.world);
            }
            if instance.kill.is_some() {
                let pod = self.pod.clone();
                advance_kill(turn, &pod, &mut self.slots, &mut self.world, index);
            }
            self.note_exit(turn, index);
        }
    }

    fn note_exit(&mut self, turn: &mut Turn, index: usize) {
        let pod = self.pod.clone();
        let name = self.slots[index].name.clone();
        let Some(instance) = self.slots[index].running_mut() else { return };
        let Some(exit) = instance.runtime.exit() else { return };
        if instance.kill.is_none() {
            // Nobody was waiting for it: until the next relist it counts as running.
            let noticed = turn.host.ticks.next_relist(exit.at, turn.cx.profile.instant);
            if turn.now < noticed {
                self.relist_at = Some(self.relist_at.map_or(noticed, |at| at.min(noticed)));
                return;
            }
        }
        let reason = match (exit.oom, exit.code) {
            (true, _) => "OOMKilled",
            (false, 0) => "Completed",
            (false, _) => "Error",
        };
        let message = super::container::spec_of(&pod, &name).and_then(|spec| {
            let path = spec.termination_message_path.as_deref().unwrap_or("/dev/termination-log");
            let text = instance.runtime.file(path, &mut self.world).map(|text| end_of(&text, MESSAGE_BYTES));
            let from_log =
                spec.termination_message_policy.as_deref() == Some("FallbackToLogsOnError") && exit.code != 0;
            let last_words = || from_log.then(|| end_of(&instance.runtime.log().tail(LOG_LINES), LOG_BYTES));
            text.filter(|text| !text.is_empty()).or_else(last_words).filter(|text| !text.is_empty())
        });
        let killed = instance.kill.take().is_some();
        instance.ready = false;
        instance.started = false;
        instance.end = Some(End { code: exit.code, at: exit.at, reason, message });
        let noticed = if killed { turn.now + turn.labour(30, 100) } else { turn.now };
        match &mut self.work {
            Some((until, Work::Stopping))
                if !self.slots.iter().any(|slot| slot.running().is_some_and(|i| i.kill.is_some())) =>
            {
                *until = Some(noticed);
            }
            _ => self.sync_by(noticed.max(turn.now)),
        }
    }

    fn run_probes(&mut self, turn: &mut Turn) {
        if !self.any_running() || self.finished {
            return;
        }
        let pod = self.pod.clone();
        let mut probes = std::mem::take(&mut self.probes);
        for probe in &mut probes {
            // A pod that is going is no longer asked whether it lives.
            if self.is_terminating() && probe.kind != ProbeKind::Readiness {
                continue;
            }
            let tick = probe.tick(&pod, &mut self.slots, &mut self.world, turn.now);
            let flipped = match tick {
                Tick::Nothing => false,
                Tick::Passed { flipped } => flipped,
                Tick::Errored { error } => {
                    if let Some(slot) = self.slots.iter().find(|slot| slot.name == probe.container) {
                        let what = probe.kind.label();
                        let message = format!("{what} probe errored and resulted in unknown state: {error}");
                        turn.container_event(&pod, slot, EventType::Warning, "Unhealthy", message);
                    }
                    false
                }
                Tick::Failed { output, flipped } => {
                    if let Some(slot) = self.slots.iter().find(|slot| slot.name == probe.container) {
                        let message = format!("{} probe failed: {output}", probe.kind.label());
                        turn.container_event(&pod, slot, EventType::Warning, "Unhealthy", message);
                    }
                    flipped
                }
            };
            if flipped {
                self.sync_by(turn.now);
                if self.work.is_some() && probe.kind == ProbeKind::Readiness {
                    // The status manager hears of readiness at once, even while the worker is busy.
                    self.write_status(turn);
                }
            }
        }
        self.probes = probes;
    }

    /// Writes the generated status, if anything in it is new.
    pub fn write_status(&mut self, turn: &mut Turn) {
        self.flush_status(turn);
        self.hold_status(turn);
        self.flush_status(turn);
    }

    /// Generates the status as things stand; it is written by the next flush.
    pub fn hold_status(&mut self, turn: &Turn) {
        self.held = Some(self.status(turn));
    }

    /// Holds a status that somebody has made otherwise.
    pub fn hold(&mut self, status: PodStatus) {
        self.held = Some(status);
    }

    /// The status as things stand.
    pub fn status(&self, turn: &Turn) -> PodStatus {
        let look = status::Look {
            now: turn.now,
            host_ip: turn.host.machine.host_ip.clone(),
            shows_ids: !turn.cx.profile.instant,
        };
        status::generate(self, &look)
    }

    /// Writes what is held.
    pub fn flush_status(&mut self, turn: &mut Turn) {
        let Some(fresh) = self.held.take() else { return };
        self.untold = false;
        if self.left_alone || self.pod.status.as_ref() == Some(&fresh) || self.ending == Some(Ending::Orphaned) {
            return;
        }
        let (namespace, name, uid) = (self.namespace().to_owned(), self.name().to_owned(), self.uid.clone());
        let written = turn.cx.api.patch::<Pod>(&namespace, &name, "status", |pod| {
            // Another pod may carry this name by now.
            if pod.metadata.uid.as_deref() == Some(&*uid) {
                pod.status = Some(keep_foreign(fresh, pod.status.as_ref()));
            }
        });
        match written {
            Ok(pod) if pod.metadata.uid.as_deref() == Some(&*self.uid) => self.pod = pod,
            Err(status) if status.is_unreachable() => {
                self.untold = true;
                self.sync_by(turn.now + RETRY);
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// Somebody else wrote the status; when the worker looks at it.
    ///
    /// A wrong readiness is put right at once, anything else with the status manager's next round.
    /// Mirrors: pkg/kubelet/kubelet.go `HandlePodReconcile`, pkg/kubelet/status `needsReconcile`.
    pub fn reconcile_status(&mut self, now: Millis) {
        // A pod that is over keeps its last status.
        if self.finished || self.ending.is_some() {
            return;
        }
        let status = self.pod.status.as_ref();
        let says = |kind: &str| {
            let conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
            conditions.filter(|condition| condition.type_ == kind).any(|condition| condition.status == "True")
        };
        let at = if says("Ready") == says("ContainersReady") { now + RECONCILE } else { now };
        self.sync_by(at);
    }
}

/// The last bytes of a text.
fn end_of(text: &str, most: usize) -> String {
    let start = text.len().saturating_sub(most);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[start..].to_owned()
}

/// Fields that others own stay as they are in the store.
fn keep_foreign(mut fresh: PodStatus, stored: Option<&PodStatus>) -> PodStatus {
    if let Some(stored) = stored {
        fresh.nominated_node_name.clone_from(&stored.nominated_node_name);
        fresh.qos_class.clone_from(&stored.qos_class);
    }
    fresh
}
