//! Between choosing a node and binding the pod: its claims get their volumes.
//!
//! The scheduler only says what is to be: a free volume is reserved for a claim, or a claim is given
//! its node so that the provisioner makes a volume there. The volume controller does the rest. Each
//! second it is looked whether all claims are bound, and then the pod is; after ten minutes, or when
//! a reservation was taken back, the attempt has failed. Until then the pod says its node in
//! `status.nominatedNodeName`.
//! Mirrors: volumebinding/binder.go `BindPodVolumes`, `bindAPIUpdate`, `checkBindings`; schedule_one.go
//! `bindingCycle`.

use std::sync::Arc;

use api::Status;
use api::meta::volume::{BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE, annotation, claim_reference};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};

use super::{Scheduler, now_ms};
use crate::client::Context;
use crate::scheduler::cache::Cache;
use crate::scheduler::plugins::volume_binding::{claims_of, plan};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::QueuedPod;

/// After this long the placement is given up.
const BIND_TIMEOUT_MS: i64 = 600_000;
/// How often it is looked whether the claims are bound.
const LOOK_EVERY_MS: i64 = 1_000;

/// A placed pod whose claims are not bound yet.
#[derive(Debug, Clone)]
pub struct WaitingForVolumes {
    queued: QueuedPod,
    node: Arc<str>,
    claims: Vec<Awaited>,
    /// When the claims are looked at next.
    pub look_at_ms: i64,
    deadline_ms: i64,
}

/// A claim that is to be bound.
#[derive(Debug, Clone)]
pub struct Awaited {
    claim: String,
    /// The volume reserved for it; none if one is to be made.
    volume: Option<String>,
}

/// Writes what the chosen node means for the pod's claims, and returns those to wait for.
pub fn begin(cache: &Cache, pod: &PodInfo, node: &str, cx: &mut Context) -> Result<Option<Vec<Awaited>>, Status> {
    let Ok(claims) = claims_of(cache, pod) else { return Ok(None) };
    let Some(target) = cache.node_named(node).filter(|_| !claims.waiting.is_empty()) else { return Ok(None) };
    let Ok(plan) = plan(cache, &claims, target) else { return Ok(None) };
    promise(pod, node, cx);
    let name_of = |claim: &PersistentVolumeClaim| claim.metadata.name.clone().unwrap_or_default();
    let mut awaited = Vec::new();
    for (volume, claim) in &plan.bind {
        let name = volume.metadata.name.clone().unwrap_or_default();
        let reference = claim_reference(claim);
        cx.api.change::<PersistentVolume>("", &name, "", |volume| {
            // A volume that was kept for the claim is not the controller's choice.
            if volume.spec.as_ref().is_none_or(|spec| spec.claim_ref.is_none()) {
                let by_controller = (BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
                volume.metadata.annotations.get_or_insert_default().extend([by_controller]);
            }
            volume.spec.get_or_insert_default().claim_ref = Some(reference);
        })?;
        awaited.push(Awaited { claim: name_of(claim), volume: Some(name) });
    }
    for claim in &plan.provision {
        cx.api.change::<PersistentVolumeClaim>(&pod.namespace, &name_of(claim), "", |claim| {
            let selected = (SELECTED_NODE.to_owned(), node.to_owned());
            claim.metadata.annotations.get_or_insert_default().extend([selected]);
        })?;
        awaited.push(Awaited { claim: name_of(claim), volume: None });
    }
    Ok(Some(awaited))
}

/// Says where a pod will go that cannot be bound at once, so that others can reckon with it.
fn promise(pod: &PodInfo, node: &str, cx: &mut Context) {
    if pod.nominated_node() == Some(node) {
        return;
    }
    // Gone meanwhile: then there is nobody to tell.
    let _ = cx.api.patch::<Pod>(&pod.namespace, &pod.name, "status", |pod| {
        pod.status.get_or_insert_default().nominated_node_name = Some(node.to_owned());
    });
}

impl Scheduler {
    pub(super) fn wait_for_volumes(&mut self, queued: QueuedPod, node: Arc<str>, claims: Vec<Awaited>, now: i64) {
        let uid = queued.info.uid().to_owned();
        let (look_at_ms, deadline_ms) = (now + LOOK_EVERY_MS, now + BIND_TIMEOUT_MS);
        self.waiting.insert(uid, WaitingForVolumes { queued, node, claims, look_at_ms, deadline_ms });
    }

    /// Binds the pods whose claims have become bound, and gives up those that waited too long or in vain.
    pub(super) fn continue_volumes(&mut self, cx: &mut Context) {
        let now = now_ms(cx);
        let due = self.waiting.iter().filter(|(_, waiting)| waiting.look_at_ms <= now);
        let uids: Vec<String> = due.map(|(uid, _)| uid.clone()).collect();
        for uid in uids {
            let Some(mut waiting) = self.waiting.remove(&uid) else { continue };
            let failure = match waiting.ready(cx) {
                Ok(true) => {
                    self.bind(waiting.queued, &waiting.node, cx);
                    continue;
                }
                Ok(false) if now < waiting.deadline_ms => {
                    waiting.look_at_ms += LOOK_EVERY_MS;
                    self.waiting.insert(uid, waiting);
                    continue;
                }
                Ok(false) => "context deadline exceeded".to_owned(),
                Err(failure) => failure,
            };
            let message = format!("running PreBind plugin \"VolumeBinding\": binding volumes: {failure}");
            self.failed_to_bind(waiting.queued, message, cx);
        }
    }
}

impl WaitingForVolumes {
    /// Whether every claim is bound.
    ///
    /// # Errors
    /// Why one never will be.
    fn ready(&self, cx: &Context) -> Result<bool, String> {
        for awaited in &self.claims {
            let name = &awaited.claim;
            let Some(claim) = cx.api.get::<PersistentVolumeClaim>(&self.queued.info.namespace, name) else {
                return Ok(false);
            };
            match &awaited.volume {
                Some(volume) => {
                    let reserved = cx.api.get::<PersistentVolume>("", volume);
                    let reference = reserved.as_ref().and_then(|volume| volume.spec.as_ref()?.claim_ref.as_ref());
                    if reference.is_none_or(|claim| claim.uid.as_deref().unwrap_or_default().is_empty()) {
                        return Err(format!("ClaimRef got reset for pv {volume:?}"));
                    }
                }
                None if claim.metadata.annotations.is_none() => {
                    return Err(format!("selectedNode annotation reset for PVC {name:?}"));
                }
                // A provisioner that cannot make the volume takes the node back.
                None if annotation(&claim.metadata, SELECTED_NODE) != Some(&*self.node) => {
                    return Err(format!("provisioning failed for PVC {name:?}"));
                }
                None => {}
            }
            let named = claim.spec.as_ref().is_some_and(|spec| spec.volume_name.is_some());
            if !named || annotation(&claim.metadata, BIND_COMPLETED).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
