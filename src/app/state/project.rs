//! From the engine's snapshot to what the page draws. The only place where API objects become view
//! models; it keeps what a picture needs from one frame to the next (lanes, captions, colours).

mod nodes;
mod pods;
mod story;

use std::collections::BTreeMap;

use api::Object;
use api::k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use api::meta::time::{micro_millis, millis};
use api::order::{Gather, Order};
use engine::{ProcessId, Snapshot};

use self::story::Story;
pub use self::story::is_heartbeat;
use super::view::*;

/// Enough to read back an hour; more would only be scrolled past.
const EVENTS: usize = 200;

/// Follows one cluster.
#[derive(Default)]
pub struct Projector {
    pub story: Story,
    /// Which colour a family of pods has, by the UID of its owner.
    families: BTreeMap<String, u8>,
    /// What the pods looked like last, by UID: most of a large cluster is as it was.
    cards: BTreeMap<String, Card>,
    /// When each machine's power went, for the lanes.
    dark_since: BTreeMap<String, Millis>,
}

/// A pod as it was drawn.
struct Card {
    pod: Object,
    node: Option<String>,
    view: PodView,
    /// Millicores, bytes.
    requests: (u64, u64),
}

impl Projector {
    /// The whole picture. Costs a walk over nodes and pods: call it when the version has changed.
    pub fn cluster(&mut self, name: &str, snapshot: &Snapshot) -> ClusterView {
        let pods = self.pods(snapshot);
        let mut nodes: Vec<NodeView> = snapshot.list::<Node>("").map(|node| nodes::view(node, snapshot)).collect();
        let place: BTreeMap<String, usize> =
            nodes.iter().enumerate().map(|(index, node)| (node.name.clone(), index)).into_map();
        let mut homeless = Vec::new();
        for (node, pod, requests) in pods {
            match node.as_ref().and_then(|name| place.get(name)) {
                Some(&index) => {
                    let node = &mut nodes[index];
                    node.cpu.requested += requests.0;
                    node.memory.requested += requests.1;
                    node.pods.push(pod);
                }
                // Bound to a node that is gone: it stands nowhere.
                None => homeless.push(pod),
            }
        }
        for node in &nodes {
            if node.powered {
                self.dark_since.remove(&node.name);
            } else {
                self.dark_since.entry(node.name.clone()).or_insert(snapshot.now);
            }
        }
        // Machines first, the office last: what a learner works with is on top.
        nodes.order_by_key(|node| node.control_plane);
        ClusterView {
            name: name.into(),
            now: snapshot.now,
            components: self.components(snapshot, homeless.len()),
            nodes,
            homeless,
            caption: None,
            traffic: snapshot.traffic.iter().map(traffic).collect(),
            services: services(snapshot),
        }
    }

    fn components(&self, snapshot: &Snapshot, waiting: usize) -> Vec<ComponentView> {
        let up = |id: &ProcessId| snapshot.processes.get(id).is_none_or(|process| process.running && !process.frozen);
        vec![
            ComponentView {
                part: Part::ApiServer,
                up: up(&ProcessId::ApiServer),
                load: Load::Requests(self.story.writes_lately(snapshot.now)),
            },
            ComponentView { part: Part::Etcd, up: true, load: Load::Revision(snapshot.version) },
            ComponentView { part: Part::Scheduler, up: up(&ProcessId::Scheduler), load: Load::Queue(waiting) },
            ComponentView {
                part: Part::Controllers,
                up: up(&ProcessId::ControllerManager),
                load: Load::Loops(self.story.loops_lately(snapshot.now)),
            },
        ]
    }

    /// Every pod with its node and what it asks for (millicores, bytes).
    fn pods(&mut self, snapshot: &Snapshot) -> Vec<(Option<String>, PodView, (u64, u64))> {
        let mut known = std::mem::take(&mut self.cards);
        let tainted = pods::tainted(snapshot);
        let mut found = Vec::new();
        for object in snapshot.objects(api::Kind::Pod, "") {
            let Some(pod) = object.get::<Pod>() else { continue };
            let card = match known.remove(object.uid()) {
                Some(card) if card.pod.is(object) => card,
                _ => {
                    let word =
                        snapshot.cells(object).get(2).and_then(|cell| cell.as_str()).unwrap_or_default().to_string();
                    let view = pods::view(pod, word, self.family(pod));
                    Card { pod: object.clone(), node: pods::node(pod), view, requests: pods::requests(pod) }
                }
            };
            let view = PodView { wait: pods::wait(pod, &tainted, snapshot), ..card.view.clone() };
            found.push((card.node.clone(), view, card.requests));
            self.cards.insert(object.uid().to_string(), card);
        }
        found
    }

