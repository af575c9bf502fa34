//! Between choosing a node and binding the pod: its claims get their volumes.
//!
//! The scheduler only says what is to be: a free volume is reserved for a claim, or a claim is given
//! its node so that the provisioner makes a volume there. The volume controller does the rest, and
//! the pod is bound when all its claims are.
//! Mirrors: volumebinding/binder.go `BindPodVolumes`, `checkBindings`.

use std::sync::Arc;

use api::Status;
use api::meta::volume::{BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE, claim_reference};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::{Scheduler, now_ms};
use crate::client::Context;
use crate::scheduler::cache::Cache;
use crate::scheduler::plugins::volume_binding::{claims_of, plan};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::QueuedPod;

/// After this long the placement is given up.
const BIND_TIMEOUT_MS: i64 = 600_000;

/// A placed pod whose claims are not bound yet.
#[derive(Debug, Clone)]
pub struct WaitingForVolumes {
    queued: QueuedPod,
    node: Arc<str>,
    claims: Vec<String>,
    pub deadline_ms: i64,
}

/// Writes what the chosen node means for the pod's claims, and returns those to wait for.
pub fn begin(cache: &Cache, pod: &PodInfo, node: &str, cx: &mut Context) -> Result<Option<Vec<String>>, Status> {
    let Ok(claims) = claims_of(cache, pod) else { return Ok(None) };
    let Some(target) = cache.node_named(node).filter(|_| !claims.waiting.is_empty()) else { return Ok(None) };
    let Ok(plan) = plan(cache, &claims, target) else { return Ok(None) };
    let name_of = |claim: &PersistentVolumeClaim| claim.metadata.name.clone().unwrap_or_default();
    let mut names = Vec::new();
    for (volume, claim) in &plan.bind {
        names.push(name_of(claim));
        let reference = claim_reference(claim);
        cx.api.change::<PersistentVolume>("", volume.metadata.name.as_deref().unwrap_or_default(), "", |volume| {
            // A volume that was kept for the claim is not the controller's choice.
            if volume.spec.as_ref().is_none_or(|spec| spec.claim_ref.is_none()) {
                let by_controller = (BOUND_BY_CONTROLLER.to_owned(), "yes".to_owned());
                volume.metadata.annotations.get_or_insert_default().extend([by_controller]);
            }
            volume.spec.get_or_insert_default().claim_ref = Some(reference);
        })?;
    }
    for claim in &plan.provision {
        names.push(name_of(claim));
        cx.api.change::<PersistentVolumeClaim>(&pod.namespace, &name_of(claim), "", |claim| {
            let selected = (SELECTED_NODE.to_owned(), node.to_owned());
            claim.metadata.annotations.get_or_insert_default().extend([selected]);
        })?;
    }
    Ok(Some(names))
}

impl Scheduler {
    pub(super) fn wait_for_volumes(&mut self, queued: QueuedPod, node: Arc<str>, claims: Vec<String>, now: i64) {
        let uid = queued.info.uid().to_owned();
        let waiting = WaitingForVolumes { queued, node, claims, deadline_ms: now + BIND_TIMEOUT_MS };
        self.waiting.insert(uid, waiting);
    }

    /// Binds the pods whose claims have become bound, and gives up those that waited too long.
    pub(super) fn continue_volumes(&mut self, cx: &mut Context) {
        let uids: Vec<String> = self.waiting.keys().cloned().collect();
        for uid in uids {
            let Some(waiting) = self.waiting.get(&uid) else { continue };
            let namespace = waiting.queued.info.namespace.clone();
            let ready = waiting.claims.iter().all(|name| is_bound(cx, &namespace, name));
            let late = now_ms(cx) >= waiting.deadline_ms;
            if !ready && !late {
                continue;
            }
            let Some(waiting) = self.waiting.remove(&uid) else { continue };
            if ready {
                self.bind(waiting.queued, &waiting.node, cx);
            } else {
                let message =
                    "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded".to_owned();
                self.failed_to_bind(waiting.queued, message, cx);
            }
        }
    }
}

fn is_bound(cx: &Context, namespace: &str, name: &str) -> bool {
    let Some(claim) = cx.api.get::<PersistentVolumeClaim>(namespace, name) else { return false };
    let named = claim.spec.as_ref().is_some_and(|spec| spec.volume_name.is_some());
    let annotations = claim.metadata.annotations.as_ref();
    named && annotations.is_some_and(|annotations| annotations.contains_key(BIND_COMPLETED))
}
