//! The node's own objects: its registration, its status, its lease.
//!
//! A lease is renewed every ten seconds: it is what says that the node lives. The status, which is large,
//! is written when something in it changes, else every five minutes. A new node is not ready until the
//! runtime was found working, and says so with events. An object that is there already is taken over:
//! labels and taints stay as somebody may have set them. What the API server did not hear is said again
//! after ten seconds; a registration sooner, then with doubling waits of at most seven.
//! Mirrors: pkg/kubelet/kubelet_node_status.go, pkg/kubelet/nodestatus/setters.go,
//! component-helpers/apimachinery/lease, pkg/kubelet/cm/dra/plugin `wipeResourceSlices`. Left out: cloud
//! providers, volumes in use, PID pressure.

use std::collections::BTreeMap;

use api::k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use api::k8s_openapi::api::core::v1::{
    ContainerImage, DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec,
    NodeStatus as ApiStatus, NodeSystemInfo, Taint,
};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use api::order::{Gather, Order};
use api::{Kind, Object};

use super::agent::{Host, Machine};
use super::events::Turn;
use super::runtime::Millis;
use super::runtime::reference::hex_of;
use super::status::time;
use crate::client::{DeleteOptions, EventType, Recorder};

const RENEW: Millis = 10_000;
/// Without a change the status is written this often.
const REPORT: Millis = 300_000;
/// Upstream's `nodeStatusUpdateFrequency`: what the API server did not hear is said again after this.
const UPDATE: Millis = 10_000;
const VERSION: &str = "v1.36.2";

/// A registration that nobody heard is tried again after this much, then after twice as much, …
const FIRST_RETRY: Millis = 100;
/// … and never after more.
const LAST_RETRY: Millis = 7_000;

/// When the node's objects are written next, and what was said last.
#[derive(Debug, Clone, Default)]
pub struct NodeStatus {
    lease_at: Option<Millis>,
    report_at: Option<Millis>,
    /// The runtime was found working; before, the node is not ready.
    ready: bool,
    ready_at: Option<Millis>,
    /// Somebody wrote over the conditions (a silent node is declared Unknown): write them again.
    overruled: bool,
    /// Nobody heard the registration: when it is tried again, and how long that is after the last time.
    unheard: Option<(Millis, Millis)>,
    announced: Vec<&'static str>,
    /// New pods are kept away by the administrator, and whether that has been told.
    cordoned: bool,
    told_cordoned: bool,
}

impl NodeStatus {
    pub fn next_due(&self) -> Option<Millis> {
        let registration = self.unheard.map(|(at, _)| at);
        [self.lease_at, self.report_at, self.ready_at, registration].into_iter().flatten().min()
    }

    /// Learns what others decide about the node.
    pub fn observe(&mut self, host: &mut Host, node: &Node) {
        let cidr = node.spec.as_ref().and_then(|spec| spec.pod_cidr.clone()).filter(|cidr| !cidr.is_empty());
        if let Some(cidr) = cidr {
            host.machine.pod_cidr = Some(cidr);
        }
        self.cordoned = node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
        let wanted = if self.ready { "True" } else { "False" };
        let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
        self.overruled =
            conditions.filter(|condition| condition.type_ == "Ready").any(|condition| condition.status != wanted);
    }

