//! What the scheduler knows of the cluster: nodes with the pods on them, kept current pod by pod.
//!
//! One attempt sees one state, because nothing else runs meanwhile; so upstream's separate
//! snapshot is this cache itself, and its list of nodes the order in which attempts walk them.
//! Mirrors: pkg/scheduler/backend/cache/{cache,snapshot,node_tree}.go, framework/types.go `NodeInfo`.

mod capacity;
mod device_claims;
mod groups;
mod listers;
mod node_info;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};

pub use capacity::Capacity;
pub use device_claims::DeviceClaim;
pub use groups::{GroupId, GroupMatcher};
pub use listers::{Listers, key};
pub use node_info::{NodeId, NodeInfo};
pub use zones::{ZONE, Zones};

use super::pod_info::PodInfo;
use groups::Groups;

/// The cluster as scheduling sees it.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    nodes: Vec<Option<Arc<NodeInfo>>>,
    ids: BTreeMap<Arc<str>, NodeId>,
    /// Zones in the order in which they appeared, each with its nodes likewise.
    zones: Vec<(String, Vec<NodeId>)>,
    /// The walk over all nodes, one of each zone in turn.
    order: Vec<NodeId>,
    images: BTreeMap<String, ImageState>,
    with_affinity: BTreeSet<NodeId>,
    with_required_anti_affinity: BTreeSet<NodeId>,
    pods: BTreeMap<Arc<str>, PodState>,
    /// Pods of nodes that do not exist (yet, or any more), by node name.
    strays: BTreeMap<Arc<str>, Vec<Arc<PodInfo>>>,
    groups: Groups,
    pods_by_zone: Zones,
    /// Every node's name by its id, shared with the traces.
    names: Arc<Vec<Arc<str>>>,
    generation: u64,
    /// Everything else that plugins look up.
    pub listers: Listers,
}

/// An image that some node has.
#[derive(Debug, Clone, Default)]
pub struct ImageState {
    /// Bytes.
    pub size: i64,
    pub nodes: BTreeSet<NodeId>,
}

#[derive(Debug, Clone)]
struct PodState {
    info: Arc<PodInfo>,
    node: Arc<str>,
    /// Placed by the scheduler, not yet seen from the API server.
    assumed: bool,
}

impl Cache {
    /// Reads a pod once, for as long as it stays unchanged.
    pub fn pod_info(&mut self, pod: Arc<Pod>) -> Arc<PodInfo> {
        let group = self.groups.id_of(&pod.metadata);
        Arc::new(PodInfo::new(pod, group))
    }

