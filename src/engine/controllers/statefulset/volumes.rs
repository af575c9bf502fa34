//! Claims: the volumes that belong to a place and outlive its pods, and who takes them along.
//!
//! Mirrors: pkg/controller/statefulset/stateful_set_utils.go. Binding them is somebody else's work.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::StatefulSet;
use api::k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::identity::{name_of, ordinal, ordinals};
use crate::client::Context;
use crate::controllers::pods;

/// The claims of a pod's place, named `TEMPLATE-SET-ORDINAL`.
pub fn claims(set: &StatefulSet, pod: &Pod) -> Vec<PersistentVolumeClaim> {
    let (Some(spec), Some(at)) = (&set.spec, ordinal(pod)) else { return Vec::new() };
    let made = spec.volume_claim_templates.iter().flatten().map(|template| {
        let mut claim = template.clone();
        claim.metadata.name = Some(claim_name(set, template, at));
        claim.metadata.namespace.clone_from(&set.metadata.namespace);
        claim.status = None;
        let wanted = spec.selector.match_labels.clone().unwrap_or_default();
        if claim.metadata.labels.is_some() || !wanted.is_empty() {
            claim.metadata.labels.get_or_insert_default().extend(wanted);
        }
        claim
    });
    made.collect()
}

fn claim_name(set: &StatefulSet, template: &PersistentVolumeClaim, at: i64) -> String {
    format!("{}-{}-{at}", name_of(&template.metadata), name_of(&set.metadata))
}

/// Those of a pod's claims that exist.
pub fn present(cx: &Context, set: &StatefulSet, pod: &Pod) -> Vec<Arc<PersistentVolumeClaim>> {
    let namespace = pods::namespace(pod);
    claims(set, pod).iter().filter_map(|claim| cx.api.get(namespace, name_of(&claim.metadata))).collect()
}

/// Puts the claims among a pod's volumes, before all others; they replace volumes of their names.
pub fn mount(set: &StatefulSet, pod: &mut Pod) {
    let (Some(spec), Some(at)) = (&set.spec, ordinal(pod)) else { return };
    let templates = spec.volume_claim_templates.as_deref().unwrap_or_default();
    if templates.is_empty() {
        return;
    }
    let mut volumes: Vec<Volume> = templates
        .iter()
        .map(|template| Volume {
            name: name_of(&template.metadata).into(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim_name(set, template, at),
                read_only: None,
            }),
            ..Volume::default()
        })
        .collect();
    let spec = pod.spec.get_or_insert_default();
    let others = spec.volumes.take().unwrap_or_default();
    volumes.extend(
        others.into_iter().filter(|other| templates.iter().all(|template| name_of(&template.metadata) != other.name)),
    );
    spec.volumes = Some(volumes);
}

/// Whether a pod's volumes are the claims of its place.
pub fn are_mounted(set: &StatefulSet, pod: &Pod) -> bool {
    let (Some(spec), Some(at)) = (&set.spec, ordinal(pod)) else { return false };
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    spec.volume_claim_templates.iter().flatten().all(|template| {
        let wanted = claim_name(set, template, at);
        volumes.iter().any(|volume| {
            volume.name == name_of(&template.metadata)
                && volume.persistent_volume_claim.as_ref().is_some_and(|source| source.claim_name == wanted)
        })
    })
}

/// What `persistentVolumeClaimRetentionPolicy` says of deletion and of scaling down.
struct Policy {
    deletes_with_set: bool,
    deletes_when_scaled: bool,
}

fn policy(set: &StatefulSet) -> Policy {
    let policy = set.spec.as_ref().and_then(|spec| spec.persistent_volume_claim_retention_policy.as_ref());
    let deletes = |word: Option<&String>| word.is_some_and(|word| word == "Delete");
    Policy {
        deletes_with_set: deletes(policy.and_then(|policy| policy.when_deleted.as_ref())),
        deletes_when_scaled: deletes(policy.and_then(|policy| policy.when_scaled.as_ref())),
    }
}

/// A reference by kind and name, whatever the UID.
fn names(reference: &OwnerReference, object: &OwnerReference) -> bool {
    let group = |version: &str| version.rsplit_once('/').map_or("", |(group, _)| group).to_string();
    reference.kind == object.kind
        && reference.name == object.name
        && group(&reference.api_version) == group(&object.api_version)
}

