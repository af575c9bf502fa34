//! Which free volume suits a claim.
//!
//! Mirrors: component-helpers/storage/volume/pv_helpers.go `FindMatchingVolume`, `CheckNodeAffinity`.

use std::sync::Arc;

use api::meta::{Amount, Selector, quantity::amount};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::binder::terms_admit;
use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::pod_info::NodeTerm;

/// What a claim asks for.
pub fn requested(claim: &PersistentVolumeClaim) -> Amount {
    let requests = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    requests.and_then(|requests| requests.get("storage")).map(amount).unwrap_or_default()
}

/// The smallest available volume that satisfies the claim and that `node` reaches.
///
/// A volume reserved for this claim wins whatever its size, if it is large enough.
pub fn smallest_match<'a>(
    cache: &'a Cache,
    claim: &PersistentVolumeClaim,
    class: &str,
    node: &NodeInfo,
    taken: &[&str],
) -> Option<&'a Arc<PersistentVolume>> {
    let wanted = requested(claim);
    let spec = claim.spec.as_ref()?;
    let selector = spec.selector.as_ref().map(|selector| Selector::from_label_selector(Some(selector)));
    let mut best: Option<(Amount, &Arc<PersistentVolume>)> = None;
    for volume in cache.listers.volumes.values() {
        let name = volume.metadata.name.as_deref().unwrap_or_default();
        let Some(offer) = volume.spec.as_ref() else { continue };
        let size = offer.capacity.as_ref().and_then(|capacity| capacity.get("storage")).map(amount).unwrap_or_default();
        let suits = !taken.contains(&name)
            && volume.metadata.deletion_timestamp.is_none()
            && offer.storage_class_name.as_deref().unwrap_or_default() == class
            && mode(offer.volume_mode.as_deref()) == mode(spec.volume_mode.as_deref())
            && size >= wanted
            && fits_node(volume, node);
        if !suits {
            continue;
        }
        if let Some(reserved) = &offer.claim_ref {
            let for_it = reserved.name == claim.metadata.name
                && reserved.namespace == claim.metadata.namespace
                && (reserved.uid.as_deref().unwrap_or_default().is_empty() || reserved.uid == claim.metadata.uid);
            if for_it {
                return Some(volume);
            }
            continue;
        }
        let available = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Available");
        let offered = offer.access_modes.as_deref().unwrap_or_default();
        let modes = spec.access_modes.as_deref().unwrap_or_default();
        let acceptable = available
            && modes.iter().all(|mode| offered.contains(mode))
            && selector.as_ref().is_none_or(|selector| selector.matches(volume.metadata.labels.as_ref()));
        if acceptable && best.is_none_or(|(smallest, _)| size < smallest) {
            best = Some((size, volume));
        }
    }
    best.map(|(_, volume)| volume)
}

/// Whether a node reaches a volume.
pub fn fits_node(volume: &PersistentVolume, node: &NodeInfo) -> bool {
    let required = volume.spec.as_ref().and_then(|spec| spec.node_affinity.as_ref()?.required.as_ref());
    required.is_none_or(|required| {
        let terms: Vec<NodeTerm> = required.node_selector_terms.iter().map(NodeTerm::new).collect();
        terms_admit(&terms, node)
    })
}

fn mode(mode: Option<&str>) -> &str {
    mode.unwrap_or("Filesystem")
}
