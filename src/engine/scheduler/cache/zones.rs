//! Pods counted per zone and group of like pods, kept up to date one pod at a time.
//!
//! Spreading over zones is what every replica is scored by; counting it anew would walk all nodes
//! for each pod. Ours: upstream walks them, on sixteen threads.

use std::collections::BTreeMap;

use super::groups::{GroupId, GroupMatcher};
use super::node_info::NodeInfo;

/// The label whose values are counted.
pub const ZONE: &str = "topology.kubernetes.io/zone";

#[derive(Debug, Clone, Default)]
pub struct Zones {
    by_zone: BTreeMap<String, Zone>,
}

#[derive(Debug, Clone, Default)]
struct Zone {
    nodes: usize,
    pods: BTreeMap<GroupId, usize>,
}

impl Zones {
    /// Counts a node with all its pods in.
    pub fn enter(&mut self, node: &NodeInfo) {
        let Some(name) = node.label(ZONE) else { return };
        let zone = self.by_zone.entry(name.to_owned()).or_default();
        zone.nodes += 1;
        for (group, count) in &node.groups {
            *zone.pods.entry(*group).or_default() += count;
        }
    }

    /// Counts a node with all its pods out.
    pub fn leave(&mut self, node: &NodeInfo) {
        let Some(name) = node.label(ZONE) else { return };
        let Some(zone) = self.by_zone.get_mut(name) else { return };
        zone.nodes -= 1;
        for (group, count) in &node.groups {
            take(zone, *group, *count);
        }
        if zone.nodes == 0 {
            self.by_zone.remove(name);
        }
    }

    pub fn pod_added(&mut self, node: &NodeInfo, group: GroupId) {
        if let Some(zone) = node.label(ZONE).and_then(|name| self.by_zone.get_mut(name)) {
            *zone.pods.entry(group).or_default() += 1;
        }
    }

    pub fn pod_removed(&mut self, node: &NodeInfo, group: GroupId) {
        if let Some(zone) = node.label(ZONE).and_then(|name| self.by_zone.get_mut(name)) {
            take(zone, group, 1);
        }
    }

    /// Every zone that has nodes, with the pods that a selector speaks of.
    pub fn count<'a>(&'a self, matcher: &'a GroupMatcher) -> impl Iterator<Item = (&'a str, usize)> {
        self.by_zone.iter().map(|(name, zone)| {
            let matching = zone.pods.iter().filter(|(group, _)| matcher.matches(**group));
            (name.as_str(), matching.map(|(_, count)| count).sum())
        })
    }
}

fn take(zone: &mut Zone, group: GroupId, count: usize) {
    if let Some(left) = zone.pods.get_mut(&group) {
        *left -= count;
        if *left == 0 {
            zone.pods.remove(&group);
        }
    }
}
