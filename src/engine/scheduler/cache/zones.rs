//! Pods counted per zone and group of like pods, kept up to date one pod at a time.
//!
//! Spreading over zones is what every replica is scored by; counting it anew would walk all nodes
//! for each pod. Ours: upstream walks them, on sixteen threads.

use std::collections::BTreeMap;

use super::groups::{GroupId, GroupMatcher};
use super::node_info::NodeInfo;

/// The label whose values are counted.
pub const ZONE: &str = "topology.kubernetes.io/zone";

/// A zone's number, never given to another one.
pub type ZoneId = usize;

#[derive(Debug, Clone, Default)]
pub struct Zones {
    ids: BTreeMap<String, ZoneId>,
    all: Vec<Zone>,
}

#[derive(Debug, Clone, Default)]
struct Zone {
    name: String,
    nodes: usize,
    pods: BTreeMap<GroupId, usize>,
}

impl Zones {
    /// Counts a node with all its pods in, and tells it its zone.
    pub fn enter(&mut self, node: &mut NodeInfo) {
        node.zone = node.label(ZONE).map(|name| match self.ids.get(name) {
            Some(id) => *id,
            None => {
                let id = self.all.len();
                self.ids.insert(name.to_owned(), id);
                self.all.push(Zone { name: name.to_owned(), ..Zone::default() });
                id
            }
        });
        let Some(id) = node.zone else { return };
        self.all[id].nodes += 1;
        for (group, count) in &node.groups {
            *self.all[id].pods.entry(*group).or_default() += count;
        }
    }

    /// Counts a node with all its pods out.
    pub fn leave(&mut self, node: &NodeInfo) {
        let Some(zone) = node.zone.and_then(|id| self.all.get_mut(id)) else { return };
        zone.nodes -= 1;
        for (group, count) in &node.groups {
            take(zone, *group, *count);
        }
    }

    pub fn pod_added(&mut self, node: &NodeInfo, group: GroupId) {
        if let Some(zone) = node.zone.and_then(|id| self.all.get_mut(id)) {
            *zone.pods.entry(group).or_default() += 1;
        }
    }

    pub fn pod_removed(&mut self, node: &NodeInfo, group: GroupId) {
        if let Some(zone) = node.zone.and_then(|id| self.all.get_mut(id)) {
            take(zone, group, 1);
        }
    }

    /// How many zones there have ever been: one more than the largest number.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Every zone that has nodes, with the pods that a selector speaks of.
    pub fn count<'a>(&'a self, matcher: &'a GroupMatcher) -> impl Iterator<Item = (ZoneId, &'a str, i64)> {
        self.all.iter().enumerate().filter(|(_, zone)| zone.nodes > 0).map(|(id, zone)| {
            let count: usize = matcher.groups().iter().filter_map(|group| zone.pods.get(group)).sum();
            (id, zone.name.as_str(), i64::try_from(count).unwrap_or(i64::MAX))
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
