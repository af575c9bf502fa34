//! What one scheduling attempt saw and decided, node by node and plugin by plugin: the page's "why here?".
//!
//! Ours: kube-scheduler only logs this, at verbosity 10.

use std::sync::Arc;

use imbl::Vector;

use super::cache::NodeId;
use super::framework::{Reason, Rejection};

/// How many attempts are kept whole.
const KEPT: usize = 300;

/// One attempt to schedule one pod.
#[derive(Debug, Clone, PartialEq)]
pub struct SchedulingTrace {
    pub namespace: Arc<str>,
    pub pod: Arc<str>,
    pub uid: Arc<str>,
    /// Virtual time of the attempt, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Every node's name by its id.
    pub names: Arc<Vec<Arc<str>>>,
    /// Refused nodes with the first plugin that refused each.
    pub refused: Vec<(NodeId, Rejection)>,
    /// Nodes that passed every filter, in the order in which they were walked.
    pub feasible: Vec<NodeId>,
    /// Nodes not looked at, because enough others were feasible.
    pub not_visited: usize,
    /// A plugin's word about the pod as a whole, before any node.
    pub refused_pod: Option<Rejection>,
    /// One row per scoring plugin; empty when one node or none was feasible.
    pub scores: Vec<PluginScores>,
    /// Weighted sum per feasible node, in the order of `feasible`.
    pub totals: Vec<i64>,
    pub outcome: TraceOutcome,
}

/// One plugin's scores of the feasible nodes, in the order of [`SchedulingTrace::feasible`].
#[derive(Debug, Clone, PartialEq)]
pub struct PluginScores {
    pub plugin: &'static str,
    pub weight: i64,
    pub raw: Vec<i64>,
    pub normalised: Vec<i64>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TraceOutcome {
    Scheduled { node: Arc<str> },
    Unschedulable { message: String, nominated: Option<Arc<str>>, victims: Vec<String> },
}

impl SchedulingTrace {
    /// The feasible nodes' names, in the order of scores and totals.
    pub fn feasible_names(&self) -> impl Iterator<Item = &str> {
        self.feasible.iter().map(|id| &*self.names[*id])
    }

    /// The refused nodes' names and refusals.
    pub fn refusals(&self) -> impl Iterator<Item = (&str, &Rejection)> {
        self.refused.iter().map(|(id, rejection)| (&*self.names[*id], rejection))
    }

    /// A node's verdict in words: empty if it was feasible, `None` if it was not looked at.
    pub fn reasons(&self, node: &str) -> Option<&[Reason]> {
        if self.feasible_names().any(|name| name == node) {
            return Some(&[]);
        }
        self.refusals().find(|(name, _)| *name == node).map(|(_, rejection)| &rejection.reasons[..])
    }

    /// The weighted sum of a feasible node, if scores were taken.
    pub fn total(&self, node: &str) -> Option<i64> {
        let at = self.feasible_names().position(|name| name == node)?;
        self.totals.get(at).copied()
    }
}

/// The last few hundred attempts, oldest first. Cloning costs a pointer.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    kept: Vector<Arc<SchedulingTrace>>,
    taken: u64,
}

impl Traces {
    pub fn push(&mut self, trace: SchedulingTrace) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(trace));
        self.taken += 1;
    }

    /// How many attempts there have been, those included that are no longer kept.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<SchedulingTrace>> {
        self.kept.iter()
    }

    /// The latest attempt for a pod.
    pub fn latest(&self, uid: &str) -> Option<&Arc<SchedulingTrace>> {
        self.kept.iter().rev().find(|trace| *trace.uid == *uid)
    }
}
