//! DefaultPreemption: which pods of lower priority must go so that this one fits, and on which node.
//!
//! Every node whose refusal may be resolved is dry-run: all lower-priority pods are taken off, and
//! if the pod then fits, as many as possible are let back on, the important ones first, and before
//! all others those whose disruption budget would be broken. Who cannot come back is a victim.
//! Mirrors: pkg/scheduler/framework/preemption/preemption.go,
//! framework/plugins/defaultpreemption/default_preemption.go. Left out: extenders; pod groups;
//! the asynchronous clean-up (the scheduler's effects are instantaneous here).

mod choice;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::meta::Selector;
use api::order::Order;

use super::cache::{Cache, NodeInfo};
use super::cycle::{Filters, Refusals, filter_with_nominated, may_be_resolved};
use super::fit_error::FitError;
use super::framework::{Code, Reason, Rejection};
use super::nominator::Nominator;
use super::pod_info::PodInfo;

pub use choice::more_important;

/// The plugin's name in traces and configuration.
pub const NAME: &str = "DefaultPreemption";

/// A node that preemption frees for a pod.
#[derive(Debug, Clone)]
pub struct Nomination {
    pub node: Arc<str>,
    /// Most important first: the order in which they are deleted.
    pub victims: Vec<Arc<PodInfo>>,
    /// Pods of lower priority that were waiting for the same node, and must look for another.
    pub displaced: Vec<Arc<PodInfo>>,
}

impl PartialEq for Nomination {
    fn eq(&self, other: &Self) -> bool {
        let uids = |pods: &[Arc<PodInfo>]| pods.iter().map(|pod| pod.uid().to_owned()).collect::<Vec<_>>();
        self.node == other.node
            && uids(&self.victims) == uids(&other.victims)
            && uids(&self.displaced) == uids(&other.displaced)
    }
}

/// Why no node is freed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As FailedScheduling says it.
    pub message: String,
    /// The pod was not allowed to try; what was nominated for it before stands.
    pub keeps_nomination: bool,
}

/// What a dry run found for one node.
struct Candidate<'c> {
    node: &'c Arc<NodeInfo>,
    victims: Vec<Arc<PodInfo>>,
    /// How many victims break a disruption budget.
    violations: usize,
}

