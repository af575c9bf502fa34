//! The two-sided bond: the volume names the claim, the claim names the volume, both say Bound.
//!
//! Every step may be the last before a crash, and the next sync carries on where this one stopped.
//! Mirrors: pv_controller.go `bind`, `unbindVolume`, `updateClaimStatus`, `updateVolumePhase`.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::meta::volume::{BIND_COMPLETED, BOUND_BY_CONTROLLER, annotation, claim_reference, is_bound_to, volume_name};
use api::{Status, Typed};

use super::PersistentVolumes;
use crate::client::{Context, EventOf, EventType};

impl PersistentVolumes {
    pub(super) fn bind(
        &mut self,
        cx: &mut Context,
        volume: &Arc<PersistentVolume>,
        claim: &Arc<PersistentVolumeClaim>,
    ) -> Result<(), Status> {
        let name = volume.metadata.name.clone().unwrap_or_default();
        let known = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
        if known.is_none_or(|known| known.uid != claim.metadata.uid) {
            let ours = !is_bound_to(volume, claim);
            let reference = claim_reference(claim);
            cx.api.change::<PersistentVolume>("", &name, "", |volume| {
                volume.spec.get_or_insert_default().claim_ref = Some(reference);
                if ours {
                    mark(&mut volume.metadata, BOUND_BY_CONTROLLER);
                }
            })?;
        }
        self.set_phase(cx, volume, "Bound", "")?;
        let (namespace, claim_name) = name_of(&claim.metadata);
        let chosen = volume_name(claim) != name;
        if chosen || annotation(&claim.metadata, BIND_COMPLETED).is_none() {
            cx.api.change::<PersistentVolumeClaim>(namespace, claim_name, "", |claim| {
                if chosen {
                    claim.spec.get_or_insert_default().volume_name = Some(name.clone());
                    mark(&mut claim.metadata, BOUND_BY_CONTROLLER);
                }
                mark(&mut claim.metadata, BIND_COMPLETED);
            })?;
        }
        self.set_claim_status(cx, claim, "Bound", Some(volume)).map(|_| ())
    }

    /// Takes a claim off a volume: a user's reservation keeps its name, the controller's own goes.
    pub(super) fn unbind(&mut self, cx: &mut Context, volume: &Arc<PersistentVolume>) -> Result<(), Status> {
        let name = volume.metadata.name.clone().unwrap_or_default();
        cx.api.change::<PersistentVolume>("", &name, "", |volume| {
            let spec = volume.spec.get_or_insert_default();
            if annotation(&volume.metadata, BOUND_BY_CONTROLLER).is_some() {
                spec.claim_ref = None;
                let annotations = volume.metadata.annotations.get_or_insert_default();
                annotations.remove(BOUND_BY_CONTROLLER);
                if annotations.is_empty() {
                    volume.metadata.annotations = None;
                }
            } else if let Some(reference) = &mut spec.claim_ref {
                reference.uid = None;
            }
        })?;
        self.set_phase(cx, volume, "Available", "").map(|_| ())
    }

    /// Writes the claim's phase, and what its volume gives. `true` when the phase is news.
    pub(super) fn set_claim_status(
        &mut self,
        cx: &mut Context,
        claim: &Arc<PersistentVolumeClaim>,
        phase: &str,
        volume: Option<&PersistentVolume>,
    ) -> Result<bool, Status> {
        let (namespace, name) = name_of(&claim.metadata);
        let before = claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some(phase);
        let gives = volume.and_then(|volume| volume.spec.clone());
        let attributes = gives.as_ref().and_then(|spec| spec.volume_attributes_class_name.clone());
        cx.api.change::<PersistentVolumeClaim>(namespace, name, "status", |claim| {
            let status = claim.status.get_or_insert_default();
            status.phase = Some(phase.into());
            match gives {
                None => {
                    status.access_modes = None;
                    status.capacity = None;
                    status.current_volume_attributes_class_name = None;
                }
                Some(gives) => {
                    status.access_modes = gives.access_modes;
                    // Later growth is the resizer's to tell.
                    if !before {
                        status.capacity = gives.capacity;
                        status.current_volume_attributes_class_name = attributes;
                    }
                }
            }
        })?;
        Ok(!before)
    }

    /// Writes the volume's phase. `true` when it is news.
    pub(super) fn set_phase(
        &mut self,
        cx: &mut Context,
        volume: &Arc<PersistentVolume>,
        phase: &str,
        message: &str,
    ) -> Result<bool, Status> {
        let known = volume.status.as_ref().and_then(|status| status.phase.as_deref());
        if known == Some(phase) {
            return Ok(false);
        }
        let name = volume.metadata.name.as_deref().unwrap_or_default();
        cx.api.change::<PersistentVolume>("", name, "status", |volume| {
            let status = volume.status.get_or_insert_default();
            status.phase = Some(phase.into());
            status.message = Some(message.to_owned()).filter(|message| !message.is_empty());
        })?;
        Ok(true)
    }

    /// As [`Self::set_phase`], telling why, once.
    pub(super) fn fail_volume(
        &mut self,
        cx: &mut Context,
        volume: &Arc<PersistentVolume>,
        reason: &str,
        message: &str,
    ) -> Result<(), Status> {
        if self.set_phase(cx, volume, "Failed", message)? {
            let of = EventOf::object(&volume.clone().wrap());
            self.recorder.event(cx, &of, EventType::Warning, reason, message);
        }
        Ok(())
    }
}

fn name_of(meta: &ObjectMeta) -> (&str, &str) {
    (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

fn mark(meta: &mut ObjectMeta, annotation: &str) {
    meta.annotations.get_or_insert_default().entry(annotation.into()).or_insert_with(|| "yes".into());
}
