//! What must hold after every single event.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::quantity::amount;
use api::{Kind, Object};
use engine::{Cluster, Snapshot};

/// More events than this in one virtual second: somebody is running in circles.
const BUSY: u32 = 20_000;

/// No history asks for so many pods; who has more makes them again and again.
const MOST_PODS: usize = 1500;

/// Who has how many pods in which phase, the most first.
fn owners(snapshot: &Snapshot) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for pod in snapshot.list::<Pod>("") {
        let owner = pod.metadata.owner_references.iter().flatten().next();
        let owner = owner.map_or("nobody".to_owned(), |owner| format!("{} {}", owner.kind, owner.name));
        let status = pod.status.clone().unwrap_or_default();
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        let (phase, reason) = (status.phase.unwrap_or_default(), status.reason.unwrap_or_default());
        *counts.entry(format!("{owner} on {node:?} {phase} {reason}")).or_default() += 1;
    }
    let mut counts: Vec<(usize, String)> = counts.into_iter().map(|(name, count)| (count, name)).collect();
    counts.sort_by(|a, b| b.cmp(a));
    counts.iter().take(3).map(|(count, name)| format!("{count} × {name}")).collect::<Vec<_>>().join(", ")
}

/// Every so many writes the whole store is gone through.
const THOROUGH: u64 = 100;

/// Kind, namespace, name.
type Place = (Kind, Arc<str>, Arc<str>);
/// uid, resourceVersion, generation.
type Seen = (String, u64, i64);

/// What was seen so far.
#[derive(Default)]
pub struct Watcher {
    version: u64,
    audit: u64,
    versions: BTreeMap<Place, Seen>,
    pods: BTreeMap<String, Known>,
    second: u64,
    events: u32,
    looks: u64,
}

/// What was last seen of a pod.
struct Known {
    node: String,
    phase: String,
    restarts: i32,
}

impl Watcher {
    /// Looks at what the last event did. `Err` says what is broken: a short name, a colon, a sentence.
    pub fn look(&mut self, cluster: &Cluster) -> Result<(), String> {
        let second = cluster.now() / 1000;
        if second != self.second {
            (self.second, self.events) = (second, 0);
        }
        self.events += 1;
        if self.events > BUSY {
            return Err(format!("busy: {BUSY} events in second {second}"));
        }
        let version = cluster.version();
        if version == self.version {
            return Ok(());
        }
        self.looks += 1;
        if self.looks.is_multiple_of(THOROUGH)
            && let Some(why) = cluster.snapshot().contradictions().first()
        {
            return Err(format!("contradiction: {why}"));
        }
        if version < self.version {
            return Err(format!("version: the store went from {} to {version}", self.version));
        }
        self.version = version;
        let snapshot = cluster.snapshot();
        let mut pods = false;
        for entry in snapshot.audit_after(self.audit) {
            pods |= matches!(entry.kind, Kind::Pod | Kind::Node | Kind::Binding);
            if entry.code >= 300 || matches!(entry.kind, Kind::Event | Kind::Lease) {
                continue;
            }
            let found = snapshot.objects(entry.kind, &entry.namespace).find(|object| object.name() == &*entry.name);
            if let Some(object) = found {
                self.versions(entry.kind, &entry.namespace, &entry.name, object)?;
            }
        }
        self.audit = snapshot.last_audit();
        if pods {
            self.pods(&snapshot)?;
            overcommitted(&snapshot)?;
        }
        Ok(())
    }

    fn versions(&mut self, kind: Kind, namespace: &Arc<str>, name: &Arc<str>, object: &Object) -> Result<(), String> {
        let version = object.meta().resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let generation = object.meta().generation.unwrap_or(0);
        let key = (kind, namespace.clone(), name.clone());
        let new = (object.uid().to_owned(), version, generation);
        if version > self.version {
            return Err(format!("version: {kind:?} {namespace}/{name} is at {version}, the store at {}", self.version));
        }
        if let Some((uid, old, older)) = self.versions.insert(key, new) {
            if version < old {
                return Err(format!("version: {kind:?} {namespace}/{name} went from {old} to {version}"));
            }
            if uid == object.uid() && generation < older {
                return Err(format!("generation: {kind:?} {namespace}/{name} went from {older} to {generation}"));
            }
        }
        Ok(())
    }

