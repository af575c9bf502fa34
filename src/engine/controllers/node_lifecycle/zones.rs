//! How fast nodes may be emptied: one each ten seconds, and none at all where too many are silent at once.
//!
//! Whoever hears of no node any more is more likely deaf than alone. So where most nodes of a zone fall silent, pods
//! stay where they are; and when all zones have, even taints that were there go. A node whose pods had to be told
//! first is tainted before anybody has counted.
//! Mirrors: pkg/controller/nodelifecycle `handleDisruption`, `ComputeZoneState`, `ReducedQPSFunc`. Left out: nodes
//! that labels exclude from the count.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::Node;

use crate::sim::{Millis, SECOND};

/// Between two nodes of a zone.
const PACE: Millis = 10 * SECOND;
/// The same, where a large zone is in trouble; a small one waits for better times.
const SLOW_PACE: Millis = 100 * SECOND;
/// Nodes of a small zone, at most.
const LARGE: usize = 50;
/// Hundredths of a zone's nodes that must be silent, and how many at least, before it is in trouble.
const UNHEALTHY: usize = 55;
const UNHEALTHY_AT_LEAST: usize = 3;

/// Nodes of a zone at one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub ready: usize,
    pub silent: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Normal,
    Partial,
    Full,
}

impl Count {
    fn state(self) -> State {
        let Count { ready, silent } = self;
        if ready == 0 && silent > 0 {
            State::Full
        } else if silent >= UNHEALTHY_AT_LEAST && silent * 100 >= UNHEALTHY * (silent + ready) {
            State::Partial
        } else {
            State::Normal
        }
    }
}

#[derive(Debug, Clone)]
struct Zone {
    state: State,
    /// Between two nodes; none may be emptied without one.
    pace: Option<Millis>,
    /// When the next node may be emptied.
    next: Millis,
}

/// What all zones together have come to since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    /// The last of them fell silent.
    AllSilent,
    /// One of them is heard of again.
    Heard,
}

#[derive(Debug, Clone, Default)]
pub struct Zones(BTreeMap<String, Zone>);

/// The zone a node is in; most clusters are one.
pub fn of(node: &Node) -> String {
    let label = |key: &str| node.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str);
    format!("{}/{}", label("topology.kubernetes.io/region"), label("topology.kubernetes.io/zone"))
}

impl Zones {
    /// Whether one more node of the zone may be emptied now; it is counted as done.
    pub fn grant(&mut self, zone: &str, now: Millis) -> bool {
        let zone = self.0.entry(zone.into()).or_insert(Zone { state: State::Normal, pace: Some(PACE), next: 0 });
        let Some(pace) = zone.pace.filter(|_| zone.next <= now) else { return false };
        zone.next = now + pace;
        true
    }

    /// Takes note of a look at all nodes.
    pub fn settle(&mut self, counts: &BTreeMap<String, Count>, now: Millis) -> Change {
        self.0.retain(|name, _| counts.contains_key(name));
        for name in counts.keys() {
            let fresh = Zone { state: State::Normal, pace: Some(PACE), next: 0 };
            self.0.entry(name.clone()).or_insert(fresh);
        }
        let all_were = !self.0.is_empty() && self.0.values().all(|zone| zone.state == State::Full);
        let all_are = !counts.is_empty() && counts.values().all(|count| count.state() == State::Full);
        for (name, zone) in &mut self.0 {
            let count = counts.get(name).copied().unwrap_or_default();
            let state = count.state();
            if state == zone.state && all_are == all_were {
                continue;
            }
            zone.state = state;
            let large = count.ready + count.silent > LARGE;
            let pace = match state {
                _ if all_are => None,
                State::Partial => large.then_some(SLOW_PACE),
                State::Normal | State::Full => Some(PACE),
            };
            // Who waited for nothing waits one turn.
            if zone.pace.is_none() {
                zone.next = now + pace.unwrap_or(0);
            }
            zone.pace = pace;
        }
        match (all_were, all_are) {
            (false, true) => Change::AllSilent,
            (true, false) => Change::Heard,
            _ => Change::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One zone: seconds, ready and silent nodes, what that is a change to, and whether a node may be emptied then.
    #[test]
    fn the_more_are_silent_the_fewer_are_emptied() {
        let mut zones = Zones::default();
        for (second, ready, silent, change, granted) in [
            (0, 4, 0, Change::None, true),
            (5, 3, 1, Change::None, false),
            (10, 2, 2, Change::None, true),
            (15, 2, 2, Change::None, false),
            (20, 1, 3, Change::None, false),
            (40, 1, 3, Change::None, false),
            (45, 0, 4, Change::AllSilent, false),
            (90, 0, 4, Change::None, false),
            (95, 1, 3, Change::Heard, false),
            (100, 2, 2, Change::None, false),
            (110, 2, 2, Change::None, true),
        ] {
            let counts = [("z".to_owned(), Count { ready, silent })].into();
            assert_eq!(zones.settle(&counts, second * SECOND), change, "{second}");
            assert_eq!(zones.grant("z", second * SECOND), granted, "{second}");
        }
    }

    #[test]
    fn a_silent_zone_is_emptied_while_another_is_heard() {
        let mut zones = Zones::default();
        let count = |ready, silent| Count { ready, silent };
        let counts = |a, b| [("a".to_owned(), a), ("b".to_owned(), b)].into();
        assert_eq!(zones.settle(&counts(count(2, 0), count(0, 2)), 0), Change::None);
        assert!(zones.grant("b", 0) && !zones.grant("b", 0) && zones.grant("a", 0));
        assert_eq!(zones.settle(&counts(count(0, 2), count(0, 2)), SECOND), Change::AllSilent);
        assert!(!zones.grant("b", 60 * SECOND));
    }
}
