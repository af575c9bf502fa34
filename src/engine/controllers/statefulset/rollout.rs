//! What the order allows now: places filled from below, surplus removed from above, then the update.
//!
//! `OrderedReady` takes one step and waits until that pod is available, or gone; `Parallel` waits for nobody here.
//! The update goes in both from the highest ordinal down to the partition, one pod at a time, and stops at the first
//! that does not serve. So a pod of a broken revision blocks the rollout, and an ordered set even its way back: it is
//! not replaced until somebody deletes it.
//! Mirrors: pkg/controller/statefulset/stateful_set_control.go `updateStatefulSet`.

use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::apps::v1::StatefulSetStatus;
use api::k8s_openapi::api::core::v1::Pod;

use super::identity::{Replicas, matches, new_pod, ordinals, revision_of};
use super::{Sync, volumes};
use crate::controllers::pods;

/// Pods written in one step of a set that is not ordered: no event is long.
const SLICE: usize = 50;

/// Whether the sync may look at the next pod.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    On,
    Stop,
}

impl Sync<'_, '_> {
    /// One step; the status it leads to, and whether it failed.
    pub fn advance(&mut self) -> (StatefulSetStatus, Result<(), Status>) {
        match self.settle() {
            Ok(Pace::On) => {}
            Ok(Pace::Stop) => return (self.count_all(), Ok(())),
            Err(status) => return (self.count_all(), Err(status)),
        }
        let mut status = self.count_all();
        let done = self.update_next(&mut status);
        (status, done)
    }

    /// Fills, repairs and removes; [`Pace::Stop`] when a pod must be waited for.
    fn settle(&mut self) -> Result<Pace, Status> {
        let ordered = self.is_ordered();
        let mut written = 0;
        for at in ordinals(self.set) {
            let place = self.replicas.wanted.get(&at).cloned();
            if place.is_none() && written == SLICE {
                self.more = true;
                return Ok(Pace::Stop);
            }
            written += usize::from(place.is_none());
            let pace = match place {
                Some(pod) => self.tend(&pod, ordered)?,
                None => self.fill(at)?,
            };
            if pace == Pace::Stop && ordered {
                return Ok(Pace::Stop);
            }
        }
        let condemned = self.replicas.condemned.clone();
        for pod in &condemned {
            if !volumes::conform(self.cx, self.set, pod) {
                self.settle_claims(pod)?;
            }
        }
        let first_unavailable = self.first_unavailable();
        let mut written = 0;
        for pod in &condemned {
            let spared = first_unavailable.as_ref().is_some_and(|first| Arc::ptr_eq(first, pod));
            if pods::is_terminating(pod) || !(self.is_available(pod) || spared) {
                if ordered {
                    return Ok(Pace::Stop);
                }
                if pods::is_terminating(pod) {
                    continue;
                }
            }
            if written == SLICE {
                self.more = true;
                return Ok(Pace::Stop);
            }
            self.delete_pod(pod)?;
            written += 1;
            if ordered {
                return Ok(Pace::Stop);
            }
        }
        Ok(Pace::On)
    }

    /// Makes the pod of an empty place; an ordered set then waits for it.
    fn fill(&mut self, at: i64) -> Result<Pace, Status> {
        let pod = new_pod(self.set, &self.owner, &self.revisions, at);
        // The claims may still belong to a pod that was removed, and go with it.
        if !volumes::are_stale(self.cx, self.set, &pod) {
            self.create_pod(&pod)?;
        }
        Ok(Pace::Stop)
    }

    /// Brings one wanted pod closer to what it should be.
    fn tend(&mut self, pod: &Pod, ordered: bool) -> Result<Pace, Status> {
        if pods::is_terminal(pod) {
            // Its successor is made once it is gone.
            if !pods::is_terminating(pod) {
                self.delete_pod(pod)?;
            }
            return Ok(Pace::Stop);
        }
        if pods::phase(pod) == "Pending" {
            self.create_claims(pod)?;
            self.settle_claims(pod)?;
        }
        if ordered && (pods::is_terminating(pod) || !self.is_available(pod)) {
            return Ok(Pace::Stop);
        }
        let conforms =
            matches(self.set, pod) && volumes::are_mounted(self.set, pod) && volumes::conform(self.cx, self.set, pod);
        if !conforms {
            self.repair_pod(pod)?;
        }
        Ok(Pace::On)
    }

    /// Removes the highest pod of an old revision, unless one above it is still coming up.
    fn update_next(&mut self, status: &mut StatefulSetStatus) -> Result<(), Status> {
        let strategy = self.spec().and_then(|spec| spec.update_strategy.clone()).unwrap_or_default();
        if strategy.type_.as_deref() == Some("OnDelete") {
            return Ok(());
        }
        let partition = strategy.rolling_update.and_then(|rolling| rolling.partition).unwrap_or(0).max(0);
        let places = ordinals(self.set);
        for at in (places.start + i64::from(partition)..places.end).rev() {
            // A pod that is not there has only just been asked for.
            let Some(pod) = self.replicas.wanted.get(&at).cloned() else { return Ok(()) };
            if revision_of(&pod) != self.revisions.update && !pods::is_terminating(&pod) {
                self.delete_pod(&pod)?;
                // Counted as gone already, though it is only on its way.
                status.current_replicas = Some(status.current_replicas.unwrap_or(0) - 1);
                return Ok(());
            }
            if pods::is_terminating(&pod) || !self.is_available(&pod) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_ordered(&self) -> bool {
        self.spec().and_then(|spec| spec.pod_management_policy.as_deref()) != Some("Parallel")
    }

    /// Running, and ready for as long as the set asks.
    fn is_available(&self, pod: &Pod) -> bool {
        pods::phase(pod) == "Running" && pods::available(pod, self.min_ready(), self.unix()).is_ok()
    }

    /// The lowest surplus pod that does not serve, if all below it do: removing it hurts nobody.
    fn first_unavailable(&self) -> Option<Arc<Pod>> {
        let Replicas { wanted, condemned } = &self.replicas;
        let serves = |pod: &Pod| !pods::is_terminating(pod) && self.is_available(pod);
        if !ordinals(self.set).all(|at| wanted.get(&at).is_some_and(|pod| serves(pod))) {
            return None;
        }
        condemned.iter().rev().find(|pod| !serves(pod)).cloned()
    }
}
