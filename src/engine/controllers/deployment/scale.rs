//! Scaling: limits of a rollout, proportional scaling, and the write that changes one ReplicaSet.
//!
//! Every ReplicaSet bears in its annotations the size and the limit its Deployment had when it was last told; that is
//! how a change of `spec.replicas` is noticed. Where only one ReplicaSet has pods it gets the whole number. In the
//! middle of a rolling update each one grows or shrinks by its share of the limit before, rounded, the largest first,
//! and what is left over after rounding goes to the largest.
//! Mirrors: pkg/controller/deployment/sync.go `scale`, util/deployment_util.go.

use std::cmp::Reverse;
use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::apps::v1::ReplicaSet;
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::meta::int_or_string::scaled;
use api::order::Order;

use super::revision::{DESIRED, MAX};
use super::{Sync, annotation, available, name_of, wanted};
use crate::client::EventType;

impl Sync<'_, '_> {
    fn fenceposts(&self) -> (i32, i32) {
        let spec = self.spec();
        let rolling = spec.strategy.as_ref().filter(|s| s.type_.as_deref() != Some("Recreate"));
        let Some(rolling) = rolling.and_then(|strategy| strategy.rolling_update.clone()) else { return (0, 0) };
        let quarter = IntOrString::String("25%".into());
        let surge = scaled(rolling.max_surge.as_ref().unwrap_or(&quarter), self.replicas(), true).unwrap_or(0);
        let unavailable =
            scaled(rolling.max_unavailable.as_ref().unwrap_or(&quarter), self.replicas(), false).unwrap_or(0);
        // Both rounded to nothing would never move.
        if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
    }

    /// Pods above `replicas` during a rollout; percentages round up.
    pub fn max_surge(&self) -> i32 {
        self.fenceposts().0
    }

    /// Pods that may be missing during a rollout; percentages round down.
    pub fn max_unavailable(&self) -> i32 {
        if self.recreates() || self.replicas() == 0 { 0 } else { self.fenceposts().1.min(self.replicas()) }
    }

    /// Whether all old pods go before the first new one comes.
    pub fn recreates(&self) -> bool {
        let strategy = self.deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
        strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate")
    }

    /// How many replicas the new ReplicaSet may have now.
    pub fn new_set_replicas(&self, everything: &[Arc<ReplicaSet>], current: i32) -> i32 {
        if self.recreates() {
            return self.replicas();
        }
        let total: i32 = everything.iter().map(|set| wanted(set)).sum();
        let limit = self.replicas() + self.max_surge();
        if total >= limit {
            return current;
        }
        current + (limit - total).min(self.replicas() - current)
    }

    /// Whether `spec.replicas` changed since the ReplicaSets were last told.
    pub fn is_scaling(&self) -> bool {
        self.sets
            .iter()
            .filter(|set| wanted(set) > 0)
            .any(|set| told_size(set).is_some_and(|told| told != self.replicas()))
    }

    /// A sync that only scales: while paused, and when only `spec.replicas` changed.
    pub fn sync_scale(&mut self) -> Result<(), Status> {
        let new = self.ensure_new_set(false)?;
        let old = self.old_sets(new.as_deref());
        self.scale(new.as_ref(), &old)?;
        if self.spec().paused == Some(true) && !has_rollback(self) {
            self.clean_up(&old)?;
        }
        self.sync_status_only()
    }

    fn scale(&mut self, new: Option<&Arc<ReplicaSet>>, old: &[Arc<ReplicaSet>]) -> Result<(), Status> {
        let replicas = self.replicas();
        let live_old: Vec<Arc<ReplicaSet>> = old.iter().filter(|set| wanted(set) > 0).cloned().collect();
        // Only one has pods, or there is only one: it takes the whole number.
        let single = match (new, live_old.as_slice()) {
            (Some(new), []) => Some(new.clone()),
            (Some(new), [only]) if wanted(new) == 0 => Some(only.clone()),
            (None, [only]) => Some(only.clone()),
            (None, []) => old.last().cloned(),
            _ => None,
        };
        if let Some(set) = single {
            return self.resize(&set, replicas).map(|_| ());
        }
        // The new one is complete, and has heard of the size it is complete for: the old ones are to be empty.
        if let Some(new) = new
            && wanted(new) == replicas
            && told_size(new) == Some(replicas)
            && available(new) == replicas
        {
            for set in &live_old {
                self.resize(set, 0)?;
            }
            return Ok(());
        }
        if self.recreates() { Ok(()) } else { self.scale_proportionally(new, &live_old) }
    }

