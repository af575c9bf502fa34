//! One attempt to schedule one pod: filter the nodes, score those that fit, choose one, or say why not.
//!
//! Mirrors: pkg/scheduler/schedule_one.go, framework/runtime/framework.go
//! `RunFilterPluginsWithNominatedPods`. Left out: extenders, waiting permits, several profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cache::{Cache, NodeId, NodeInfo};
use super::fit_error::{FitError, NO_NODES};
use super::framework::{Code, Filter, MAX_NODE_SCORE, PreFilter, Rejection, Verdict};
use super::nominator::Nominator;
use super::plugins::PLUGINS;
use super::plugins::dynamic_resources::{self, NOT_PREPARED, NOTHING_TO_FREE};
use super::pod_info::PodInfo;
use super::preemption::{self, Nomination};
use super::trace::{PluginScores, SchedulingTrace, TraceOutcome};
use api::order::Gather;

/// Settings of the algorithm.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Stop looking once this share of the nodes fits; 0 adapts to the size of the cluster.
    pub percentage_of_nodes_to_score: usize,
}

/// What an attempt carries over to the next one.
#[derive(Debug, Clone, Default)]
pub struct Algorithm {
    pub settings: Settings,
    /// Where the walk over the nodes begins, so that all get their turn.
    next_start: usize,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Scheduled {
        node: Arc<str>,
    },
    Unschedulable {
        message: String,
        /// Who refused: their hints decide what wakes the pod. Empty means an error, which is retried.
        plugins: BTreeSet<&'static str>,
        /// The node that preemption frees, and whom it removes.
        nomination: Option<Nomination>,
        /// An earlier nomination stands: it was not this attempt's turn to preempt.
        keeps_nomination: bool,
    },
}

/// The ready filters of one pod, by plugin name, in plugin order.
pub type Filters<'a> = Vec<(&'static str, Box<dyn Filter<'a> + 'a>)>;

/// Refused nodes with the first refusal of each.
pub type Refusals = Vec<(NodeId, Rejection)>;

impl Algorithm {
    pub fn new(settings: Settings) -> Self {
        Self { settings, next_start: 0 }
    }

    /// Tries to place `pod`. `pick(n)` chooses one of `n` equals.
    pub fn attempt(
        &mut self,
        cache: &Cache,
        nominator: &Nominator,
        pod: &PodInfo,
        at_ms: i64,
        pick: &mut dyn FnMut(usize) -> usize,
    ) -> (Outcome, SchedulingTrace) {
        let mut trace = empty_trace(cache, pod, at_ms);
        let outcome = self.decide(cache, nominator, pod, &mut trace, pick);
        trace.outcome = match &outcome {
            Outcome::Scheduled { node } => TraceOutcome::Scheduled { node: node.clone() },
            Outcome::Unschedulable { message, nomination, .. } => TraceOutcome::Unschedulable {
                message: message.clone(),
                nominated: nomination.as_ref().map(|nomination| nomination.node.clone()),
                victims: nomination
                    .iter()
                    .flat_map(|nomination| &nomination.victims)
                    .map(|victim| format!("{}/{}", victim.namespace, victim.name))
                    .collect(),
            },
        };
        (outcome, trace)
    }