    /// Registers the node, or takes over an object that is there already.
    pub fn register(&mut self, turn: &mut Turn) {
        self.announced.clear();
        self.told_cordoned = false;
        // What an earlier process said, this one does not know.
        turn.host.recorder = Recorder::new("kubelet", &turn.host.machine.name);
        turn.node_event(EventType::Normal, "Starting", "Starting kubelet.");
        wipe_slices(turn);
        turn.node_event(EventType::Normal, "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
        let name = turn.host.machine.name.clone();
        let wait = self.unheard.take().map_or(FIRST_RETRY, |(_, wait)| (wait * 2).min(LAST_RETRY));
        let registered = match turn.cx.api.get::<Node>("", &name) {
            None => {
                self.ready = turn.cx.profile.instant;
                let node = self.node(turn);
                // A name the API server refuses cannot be registered; upstream retries for ever.
                turn.cx.api.create(node)
            }
            Some(existing) => {
                // Restarted: the runtime works already.
                self.ready = existing.status.as_ref().is_some_and(|status| status.node_info.is_some())
                    || turn.cx.profile.instant;
                self.observe(turn.host, &existing);
                // The first report does not wait for the registration, …
                self.report(turn);
                self.announce(turn);
                // … which is tried as if the node were new, and for which its state is set, and told, once more.
                let registered = turn.cx.api.create(self.node(turn));
                self.announced.retain(|state| *state == "NodeReady");
                let labels = labels(&turn.host.machine);
                let known = existing.metadata.labels.clone().unwrap_or_default();
                if labels.iter().any(|(key, value)| known.get(key) != Some(value)) {
                    let _ = turn.cx.api.patch::<Node>("", &name, "", |node| {
                        node.metadata.labels.get_or_insert_default().extend(labels);
                    });
                }
                registered
            }
        };
        self.unheard = registered.is_err_and(|status| status.is_unreachable()).then(|| (turn.now + wait, wait));
        self.announce(turn);
        self.ready_at = (!self.ready).then(|| turn.now + turn.delay(600, 600));
        self.report_at = Some(turn.now + REPORT);
        self.renew(turn);
    }

    /// Does what is due.
    pub fn tick(&mut self, turn: &mut Turn) {
        let now = turn.now;
        if self.unheard.is_some_and(|(at, _)| at <= now) {
            return self.register(turn);
        }
        if self.ready_at.is_some_and(|at| at <= now) {
            self.ready_at = None;
            self.ready = true;
            self.report(turn);
            self.announce(turn);
        }
        if self.report_at.is_some_and(|at| at <= now) {
            self.report(turn);
        }
        if self.lease_at.is_some_and(|at| at <= now) {
            self.renew(turn);
            if std::mem::take(&mut self.overruled) {
                self.report(turn);
            }
            self.tell_cordon(turn);
        }
    }

    /// A cordon is noticed with the next look at the node, every ten seconds.
    fn tell_cordon(&mut self, turn: &mut Turn) {
        if self.cordoned != self.told_cordoned {
            self.told_cordoned = self.cordoned;
            let state = if self.cordoned { "NodeNotSchedulable" } else { "NodeSchedulable" };
            let message = format!("Node {} status is now: {state}", turn.host.machine.name);
            turn.node_event(EventType::Normal, state, message);
        }
    }

    /// Whether the lease is due.
    pub fn renews(&self, now: Millis) -> bool {
        self.lease_at.is_some_and(|at| at <= now)
    }

    /// Writes what has changed about the machine.
    pub fn tell(&mut self, turn: &mut Turn) {
        self.report(turn);
        self.announce(turn);
    }

    fn announce(&mut self, turn: &mut Turn) {
        let name = turn.host.machine.name.clone();
        let pressure = &turn.host.pressure;
        let memory = if pressure.memory { "NodeHasInsufficientMemory" } else { "NodeHasSufficientMemory" };
        let disk = if pressure.disk { "NodeHasDiskPressure" } else { "NodeHasNoDiskPressure" };
        let mut states = vec![memory, disk, "NodeHasSufficientPID"];
        states.extend(self.ready.then_some("NodeReady"));
        for state in &states {
            if !self.announced.contains(state) {
                turn.node_event(EventType::Normal, state, format!("Node {name} status is now: {state}"));
            }
        }
        self.announced = states;
    }

    fn report(&mut self, turn: &mut Turn) {
        let fresh = self.status(turn);
        let name = turn.host.machine.name.clone();
        let now = turn.now;
        let told = turn.cx.api.patch::<Node>("", &name, "status", |node| {
            let old = node.status.take().unwrap_or_default();
            let mut fresh = fresh;
            keep_transitions(&mut fresh, &old, now);
            node.status =
                Some(ApiStatus { volumes_attached: old.volumes_attached, volumes_in_use: old.volumes_in_use, ..fresh });
        });
        // Any other failure is a node that was deleted: a running kubelet registers only when it starts.
        let unheard = told.is_err_and(|status| status.is_unreachable());
        self.report_at = Some(now + if unheard { UPDATE } else { REPORT });
    }

    fn renew(&mut self, turn: &mut Turn) {
        let name = turn.host.machine.name.clone();
        let stamp = turn.cx.micro_time();
        let spread = turn.stretch(RENEW, 0.04);
        self.lease_at = Some(turn.now + spread);
        let renewed = turn.cx.api.change::<Lease>("kube-node-lease", &name, "", |lease| {
            let spec = lease.spec.get_or_insert_default();
            spec.renew_time = Some(stamp.clone());
            spec.holder_identity.get_or_insert_with(|| lease.metadata.name.clone().unwrap_or_default());
        });
        if renewed.is_ok() {
            return;
        }
        let owner =
            turn.cx.api.get::<Node>("", &name).and_then(|node| node.metadata.uid.clone()).map(|uid| OwnerReference {
                api_version: "v1".to_owned(),
                kind: "Node".to_owned(),
                name: name.clone(),
                uid,
                ..OwnerReference::default()
            });
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some("kube-node-lease".to_owned()),
                owner_references: owner.map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(name),
                lease_duration_seconds: Some(40),
                renew_time: Some(stamp),
                ..LeaseSpec::default()
            }),
        };
        // The namespace may not be there yet in the first instant; the next renewal creates it.
        let _ = turn.cx.api.create(lease);
    }

    fn node(&self, turn: &Turn) -> Node {
        let machine = &turn.host.machine;
        let taint = |(key, value, effect): &(String, String, String)| Taint {
            key: key.clone(),
            value: Some(value.clone()).filter(|value| !value.is_empty()),
            effect: effect.clone(),
            time_added: None,
        };
        // Where nothing really runs, nothing is ever attached.
        let attaches = !turn.cx.profile.instant;
        let annotations = attaches.then(|| {
            [("volumes.kubernetes.io/controller-managed-attach-detach".to_owned(), "true".to_owned())]
                .into_iter()
                .into_map()
        });
        Node {
            metadata: ObjectMeta {
                name: Some(machine.name.clone()),
                labels: Some(labels(machine)),
                annotations,
                ..ObjectMeta::default()
            },
            spec: Some(NodeSpec {
                pod_cidr: machine.pod_cidr.clone(),
                pod_cidrs: machine.pod_cidr.clone().map(|cidr| vec![cidr]),
                taints: Some(machine.taints.iter().map(taint).collect::<Vec<_>>()).filter(|taints| !taints.is_empty()),
                unschedulable: machine.unschedulable.then_some(true),
                ..NodeSpec::default()
            }),
            status: Some(self.status(turn)),
        }
    }

    fn status(&self, turn: &Turn) -> ApiStatus {
        let machine = &turn.host.machine;
        let mut capacity: BTreeMap<String, Quantity> = [
            ("cpu", &machine.cpu),
            ("memory", &machine.memory),
            ("pods", &machine.pods),
            ("ephemeral-storage", &machine.ephemeral_storage),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.to_owned(), Quantity(text.clone())))
        .into_map();
        capacity.extend(machine.extended.iter().map(|(name, text)| (name.clone(), Quantity(text.clone()))));
        let address = |kind: &str, text: &str| NodeAddress { type_: kind.to_owned(), address: text.to_owned() };
        ApiStatus {
            allocatable: Some(capacity.clone()),
            capacity: Some(capacity),
            conditions: Some(self.conditions(turn)),
            addresses: Some(vec![address("InternalIP", &machine.host_ip), address("Hostname", &machine.name)]),
            daemon_endpoints: Some(NodeDaemonEndpoints { kubelet_endpoint: Some(DaemonEndpoint { port: 10250 }) }),
            node_info: Some(node_info(&machine.name)),
            images: Some(images(turn.host)).filter(|images| !images.is_empty()),
            declared_features: (!turn.cx.profile.instant).then(|| FEATURES.map(str::to_owned).to_vec()),
            ..ApiStatus::default()
        }
    }

    fn conditions(&self, turn: &Turn) -> Vec<NodeCondition> {
        let now = turn.now;
        let condition = |kind: &str, status: &str, reason: &str, message: &str| NodeCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(time(now)),
            last_transition_time: Some(time(now)),
        };
        let memory = if turn.host.pressure.memory {
            condition(
                "MemoryPressure",
                "True",
                "KubeletHasInsufficientMemory",
                "kubelet has insufficient memory available",
            )
        } else {
            condition(
                "MemoryPressure",
                "False",
                "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available",
            )
        };
        let disk = if turn.host.pressure.disk {
            condition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
        } else {
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure")
        };
        let ready = if self.ready {
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
        } else {
            condition(
                "Ready",
                "False",
                "KubeletNotReady",
                "[container runtime status check may not have completed yet]",
            )
        };
        vec![
            memory,
            disk,
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ready,
        ]
    }
}

