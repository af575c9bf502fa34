//! Recreate: all old pods go before the first new one comes.
//!
//! Mirrors: pkg/controller/deployment/recreate.go.

use api::Status;
use api::k8s_openapi::api::core::v1::Pod;

use super::{Sync, actual, wanted};
use crate::controllers::pods;

impl Sync<'_, '_> {
    pub fn rollout_recreate(&mut self) -> Result<(), Status> {
        let new = self.ensure_new_set(false)?;
        let old = self.old_sets(new.as_deref());
        let mut scaled = false;
        for set in old.iter().filter(|set| wanted(set) > 0) {
            scaled |= self.resize(set, 0)?.is_some();
        }
        if scaled {
            return self.sync_rollout_status();
        }
        // A pod that is still going down, or still counted, keeps the door shut.
        let still_there = old.iter().any(|set| {
            let uid = set.metadata.uid.as_deref().unwrap_or_default();
            actual(set) > 0 || self.cx.api.owned_by::<Pod>(uid).any(|pod| !pods::is_terminal(pod))
        });
        if still_there {
            return self.sync_rollout_status();
        }
        let Some(new) = self.ensure_new_set(true)? else { return Ok(()) };
        self.resize(&new, self.replicas())?;
        if self.is_complete() {
            let old = self.old_sets(Some(&new));
            self.clean_up(&old)?;
        }
        self.sync_rollout_status()
    }
}
