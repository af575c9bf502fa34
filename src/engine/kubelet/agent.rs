//! The kubelet as a process: hears of its node's pods, keeps their workers, wakes those that are due.
//!
//! What a pod is to be comes from the API; what its containers did is noticed when the runtime is listed
//! again (the PLEG's relist), once a second; and a sync that was wished for is carried out at the next
//! tick of a second. Each machine has its own phase of both clocks: that is why the same pod takes a
//! little longer on one node than on another. A worker belongs to a UID, so that a new pod under an old
//! name waits for nobody.
//! Mirrors: pkg/kubelet/kubelet.go `syncLoop`, pkg/kubelet/pleg/generic.go, pkg/kubelet/pod_workers.go.
//! Left out: checkpoints of pods on disk, and pods from files or URLs other than the control plane's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::Object;
use api::k8s_openapi::api::core::v1::Pod;
use api::order::Gather;

use super::addresses::Addresses;
use super::events::Turn;
use super::eviction::Pressure;
use super::images::Images;
use super::node_status::NodeStatus;
use super::pod_worker::{Ending, PodWorker, Work};
use super::runtime::{Catalogue, FileTree, Millis};
use super::sessions::Sessions;
use super::static_pods;
use crate::client::{Change, Component, Context, Next, Recorder, Revision};

/// Pods handled in one step; the rest wait for the next, so that no step is long.
const PODS_PER_STEP: usize = 32;

/// The machine a kubelet runs on. Quantities as a manifest writes them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Machine {
    pub name: String,
    pub host_ip: String,
    pub cpu: String,
    pub memory: String,
    pub pods: String,
    pub ephemeral_storage: String,
    pub labels: BTreeMap<String, String>,
    /// key, value, effect.
    pub taints: Vec<(String, String, String)>,
    pub unschedulable: bool,
    pub pod_cidr: Option<String>,
    pub extended: BTreeMap<String, String>,
    /// Images present from the start: name and size in MiB.
    pub images: Vec<(String, u64)>,
    pub control_plane: bool,
}

/// When the kubelet's own loops look, each with a phase of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ticks {
    relist: Millis,
    sync: Millis,
}

/// The sync loop's ticker.
const SYNC_PERIOD: Millis = 1_000;
/// From the end of one relist to the next it is a second, and the relist takes its time, too.
const RELIST_PERIOD: Millis = 1_010;

impl Ticks {
    fn next(phase: Millis, period: Millis, after: Millis) -> Millis {
        let passed = after.saturating_sub(phase) % period;
        after + period - passed
    }

    /// When an exit at `after` is noticed.
    pub fn next_relist(self, after: Millis, instant: bool) -> Millis {
        if instant { after } else { Self::next(self.relist, RELIST_PERIOD, after) }
    }

    /// When a sync wished for at `at` is carried out.
    pub fn next_sync(self, at: Millis) -> Millis {
        Self::next(self.sync, SYNC_PERIOD, at.saturating_sub(1))
    }
}

/// What the workers of a node share.
#[derive(Debug, Clone)]
pub struct Host {
    pub machine: Machine,
    pub images: Images,
    pub recorder: Recorder,
    pub ticks: Ticks,
    /// Host paths and persistent volumes, by key.
    pub disks: BTreeMap<String, FileTree>,
    pub pressure: Pressure,
    /// How many pods have something done for them.
    pub busy: Millis,
    pub addresses: Addresses,
}

impl Host {
    /// Counts a pod among those that keep the machine busy, or no longer.
    fn count(&mut self, worker: &mut PodWorker, works: bool) {
        let was = std::mem::replace(&mut worker.counted, works);
        self.busy = self.busy + Millis::from(works) - Millis::from(was);
    }
}

#[derive(Debug, Clone)]
pub struct Kubelet {
    pub(super) host: Host,
    /// By UID: a new pod under an old name is another pod.
    pub(super) workers: BTreeMap<String, PodWorker>,
    due: BTreeSet<(Millis, String)>,
    armed: BTreeMap<String, Millis>,
    pub(super) node: NodeStatus,
    pub(super) sessions: Sessions,
}

