//! One node and the pods on it, with the sums that filters and scores read.

use std::sync::Arc;

use api::meta::host_port::HostPort;
use k8s_openapi::api::core::v1::{Node, Taint};

use super::groups::{GroupId, GroupMatcher};
use super::zones::ZoneId;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::resources::Resources;

/// A node's place in the cache, stable while the node exists.
pub type NodeId = usize;

/// A node as the scheduler sees it.
#[derive(Debug, Clone)]
pub struct NodeInfo {
    pub id: NodeId,
    pub name: Arc<str>,
    pub node: Arc<Node>,
    /// Copied from the node, so that filters need not follow its pointers.
    pub unschedulable: bool,
    pub taints: Vec<Taint>,
    /// Whether it has the label `kubernetes.io/hostname`.
    pub has_hostname: bool,
    /// The number of its zone; the cache sets it.
    pub zone: Option<ZoneId>,
    pub allocatable: Resources,
    pub requested: Resources,
    /// Millicores, with defaults for containers that ask for none.
    pub non_zero_milli_cpu: i64,
    /// Bytes, with defaults for containers that ask for none.
    pub non_zero_memory: i64,
    pub pods: Vec<Arc<PodInfo>>,
    pub pods_with_affinity: Vec<Arc<PodInfo>>,
    pub pods_with_required_anti_affinity: Vec<Arc<PodInfo>>,
    pub used_ports: Vec<HostPort>,
    /// How many pods of each group of like pods are here, terminating ones left out.
    pub(super) groups: Vec<(GroupId, usize)>,
    /// Rises with every change in the cache; equal numbers mean equal content.
    pub generation: u64,
}

impl NodeInfo {
    pub fn new(id: NodeId, node: Arc<Node>) -> Self {
        let mut info = Self {
            id,
            name: node.metadata.name.as_deref().unwrap_or_default().into(),
            node: node.clone(),
            unschedulable: false,
            taints: Vec::new(),
            has_hostname: false,
            zone: None,
            allocatable: Resources::default(),
            requested: Resources::default(),
            non_zero_milli_cpu: 0,
            non_zero_memory: 0,
            pods: Vec::new(),
            pods_with_affinity: Vec::new(),
            pods_with_required_anti_affinity: Vec::new(),
            used_ports: Vec::new(),
            groups: Vec::new(),
            generation: 0,
        };
        info.set_node(node);
        info
    }

    pub fn set_node(&mut self, node: Arc<Node>) {
        let status = node.status.as_ref();
        self.allocatable = Resources::from_list(status.and_then(|status| status.allocatable.as_ref()));
        let spec = node.spec.as_ref();
        self.unschedulable = spec.is_some_and(|spec| spec.unschedulable == Some(true));
        self.taints = spec.and_then(|spec| spec.taints.clone()).unwrap_or_default();
        self.node = node;
        self.has_hostname = self.label("kubernetes.io/hostname").is_some();
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.node.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// How many pods here a selector speaks of; terminating pods do not count.
    pub fn count(&self, matcher: &GroupMatcher) -> i64 {
        let matching = self.groups.iter().filter(|(group, _)| matcher.matches(*group));
        i64::try_from(matching.map(|(_, count)| count).sum::<usize>()).unwrap_or(i64::MAX)
    }

    pub fn add_pod(&mut self, pod: Arc<PodInfo>) {
        self.requested.add(&pod.requests.exact);
        self.non_zero_milli_cpu += pod.requests.non_zero_milli_cpu;
        self.non_zero_memory += pod.requests.non_zero_memory;
        self.used_ports.extend(pod.host_ports.iter().cloned());
        if !pod.affinity.is_empty() {
            self.pods_with_affinity.push(pod.clone());
        }
        if !pod.affinity.required_anti.is_empty() {
            self.pods_with_required_anti_affinity.push(pod.clone());
        }
        if !pod.is_terminating() {
            match self.groups.iter_mut().find(|(group, _)| *group == pod.group) {
                Some((_, count)) => *count += 1,
                None => self.groups.push((pod.group, 1)),
            }
        }
        self.pods.push(pod);
    }

    /// Takes a pod off; the last one moves into its place, as upstream's slices do.
    pub fn remove_pod(&mut self, uid: &str) -> Option<Arc<PodInfo>> {
        let pod = take(&mut self.pods, uid)?;
        self.requested.subtract(&pod.requests.exact);
        self.non_zero_milli_cpu -= pod.requests.non_zero_milli_cpu;
        self.non_zero_memory -= pod.requests.non_zero_memory;
        for port in &pod.host_ports {
            if let Some(at) = self.used_ports.iter().position(|used| used == port) {
                self.used_ports.swap_remove(at);
            }
        }
        take(&mut self.pods_with_affinity, uid);
        take(&mut self.pods_with_required_anti_affinity, uid);
        if !pod.is_terminating()
            && let Some(at) = self.groups.iter().position(|(group, _)| *group == pod.group)
        {
            self.groups[at].1 -= 1;
            if self.groups[at].1 == 0 {
                self.groups.swap_remove(at);
            }
        }
        Some(pod)
    }
}

fn take(pods: &mut Vec<Arc<PodInfo>>, uid: &str) -> Option<Arc<PodInfo>> {
    let at = pods.iter().position(|pod| pod.uid() == uid)?;
    Some(pods.swap_remove(at))
}
