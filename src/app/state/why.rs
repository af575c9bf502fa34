//! "Why here?" and "why nowhere?": the scheduler's own record of an attempt, made ready for a table.
//! No signals; the words around it are the component's.

use api::k8s_openapi::api::core::v1::Pod;
use api::order::Order;
use engine::scheduler::{SchedulingTrace, TraceOutcome};

/// More columns than this cannot be compared by eye; the best come first.
const COLUMNS: usize = 8;

#[derive(Clone, Debug, PartialEq)]
pub struct WhyView {
    pub pod: String,
    pub story: WhyStory,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WhyStory {
    /// The kubelet runs it from a file on its disk.
    Static,
    /// The manifest names the node.
    Named(String),
    /// No attempt yet.
    NotYet,
    /// A past attempt is being played again.
    Looking,
    /// The attempt is too long ago.
    Forgotten,
    Attempt(Attempt),
}

/// One attempt of the scheduler.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    /// Where it put the pod; none: nowhere.
    pub node: Option<String>,
    /// The scheduler's own words when it found no place.
    pub message: String,
    /// Where pods of lower priority make room for it.
    pub nominated: Option<String>,
    pub verdicts: Vec<Verdict>,
    pub not_visited: usize,
    /// Feasible nodes, the best first.
    pub columns: Vec<String>,
    /// Feasible nodes that are not among the columns.
    pub hidden: usize,
    pub scores: Vec<ScoreRow>,
    /// The sum of each column.
    pub totals: Vec<i64>,
    /// Others had the same sum as the chosen one.
    pub tied: bool,
}

/// Whether a node could take the pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub node: String,
    /// Who refused, and in which words; none: it could.
    pub refused: Option<(&'static str, String)>,
}

/// What one plugin gave each column.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    pub plugin: &'static str,
    pub weight: i64,
    /// From 0 to 100.
    pub scores: Vec<i64>,
}

/// What can be said of a pod without its attempt.
pub fn without_attempt(pod: &Pod) -> WhyStory {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
    let mirror = pod.metadata.annotations.as_ref().is_some_and(|all| all.contains_key("kubernetes.io/config.mirror"));
    match (mirror, node.is_empty(), scheduled_at(pod)) {
        (true, ..) => WhyStory::Static,
        (_, true, _) => WhyStory::NotYet,
        // The scheduler leaves a condition with its binding; the kubelet adds its own with the first status.
        (_, false, None) => WhyStory::Named(node),
        (_, false, Some(_)) => WhyStory::Forgotten,
    }
}

/// When the pod was bound, in milliseconds since the epoch, cut to the second.
pub fn scheduled_at(pod: &Pod) -> Option<u64> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let scheduled = conditions.iter().find(|one| one.type_ == "PodScheduled" && one.status == "True")?;
    scheduled.last_transition_time.as_ref().and_then(|time| u64::try_from(api::meta::time::millis(time)).ok())
}

/// An attempt as a table.
pub fn attempt(trace: &SchedulingTrace) -> Attempt {
    let mut attempt = Attempt { not_visited: trace.not_visited, ..Attempt::default() };
    match &trace.outcome {
        TraceOutcome::Scheduled { node } => attempt.node = Some(node.to_string()),
        TraceOutcome::Unschedulable { message, nominated, .. } => {
            attempt.message.clone_from(message);
            attempt.nominated = nominated.as_ref().map(ToString::to_string);
        }
    }
    let passed = trace.feasible_names().map(|node| Verdict { node: node.into(), refused: None });
    let refused = trace.refusals().map(|(node, rejection)| Verdict {
        node: node.into(),
        refused: Some((rejection.plugin, rejection.reasons.join(", "))),
    });
    attempt.verdicts = passed.chain(refused).collect();
    attempt.verdicts.order_by(|a, b| a.refused.is_some().cmp(&b.refused.is_some()).then_with(|| a.node.cmp(&b.node)));

    let names: Vec<&str> = trace.feasible_names().collect();
    let total = |at: usize| trace.totals.get(at).copied().unwrap_or_default();
    let mut order: Vec<usize> = if trace.totals.is_empty() { Vec::new() } else { (0..names.len()).collect() };
    let chosen = attempt.node.clone().unwrap_or_default();
    order.order_by_key(|&at| (names[at] != chosen, -total(at), names[at]));
    attempt.tied = order.get(1).is_some_and(|&second| total(second) == total(order[0]));
    attempt.hidden = order.len().saturating_sub(COLUMNS);
    order.truncate(COLUMNS);
    attempt.columns = order.iter().map(|&at| names[at].to_string()).collect();
    attempt.totals = order.iter().map(|&at| total(at)).collect();
    attempt.scores = trace
        .scores
        .iter()
        .map(|row| ScoreRow {
            plugin: row.plugin,
            weight: row.weight,
            scores: order.iter().map(|&at| row.normalised.get(at).copied().unwrap_or_default()).collect(),
        })
        .collect();
    attempt
}
