//! Which free volume suits a claim on a node.
//!
//! Mirrors: component-helpers/storage/volume/pv_helpers.go `CheckNodeAffinity`.

use std::sync::Arc;

use api::meta::node_selector::admits;
use api::meta::volume::{Seeker, best_match, claim_class, volume_class};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use crate::scheduler::cache::{Cache, NodeInfo};

/// The smallest available volume that satisfies the claim and that `node` reaches.
pub fn smallest_match<'a>(
    cache: &'a Cache,
    claim: &PersistentVolumeClaim,
    node: &NodeInfo,
    taken: &[&str],
) -> Option<&'a Arc<PersistentVolume>> {
    let reaches = |volume: &PersistentVolume| fits_node(volume, node);
    // Of other classes not even a volume that is kept for the claim is looked at.
    let class = claim_class(claim);
    let volumes = cache.listers.volumes.values().filter(|volume| volume_class(volume) == class);
    best_match(claim, volumes, taken, Seeker::Node(&reaches))
}

/// Whether a node reaches a volume. Only its labels are asked: a volume cannot name a node by `matchFields`.
pub fn fits_node(volume: &PersistentVolume, node: &NodeInfo) -> bool {
    let required = volume.spec.as_ref().and_then(|spec| spec.node_affinity.as_ref()?.required.as_ref());
    required.is_none_or(|required| admits(required, "", node.node.metadata.labels.as_ref()))
}
