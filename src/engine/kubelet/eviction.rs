//! Node pressure: too little memory or disk is left, and the kubelet puts pods out, one at a look.
//!
//! What counts is what is left on the machine, whoever took it: pods that grow, or something outside
//! of them ([`Kubelet::squeeze`]). The node says so in its conditions, and goes on saying so for five
//! minutes after it is over, so that it does not flap.
//! A pod that fills an emptyDir beyond its limit is put out at the same look, pressure or not.
//! Mirrors: pkg/kubelet/eviction/{eviction_manager,helpers}.go. Left out: soft thresholds, inodes and
//! PIDs, minimum reclaim; images and dead containers are not collected first; files do not count
//! against the disk, nor a container's own ones against its limit.

use std::cmp::Reverse;

use api::k8s_openapi::api::core::v1::{Container, Pod, Toleration};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::Amount;
use api::meta::quantity::{Format, amount};
use api::meta::toleration::tolerates;

use super::agent::Kubelet;
use super::events::Turn;
use super::pod_worker::{Ending, PodWorker};
use super::runtime::Millis;
use crate::client::{Context, EventType, mark_disrupted};

/// Less memory than this is too little.
const LEAST_MEMORY: i64 = 100 << 20;
/// A disk must keep one part in this many free.
const LEAST_DISK_PART: i64 = 10;
/// A condition stays this long after its cause.
const TRANSITION: Millis = 300_000;
/// How long a pod that is put out may take to stop, in seconds.
pub const EVICTION_GRACE: i64 = 1;
/// Pods from this priority on are never put out.
const CRITICAL: i32 = 2_000_000_000;

/// What a node can run short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scarce {
    Memory,
    Disk,
}

impl Scarce {
    /// As messages name it.
    const fn resource(self) -> &'static str {
        match self {
            Scarce::Memory => "memory",
            Scarce::Disk => "ephemeral-storage",
        }
    }
}

/// What is known of a node's shortages.
#[derive(Debug, Clone, Default)]
pub struct Pressure {
    /// Bytes that something outside the pods has taken.
    memory_taken: i64,
    disk_taken: i64,
    /// When it was last too little.
    memory_seen: Option<Millis>,
    disk_seen: Option<Millis>,
    /// What the node's conditions say.
    pub memory: bool,
    pub disk: bool,
}

impl Pressure {
    /// `[MemoryPressure DiskPressure]`, as Go prints the conditions that hold.
    fn conditions(&self) -> Option<String> {
        let held: Vec<&str> = [(self.memory, "MemoryPressure"), (self.disk, "DiskPressure")]
            .into_iter()
            .filter_map(|(held, name)| held.then_some(name))
            .collect();
        (!held.is_empty()).then(|| format!("[{}]", held.join(" ")))
    }
}

impl Kubelet {
    /// Lets something outside the pods take memory or disk until only `left` bytes remain; `None` gives all back.
    pub fn squeeze(&mut self, scarce: Scarce, left: Option<i64>) {
        let free = self.capacity(scarce) - self.used(scarce);
        let taken = left.map_or(0, |left| (free - left).max(0));
        match scarce {
            Scarce::Memory => self.host.pressure.memory_taken = taken,
            Scarce::Disk => self.host.pressure.disk_taken = taken,
        }
    }

    fn capacity(&self, scarce: Scarce) -> i64 {
        let machine = &self.host.machine;
        let text = match scarce {
            Scarce::Memory => &machine.memory,
            Scarce::Disk => &machine.ephemeral_storage,
        };
        amount(&Quantity(text.clone())).value()
    }

    fn used(&self, scarce: Scarce) -> i64 {
        self.workers.values().map(|worker| usage(worker, scarce)).sum()
    }

