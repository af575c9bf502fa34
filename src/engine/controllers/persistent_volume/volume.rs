//! One volume: free, kept for a claim, held by one, or left behind.
//!
//! What it is, its `claimRef` says: none, one without a UID (kept: still Available), one whose claim has this UID
//! (Bound), or one whose claim is gone, or another of the same name (Released).
//! Mirrors: pv_controller.go `syncVolume`.

use api::Status;
use api::Typed;
use api::k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use api::meta::volume::{PROVISIONED_BY, annotation, same_volume_mode, volume_name};

use super::PersistentVolumes;
use crate::client::{Context, EventOf, EventType};

impl PersistentVolumes {
    /// `true` when only a later look can bring it on.
    pub(super) fn sync_volume(&mut self, name: &str, cx: &mut Context) -> Result<bool, Status> {
        let Some(volume) = cx.api.get::<PersistentVolume>("", name) else { return Ok(false) };
        let holder = volume.spec.as_ref().and_then(|spec| spec.claim_ref.clone());
        // Without a UID it is kept for a claim that has yet to take it.
        let Some(holder) = holder.filter(|holder| holder.uid.as_deref().is_some_and(|uid| !uid.is_empty())) else {
            self.set_phase(cx, &volume, "Available", "")?;
            return Ok(false);
        };
        let (namespace, claim_name) =
            (holder.namespace.clone().unwrap_or_default(), holder.name.clone().unwrap_or_default());
        let claim = cx.api.get::<PersistentVolumeClaim>(&namespace, &claim_name);
        let Some(claim) = claim.filter(|claim| claim.metadata.uid == holder.uid) else {
            return self.release(cx, &volume);
        };
        if volume_name(&claim).is_empty() {
            if !same_volume_mode(&volume, &claim) {
                let message = format!(
                    "Cannot bind PersistentVolume to requested PersistentVolumeClaim {claim_name:?} due to incompatible volumeMode."
                );
                let of = EventOf::object(&volume.clone().wrap());
                self.recorder.event(cx, &of, EventType::Warning, "VolumeMismatch", message);
                let message = format!(
                    "Cannot bind PersistentVolume {name:?} to requested PersistentVolumeClaim due to incompatible volumeMode."
                );
                self.say(cx, &claim, EventType::Warning, "VolumeMismatch", message);
                return Ok(true);
            }
            // Half a bond: the claim's own sync makes it whole.
            self.sync_claim(&namespace, &claim_name, cx)?;
            return Ok(false);
        }
        if volume_name(&claim) == name {
            self.set_phase(cx, &volume, "Bound", "")?;
            return Ok(false);
        }
        // The claim went elsewhere: what was made for it is of no use, what was chosen for it is free.
        let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
        if annotation(&volume.metadata, PROVISIONED_BY).is_some() && policy == Some("Delete") {
            return self.release(cx, &volume);
        }
        self.unbind(cx, &volume).map(|()| false)
    }
}
