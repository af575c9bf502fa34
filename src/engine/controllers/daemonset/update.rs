//! Rolling out a new template, node by node.
//!
//! Without a surge, old daemons are removed, as many at a time as may be missing, and the next
//! sync makes the new ones. With a surge, new ones are made beside the old, which go when those serve.
//! Mirrors: pkg/controller/daemon/update.go `rollingUpdate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::DaemonSet;
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::meta::int_or_string::scaled;
use api::order::Gather;

use super::placement::Rules;
use super::{Placed, nodes, revision};
use crate::client::Context;
use crate::controllers::pods;

/// What a rollout does next.
#[derive(Default)]
pub struct Step {
    /// Nodes that get a daemon beside the one they have.
    pub nodes: Vec<String>,
    /// Old daemons that are removed.
    pub pods: Vec<Arc<Pod>>,
}

/// Nodes without a daemon, and nodes with two, that a rollout may have at a time: (unavailable, surge).
struct Limits {
    unavailable: usize,
    surge: usize,
}

/// Whether nodes may have two daemons while a rollout runs.
pub fn allows_surge(set: &DaemonSet) -> bool {
    limits(set, 100).surge > 0
}

/// Percentages round up.
fn limits(set: &DaemonSet, nodes: i32) -> Limits {
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let share = |limit: Option<&IntOrString>, otherwise: i32| {
        limit.map_or(otherwise, |limit| scaled(limit, nodes, true).unwrap_or(otherwise)).max(0) as usize
    };
    let surge = share(rolling.and_then(|rolling| rolling.max_surge.as_ref()), 0);
    let unavailable = share(rolling.and_then(|rolling| rolling.max_unavailable.as_ref()), 1);
    // Neither would never move.
    Limits { unavailable: if surge == 0 { unavailable.max(1) } else { unavailable }, surge }
}

/// The next step towards the new revision.
pub fn next(cx: &Context, set: &DaemonSet, placed: &Placed, rules: &Rules) -> Step {
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
        return Step::default();
    }
    // Every node that should have a daemon, and every other that has one.
    let mut sites: BTreeMap<&str, (bool, &[Arc<Pod>])> =
        placed.iter().map(|(node, here)| (node.as_str(), (false, here.as_slice()))).into_map();
    for node in cx.api.list::<Node>("").filter(|node| nodes::suits(set, node).0) {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        sites.entry(name).or_insert((true, &[])).0 = true;
    }
    let desired = sites.values().filter(|(should_run, _)| *should_run).count();
    let limits = limits(set, desired as i32);
    if limits.surge == 0 {
        replace(&sites, limits.unavailable, rules)
    } else {
        surge(&sites, limits.surge, desired, rules)
    }
}

type Sites<'a> = BTreeMap<&'a str, (bool, &'a [Arc<Pod>])>;

/// The daemons of one node.
struct Pair<'a> {
    new: Option<&'a Arc<Pod>>,
    old: Option<&'a Arc<Pod>>,
}

/// The daemon of the new revision and the one of an old; `None` while there are more than one of either.
fn pair<'a>(here: &'a [Arc<Pod>], hash: &str) -> Option<Pair<'a>> {
    let staying = || here.iter().filter(|pod| !pods::is_terminating(pod));
    let mut new = staying().filter(|pod| revision::is_current(pod, hash));
    let mut old = staying().filter(|pod| !revision::is_current(pod, hash));
    let pair = Pair { new: new.next(), old: old.next() };
    (new.next().is_none() && old.next().is_none()).then_some(pair)
}

/// Removes old daemons: those that serve nobody at once, though they count; the others within what is left of the limit.
fn replace(sites: &Sites, limit: usize, rules: &Rules) -> Step {
    let available = |pod: &Pod| pods::available(pod, rules.min_ready, rules.unix).is_ok();
    let (mut unavailable, mut idle, mut serving) = (0, Vec::new(), Vec::new());
    for (_, here) in sites.values() {
        match pair(here, rules.hash) {
            Some(Pair { new: Some(new), old: None }) => unavailable += usize::from(!available(new)),
            Some(Pair { new: None, old: Some(old) }) if available(old) => serving.push(old.clone()),
            // Removing it costs nothing, but nobody serves there for now.
            Some(Pair { new: None, old: Some(old) }) => {
                idle.push(old.clone());
                unavailable += 1;
            }
            // Made or cleaned up elsewhere; nobody serves there.
            _ => unavailable += 1,
        }
    }
    idle.extend(serving.into_iter().take(limit.saturating_sub(unavailable)));
    Step { nodes: Vec::new(), pods: idle }
}

/// Makes new daemons beside old ones within the limit, and removes old ones whose successors serve.
fn surge(sites: &Sites, limit: usize, desired: usize, rules: &Rules) -> Step {
    let available = |pod: &Pod| pods::available(pod, rules.min_ready, rules.unix).is_ok();
    let (mut surging, mut serving) = (0, 0);
    let (mut at_once, mut in_turn, mut removed, mut unwanted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (node, (should_run, here)) in sites {
        let Some(Pair { new, old }) = pair(here, rules.hash) else {
            surging += 1;
            continue;
        };
        serving += usize::from(old.or(new).is_some_and(|pod| available(pod)));
        match (new, old) {
            (_, None) => {}
            (None, Some(old)) => match (available(old), should_run) {
                (false, true) => at_once.push(node.to_string()),
                (false, false) => removed.push(old.clone()),
                (true, false) => unwanted.push(old.clone()),
                (true, true) => in_turn.push(node.to_string()),
            },
            (Some(new), Some(old)) if available(new) => removed.push(old.clone()),
            (Some(_), Some(_)) => surging += 1,
        }
    }
    // Where a daemon should not be any more it stays until another one serves in its place.
    removed.extend(unwanted.into_iter().take(usize::saturating_sub(serving, desired)));
    at_once.extend(in_turn.into_iter().take(limit.saturating_sub(surging)));
    Step { nodes: at_once, pods: removed }
}
