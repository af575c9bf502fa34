//! Which of several nodes to free: the one whose victims matter least.
//!
//! Asked one after the other, and only where the one before leaves several: on which node the fewest
//! disruption budgets break; whose most important victim has the lowest priority; whose victims'
//! priorities have the smallest sum; where the fewest victims are; whose most important victims started
//! latest. What is still equal is left to chance, upstream's being the order of a Go map.
//! Mirrors: pkg/scheduler/framework/preemption/preemption.go `pickOneNodeForPreemption`,
//! pkg/scheduler/util `MoreImportantPod`, `GetEarliestPodStartTime`. Left out: victims that are groups of pods.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use super::Candidate;
use crate::scheduler::pod_info::PodInfo;

/// Orders pods by importance, the most important first: higher priority, then longer running.
pub fn more_important(a: &Arc<PodInfo>, b: &Arc<PodInfo>) -> Ordering {
    b.priority.cmp(&a.priority).then_with(|| start(a).cmp(&start(b)))
}

/// The best candidate: fewest broken budgets, then the least important first victim, then the
/// smallest sum of priorities, then the fewest victims, then the youngest of the important
/// victims. `pick(n)` chooses one of `n` that are still equal, as upstream's walk over a map does.
pub(super) fn best<'c>(candidates: Vec<Candidate<'c>>, pick: &mut dyn FnMut(usize) -> usize) -> Option<Candidate<'c>> {
    let rank = |candidate: &Candidate| {
        let victims = &candidate.victims;
        // Each counts at least one, so that more victims of negative priority are not better.
        let sum: i64 = victims.iter().map(|pod| i64::from(pod.priority) + i64::from(i32::MAX) + 1).sum();
        (
            candidate.violations,
            victims.first().map(|pod| pod.priority),
            sum,
            victims.len(),
            Reverse(earliest_start_of_highest(victims)),
        )
    };
    let least = candidates.iter().map(rank).min()?;
    let mut equals: Vec<Candidate> = candidates.into_iter().filter(|candidate| rank(candidate) == least).collect();
    let chosen = if equals.len() == 1 { 0 } else { pick(equals.len()) };
    Some(equals.swap_remove(chosen))
}

fn earliest_start_of_highest(victims: &[Arc<PodInfo>]) -> Option<i64> {
    let highest = victims.iter().map(|pod| pod.priority).max()?;
    victims.iter().filter(|pod| pod.priority == highest).map(start).min()
}

/// When the pod started, in milliseconds; one that has not yet counts as starting last.
fn start(pod: &Arc<PodInfo>) -> i64 {
    let time = pod.pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    time.map_or(i64::MAX, api::meta::time::millis)
}
