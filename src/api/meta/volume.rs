//! Claims and volumes: classes, annotations, and which free volume suits a claim.
//!
//! The binder and the scheduler both ask; neither may have an opinion of its own.
//! Mirrors: component-helpers/storage/volume/{helpers,pv_helpers}.go.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::quantity::amount;
use super::{Amount, Selector};

/// The binding of a claim has been written on both sides.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The controller chose the other side, not the user.
pub const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// Who made a volume on demand.
pub const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// The node the scheduler chose for a claim that waited for a pod.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// Who is to make a claim's volume, in the present spelling and in that of old.
pub const PROVISIONERS: [&str; 2] =
    ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];
/// The class, in the spelling of old: it wins over the field.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

pub fn annotation<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(name).map(String::as_str)
}

/// The class a claim asks for; empty for none.
pub fn claim_class(claim: &PersistentVolumeClaim) -> &str {
    let field = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    annotation(&claim.metadata, CLASS).or(field).unwrap_or_default()
}

/// The class a volume belongs to; empty for none.
pub fn volume_class(volume: &PersistentVolume) -> &str {
    let field = volume.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    annotation(&volume.metadata, CLASS).or(field).unwrap_or_default()
}

/// The volume a claim is, or wants to be, bound to; empty for any.
pub fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref()).unwrap_or_default()
}

/// How much a claim asks for.
pub fn requested(claim: &PersistentVolumeClaim) -> Amount {
    let requests = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    requests.and_then(|requests| requests.get("storage")).map(amount).unwrap_or_default()
}

/// How much a volume holds.
pub fn capacity(volume: &PersistentVolume) -> Amount {
    let capacity = volume.spec.as_ref().and_then(|spec| spec.capacity.as_ref());
    capacity.and_then(|capacity| capacity.get("storage")).map(amount).unwrap_or_default()
}

/// Whether a volume is kept for this claim, by name, and by UID where one is written.
pub fn is_bound_to(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref()).is_some_and(|reference| {
        reference.name == claim.metadata.name
            && reference.namespace == claim.metadata.namespace
            && (reference.uid.as_deref().unwrap_or_default().is_empty() || reference.uid == claim.metadata.uid)
    })
}

/// What a volume's `claimRef` says about a claim.
pub fn claim_reference(claim: &PersistentVolumeClaim) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("PersistentVolumeClaim".into()),
        namespace: claim.metadata.namespace.clone(),
        name: claim.metadata.name.clone(),
        uid: claim.metadata.uid.clone(),
        resource_version: claim.metadata.resource_version.clone(),
        field_path: None,
    }
}

/// Whether a volume can be accessed in every way the claim wants.
pub fn access_modes_suffice(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let offered = modes(volume);
    let wanted = claim.spec.as_ref().and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default();
    wanted.iter().all(|mode| offered.contains(mode))
}

fn modes(volume: &PersistentVolume) -> &[String] {
    volume.spec.as_ref().and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default()
}

/// Whether both are file systems, or both raw devices.
pub fn same_volume_mode(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let of_volume = volume.spec.as_ref().and_then(|spec| spec.volume_mode.as_deref());
    let of_claim = claim.spec.as_ref().and_then(|spec| spec.volume_mode.as_deref());
    of_volume.unwrap_or("Filesystem") == of_claim.unwrap_or("Filesystem")
}

fn same_attributes_class(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let of_volume = volume.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.as_deref());
    let of_claim = claim.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.as_deref());
    of_volume.unwrap_or_default() == of_claim.unwrap_or_default()
}