    /// The look every ten seconds.
    pub(super) fn watch_pressure(&mut self, cx: &mut Context) {
        // Where nothing really runs, nothing runs short.
        if cx.profile.instant {
            return;
        }
        self.watch_volumes(cx);
        let now = cx.api.unix_millis();
        let mut short = None;
        for scarce in [Scarce::Memory, Scarce::Disk] {
            let taken = match scarce {
                Scarce::Memory => self.host.pressure.memory_taken,
                Scarce::Disk => self.host.pressure.disk_taken,
            };
            let left = (self.capacity(scarce) - self.used(scarce) - taken).max(0);
            let least = match scarce {
                Scarce::Memory => LEAST_MEMORY,
                Scarce::Disk => self.capacity(scarce) / LEAST_DISK_PART,
            };
            if left >= least {
                continue;
            }
            match scarce {
                Scarce::Memory => self.host.pressure.memory_seen = Some(now),
                Scarce::Disk => self.host.pressure.disk_seen = Some(now),
            }
            short = short.or(Some((scarce, least, left)));
        }
        let pressure = &mut self.host.pressure;
        let holds = |seen: Option<Millis>| seen.is_some_and(|seen| now < seen + TRANSITION);
        let (memory, disk) = (holds(pressure.memory_seen), holds(pressure.disk_seen));
        let news = (memory, disk) != (pressure.memory, pressure.disk);
        (pressure.memory, pressure.disk) = (memory, disk);
        if news {
            self.node.tell(&mut Self::turn(&mut self.host, cx));
        }
        if let Some((scarce, least, left)) = short {
            self.reclaim(cx, scarce, least, left);
        }
    }

    /// Puts out the pods whose emptyDirs hold more than they may.
    fn watch_volumes(&mut self, cx: &mut Context) {
        let full: Vec<(String, String)> = self
            .workers
            .values()
            .filter(|worker| worker.any_running() && !worker.is_terminating())
            .filter_map(|worker| Some((worker.uid.clone(), overfull(worker)?)))
            .collect();
        for (uid, message) in full {
            self.put_out(cx, &uid, message, false);
        }
    }

    fn put_out(&mut self, cx: &mut Context, uid: &str, message: String, disrupted: bool) {
        let Some(mut worker) = self.workers.remove(uid) else { return };
        let mut turn = Self::turn(&mut self.host, cx);
        worker.evict(&mut turn, message, disrupted);
        let now = turn.now;
        self.workers.insert(uid.to_owned(), worker);
        self.arm(uid, now);
    }

    /// Puts out the pod that is first in line, if there is one.
    fn reclaim(&mut self, cx: &mut Context, scarce: Scarce, least: i64, left: i64) {
        let message = format!("Attempting to reclaim {}", scarce.resource());
        Self::turn(&mut self.host, cx).node_event(EventType::Warning, "EvictionThresholdMet", message);
        let candidates = self.workers.values().filter(|worker| {
            !worker.finished && !worker.is_terminating() && worker.rejected.is_none() && !is_critical(&worker.pod)
        });
        let Some(victim) = candidates.min_by_key(|worker| rank(worker, scarce)) else { return };
        let uid = victim.uid.clone();
        let (least, left) = (bytes(least), bytes(left));
        let mut message = format!(
            "The node was low on resource: {}. Threshold quantity: {least}, available: {left}. ",
            scarce.resource()
        );
        for slot in &victim.slots {
            let Some(instance) = slot.running().filter(|_| scarce == Scarce::Memory) else { continue };
            let used = i64::try_from(instance.runtime.memory()).unwrap_or(i64::MAX);
            let asked = slot.spec(&victim.pod).map_or(Amount::ZERO, |spec| request(&spec, scarce));
            if used > asked.value() {
                message.push_str(&format!(
                    "Container {} was using {}, request is {asked}, has larger consumption of {}. ",
                    slot.name,
                    bytes(used),
                    scarce.resource()
                ));
            }
        }
        self.put_out(cx, &uid, message, true);
    }
}