/// Looks for a node to free.
///
/// # Errors
/// Why there is none.
pub fn post_filter(
    cache: &Cache,
    nominator: &Nominator,
    pod: &PodInfo,
    filters: &Filters,
    refused: &Refusals,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Result<Nomination, Refusal> {
    if let Some(obstacle) = not_eligible(cache, pod, refused) {
        return Err(Refusal { message: format!("preemption: {obstacle}"), keeps_nomination: true });
    }
    let potential: Vec<&Arc<NodeInfo>> =
        refused.iter().filter(|(_, rejection)| may_be_resolved(rejection)).map(|(id, _)| cache.node(*id)).collect();
    let (candidates, statuses) = dry_run(cache, nominator, pod, filters, &potential, pick);
    let Some(chosen) = choice::best(candidates, pick) else {
        let total = cache.node_count();
        let mut error =
            FitError { node_count: total, pre_filter: None, reasons: BTreeMap::new(), post_filter: String::new() };
        for rejection in &statuses {
            error.count(&rejection.reasons, 1);
        }
        if statuses.len() < total {
            let hopeless: Reason = "Preemption is not helpful for scheduling".into();
            error.count(&[hopeless], total - statuses.len());
        }
        return Err(Refusal { message: format!("preemption: {error}"), keeps_nomination: false });
    };
    let displaced =
        nominator.on_node(&chosen.node.name).iter().filter(|other| other.priority < pod.priority).cloned().collect();
    Ok(Nomination { node: chosen.node.name.clone(), victims: chosen.victims, displaced })
}

/// Why the pod may not preempt now, if so.
fn not_eligible(cache: &Cache, pod: &PodInfo, refused: &Refusals) -> Option<&'static str> {
    if pod.spec().and_then(|spec| spec.preemption_policy.as_deref()) == Some("Never") {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let node = cache.node_named(pod.nominated_node()?)?;
    let hopeless =
        refused.iter().any(|(id, rejection)| *id == node.id && rejection.code == Code::UnschedulableAndUnresolvable);
    // Another node may be freed if the nominated one has become impossible.
    if hopeless {
        return None;
    }
    let leaving = node.pods.iter().any(|other| other.priority < pod.priority && terminating_by_preemption(other));
    leaving.then_some("not eligible due to a terminating pod on the nominated node.")
}

fn terminating_by_preemption(pod: &PodInfo) -> bool {
    let conditions = pod.pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    pod.is_terminating()
        && conditions.iter().any(|condition| {
            condition.type_ == "DisruptionTarget"
                && condition.status == "True"
                && condition.reason.as_deref() == Some("PreemptionByScheduler")
        })
}

/// Tries the nodes in turn from a random one, until enough can be freed.
fn dry_run<'c>(
    cache: &Cache,
    nominator: &Nominator,
    pod: &PodInfo,
    filters: &Filters,
    potential: &[&'c Arc<NodeInfo>],
    pick: &mut dyn FnMut(usize) -> usize,
) -> (Vec<Candidate<'c>>, Vec<Rejection>) {
    if potential.is_empty() {
        return (Vec::new(), Vec::new());
    }
    // A tenth of the nodes, but at least a hundred.
    let enough = (potential.len() / 10).max(100).min(potential.len());
    // All nodes are tried where all are enough: then the first one is no choice.
    let offset = if enough == potential.len() { 0 } else { pick(potential.len()) };
    let budgets = Budgets::new(cache);
    let (before, after) = potential.split_at(offset);
    let (mut clean, mut violating, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
    for node in after.iter().chain(before) {
        match select_victims(nominator, pod, filters, node, &budgets) {
            Ok((victims, 0)) => clean.push(Candidate { node, victims, violations: 0 }),
            Ok((victims, violations)) => violating.push(Candidate { node, victims, violations }),
            Err(rejection) => statuses.push(rejection),
        }
        if !clean.is_empty() && clean.len() + violating.len() >= enough {
            break;
        }
    }
    clean.extend(violating);
    (clean, statuses)
}

/// The pods that must leave `node`, most important first, and how many of them break a budget.
fn select_victims(
    nominator: &Nominator,
    pod: &PodInfo,
    filters: &Filters,
    node: &NodeInfo,
    budgets: &Budgets,
) -> Result<(Vec<Arc<PodInfo>>, usize), Rejection> {
    let mut lesser: Vec<Arc<PodInfo>> =
        node.pods.iter().filter(|other| other.priority < pod.priority).cloned().collect();
    if lesser.is_empty() {
        return Err(Rejection {
            plugin: NAME,
            code: Code::UnschedulableAndUnresolvable,
            reasons: vec!["No preemption victims found for incoming pod".into()],
        });
    }
    let mut imagined = node.clone();
    let mut imagining: Filters = filters.iter().map(|(name, filter)| (*name, filter.boxed())).collect();
    for other in &lesser {
        remove(&mut imagined, &mut imagining, other);
    }
    filter_with_nominated(nominator, pod, &imagining, &imagined)?;

    lesser.order_by(more_important);
    let (violating, harmless) = budgets.split(lesser);
    let mut victims = Vec::new();
    let mut violations = 0;
    let mixed = !violating.is_empty() && !harmless.is_empty();
    for (others, breaks_budget) in [(violating, true), (harmless, false)] {
        for other in others {
            add(&mut imagined, &mut imagining, &other);
            if filter_with_nominated(nominator, pod, &imagining, &imagined).is_err() {
                remove(&mut imagined, &mut imagining, &other);
                victims.push(other);
                violations += usize::from(breaks_budget);
            }
        }
    }
    if mixed {
        victims.order_by(more_important);
    }
    Ok((victims, violations))
}

fn add(node: &mut NodeInfo, filters: &mut Filters, pod: &Arc<PodInfo>) {
    node.add_pod(pod.clone());
    for (_, filter) in filters {
        filter.add_pod(pod, node);
    }
}

fn remove(node: &mut NodeInfo, filters: &mut Filters, pod: &Arc<PodInfo>) {
    node.remove_pod(pod.uid());
    for (_, filter) in filters {
        filter.remove_pod(pod, node);
    }
}

/// Disruption budgets with their selectors read, and how many disruptions each still allows.
struct Budgets {
    all: Vec<Budget>,
}

struct Budget {
    namespace: String,
    selector: Selector,
    allowed: i32,
    /// Pods whose disruption has been counted already.
    disrupted: Vec<String>,
}

impl Budgets {
    fn new(cache: &Cache) -> Self {
        let all = cache.listers.budgets.values().map(|budget| {
            let status = budget.status.as_ref();
            Budget {
                namespace: budget.metadata.namespace.clone().unwrap_or_default(),
                selector: Selector::from_label_selector(budget.spec.as_ref().and_then(|spec| spec.selector.as_ref())),
                allowed: status.and_then(|status| status.disruptions_allowed).unwrap_or(0),
                disrupted: status
                    .and_then(|status| status.disrupted_pods.as_ref())
                    .map(|pods| pods.keys().cloned().collect())
                    .unwrap_or_default(),
            }
        });
        Self { all: all.collect() }
    }

    /// Splits pods, in order, into those that would break a budget and the others.
    fn split(&self, pods: Vec<Arc<PodInfo>>) -> (Vec<Arc<PodInfo>>, Vec<Arc<PodInfo>>) {
        let mut left: Vec<i32> = self.all.iter().map(|budget| budget.allowed).collect();
        pods.into_iter().partition(|pod| {
            let mut violated = false;
            if pod.labels().is_none_or(|labels| labels.is_empty()) {
                return false;
            }
            for (budget, left) in self.all.iter().zip(&mut left) {
                let speaks_of_it = budget.namespace == *pod.namespace
                    // An empty selector speaks of no pod here, unlike elsewhere.
                    && !budget.selector.requirements().is_empty()
                    && budget.selector.matches(pod.labels())
                    && !budget.disrupted.iter().any(|name| **name == *pod.name);
                if speaks_of_it {
                    *left -= 1;
                    violated |= *left < 0;
                }
            }
            violated
        })
    }
}

#[cfg(test)]
mod tests;