/// References to the set and to the pod, as owners.
fn both(set: &StatefulSet, pod: &Pod) -> (OwnerReference, OwnerReference) {
    let reference = |api_version: &str, kind: &str, meta: &ObjectMeta| OwnerReference {
        api_version: api_version.into(),
        kind: kind.into(),
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    (reference("apps/v1", "StatefulSet", &set.metadata), reference("v1", "Pod", &pod.metadata))
}

fn owners_of(claim: &PersistentVolumeClaim) -> &[OwnerReference] {
    claim.metadata.owner_references.as_deref().unwrap_or_default()
}

/// Whether the owners of all of a pod's claims are what the policy wants.
pub fn conform(cx: &Context, set: &StatefulSet, pod: &Pod) -> bool {
    present(cx, set, pod).iter().all(|claim| is_owned_rightly(claim, set, pod))
}

/// Whether a place's claims still belong to a pod that is gone, and will follow it.
pub fn are_stale(cx: &Context, set: &StatefulSet, pod: &Pod) -> bool {
    if !policy(set).deletes_when_scaled {
        return false;
    }
    let (_, as_pod) = both(set, pod);
    let stale = |owner: &OwnerReference| names(owner, &as_pod) && owner.uid != as_pod.uid;
    present(cx, set, pod).iter().any(|claim| owners_of(claim).iter().any(stale))
}

/// Whether somebody else manages the claim, so that the policy must leave it alone.
pub fn has_other_controller(claim: &PersistentVolumeClaim, set: &StatefulSet, pod: &Pod) -> bool {
    let Policy { deletes_with_set, deletes_when_scaled } = policy(set);
    if !deletes_with_set && !deletes_when_scaled {
        return false;
    }
    let (as_set, as_pod) = both(set, pod);
    owners_of(claim).iter().any(|owner| {
        if names(owner, &as_set) {
            // An older set of the same name orphaned it.
            owner.uid != as_set.uid
        } else if names(owner, &as_pod) {
            owner.uid != as_pod.uid
        } else {
            owner.controller == Some(true)
        }
    })
}

/// Who is to own the claim by the policy: (the set, the pod).
fn due(set: &StatefulSet, pod: &Pod) -> (bool, bool) {
    let Policy { deletes_with_set, deletes_when_scaled } = policy(set);
    let scaled_down = !ordinal(pod).is_some_and(|at| ordinals(set).contains(&at));
    let to_pod = deletes_when_scaled && scaled_down;
    (deletes_with_set && !to_pod, to_pod)
}

/// Whether a claim's owners are what the policy wants.
pub fn is_owned_rightly(claim: &PersistentVolumeClaim, set: &StatefulSet, pod: &Pod) -> bool {
    let (as_set, as_pod) = both(set, pod);
    let owners = owners_of(claim);
    let is_stale = |owner: &OwnerReference| {
        [&as_set, &as_pod].iter().any(|object| names(owner, object) && owner.uid != object.uid)
    };
    if owners.iter().any(is_stale) {
        return false;
    }
    let has = |object: &OwnerReference| owners.iter().any(|owner| owner.uid == object.uid);
    if has_other_controller(claim, set, pod) {
        return !has(&as_set) && !has(&as_pod);
    }
    let merely_owned =
        |owner: &OwnerReference| (owner.uid == as_set.uid || owner.uid == as_pod.uid) && owner.controller != Some(true);
    !owners.iter().any(merely_owned) && (has(&as_set), has(&as_pod)) == due(set, pod)
}

/// The owners a claim is to have.
pub fn owners(claim: &PersistentVolumeClaim, set: &StatefulSet, pod: &Pod) -> Option<Vec<OwnerReference>> {
    let (as_set, as_pod) = both(set, pod);
    let mut owners: Vec<OwnerReference> =
        owners_of(claim).iter().filter(|owner| !names(owner, &as_set) && !names(owner, &as_pod)).cloned().collect();
    if !has_other_controller(claim, set, pod) {
        let (to_set, to_pod) = due(set, pod);
        owners.extend(to_set.then_some(as_set));
        owners.extend(to_pod.then_some(as_pod));
    }
    Some(owners).filter(|owners| !owners.is_empty())
}