/// What is said of a pod one of whose emptyDirs holds more than its limit.
fn overfull(worker: &PodWorker) -> Option<String> {
    let volumes = worker.pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.into_iter().find_map(|volume| {
        let source = volume.empty_dir.as_ref().filter(|source| source.medium.as_deref() != Some("Memory"))?;
        let limit = source.size_limit.as_ref()?;
        let used = i64::try_from(worker.world.volumes.get(&volume.name)?.size()).unwrap_or(i64::MAX);
        let over = used > amount(limit).value();
        over.then(|| format!("Usage of EmptyDir volume {:?} exceeds the limit {:?}. ", volume.name, limit.0))
    })
}

impl PodWorker {
    /// `disrupted` where it is for the sake of others: the pod did nothing wrong.
    fn evict(&mut self, turn: &mut Turn, message: String, disrupted: bool) {
        let pod = self.pod.clone();
        turn.pod_event(&pod, EventType::Warning, "Evicted", &*message);
        if disrupted {
            let now = turn.cx.time();
            let told = turn.cx.api.patch::<Pod>(self.namespace(), self.name(), "status", |pod| {
                mark_disrupted(pod, "TerminationByKubelet", &message, now);
            });
            if let Ok(pod) = told {
                self.pod = pod;
            }
        }
        self.rejected = Some(("Evicted".to_owned(), message));
        self.begin_ending(turn, Ending::Over);
        self.sync_by(turn.now);
    }

    /// It was put out for the node's sake.
    pub(super) fn is_evicted(&self) -> bool {
        self.ending == Some(Ending::Over) && self.rejected.as_ref().is_some_and(|(reason, _)| reason == "Evicted")
    }
}

/// Why a node under pressure does not take a pod in.
pub fn refusal(turn: &Turn, pod: &Pod) -> Option<(String, String)> {
    let pressure = &turn.host.pressure;
    let conditions = pressure.conditions().filter(|_| !is_critical(pod))?;
    if !pressure.disk {
        let qos = pod.status.as_ref().and_then(|status| status.qos_class.as_deref());
        let taint = api::k8s_openapi::api::core::v1::Taint {
            key: "node.kubernetes.io/memory-pressure".to_owned(),
            effect: "NoSchedule".to_owned(),
            ..Default::default()
        };
        let tolerated = |toleration: &Toleration| tolerates(toleration, &taint);
        let patient = pod.spec.iter().flat_map(|spec| spec.tolerations.iter().flatten()).any(tolerated);
        if qos != Some("BestEffort") || patient {
            return None;
        }
    }
    Some(("Evicted".to_owned(), format!("The node had condition: {conditions}. ")))
}

/// Static pods and those the cluster cannot do without stay.
fn is_critical(pod: &Pod) -> bool {
    super::static_pods::is_mirror(pod) || pod.spec.as_ref().and_then(|spec| spec.priority).unwrap_or(0) >= CRITICAL
}

/// The least comes first: whoever uses more than asked for, then by priority, then by how much more.
fn rank(worker: &PodWorker, scarce: Scarce) -> (bool, i32, Reverse<i64>, String) {
    let spec = worker.pod.spec.as_ref();
    let asked: i64 = spec.iter().flat_map(|spec| &spec.containers).map(|c| request(c, scarce).value()).sum();
    let over = usage(worker, scarce) - asked;
    let priority = spec.and_then(|spec| spec.priority).unwrap_or(0);
    (over <= 0, priority, Reverse(over), format!("{}/{}", worker.namespace(), worker.name()))
}

fn request(container: &Container, scarce: Scarce) -> Amount {
    let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    requests.and_then(|requests| requests.get(scarce.resource())).map(amount).unwrap_or_default()
}

fn usage(worker: &PodWorker, scarce: Scarce) -> i64 {
    let memory = worker.slots.iter().filter_map(|slot| slot.running()).map(|instance| instance.runtime.memory()).sum();
    let memory: u64 = if scarce == Scarce::Memory { memory } else { 0 };
    i64::try_from(memory).unwrap_or(i64::MAX)
}

fn bytes(count: i64) -> Amount {
    Amount::from_units(count, Format::BinarySi)
}