    fn pods(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let mut there = BTreeMap::new();
        let mut addresses: BTreeMap<&str, &str> = BTreeMap::new();
        for pod in snapshot.list::<Pod>("") {
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let spec = pod.spec.as_ref().ok_or_else(|| format!("pod: {name} has no spec"))?;
            let status = pod.status.clone().unwrap_or_default();
            let statuses = status.container_statuses.iter().flatten();
            let now = Known {
                node: spec.node_name.clone().unwrap_or_default(),
                phase: status.phase.clone().unwrap_or_default(),
                restarts: statuses.map(|status| status.restart_count).sum(),
            };
            if let Some(before) = self.pods.get(&uid) {
                if before.node != now.node && !before.node.is_empty() {
                    return Err(format!("moved: pod {name} went from {} to {}", before.node, now.node));
                }
                if before.phase != now.phase && matches!(before.phase.as_str(), "Succeeded" | "Failed") {
                    return Err(format!("phase: pod {name} went from {} to {}", before.phase, now.phase));
                }
                if now.restarts < before.restarts {
                    return Err(format!("restarts: pod {name} went from {} to {}", before.restarts, now.restarts));
                }
            }
            if let Some(host) = status.host_ip.as_deref() {
                let node = snapshot.get::<Node>("", &now.node);
                let theirs = node.and_then(|node| node.status.as_ref()).and_then(|status| status.addresses.as_ref());
                if theirs.is_some_and(|all| all.iter().all(|address| address.address != host)) {
                    return Err(format!("host: pod {name} says {host}, which is not {}", now.node));
                }
            }
            let over = matches!(now.phase.as_str(), "Succeeded" | "Failed");
            let address = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
            if let Some(address) = address.filter(|_| !over && spec.host_network != Some(true))
                && let Some(other) = addresses.insert(address, name)
            {
                return Err(format!("address: {address} is both {name}'s and {other}'s"));
            }
            there.insert(uid, now);
        }
        self.pods = there;
        if self.pods.len() > MOST_PODS {
            return Err(format!("storm: {} pods, {}", self.pods.len(), owners(snapshot)));
        }
        Ok(())
    }
}

/// What a pod's containers ask for: milli-CPU and bytes. What the kubelet has not granted yet does not count: who
/// resizes a pod may ask for more than there is.
pub fn requests(pod: &Pod) -> (i64, i64) {
    let seen = pod.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(1);
    // The scheduler looks at what is asked for, whoever asks.
    let bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let resized = bound && pod.metadata.generation.unwrap_or(1) > seen;
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers).filter(|_| !resized);
    let of = |name: &str, milli: bool| -> i64 {
        let asked = containers.clone().filter_map(|container| {
            let quantity = container.resources.as_ref()?.requests.as_ref()?.get(name)?;
            Some(if milli { amount(quantity).milli_value() } else { amount(quantity).value() })
        });
        asked.sum()
    };
    let asked = (of("cpu", true), of("memory", false));
    let Some(status) = pod.status.as_ref().filter(|_| bound) else { return asked };
    let Some(given) = &status.allocated_resources else { return asked };
    let zero = Quantity("0".into());
    let of = |name: &str| amount(given.get(name).unwrap_or(&zero));
    let given = (of("cpu").milli_value(), of("memory").value());
    // The scheduler reads what is granted off the containers, and a pod that starts has none yet.
    let mut told = status.container_statuses.iter().flatten().map(|one| one.allocated_resources.is_some());
    if told.all(|told| told) { given } else { (given.0.min(asked.0), given.1.min(asked.1)) }
}

/// The pods that take room on a node.
pub fn taking_room<'a>(snapshot: &'a Snapshot, node: &'a str) -> impl Iterator<Item = &'a Arc<Pod>> {
    snapshot.list::<Pod>("").filter(move |pod| {
        let there = pod.spec.as_ref().is_some_and(|spec| spec.node_name.as_deref() == Some(node));
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        there && !matches!(phase, Some("Succeeded" | "Failed"))
    })
}

/// What a node has: milli-CPU, bytes, pods.
pub fn allocatable(node: &Node) -> (i64, i64, usize) {
    let all = node.status.as_ref().and_then(|status| status.allocatable.clone()).unwrap_or_default();
    let zero = Quantity("0".into());
    let of = |name: &str| amount(all.get(name).unwrap_or(&zero));
    (of("cpu").milli_value(), of("memory").value(), of("pods").value().max(0) as usize)
}

fn overcommitted(snapshot: &Snapshot) -> Result<(), String> {
    for node in snapshot.list::<Node>("") {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let (cpu, memory, most) = allocatable(node);
        let (mut used_cpu, mut used_memory, mut count) = (0, 0, 0);
        for pod in taking_room(snapshot, name) {
            let (cpu, memory) = requests(pod);
            used_cpu += cpu;
            used_memory += memory;
            count += 1;
        }
        if used_cpu > cpu || used_memory > memory || count > most {
            let owed = taking_room(snapshot, name).map(|pod| {
                let (cpu, memory) = requests(pod);
                format!("{} {cpu}m {memory} B", pod.metadata.name.as_deref().unwrap_or_default())
            });
            return Err(format!(
                "overcommitted: {name} has {cpu}m, {memory} B, {most} pods and owes {used_cpu}m, {used_memory} B, {count} pods: {}",
                owed.collect::<Vec<_>>().join(", ")
            ));
        }
    }
    Ok(())
}