    fn family(&mut self, pod: &Pod) -> u8 {
        const COLOURS: u8 = 4;
        let Some(owner) = api::meta::owner::controller_of(&pod.metadata) else { return 0 };
        // Static pods are owned by their node; they are no family.
        if owner.kind == "Node" {
            return 0;
        }
        let next = (self.families.len() as u8) % COLOURS + 1;
        *self.families.entry(owner.uid.clone()).or_insert(next)
    }

    /// One lane per component, the machines below.
    pub fn lanes(&self, cluster: &ClusterView) -> Vec<LaneView> {
        /// More would make the bar taller than the map is worth.
        const MACHINES: usize = 3;
        let control = [Part::You, Part::ApiServer, Part::Scheduler, Part::Controllers];
        let workers = cluster.nodes.iter().filter(|node| !node.control_plane).take(MACHINES);
        let machines = workers.map(|node| Part::Node(node.name.clone()));
        control
            .into_iter()
            .chain(machines)
            .map(|part| {
                let silent = match &part {
                    Part::Node(name) => self.dark_since.get(name).map(|&since| (since, cluster.now)),
                    Part::You | Part::ApiServer | Part::Etcd | Part::Scheduler | Part::Controllers => None,
                };
                LaneView { marks: self.story.marks(&part), part, silent: silent.into_iter().collect() }
            })
            .collect()
    }
}

/// The cluster's Events, newest first.
pub fn events(snapshot: &Snapshot) -> Vec<EventView> {
    let epoch = epoch(snapshot);
    // Ordered before anything is copied: a busy cluster has thousands.
    let mut found: Vec<(i64, &Event)> =
        snapshot.list::<Event>("").map(|event| (happened(event), event.as_ref())).collect();
    found.order_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.metadata.uid.cmp(&a.1.metadata.uid)));
    found.truncate(EVENTS);
    found.into_iter().map(|(at, event)| event_view(event, at.saturating_sub(epoch).max(0) as Millis)).collect()
}

/// When it was last seen, in Unix milliseconds.
fn happened(event: &Event) -> i64 {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let last = event.last_timestamp.as_ref().map(millis);
    last.or(series.map(micro_millis)).or(event.event_time.as_ref().map(micro_millis)).unwrap_or_default()
}

fn event_view(event: &Event, at: Millis) -> EventView {
    let about = &event.involved_object;
    let kind = about.kind.clone().unwrap_or_default().to_lowercase();
    EventView {
        key: event.metadata.uid.clone().unwrap_or_default(),
        at,
        warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.clone().unwrap_or_default(),
        object: format!("{kind}/{}", about.name.clone().unwrap_or_default()),
        message: event.message.clone().unwrap_or_default(),
        count: event.series.as_ref().and_then(|s| s.count).or(event.count).unwrap_or(1).max(1) as u32,
    }
}

/// Wall-clock milliseconds at virtual time 0.
fn epoch(snapshot: &Snapshot) -> i64 {
    snapshot.unix_millis as i64 - snapshot.now as i64
}
/// The figure a learner watches is that of the last few seconds.
const LATELY: usize = 5;

fn traffic(one: &engine::Traffic) -> TrafficView {
    let second = |second: &engine::Second| (second.answered * 1_000 / second.sent.max(1)) as u16;
    TrafficView {
        namespace: one.namespace.to_string(),
        service: one.service.to_string(),
        success: one.success(LATELY).unwrap_or(0),
        history: one.seconds.iter().map(second).collect(),
    }
}

/// The Services learners made; the cluster's own lead to parts that are not simulated as pods.
fn services(snapshot: &Snapshot) -> Vec<(String, String)> {
    snapshot
        .list::<Service>("")
        .map(|service| {
            let meta = &service.metadata;
            (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
        })
        .filter(|(namespace, name)| namespace != "kube-system" && !(namespace == "default" && name == "kubernetes"))
        .collect()
}