    /// During a rollout a change of `replicas` is shared out in proportion, the leftover to the largest.
    fn scale_proportionally(&mut self, new: Option<&Arc<ReplicaSet>>, old: &[Arc<ReplicaSet>]) -> Result<(), Status> {
        let mut sets: Vec<Arc<ReplicaSet>> = old.to_vec();
        sets.extend(new.filter(|set| wanted(set) > 0).cloned());
        let total: i32 = sets.iter().map(|set| wanted(set)).sum();
        let allowed = if self.replicas() > 0 { self.replicas() + self.max_surge() } else { 0 };
        let to_add = allowed - total;
        if to_add > 0 {
            sets.order_by_key(|set| (Reverse(wanted(set)), Reverse(set.metadata.creation_timestamp.clone())));
        } else {
            sets.order_by_key(|set| (Reverse(wanted(set)), set.metadata.creation_timestamp.clone()));
        }
        let mut added = 0;
        let mut sizes: Vec<i32> = Vec::with_capacity(sets.len());
        for set in &sets {
            let share = if to_add == 0 { 0 } else { self.proportion(set, to_add, added) };
            sizes.push(wanted(set) + share);
            added += share;
        }
        if let Some(first) = sizes.first_mut()
            && to_add != 0
        {
            *first = (*first + to_add - added).max(0);
        }
        for (set, size) in sets.iter().zip(sizes) {
            self.scale_set(set, size)?;
        }
        Ok(())
    }

    fn proportion(&self, set: &ReplicaSet, to_add: i32, added: i32) -> i32 {
        let left = to_add - added;
        if wanted(set) == 0 || left == 0 {
            return 0;
        }
        let share = self.fraction(set);
        if to_add > 0 { share.min(left) } else { share.max(left) }
    }

    /// What the set would gain or lose, were it alone: its size over the whole before, times the whole now.
    fn fraction(&self, set: &ReplicaSet) -> i32 {
        if self.replicas() == 0 {
            return -wanted(set);
        }
        let told = annotation(set, MAX).and_then(|text| text.parse::<i32>().ok()).filter(|max| *max != 0);
        let counted = || self.deployment.status.as_ref().and_then(|status| status.replicas).unwrap_or(0);
        let before = told.unwrap_or_else(counted);
        if before == 0 {
            return 0;
        }
        let limit = self.replicas() + self.max_surge();
        let exact = f64::from(wanted(set)) * f64::from(limit) / f64::from(before);
        exact.round() as i32 - wanted(set)
    }

    /// As [`Self::scale_set`], unless the size is right already: only a scaling tells sets of new limits alone.
    pub fn resize(&mut self, set: &Arc<ReplicaSet>, size: i32) -> Result<Option<Arc<ReplicaSet>>, Status> {
        if wanted(set) == size { Ok(None) } else { self.scale_set(set, size) }
    }

    /// Writes a ReplicaSet's size and what the rollout's limits are now; answers it when the size changed.
    ///
    /// The sets in hand stay as they were, as upstream's do: the status at the end of a sync does not
    /// know of it, and the next sync tells the rest.
    fn scale_set(&mut self, set: &Arc<ReplicaSet>, size: i32) -> Result<Option<Arc<ReplicaSet>>, Status> {
        let (desired, max) = (self.replicas().to_string(), (self.replicas() + self.max_surge()).to_string());
        let resized = wanted(set) != size;
        let told = annotation(set, DESIRED) == Some(&desired) && annotation(set, MAX) == Some(&max);
        if !resized && told {
            return Ok(None);
        }
        let before = wanted(set);
        let namespace = set.metadata.namespace.clone().unwrap_or_default();
        let mut copy =
            (*self.cx.api.get::<ReplicaSet>(&namespace, name_of(set)).unwrap_or_else(|| set.clone())).clone();
        copy.spec.get_or_insert_default().replicas = Some(size);
        let annotations = copy.metadata.annotations.get_or_insert_default();
        annotations.insert(DESIRED.into(), desired);
        annotations.insert(MAX.into(), max);
        let written = self.cx.api.update(copy)?;
        if resized {
            let way = if size > before { "up" } else { "down" };
            let message = format!("Scaled {way} replica set {} from {before} to {size}", name_of(set));
            self.event(EventType::Normal, "ScalingReplicaSet", message);
        }
        Ok(resized.then_some(written))
    }
}

/// The size of the Deployment when the set was last told.
fn told_size(set: &ReplicaSet) -> Option<i32> {
    annotation(set, DESIRED).and_then(|text| text.parse().ok())
}

/// The rollback field of long ago; nothing served here carries it.
fn has_rollback(sync: &Sync) -> bool {
    sync.deployment
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key("deprecated.deployment.rollback.to"))
}