/// Why a volume that a claim names cannot be its volume.
///
/// # Errors
/// The reason, as a VolumeMismatch event says it.
pub fn check_satisfies(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> Result<(), String> {
    if volume.metadata.deletion_timestamp.is_some() {
        let name = volume.metadata.name.as_deref().unwrap_or_default();
        return Err(format!("the volume is marked for deletion {name:?}"));
    }
    let complaint = if capacity(volume) < requested(claim) {
        "requested PV is too small"
    } else if volume_class(volume) != claim_class(claim) {
        "storageClassName does not match"
    } else if !same_attributes_class(volume, claim) {
        "volumeAttributesClassName does not match"
    } else if !same_volume_mode(volume, claim) {
        "incompatible volumeMode"
    } else if !access_modes_suffice(volume, claim) {
        "incompatible accessMode"
    } else {
        return Ok(());
    };
    Err(complaint.into())
}

/// For whom a volume is sought.
#[derive(Clone, Copy)]
pub enum Seeker<'a> {
    /// The binder: of the volumes whose access modes suffice, those that offer the least come first.
    Binder {
        /// A pod decides, so only a volume kept for the claim will do.
        delayed: bool,
    },
    /// The scheduler, for a node it has in mind: whether the node reaches a volume.
    Node(&'a dyn Fn(&PersistentVolume) -> bool),
}

/// The volume that suits a claim best: one kept for it, or else the smallest that is free and suffices.
pub fn best_match<'a>(
    claim: &PersistentVolumeClaim,
    volumes: impl Iterator<Item = &'a Arc<PersistentVolume>>,
    taken: &[&str],
    seeker: Seeker,
) -> Option<&'a Arc<PersistentVolume>> {
    let (wanted, class) = (requested(claim), claim_class(claim));
    let selector = claim.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let selector = selector.map(|selector| Selector::from_label_selector(Some(selector)));
    // Access modes come before size where the binder chooses: a volume for many is not spent on one.
    let mut best: Option<(usize, Amount, &Arc<PersistentVolume>)> = None;
    let mut reserved: Option<(usize, &Arc<PersistentVolume>)> = None;
    for volume in volumes {
        let kept = is_bound_to(volume, claim);
        let size = capacity(volume);
        let unfit = taken.contains(&volume.metadata.name.as_deref().unwrap_or_default())
            || (!kept && volume.spec.as_ref().is_some_and(|spec| spec.claim_ref.is_some()))
            || size < wanted
            || !same_volume_mode(volume, claim)
            || !same_attributes_class(volume, claim)
            || volume.metadata.deletion_timestamp.is_some();
        if unfit {
            continue;
        }
        let (reached, breadth) = match seeker {
            Seeker::Binder { .. } if !access_modes_suffice(volume, claim) => continue,
            Seeker::Binder { .. } => (true, modes(volume).len()),
            Seeker::Node(reaches) => (reaches(volume), 0),
        };
        if kept {
            // A volume kept for the claim that the node cannot reach leaves it no other.
            if !reached {
                return None;
            }
            if reserved.is_none_or(|(least, _)| breadth < least) {
                reserved = Some((breadth, volume));
            }
            continue;
        }
        let free = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Available");
        let suits = free
            && reached
            && volume_class(volume) == class
            && selector.as_ref().is_none_or(|selector| selector.matches(volume.metadata.labels.as_ref()))
            && match seeker {
                Seeker::Binder { delayed } => !delayed,
                Seeker::Node(_) => access_modes_suffice(volume, claim),
            };
        if suits && best.is_none_or(|(least, smallest, _)| breadth < least || (breadth == least && size < smallest)) {
            best = Some((breadth, size, volume));
        }
    }
    match (reserved, best) {
        // Modes decide first: a broader volume, even one kept for the claim, comes after.
        (Some((breadth, _)), Some((least, _, volume))) if least < breadth => Some(volume),
        (Some((_, volume)), _) => Some(volume),
        (None, best) => best.map(|(.., volume)| volume),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn volume(name: &str, size: &str, modes: &[&str], more: serde_json::Value) -> Arc<PersistentVolume> {
        let mut value = json!({"metadata": {"name": name}, "status": {"phase": "Available"},
            "spec": {"storageClassName": "s", "capacity": {"storage": size}, "accessModes": modes}});
        for (key, field) in more.as_object().into_iter().flatten() {
            value["spec"][key] = field.clone();
        }
        Arc::new(serde_json::from_value(value).expect("test volumes are well formed"))
    }

    fn claim(more: serde_json::Value) -> PersistentVolumeClaim {
        let mut value = json!({"metadata": {"name": "c", "namespace": "default", "uid": "1"}, "spec": {
            "storageClassName": "s", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
        for (key, field) in more.as_object().into_iter().flatten() {
            value["spec"][key] = field.clone();
        }
        serde_json::from_value(value).expect("test claims are well formed")
    }

    #[test]
    fn modes_come_before_size_and_what_is_kept_before_both() {
        let once: &[&str] = &["ReadWriteOnce"];
        let many: &[&str] = &["ReadWriteOnce", "ReadWriteMany"];
        let kept = |uid: &str| json!({"claimRef": {"namespace": "default", "name": "c", "uid": uid}});
        let rows = [
            ("smallest", vec![volume("a", "3Gi", once, json!({})), volume("b", "2Gi", once, json!({}))], Some("b")),
            ("fewest modes", vec![volume("a", "1Gi", many, json!({})), volume("b", "9Gi", once, json!({}))], Some("b")),
            ("too small", vec![volume("a", "500Mi", once, json!({}))], None),
            ("kept for it", vec![volume("a", "1Gi", once, json!({})), volume("b", "9Gi", once, kept(""))], Some("b")),
            ("kept for another", vec![volume("a", "1Gi", once, kept("2"))], None),
            ("another class", vec![volume("a", "1Gi", once, json!({"storageClassName": "t"}))], None),
            ("a raw device", vec![volume("a", "1Gi", once, json!({"volumeMode": "Block"}))], None),
        ];
        for (case, volumes, want) in rows {
            let found = best_match(&claim(json!({})), volumes.iter(), &[], Seeker::Binder { delayed: false });
            assert_eq!(found.and_then(|volume| volume.metadata.name.as_deref()), want, "{case}");
        }
    }

    #[test]
    fn a_named_volume_says_why_it_does_not_do() {
        let once: &[&str] = &["ReadWriteOnce"];
        let offer = volume("a", "1Gi", once, json!({}));
        let rows = [
            (json!({}), None),
            (json!({"resources": {"requests": {"storage": "2Gi"}}}), Some("requested PV is too small")),
            (json!({"storageClassName": ""}), Some("storageClassName does not match")),
            (json!({"volumeMode": "Block"}), Some("incompatible volumeMode")),
            (json!({"accessModes": ["ReadWriteMany"]}), Some("incompatible accessMode")),
        ];
        for (asked, want) in rows {
            assert_eq!(check_satisfies(&offer, &claim(asked)).err().as_deref(), want);
        }
    }
}