impl Kubelet {
    pub fn new(machine: Machine, catalogue: Arc<Catalogue>) -> Kubelet {
        let mut images = Images::new(catalogue);
        machine.images.iter().for_each(|(name, _)| images.preload(name));
        if machine.control_plane {
            static_pods::IMAGES.iter().for_each(|name| images.preload(name));
        }
        Kubelet {
            host: Host {
                recorder: Recorder::new("kubelet", &machine.name),
                machine,
                images,
                ticks: Ticks::default(),
                disks: BTreeMap::new(),
                pressure: Pressure::default(),
                busy: 0,
                addresses: Addresses::default(),
            },
            workers: BTreeMap::new(),
            due: BTreeSet::new(),
            armed: BTreeMap::new(),
            node: NodeStatus::default(),
            sessions: Sessions::default(),
        }
    }

    pub fn machine(&self) -> &Machine {
        &self.host.machine
    }

    /// Keeps hands off a pod whose status somebody else writes.
    pub fn leave_alone(&mut self, uid: &str) {
        if let Some(worker) = self.workers.get_mut(uid) {
            worker.left_alone = true;
        }
    }

    pub(super) fn turn<'a, 'c>(host: &'a mut Host, cx: &'a mut Context<'c>) -> Turn<'a, 'c> {
        let now = cx.api.unix_millis();
        Turn { now, cx, host }
    }

    fn observe(&mut self, pod: &Arc<Pod>, now: Millis) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let over =
            matches!(pod.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Succeeded" | "Failed"));
        match self.workers.get_mut(&uid) {
            None => {
                let mut worker = PodWorker::new(pod.clone(), now);
                // A pod that ended before this kubelet knew it is not begun again.
                worker.finished = over;
                worker.ending = over.then_some(Ending::Over);
                self.workers.insert(uid.clone(), worker);
                self.arm(&uid, now);
            }
            Some(worker) => {
                let changed = worker.pod.metadata.generation != pod.metadata.generation
                    || worker.pod.metadata.deletion_timestamp != pod.metadata.deletion_timestamp
                    || worker.pod.metadata.labels != pod.metadata.labels
                    || worker.pod.metadata.annotations != pod.metadata.annotations;
                // Readiness gates are conditions that others write.
                let gated = pod
                    .spec
                    .as_ref()
                    .is_some_and(|spec| spec.readiness_gates.as_ref().is_some_and(|gates| !gates.is_empty()));
                let changed = changed || (gated && worker.pod.status != pod.status);
                let newer = version(pod) >= version(&worker.pod);
                let foreign = newer && worker.pod.status != pod.status;
                if newer {
                    worker.pod = pod.clone();
                }
                if !changed {
                    if foreign {
                        worker.reconcile_status(now);
                        if let Some(at) = worker.next_due(now) {
                            self.arm(&uid, at.max(now));
                        }
                    }
                    return;
                }
                let deleting = pod.metadata.deletion_timestamp.is_some();
                if deleting && worker.ending == Some(Ending::Deleted) {
                    worker.shorten_grace(now);
                } else if deleting && !matches!(worker.work, Some((_, Work::TearingDown))) {
                    // Whatever it was busy with is given up.
                    worker.work = None;
                    worker.plan.clear();
                }
                worker.sync_by(now);
                self.arm(&uid, now);
            }
        }
    }

    /// The object is gone while its containers still run: they go too.
    fn forget(&mut self, uid: &str, now: Millis) {
        let Some(worker) = self.workers.get_mut(uid) else { return };
        if worker.gone {
            self.drop_worker(uid, now);
            return;
        }
        worker.ending = Some(Ending::Orphaned);
        worker.work = None;
        worker.sync_by(now);
        self.arm(uid, now);
    }

    fn drop_worker(&mut self, uid: &str, now: Millis) {
        if let Some(mut worker) = self.workers.remove(uid) {
            self.host.count(&mut worker, false);
            self.host.addresses.take_back(uid, now);
        }
        if let Some(at) = self.armed.remove(uid) {
            self.due.remove(&(at, uid.to_owned()));
        }
    }

    pub(super) fn arm(&mut self, uid: &str, at: Millis) {
        if let Some(old) = self.armed.insert(uid.to_owned(), at) {
            self.due.remove(&(old, uid.to_owned()));
        }
        self.due.insert((at, uid.to_owned()));
    }