    /// Every node, in the order in which attempts walk them.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<NodeInfo>> {
        self.order.iter().map(|id| self.node(*id))
    }

    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    pub fn node_count(&self) -> usize {
        self.order.len()
    }

    /// # Panics
    /// For an id that is not of this cache's current order.
    pub fn node(&self, id: NodeId) -> &Arc<NodeInfo> {
        self.nodes[id].as_ref().expect("ids come from the current order")
    }

    pub fn node_named(&self, name: &str) -> Option<&Arc<NodeInfo>> {
        self.ids.get(name).map(|id| self.node(*id))
    }

    /// Nodes with a pod that has any affinity or anti-affinity.
    pub fn nodes_with_affinity(&self) -> impl Iterator<Item = &Arc<NodeInfo>> {
        self.with_affinity.iter().map(|id| self.node(*id))
    }

    /// Nodes with a pod that has a required anti-affinity.
    pub fn nodes_with_required_anti_affinity(&self) -> impl Iterator<Item = &Arc<NodeInfo>> {
        self.with_required_anti_affinity.iter().map(|id| self.node(*id))
    }

    /// Pods per zone, for selectors that look at nothing else of a node.
    pub fn pods_by_zone(&self) -> &Zones {
        &self.pods_by_zone
    }

    /// Every node's name by its id.
    pub fn names(&self) -> &Arc<Vec<Arc<str>>> {
        &self.names
    }

    pub fn image(&self, name: &str) -> Option<&ImageState> {
        self.images.get(name)
    }

    /// Answers, per group of like pods, whether a selector speaks of it.
    pub fn group_matcher(&self, namespace: &str, selector: &api::meta::Selector) -> GroupMatcher {
        self.groups.matcher(namespace, selector)
    }

    pub fn pod(&self, uid: &str) -> Option<&Arc<PodInfo>> {
        self.pods.get(uid).map(|state| &state.info)
    }

    pub fn is_assumed(&self, uid: &str) -> bool {
        self.pods.get(uid).is_some_and(|state| state.assumed)
    }

    pub fn set_node(&mut self, node: Arc<Node>) {
        let name: Arc<str> = node.metadata.name.as_deref().unwrap_or_default().into();
        let zone = zone_of(&node);
        self.generation += 1;
        let id = match self.ids.get(&name) {
            Some(&id) => {
                let old = self.nodes[id].as_mut().expect("ids only names present nodes");
                let (old_zone, old_node) = (zone_of(&old.node), old.node.clone());
                self.pods_by_zone.leave(old);
                let info = Arc::make_mut(old);
                info.set_node(node.clone());
                info.generation = self.generation;
                self.pods_by_zone.enter(info);
                self.forget_images(id, &old_node);
                if old_zone != zone {
                    self.leave_zone(&old_zone, id);
                    self.join_zone(zone, id);
                    self.rebuild_order();
                }
                id
            }
            None => {
                let id = self.nodes.iter().position(Option::is_none).unwrap_or(self.nodes.len());
                let mut info = NodeInfo::new(id, node.clone());
                info.generation = self.generation;
                for pod in self.strays.remove(&name).unwrap_or_default() {
                    info.add_pod(pod);
                }
                self.pods_by_zone.enter(&mut info);
                if id == self.nodes.len() {
                    self.nodes.push(None);
                }
                let names = Arc::make_mut(&mut self.names);
                if id == names.len() {
                    names.push(name.clone());
                } else {
                    names[id] = name.clone();
                }
                self.nodes[id] = Some(Arc::new(info));
                self.ids.insert(name, id);
                self.join_zone(zone, id);
                self.rebuild_order();
                self.note_affinity(id);
                id
            }
        };
        self.learn_images(id, &node);
    }

    pub fn remove_node(&mut self, name: &str) {
        let Some(id) = self.ids.remove(name) else { return };
        let info = self.nodes[id].take().expect("ids only names present nodes");
        self.forget_images(id, &info.node);
        self.pods_by_zone.leave(&info);
        self.leave_zone(&zone_of(&info.node), id);
        self.rebuild_order();
        self.with_affinity.remove(&id);
        self.with_required_anti_affinity.remove(&id);
        if !info.pods.is_empty() {
            self.strays.insert(info.name.clone(), info.pods.clone());
        }
    }

    /// A pod that has a node, new or changed.
    pub fn set_pod(&mut self, info: Arc<PodInfo>) {
        let Some(node) = info.node_name().map(Arc::from) else { return };
        self.place(info, node, false);
    }

    /// Counts a pod on a node before the API server has confirmed the binding.
    pub fn assume(&mut self, info: Arc<PodInfo>, node: Arc<str>) {
        self.place(info, node, true);
    }

    /// Takes back what [`Cache::assume`] did, after a failed binding.
    pub fn forget(&mut self, uid: &str) {
        if self.is_assumed(uid) {
            self.remove_pod(uid);
        }
    }

    pub fn remove_pod(&mut self, uid: &str) -> Option<Arc<PodInfo>> {
        let state = self.pods.remove(uid)?;
        self.detach(&state.node, uid);
        Some(state.info)
    }

    fn place(&mut self, info: Arc<PodInfo>, node: Arc<str>, assumed: bool) {
        let uid: Arc<str> = info.uid().into();
        let state = PodState { info: info.clone(), node: node.clone(), assumed };
        if let Some(old) = self.pods.insert(uid.clone(), state) {
            self.detach(&old.node, &uid);
        }
        match self.ids.get(&node) {
            Some(&id) => {
                self.generation += 1;
                let target = Arc::make_mut(self.nodes[id].as_mut().expect("ids only names present nodes"));
                target.add_pod(info.clone());
                target.generation = self.generation;
                if !info.is_terminating() {
                    self.pods_by_zone.pod_added(target, info.group);
                }
                if !info.affinity.is_empty() {
                    self.note_affinity(id);
                }
            }
            None => self.strays.entry(node).or_default().push(info),
        }
    }

    fn detach(&mut self, node: &Arc<str>, uid: &str) {
        match self.ids.get(node) {
            Some(&id) => {
                self.generation += 1;
                let target = Arc::make_mut(self.nodes[id].as_mut().expect("ids only names present nodes"));
                let removed = target.remove_pod(uid);
                target.generation = self.generation;
                if let Some(pod) = removed.as_ref().filter(|pod| !pod.is_terminating()) {
                    self.pods_by_zone.pod_removed(target, pod.group);
                }
                if removed.is_some_and(|pod| !pod.affinity.is_empty()) {
                    self.note_affinity(id);
                }
            }
            None => {
                if let Some(pods) = self.strays.get_mut(node) {
                    pods.retain(|pod| pod.uid() != uid);
                    if pods.is_empty() {
                        self.strays.remove(node);
                    }
                }
            }
        }
    }

    fn note_affinity(&mut self, id: NodeId) {
        let info = self.nodes[id].as_ref().expect("called for present nodes");
        let note = |set: &mut BTreeSet<NodeId>, present: bool| {
            if present {
                set.insert(id)
            } else {
                set.remove(&id)
            };
        };
        note(&mut self.with_affinity, !info.pods_with_affinity.is_empty());
        note(&mut self.with_required_anti_affinity, !info.pods_with_required_anti_affinity.is_empty());
    }

    fn learn_images(&mut self, id: NodeId, node: &Node) {
        for (name, size) in images_of(node) {
            let state = self.images.entry(name.clone()).or_insert_with(|| ImageState { size, ..Default::default() });
            state.nodes.insert(id);
        }
    }

    fn forget_images(&mut self, id: NodeId, node: &Node) {
        for (name, _) in images_of(node) {
            if let Some(state) = self.images.get_mut(name) {
                state.nodes.remove(&id);
                if state.nodes.is_empty() {
                    self.images.remove(name);
                }
            }
        }
    }

    fn join_zone(&mut self, zone: String, id: NodeId) {
        match self.zones.iter_mut().find(|(name, _)| *name == zone) {
            Some((_, nodes)) => nodes.push(id),
            None => self.zones.push((zone, vec![id])),
        }
    }

    fn leave_zone(&mut self, zone: &str, id: NodeId) {
        if let Some((_, nodes)) = self.zones.iter_mut().find(|(name, _)| name == zone) {
            nodes.retain(|node| *node != id);
        }
        self.zones.retain(|(_, nodes)| !nodes.is_empty());
    }

    fn rebuild_order(&mut self) {
        let longest = self.zones.iter().map(|(_, nodes)| nodes.len()).max().unwrap_or(0);
        self.order.clear();
        for turn in 0..longest {
            self.order.extend(self.zones.iter().filter_map(|(_, nodes)| nodes.get(turn)));
        }
    }
}

/// Region and zone, as one key; nodes without either share one.
///
/// Mirrors: component-helpers/node/topology `GetZoneKey`.
fn zone_of(node: &Node) -> String {
    let label = |names: [&str; 2]| {
        let labels = node.metadata.labels.as_ref()?;
        names.into_iter().find_map(|name| labels.get(name)).map(String::as_str)
    };
    let zone = label(["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]).unwrap_or_default();
    let region =
        label(["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"]).unwrap_or_default();
    if zone.is_empty() && region.is_empty() { String::new() } else { format!("{region}:\0:{zone}") }
}

fn images_of(node: &Node) -> impl Iterator<Item = (&String, i64)> {
    let images = node.status.as_ref().and_then(|status| status.images.as_deref()).unwrap_or_default();
    images.iter().flat_map(|image| {
        let size = image.size_bytes.unwrap_or(0);
        image.names.iter().flatten().map(move |name| (name, size))
    })
}
