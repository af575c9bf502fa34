//! The plugins' contract: which questions an attempt asks them, and what they may answer.
//!
//! Upstream's plugins pass what they computed for a pod from `PreFilter` to `Filter` through a
//! shared state. Here `pre_filter` returns the ready [`Filter`] itself, and `pre_score` the
//! ready [`Score`]: what was computed lives in it. Returning nothing is upstream's `Skip`.
//! Mirrors: kube-scheduler/framework/interface.go, pkg/scheduler/framework/runtime/framework.go.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::cache::{Cache, NodeInfo};
use super::pod_info::PodInfo;
use super::queue::ClusterEvent;

/// The best score of one plugin for one node.
pub const MAX_NODE_SCORE: i64 = 100;

/// Why a node was refused, in the words users read.
pub type Reason = Cow<'static, str>;

/// Whether removing pods could change a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Preemption may help.
    Unschedulable,
    /// No removal of pods changes it.
    UnschedulableAndUnresolvable,
}

/// A refusal: by whom, how final, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub plugin: &'static str,
    pub code: Code,
    /// Usually one; NodeResourcesFit names every resource that lacks.
    pub reasons: Vec<Reason>,
}

/// A filter's answer for one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Fits,
    Rejected(Code, Vec<Reason>),
}

impl Verdict {
    pub fn unschedulable(reason: &'static str) -> Self {
        Self::Rejected(Code::Unschedulable, vec![reason.into()])
    }

    pub fn unresolvable(reason: &'static str) -> Self {
        Self::Rejected(Code::UnschedulableAndUnresolvable, vec![reason.into()])
    }
}

/// What a plugin says about a pod before it looks at nodes.
pub enum PreFilter<'a> {
    /// The plugin has nothing to filter for this pod.
    Skip,
    Filter(Box<dyn Filter<'a> + 'a>),
    /// Only these nodes come into question.
    OnlyNodes(Box<dyn Filter<'a> + 'a>, BTreeSet<String>),
    /// No node will do.
    Reject(Code, Reason),
}

/// Judges nodes for one pod.
pub trait Filter<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict;

    /// Imagines that `pod` ran on `node`, for preemption and nominated pods.
    fn add_pod(&mut self, _pod: &PodInfo, _node: &NodeInfo) {}

    /// Imagines that `pod` no longer ran on `node`.
    fn remove_pod(&mut self, _pod: &PodInfo, _node: &NodeInfo) {}

    /// A copy to imagine with.
    fn boxed(&self) -> Box<dyn Filter<'a> + 'a>;
}

/// Rates nodes for one pod.
pub trait Score {
    fn score(&self, node: &NodeInfo) -> i64;

    /// Brings all nodes' scores into 0 to [`MAX_NODE_SCORE`]; `nodes` are in the order of `scores`.
    fn normalise(&self, _scores: &mut [i64], _nodes: &[&Arc<NodeInfo>]) {}
}

/// A scheduler plugin: takes part where it overrides.
pub trait Plugin: Sync {
    fn name(&self) -> &'static str;

    /// What the plugin's normalised score is multiplied with.
    fn weight(&self) -> i64 {
        0
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, _pod: &'a PodInfo) -> PreFilter<'a> {
        PreFilter::Skip
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        _pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        None
    }

    /// Whether `event` may make a pod schedulable that this plugin refused.
    fn hint(&self, _cache: &Cache, _pod: &PodInfo, _event: &ClusterEvent) -> bool {
        false
    }
}

/// Scales scores so that the largest becomes [`MAX_NODE_SCORE`], or 0 if `reverse`.
///
/// Mirrors: pkg/scheduler/framework/plugins/helper/normalize_score.go.
pub fn default_normalise(scores: &mut [i64], reverse: bool) {
    let largest = scores.iter().copied().max().unwrap_or(0);
    if largest == 0 {
        if reverse {
            scores.fill(MAX_NODE_SCORE);
        }
        return;
    }
    for score in scores {
        *score = *score * MAX_NODE_SCORE / largest;
        if reverse {
            *score = MAX_NODE_SCORE - *score;
        }
    }
}