/// Forgets the devices that drivers offered through an earlier kubelet: those that are there register anew.
fn wipe_slices(turn: &mut Turn) {
    let node = turn.host.machine.name.clone();
    let mine = |object: &Object| match object {
        Object::Dynamic(slice) => slice.fields.get("spec").is_some_and(|spec| spec["nodeName"] == node.as_str()),
        _ => false,
    };
    // Upstream tries again until it succeeds; who cannot be reached now knows of no new slices either.
    let _ = turn.cx.api.delete_collection(Kind::ResourceSlice, "", mine, &DeleteOptions::default());
}

fn keep_transitions(fresh: &mut ApiStatus, old: &ApiStatus, now: Millis) {
    for condition in fresh.conditions.iter_mut().flatten() {
        let known = old.conditions.iter().flatten().find(|known| known.type_ == condition.type_);
        let same = known.filter(|known| known.status == condition.status);
        condition.last_transition_time =
            same.and_then(|known| known.last_transition_time.clone()).or_else(|| Some(time(now)));
    }
    // Conditions of others stay.
    let own: Vec<String> = fresh.conditions.iter().flatten().map(|condition| condition.type_.clone()).collect();
    let foreign = old.conditions.iter().flatten().filter(|known| !own.contains(&known.type_)).cloned();
    fresh.conditions.get_or_insert_default().extend(foreign);
}

