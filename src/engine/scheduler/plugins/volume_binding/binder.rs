//! What a pod's claims need, and how a node would satisfy them.
//!
//! Mirrors: volumebinding/binder.go.

use std::sync::Arc;

use api::meta::volume::{BIND_COMPLETED, SELECTED_NODE, annotation, claim_class, requested, volume_name};
use api::order::Order;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::matching::{fits_node, smallest_match};
use super::waits_for_consumer;
use crate::scheduler::cache::{Cache, NodeInfo, key};
use crate::scheduler::plugins::volume_restrictions::volumes;
use crate::scheduler::pod_info::PodInfo;

/// A pod's claims, by what they still need.
#[derive(Clone, Default)]
pub struct Claims<'a> {
    pub bound: Vec<&'a Arc<PersistentVolumeClaim>>,
    /// They wait for this pod to choose a node; the ones that ask for least come first.
    pub waiting: Vec<&'a Arc<PersistentVolumeClaim>>,
    /// Some claim should have been bound by the controller already.
    pub unbound_immediate: bool,
}

impl Claims<'_> {
    pub fn is_empty(&self) -> bool {
        self.bound.is_empty() && self.waiting.is_empty() && !self.unbound_immediate
    }
}

/// What choosing a node means for the waiting claims.
#[derive(Clone, Default)]
pub struct Plan {
    /// Free volumes to bind to claims.
    pub bind: Vec<(Arc<PersistentVolume>, Arc<PersistentVolumeClaim>)>,
    /// Claims whose class is to make a volume for the node.
    pub provision: Vec<Arc<PersistentVolumeClaim>>,
}

/// Sorts a pod's claims.
///
/// # Errors
/// What is wrong with a claim, as FailedScheduling says it.
pub fn claims_of<'a>(cache: &'a Cache, pod: &PodInfo) -> Result<Claims<'a>, String> {
    let mut claims = Claims::default();
    for volume in volumes(pod) {
        let (name, ephemeral) = match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(claim), _) => (claim.claim_name.clone(), false),
            (None, Some(_)) => (format!("{}-{}", pod.name, volume.name), true),
            (None, None) => continue,
        };
        let Some(claim) = cache.listers.claims.get(&key(&pod.namespace, &name)) else {
            return Err(if ephemeral {
                format!("waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\"")
            } else {
                format!("persistentvolumeclaim \"{name}\" not found")
            });
        };
        let volume_name = volume_name(claim);
        if claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Lost") {
            return Err(format!(
                "persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume_name}\""
            ));
        }
        if claim.metadata.deletion_timestamp.is_some() {
            return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
        }
        let completed = annotation(&claim.metadata, BIND_COMPLETED).is_some();
        if !volume_name.is_empty() && completed {
            claims.bound.push(claim);
        } else if volume_name.is_empty() && waits_for_consumer(cache, claim_class(claim)) {
            claims.waiting.push(claim);
        } else {
            claims.unbound_immediate = true;
        }
    }
    claims.waiting.order_by_key(|claim| requested(claim));
    Ok(claims)
}

/// How `node` would satisfy the claims.
///
/// # Errors
/// Why it cannot.
pub fn plan(cache: &Cache, claims: &Claims, node: &NodeInfo) -> Result<Plan, Vec<&'static str>> {
    let mut reasons = Vec::new();
    for claim in &claims.bound {
        match cache.listers.volumes.get(&key("", volume_name(claim))) {
            None => reasons.push("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"),
            Some(volume) if !fits_node(volume, node) => {
                reasons.push("node(s) didn't match PersistentVolume's node affinity");
            }
            Some(_) => {}
        }
    }
    let mut plan = Plan::default();
    for claim in &claims.waiting {
        // A claim that was promised to a node waits for its volume there.
        let promised = annotation(&claim.metadata, SELECTED_NODE);
        let taken: Vec<&str> =
            plan.bind.iter().map(|(volume, _)| volume.metadata.name.as_deref().unwrap_or_default()).collect();
        let found = if promised.is_some() { None } else { smallest_match(cache, claim, node, &taken) };
        if let Some(volume) = found {
            plan.bind.push((volume.clone(), (*claim).clone()));
        } else if promised.is_none_or(|name| name == &*node.name) && can_provision(cache, claim, node) {
            plan.provision.push((*claim).clone());
        } else {
            reasons.push("node(s) didn't find available persistent volumes to bind");
            break;
        }
    }
    reasons.dedup();
    if reasons.is_empty() { Ok(plan) } else { Err(reasons) }
}

/// Whether the claim's class makes volumes that this node reaches.
fn can_provision(cache: &Cache, claim: &PersistentVolumeClaim, node: &NodeInfo) -> bool {
    let Some(class) = cache.listers.storage_classes.get(&key("", claim_class(claim))) else { return false };
    if class.provisioner.is_empty() || class.provisioner == "kubernetes.io/no-provisioner" {
        return false;
    }
    let topologies = class.allowed_topologies.as_deref().unwrap_or_default();
    let allowed = |term: &k8s_openapi::api::core::v1::TopologySelectorTerm| {
        let wanted = term.match_label_expressions.as_deref().unwrap_or_default();
        wanted
            .iter()
            .all(|wanted| node.label(&wanted.key).is_some_and(|value| wanted.values.iter().any(|v| v == value)))
    };
    topologies.is_empty() || topologies.iter().any(allowed)
}
