//! What a pod's claims need, and how a node would satisfy them.
//!
//! Mirrors: volumebinding/binder.go `GetPodVolumeClaims`, `FindPodVolumes`, volume_binding.go `podHasPVCs`.

use std::sync::Arc;

use api::meta::owner::controller_of;
use api::meta::volume::{BIND_COMPLETED, SELECTED_NODE, annotation, claim_class, requested, volume_name};
use api::order::Order;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, TopologySelectorTerm};

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
        // Somebody else's claim that happens to have the name is not taken.
        if ephemeral && controller_of(&claim.metadata).is_none_or(|owner| owner.uid != pod.uid()) {
            let namespace = &pod.namespace;
            let pod = &pod.name;
            return Err(format!("PVC {namespace}/{name} was not created for pod {namespace}/{pod} (pod is not owner)"));
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
/// Why it cannot: what is wrong with a bound volume, and what is with a claim that waits.
pub fn plan(cache: &Cache, claims: &Claims, node: &NodeInfo) -> Result<Plan, Vec<&'static str>> {
    let bound = claims.bound.iter().find_map(|claim| obstacle(cache, claim, node));
    match (bound, plan_waiting(cache, &claims.waiting, node)) {
        (None, Ok(plan)) => Ok(plan),
        (bound, waiting) => Err(bound.into_iter().chain(waiting.err()).collect()),
    }
}

/// Why a bound claim keeps the pod off the node, if it does.
fn obstacle(cache: &Cache, claim: &PersistentVolumeClaim, node: &NodeInfo) -> Option<&'static str> {
    match cache.listers.volumes.get(&key("", volume_name(claim))) {
        None => Some("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"),
        Some(volume) if !fits_node(volume, node) => Some("node(s) didn't match PersistentVolume's node affinity"),
        Some(_) => None,
    }
}

const NO_VOLUME: &str = "node(s) didn't find available persistent volumes to bind";
const NO_ROOM: &str = "node(s) did not have enough free storage";

fn plan_waiting(cache: &Cache, waiting: &[&Arc<PersistentVolumeClaim>], node: &NodeInfo) -> Result<Plan, &'static str> {
    let mut plan = Plan::default();
    let mut unfound = Vec::new();
    for claim in waiting {
        match annotation(&claim.metadata, SELECTED_NODE) {
            // A claim that was promised to a node waits for its volume there.
            Some(promised) if promised != &*node.name => return Err(NO_VOLUME),
            Some(_) => unfound.push(*claim),
            None => {
                let taken: Vec<&str> =
                    plan.bind.iter().map(|(volume, _)| volume.metadata.name.as_deref().unwrap_or_default()).collect();
                match smallest_match(cache, claim, node, &taken) {
                    Some(volume) => plan.bind.push((volume.clone(), (*claim).clone())),
                    None => unfound.push(*claim),
                }
            }
        }
    }
    for claim in unfound {
        can_provision(cache, claim, node)?;
        plan.provision.push(claim.clone());
    }
    Ok(plan)
}

/// Whether the claim's class makes volumes that this node reaches, and has room for one.
///
/// # Errors
/// Why not.
fn can_provision(cache: &Cache, claim: &PersistentVolumeClaim, node: &NodeInfo) -> Result<(), &'static str> {
    let name = claim_class(claim);
    let class = cache.listers.storage_classes.get(&key("", name)).ok_or(NO_VOLUME)?;
    if class.provisioner.is_empty() || class.provisioner == "kubernetes.io/no-provisioner" {
        return Err(NO_VOLUME);
    }
    let topologies = class.allowed_topologies.as_deref().unwrap_or_default();
    let allowed = |term: &TopologySelectorTerm| {
        let wanted = term.match_label_expressions.as_deref().unwrap_or_default();
        wanted
            .iter()
            .all(|wanted| node.label(&wanted.key).is_some_and(|value| wanted.values.iter().any(|v| v == value)))
    };
    if !topologies.is_empty() && !topologies.iter().any(allowed) {
        return Err(NO_VOLUME);
    }
    // Only drivers that publish their capacity are held to it.
    let driver = cache.listers.csi_drivers.get(&key("", &class.provisioner));
    let published = driver.is_some_and(|driver| driver.spec.storage_capacity == Some(true));
    let labels = node.node.metadata.labels.as_ref();
    let size = requested(claim);
    if published && !cache.listers.capacities.values().any(|capacity| capacity.holds(name, size, labels)) {
        return Err(NO_ROOM);
    }
    Ok(())
}