fn labels(machine: &Machine) -> BTreeMap<String, String> {
    let own = [
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/hostname", &machine.name),
        ("kubernetes.io/os", "linux"),
    ];
    let mut labels: BTreeMap<String, String> =
        own.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).into_map();
    labels.extend(machine.labels.clone());
    labels
}

/// What a kubelet of v1.36 says it can do beyond what all its predecessors could; KWOK says nothing.
const FEATURES: [&str; 4] = [
    "ExtendWebSocketsToKubelet",
    "InPlacePodLevelResourcesVerticalScaling",
    "InPlacePodVerticalScalingInitContainers",
    "RestartAllContainersOnContainerExits",
];

fn node_info(name: &str) -> NodeSystemInfo {
    let id = hex_of(name);
    let uuid = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..32]);
    NodeSystemInfo {
        architecture: "amd64".to_owned(),
        boot_id: uuid,
        container_runtime_version: "containerd://2.1.0".to_owned(),
        kernel_version: "6.1.0".to_owned(),
        kube_proxy_version: String::new(),
        kubelet_version: VERSION.to_owned(),
        machine_id: format!("machine-{name}"),
        operating_system: "linux".to_owned(),
        os_image: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        system_uuid: format!("system-{name}"),
        ..NodeSystemInfo::default()
    }
}

/// The fifty largest images, largest first.
fn images(host: &Host) -> Vec<ContainerImage> {
    let mut list: Vec<ContainerImage> = host
        .images
        .list()
        .map(|(name, size)| ContainerImage { names: Some(vec![name.clone()]), size_bytes: i64::try_from(size).ok() })
        .collect();
    // Sizes the configuration names win over the catalogue's: the scheduler scores by them.
    for (name, mebibytes) in &host.machine.images {
        list.retain(|image| !image.names.iter().flatten().any(|known| known.ends_with(&format!("/{name}"))));
        list.push(ContainerImage { names: Some(vec![name.clone()]), size_bytes: i64::try_from(mebibytes << 20).ok() });
    }
    list.order_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.names.cmp(&b.names)));
    list.truncate(50);
    list
}
