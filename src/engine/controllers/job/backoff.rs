//! How long a Job waits before its next pod: ten seconds after the first failure, doubling, ten minutes at most.
//!
//! Counted are failures since the last success, and the wait runs from the end of the last of them. Where each index
//! has a limit of its own, it waits for itself alone, and its pods bear how often it failed.
//! Mirrors: pkg/controller/job/backoff_utils.go.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Pod;
use api::meta::time::millis;

use crate::controllers::pods;
use crate::sim::{MINUTE, Millis, SECOND};

const FIRST: Millis = 10 * SECOND;
const MAX: Millis = 10 * MINUTE;

/// Failures since the last success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
    /// When the last of them ended, in Unix milliseconds.
    last: i64,
}

impl Backoff {
    /// Takes note of pods that finished since the last sync.
    #[must_use]
    pub fn after(mut self, succeeded: &[Arc<Pod>], failed: &[Arc<Pod>]) -> Self {
        let mut failures: Vec<i64> = failed.iter().map(|pod| finished_at(pod)).collect();
        if let Some(success) = succeeded.iter().map(|pod| finished_at(pod)).max() {
            self.failures = 0;
            failures.retain(|at| *at > success);
        }
        if let Some(last) = failures.iter().max() {
            self.last = *last;
        }
        self.failures += failures.len() as u32;
        self
    }

    /// What is left to wait at that moment.
    pub fn remaining(&self, unix_now: i64) -> Millis {
        remaining(self.failures, self.last, unix_now)
    }
}

/// What is left to wait after so many failures, the last of them at that time.
pub fn remaining(failures: u32, last: i64, unix_now: i64) -> Millis {
    if failures == 0 {
        return 0;
    }
    let wait = FIRST.saturating_mul(1 << (failures - 1).min(20)).min(MAX);
    let passed = (unix_now - last).max(0) as Millis;
    wait.saturating_sub(passed)
}

/// When a pod ended, in Unix milliseconds: by its containers, else by its readiness, else by its deletion.
pub fn finished_at(pod: &Pod) -> i64 {
    let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let ends = containers.iter().map(|container| {
        let ended = container.state.as_ref().and_then(|state| state.terminated.as_ref());
        ended.and_then(|ended| ended.finished_at.as_ref()).map(millis)
    });
    let by_containers = ends.collect::<Option<Vec<i64>>>().and_then(|ends| ends.into_iter().max());
    let by_readiness = || {
        let ready = pods::condition(pod, "Ready").filter(|ready| ready.status == "False")?;
        ready.last_transition_time.as_ref().map(millis)
    };
    let by_deletion = || {
        let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
        pod.metadata.deletion_timestamp.as_ref().map(|at| millis(at) - grace * 1000)
    };
    by_containers
        .or_else(by_readiness)
        .or_else(by_deletion)
        .or_else(|| pod.metadata.creation_timestamp.as_ref().map(millis))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use api::k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, PodStatus};
    use api::meta::time::time_from_millis;

    use super::*;

    fn ended(second: i64) -> Arc<Pod> {
        let terminated =
            ContainerStateTerminated { finished_at: Some(time_from_millis(second * 1000)), ..Default::default() };
        let state = ContainerState { terminated: Some(terminated), ..Default::default() };
        let status = ContainerStatus { state: Some(state), ..Default::default() };
        let status = PodStatus { container_statuses: Some(vec![status]), ..Default::default() };
        Arc::new(Pod { status: Some(status), ..Pod::default() })
    }

    #[test]
    fn the_wait_doubles_from_the_last_failure_on() {
        // Failures and successes of each sync (their ends in seconds), then what is left at second 100.
        for (syncs, left) in [
            (vec![], 0),
            (vec![(vec![], vec![95])], 5_000),
            (vec![(vec![], vec![95]), (vec![], vec![])], 5_000),
            (vec![(vec![], vec![80]), (vec![], vec![95])], 15_000),
            (vec![(vec![], vec![90, 95, 80])], 35_000),
            (vec![(vec![], vec![90]), (vec![95], vec![])], 0),
            (vec![(vec![91], vec![90, 95])], 5_000),
            (vec![(vec![], vec![90; 12])], 590_000),
        ] {
            let mut backoff = Backoff::default();
            for (succeeded, failed) in &syncs {
                let pods = |ends: &[i64]| ends.iter().map(|at| ended(*at)).collect::<Vec<_>>();
                backoff = backoff.after(&pods(succeeded), &pods(failed));
            }
            assert_eq!(backoff.remaining(100_000), left, "{syncs:?}");
        }
    }
}
