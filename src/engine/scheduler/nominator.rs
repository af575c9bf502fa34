//! Pods that wait for a node which preemption is freeing for them.
//!
//! Their place is not reserved. But a pod that is tried meanwhile must fit on the node beside those of
//! them that are not less important than it, and for the sake of affinity without them too; a more
//! important pod does not see them, and may take the place.
//! Mirrors: pkg/scheduler/backend/queue/nominator.go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pod_info::PodInfo;

#[derive(Debug, Clone, Default)]
pub struct Nominator {
    by_node: BTreeMap<Arc<str>, Vec<Arc<PodInfo>>>,
    node_of: BTreeMap<Arc<str>, Arc<str>>,
}

impl Nominator {
    pub fn set(&mut self, pod: Arc<PodInfo>, node: Arc<str>) {
        self.remove(pod.uid());
        self.node_of.insert(pod.uid().into(), node.clone());
        self.by_node.entry(node).or_default().push(pod);
    }

    pub fn remove(&mut self, uid: &str) {
        let Some(node) = self.node_of.remove(uid) else { return };
        if let Some(pods) = self.by_node.get_mut(&node) {
            pods.retain(|pod| pod.uid() != uid);
            if pods.is_empty() {
                self.by_node.remove(&node);
            }
        }
    }

    pub fn on_node(&self, node: &str) -> &[Arc<PodInfo>] {
        if self.by_node.is_empty() {
            return &[];
        }
        self.by_node.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn node_of(&self, uid: &str) -> Option<&Arc<str>> {
        self.node_of.get(uid)
    }
}
