//! RollingUpdate: the new ReplicaSet grows while the old ones shrink, within surge and unavailability.
//!
//! Up: as far as `replicas + maxSurge` pods in all allow. Down, only when there was nothing to do upwards: old pods
//! that are not available go first and cost nothing, then available ones, as long as `replicas - maxUnavailable`
//! remain available. New pods that are not available yet hold back as many old ones.
//! Mirrors: pkg/controller/deployment/rolling.go.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::ReplicaSet;
use api::order::Order;
use api::{Kind, Status};

use super::revision::revision_of;
use super::{Sync, actual, available, name_of, wanted};
use crate::client::{DeleteOptions, Key, Propagation};

impl Sync<'_, '_> {
    /// One step of a rolling update: either up or down, then the status.
    pub fn rollout_rolling(&mut self) -> Result<(), Status> {
        let Some(new) = self.ensure_new_set(true)? else { return Ok(()) };
        let old = self.old_sets(Some(&new));
        if self.grow(&new)? || self.shrink(&new, &old)? {
            return self.sync_rollout_status();
        }
        if self.is_complete() {
            self.clean_up(&old)?;
        }
        self.sync_rollout_status()
    }

    fn grow(&mut self, new: &Arc<ReplicaSet>) -> Result<bool, Status> {
        let size = wanted(new);
        if size == self.replicas() {
            return Ok(false);
        }
        if size > self.replicas() {
            return Ok(self.resize(new, self.replicas())?.is_some());
        }
        let target = self.new_set_replicas(&self.sets.clone(), size);
        Ok(self.resize(new, target)?.is_some())
    }

    fn shrink(&mut self, new: &Arc<ReplicaSet>, old: &[Arc<ReplicaSet>]) -> Result<bool, Status> {
        let old_total: i32 = old.iter().map(|set| wanted(set)).sum();
        if old_total == 0 {
            return Ok(false);
        }
        let total: i32 = old_total + wanted(new);
        let min_available = self.replicas() - self.max_unavailable();
        let new_unavailable = wanted(new) - available(new);
        let budget = total - min_available - new_unavailable;
        if budget <= 0 {
            return Ok(false);
        }
        let mut old = old.to_vec();
        let cleaned = self.remove_unhealthy(&mut old, budget)?;
        let scaled = self.scale_down_old(new, &old)?;
        Ok(cleaned + scaled > 0)
    }

    /// Old replicas that are not available cost nothing to remove: they go first.
    fn remove_unhealthy(&mut self, old: &mut [Arc<ReplicaSet>], budget: i32) -> Result<i32, Status> {
        let mut removed = 0;
        for set in old {
            if removed >= budget {
                break;
            }
            let unhealthy = wanted(set) - available(set);
            if wanted(set) == 0 || unhealthy == 0 {
                continue;
            }
            let count = unhealthy.min(budget - removed);
            if count < 0 {
                // Its status tells of more than it is to have any more: it must be told anew first.
                let (name, size) = (name_of(set), wanted(set));
                let why = format!(
                    "when cleaning up unhealthy replicas, got invalid request to scale down {}/{name} {size} -> {}",
                    set.metadata.namespace.as_deref().unwrap_or_default(),
                    size - count
                );
                return Err(Status::internal(why));
            }
            if let Some(smaller) = self.resize(set, wanted(set) - count)? {
                *set = smaller;
            }
            removed += count;
        }
        Ok(removed)
    }

    fn scale_down_old(&mut self, new: &Arc<ReplicaSet>, old: &[Arc<ReplicaSet>]) -> Result<i32, Status> {
        let min_available = self.replicas() - self.max_unavailable();
        let available_total: i32 = available(new) + old.iter().map(|set| available(set)).sum::<i32>();
        let budget = available_total - min_available;
        let mut removed = 0;
        for set in old {
            if removed >= budget {
                break;
            }
            let count = wanted(set).min(budget - removed);
            if count > 0 {
                self.resize(set, wanted(set) - count)?;
                removed += count;
            }
        }
        Ok(removed.max(0))
    }

    /// Keeps `revisionHistoryLimit` empty old ReplicaSets, the newest ones.
    pub fn clean_up(&mut self, old: &[Arc<ReplicaSet>]) -> Result<(), Status> {
        let Some(limit) = self.spec().revision_history_limit else { return Ok(()) };
        let mut alive: Vec<&Arc<ReplicaSet>> =
            old.iter().filter(|set| set.metadata.deletion_timestamp.is_none()).collect();
        let excess = alive.len() as i32 - limit;
        if excess <= 0 {
            return Ok(());
        }
        alive.order_by_key(|set| (revision_of(set), set.metadata.creation_timestamp.clone()));
        for set in alive.into_iter().take(excess as usize) {
            let busy = actual(set) != 0
                || wanted(set) != 0
                || set.metadata.generation > set.status.as_ref().and_then(|status| status.observed_generation);
            if busy {
                continue;
            }
            let key = Key::new(Kind::ReplicaSet, set.metadata.namespace.as_deref().unwrap_or_default(), name_of(set));
            let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
            match self.cx.api.delete(&key, &options) {
                Err(status) if status.code != 404 => return Err(status),
                Ok(_) | Err(_) => {}
            }
        }
        self.refresh();
        Ok(())
    }
}