    /// Runs workers that are due; `false` when some are left.
    fn run_due(&mut self, cx: &mut Context) -> bool {
        let now = cx.api.unix_millis();
        for _ in 0..PODS_PER_STEP {
            let Some((at, uid)) = self.due.first().cloned() else { return true };
            if at > now {
                return true;
            }
            self.due.pop_first();
            self.armed.remove(&uid);
            self.run_worker(&uid, cx);
        }
        self.due.first().is_none_or(|(at, _)| *at > now)
    }

    fn run_worker(&mut self, uid: &str, cx: &mut Context) {
        let Some(mut worker) = self.workers.remove(uid) else { return };
        // Others are what slows it down.
        self.host.count(&mut worker, false);
        let mut turn = Self::turn(&mut self.host, cx);
        super::admission::admit(&mut turn, &mut worker, &self.workers);
        worker.take_shared(turn.host);
        worker.advance(&mut turn);
        worker.give_shared(turn.host);
        let now = turn.now;
        self.sessions.collect(uid, &mut worker, now);
        if worker.gone {
            self.host.addresses.take_back(uid, now);
            return;
        }
        let works = worker.work.as_ref().is_some_and(|(_, work)| work.keeps_busy());
        self.host.count(&mut worker, works);
        let next = worker.next_due(now);
        self.workers.insert(uid.to_owned(), worker);
        if let Some(at) = next {
            self.arm(uid, at.max(now));
        }
    }

    fn next(&self, cx: &Context, all_done: bool) -> Next {
        if !all_done {
            return Next::Again;
        }
        let offset = cx.api.unix_millis() - cx.now;
        let workers = self.due.first().map(|(at, _)| *at);
        match workers.into_iter().chain(self.node.next_due()).min() {
            Some(at) => Next::At(at.saturating_sub(offset)),
            None => Next::Idle,
        }
    }

    /// When the kubelet next wants to run because of its pods, as unix milliseconds.
    pub fn next_due(&self) -> Option<Millis> {
        self.due.first().map(|(at, _)| *at)
    }
}

fn version(pod: &Pod) -> u64 {
    pod.metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Component for Kubelet {
    fn start(&mut self, cx: &mut Context) -> Next {
        if cx.profile.jitter {
            self.host.ticks = Ticks { relist: cx.rng.below(RELIST_PERIOD), sync: cx.rng.below(SYNC_PERIOD) };
        }
        let mut turn = Self::turn(&mut self.host, cx);
        self.node.register(&mut turn);
        let now = turn.now;
        if turn.host.machine.control_plane {
            static_pods::create_mirrors(&mut turn);
        }
        let name = self.host.machine.name.clone();
        let pods: Vec<Arc<Pod>> = cx.api.pods_on(&name).cloned().collect();
        let known: BTreeSet<&str> = pods.iter().filter_map(|pod| pod.metadata.uid.as_deref()).into_set();
        let orphans: Vec<String> = self.workers.keys().filter(|uid| !known.contains(uid.as_str())).cloned().collect();
        orphans.iter().for_each(|uid| self.forget(uid, now));
        for pod in &pods {
            self.observe(pod, now);
        }
        // After a stop every pod is looked at, whether it changed or not.
        let uids: Vec<String> = self.workers.keys().cloned().collect();
        for uid in uids {
            if let Some(worker) = self.workers.get_mut(&uid) {
                worker.sync_by(now);
            }
            self.arm(&uid, now);
        }
        let done = self.run_due(cx);
        self.next(cx, done)
    }

    fn wake(&mut self, news: &[Arc<Revision>], cx: &mut Context) -> Next {
        let now = cx.api.unix_millis();
        for revision in news {
            match &revision.object {
                Object::Pod(pod) if revision.change == Change::Deleted => {
                    let uid = pod.metadata.uid.clone().unwrap_or_default();
                    self.forget(&uid, now);
                    if self.host.machine.control_plane {
                        static_pods::create_mirrors(&mut Self::turn(&mut self.host, cx));
                    }
                }
                Object::Pod(pod) => self.observe(pod, now),
                Object::Node(node) => self.node.observe(&mut self.host, node),
                _ => {}
            }
        }
        // What is left of the machine is looked at as often as its lease is renewed.
        if self.node.renews(now) {
            self.watch_pressure(cx);
        }
        let done = self.run_due(cx);
        self.node.tick(&mut Self::turn(&mut self.host, cx));
        self.next(cx, done)
    }
}
