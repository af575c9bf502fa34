//! StorageObjectInUseProtection: volumes and claims are born with the finalizer that protects them.
//!
//! Mirrors: plugin/pkg/admission/storage/storageobjectinuseprotection.

use api::{Kind, Object};

use super::{Attributes, Operation};

pub fn admit(object: &mut Object, attributes: &Attributes) {
    let finalizer = match object.kind() {
        Kind::PersistentVolumeClaim => "kubernetes.io/pvc-protection",
        Kind::PersistentVolume => "kubernetes.io/pv-protection",
        Kind::VolumeAttributesClass => "kubernetes.io/vac-protection",
        // Nothing else is protected this way.
        _ => return,
    };
    if attributes.operation != Operation::Create {
        return;
    }
    let finalizers = object.meta_mut().finalizers.get_or_insert_default();
    if !finalizers.iter().any(|known| known == finalizer) {
        finalizers.push(finalizer.into());
    }
}