    fn decide(
        &mut self,
        cache: &Cache,
        nominator: &Nominator,
        pod: &PodInfo,
        trace: &mut SchedulingTrace,
        pick: &mut dyn FnMut(usize) -> usize,
    ) -> Outcome {
        let count = cache.node_count();
        if count == 0 {
            return Outcome::Unschedulable {
                message: NO_NODES.into(),
                plugins: BTreeSet::new(),
                nomination: None,
                keeps_nomination: false,
            };
        }
        let mut error =
            FitError { node_count: count, pre_filter: None, reasons: BTreeMap::new(), post_filter: String::new() };

        let (filters, only_nodes) = match pre_filter(cache, pod) {
            Ok(prepared) => prepared,
            Err(rejection) => {
                error.pre_filter = Some(rejection.reasons.join(", "));
                error.post_filter = if rejection.plugin == "DynamicResources" {
                    let refusal = preemption::post_filter(cache, nominator, pod, &Vec::new(), &Vec::new(), pick);
                    format!("{NOTHING_TO_FREE}, {}", refusal.err().map(|refusal| refusal.message).unwrap_or_default())
                } else {
                    // The claims' plugin was never prepared, and finds nothing to work with.
                    NOT_PREPARED.into()
                };
                let plugins = [rejection.plugin].into_iter().into_set();
                trace.refused_pod = Some(rejection);
                return Outcome::Unschedulable {
                    message: error.to_string(),
                    plugins,
                    nomination: None,
                    keeps_nomination: true,
                };
            }
        };

        let (feasible, refused) = self.find_feasible(cache, nominator, pod, &filters, only_nodes.as_ref());
        trace.feasible = feasible.iter().map(|node| node.id).collect();
        trace.not_visited = count - feasible.len() - refused.len();
        if !feasible.is_empty() {
            trace.refused = refused;
            let node = choose(cache, pod, &feasible, trace, pick);
            return Outcome::Scheduled { node };
        }

        let mut plugins: BTreeSet<&'static str> = refused.iter().map(|(_, rejection)| rejection.plugin).into_set();
        for (_, rejection) in &refused {
            error.count(&rejection.reasons, 1);
        }
        if let Some((plugin, _)) = &only_nodes {
            let absent = count - refused.len();
            error.count(&[format!("node(s) didn't satisfy plugin(s) [{plugin}]").into()], absent);
            plugins.insert(plugin);
        }
        let preempted = preemption::post_filter(cache, nominator, pod, &filters, &refused, pick);
        let (nomination, keeps_nomination) = match preempted {
            Ok(nomination) => (Some(nomination), false),
            Err(refusal) => {
                error.post_filter = format!("{}, {}", dynamic_resources::post_filter(pod), refusal.message);
                (None, refusal.keeps_nomination)
            }
        };
        trace.refused = refused;
        Outcome::Unschedulable { message: error.to_string(), plugins, nomination, keeps_nomination }
    }

    /// Walks the nodes until enough fit.
    fn find_feasible<'c>(
        &mut self,
        cache: &'c Cache,
        nominator: &Nominator,
        pod: &PodInfo,
        filters: &Filters,
        only_nodes: Option<&(&'static str, BTreeSet<String>)>,
    ) -> (Vec<&'c Arc<NodeInfo>>, Refusals) {
        let mut feasible = Vec::new();
        let mut refused = Refusals::new();
        let count = cache.node_count();
        // A node that preemption freed for this pod is tried first, and alone.
        if let Some(node) = pod.nominated_node().and_then(|name| cache.node_named(name)) {
            // Refused, it is judged again below, with all others.
            if filter_with_nominated(nominator, pod, filters, node).is_ok() {
                return (vec![node], refused);
            }
        }
        let mut judge = |node: &'c Arc<NodeInfo>| {
            match filter_with_nominated(nominator, pod, filters, node) {
                Ok(()) => feasible.push(node),
                Err(rejection) => refused.push((node.id, rejection)),
            }
            feasible.len()
        };
        match only_nodes {
            Some((_, names)) => {
                for node in names.iter().filter_map(|name| cache.node_named(name)) {
                    judge(node);
                }
            }
            None => {
                let wanted = self.feasible_to_find(count);
                let (before, after) = cache.order().split_at(self.next_start % count);
                for id in after.iter().chain(before) {
                    if judge(cache.node(*id)) == wanted {
                        break;
                    }
                }
            }
        }
        self.next_start = (self.next_start + feasible.len() + refused.len()) % count;
        (feasible, refused)
    }

    /// How many feasible nodes are enough to choose from.
    fn feasible_to_find(&self, count: usize) -> usize {
        const AT_LEAST: usize = 100;
        if count < AT_LEAST {
            return count;
        }
        let percentage = match self.settings.percentage_of_nodes_to_score {
            0 => 50usize.saturating_sub(count / 125).max(5),
            fixed => fixed,
        };
        if percentage >= 100 { count } else { (count * percentage / 100).max(AT_LEAST) }
    }
}

fn empty_trace(cache: &Cache, pod: &PodInfo, at_ms: i64) -> SchedulingTrace {
    SchedulingTrace {
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        uid: pod.uid().into(),
        at_ms,
        names: cache.names().clone(),
        refused: Vec::new(),
        feasible: Vec::new(),
        not_visited: 0,
        refused_pod: None,
        scores: Vec::new(),
        totals: Vec::new(),
        outcome: TraceOutcome::Unschedulable { message: String::new(), nominated: None, victims: Vec::new() },
    }
}

