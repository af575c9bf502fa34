//! One claim: unbound it looks for a volume; bound it watches over the one it has.
//!
//! Unbound, it takes the smallest volume that suits (size, class, mode, selector); else it waits for its first pod, if
//! its class says so, or asks for a new volume. One that names its volume waits for that one. A bound claim whose
//! volume is gone, or is another's, is `Lost`, and so it stays: data does not come back by binding anew.
//! Mirrors: pv_controller.go `syncUnboundClaim`, `syncBoundClaim`.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use api::k8s_openapi::api::storage::v1::StorageClass;
use api::meta::volume::{
    self, BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE, Seeker, annotation, best_match, claim_class, volume_name,
};
use api::{Status, Typed};

use super::PersistentVolumes;
use crate::client::{Context, EventOf, EventType};
use crate::controllers::pods;

impl PersistentVolumes {
    /// `true` when only a later look can bring it on.
    pub(super) fn sync_claim(&mut self, namespace: &str, name: &str, cx: &mut Context) -> Result<bool, Status> {
        // Deleted since it was queued: its volume was told.
        let Some(claim) = cx.api.get::<PersistentVolumeClaim>(namespace, name) else { return Ok(false) };
        if annotation(&claim.metadata, BIND_COMPLETED).is_some() {
            self.sync_bound(cx, &claim).map(|()| false)
        } else if volume_name(&claim).is_empty() {
            self.sync_unbound(cx, &claim)
        } else {
            self.sync_prebound(cx, &claim)
        }
    }

    /// Any volume will do.
    fn sync_unbound(&mut self, cx: &mut Context, claim: &Arc<PersistentVolumeClaim>) -> Result<bool, Status> {
        let class = claim_class(claim);
        let delayed = waits_for_consumer(cx, class);
        let found = best_match(claim, cx.api.list(""), &[], Seeker::Binder { delayed }).cloned();
        if let Some(volume) = found {
            return self.bind(cx, &volume, claim).map(|()| false);
        }
        if delayed && annotation(&claim.metadata, SELECTED_NODE).is_none() {
            self.tell_whom_it_waits_for(cx, claim);
        } else if class.is_empty() {
            let message = "no persistent volumes available for this claim and no storage class is set";
            self.say(cx, claim, EventType::Normal, "FailedBinding", message);
        } else {
            self.provision(cx, claim, class)?;
        }
        self.set_claim_status(cx, claim, "Pending", None)?;
        Ok(true)
    }

    /// The claim names its volume.
    fn sync_prebound(&mut self, cx: &mut Context, claim: &Arc<PersistentVolumeClaim>) -> Result<bool, Status> {
        let name = volume_name(claim);
        let Some(volume) = cx.api.get::<PersistentVolume>("", name) else {
            self.set_claim_status(cx, claim, "Pending", None)?;
            return Ok(true);
        };
        let taken = volume.spec.as_ref().is_some_and(|spec| spec.claim_ref.is_some());
        let complaint = if !taken {
            volume::check_satisfies(&volume, claim)
                .err()
                .map(|cause| ("VolumeMismatch", format!("Cannot bind to requested volume {name:?}: {cause}")))
        } else if volume::is_bound_to(&volume, claim) {
            None
        } else if annotation(&claim.metadata, BOUND_BY_CONTROLLER).is_some() {
            // Somebody took the mark of the finished binding away; nothing can be said for sure.
            return Ok(true);
        } else {
            Some(("FailedBinding", format!("volume {name:?} already bound to a different claim.")))
        };
        match complaint {
            None => self.bind(cx, &volume, claim).map(|()| false),
            Some((reason, message)) => {
                self.say(cx, claim, EventType::Warning, reason, message);
                self.set_claim_status(cx, claim, "Pending", None)?;
                Ok(true)
            }
        }
    }

    fn sync_bound(&mut self, cx: &mut Context, claim: &Arc<PersistentVolumeClaim>) -> Result<(), Status> {
        let name = volume_name(claim);
        if name.is_empty() {
            let message = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
            return self.lose(cx, claim, "ClaimLost", message);
        }
        let Some(volume) = cx.api.get::<PersistentVolume>("", name) else {
            let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
            return self.lose(cx, claim, "ClaimLost", message);
        };
        let holder = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
        if holder.is_none_or(|holder| holder.uid == claim.metadata.uid) {
            return self.bind(cx, &volume, claim);
        }
        let message = "Two claims are bound to the same volume, this one is bound incorrectly";
        self.lose(cx, claim, "ClaimMisbound", message)
    }

    fn lose(
        &mut self,
        cx: &mut Context,
        claim: &Arc<PersistentVolumeClaim>,
        reason: &str,
        message: &str,
    ) -> Result<(), Status> {
        if self.set_claim_status(cx, claim, "Lost", None)? {
            self.say(cx, claim, EventType::Warning, reason, message);
        }
        Ok(())
    }

    fn tell_whom_it_waits_for(&mut self, cx: &mut Context, claim: &Arc<PersistentVolumeClaim>) {
        let name = claim.metadata.name.as_deref().unwrap_or_default();
        let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
        let waiting: Vec<&str> = cx
            .api
            .list::<Pod>(namespace)
            .filter(|pod| pods::node(pod).is_empty() && !pods::is_terminal(pod) && uses(pod, name))
            .map(|pod| pods::name(pod))
            .collect();
        let (reason, message) = match waiting[..] {
            [] => ("WaitForFirstConsumer", "waiting for first consumer to be created before binding".to_owned()),
            [one] => ("WaitForPodScheduled", format!("waiting for pod {one} to be scheduled")),
            _ => ("WaitForPodScheduled", format!("waiting for pods {} to be scheduled", waiting.join(","))),
        };
        self.say(cx, claim, EventType::Normal, reason, message);
    }

    pub(super) fn say(
        &mut self,
        cx: &mut Context,
        claim: &Arc<PersistentVolumeClaim>,
        kind: EventType,
        reason: &str,
        message: impl Into<String>,
    ) {
        self.recorder.event(cx, &EventOf::object(&claim.clone().wrap()), kind, reason, message);
    }
}

/// Whether claims of this class bind only when a pod needs them. A class that is missing makes nobody wait.
fn waits_for_consumer(cx: &Context, class: &str) -> bool {
    let class = cx.api.get::<StorageClass>("", class);
    class.is_some_and(|class| class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"))
}

/// Whether the pod names the claim, or has it made for one of its volumes.
fn uses(pod: &Pod, claim: &str) -> bool {
    pods::claims(pod).any(|(name, _)| name == claim)
}