/// Nodes to which a plugin limits the search, with its name.
type OnlyNodes = Option<(&'static str, BTreeSet<String>)>;

/// Lets every plugin prepare for the pod; the first refusal ends the attempt.
fn pre_filter<'a>(cache: &'a Cache, pod: &'a PodInfo) -> Result<(Filters<'a>, OnlyNodes), Rejection> {
    let mut filters = Filters::new();
    let mut only_nodes: OnlyNodes = None;
    for plugin in PLUGINS {
        let name = plugin.name();
        match plugin.pre_filter(cache, pod) {
            PreFilter::Skip => {}
            PreFilter::Filter(filter) => filters.push((name, filter)),
            PreFilter::OnlyNodes(filter, names) => {
                filters.push((name, filter));
                // One plugin limits nodes (NodeAffinity); upstream intersects if there are more.
                only_nodes = Some((name, names));
            }
            PreFilter::Reject(code, reason) => return Err(Rejection { plugin: name, code, reasons: vec![reason] }),
        }
    }
    Ok((filters, only_nodes))
}

/// Judges a node, first as if pods of higher or equal priority nominated to it were there already.
///
/// Both views must fit: with them, because they come first; without them, because they
/// may never arrive and the pod must not rely on them.
pub fn filter_with_nominated(
    nominator: &Nominator,
    pod: &PodInfo,
    filters: &Filters,
    node: &NodeInfo,
) -> Result<(), Rejection> {
    let expected = nominator.on_node(&node.name);
    if expected.iter().any(|other| other.priority >= pod.priority && other.uid() != pod.uid()) {
        let mut imagined = node.clone();
        let mut imagining: Filters = filters.iter().map(|(name, filter)| (*name, filter.boxed())).collect();
        for other in expected.iter().filter(|other| other.priority >= pod.priority && other.uid() != pod.uid()) {
            imagined.add_pod(other.clone());
            for (_, filter) in &mut imagining {
                filter.add_pod(other, &imagined);
            }
        }
        filter_node(&imagining, &imagined)?;
    }
    filter_node(filters, node)
}

fn filter_node(filters: &Filters, node: &NodeInfo) -> Result<(), Rejection> {
    for (plugin, filter) in filters {
        if let Verdict::Rejected(code, reasons) = filter.filter(node) {
            return Err(Rejection { plugin, code, reasons });
        }
    }
    Ok(())
}

/// Scores the feasible nodes and takes one of the best.
fn choose(
    cache: &Cache,
    pod: &PodInfo,
    feasible: &[&Arc<NodeInfo>],
    trace: &mut SchedulingTrace,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Arc<str> {
    // A single node needs no scores.
    if let [only] = feasible {
        return only.name.clone();
    }
    let mut totals = vec![0; feasible.len()];
    for plugin in PLUGINS {
        let Some(scorer) = plugin.pre_score(cache, pod, feasible) else { continue };
        let raw: Vec<i64> = feasible.iter().map(|node| scorer.score(node)).collect();
        let mut normalised = raw.clone();
        scorer.normalise(&mut normalised, feasible);
        debug_assert!(normalised.iter().all(|score| (0..=MAX_NODE_SCORE).contains(score)), "{}", plugin.name());
        for (total, score) in totals.iter_mut().zip(&normalised) {
            *total += plugin.weight() * score;
        }
        trace.scores.push(PluginScores { plugin: plugin.name(), weight: plugin.weight(), raw, normalised });
    }
    let best = totals.iter().copied().max().unwrap_or(0);
    let equals = totals.iter().filter(|total| **total == best).count();
    let chosen = pick(equals);
    let node = feasible.iter().zip(&totals).filter(|(_, total)| **total == best).nth(chosen).map(|(node, _)| node);
    trace.totals = totals;
    node.unwrap_or(&feasible[0]).name.clone()
}

/// Whether preemption could change this refusal.
pub fn may_be_resolved(rejection: &Rejection) -> bool {
    rejection.code == Code::Unschedulable
}

#[cfg(test)]
mod tests;
