//! Owner references: who controls an object.
//!
//! Mirrors: apimachinery/pkg/apis/meta/v1/controller_ref.go.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::object::Object;

/// The one reference with `controller: true`.
pub fn controller_of(meta: &ObjectMeta) -> Option<&OwnerReference> {
    meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether `owner_uid` is the controller.
pub fn is_controlled_by(meta: &ObjectMeta, owner_uid: &str) -> bool {
    controller_of(meta).is_some_and(|owner| owner.uid == owner_uid)
}

/// A reference that makes `owner` the controller and blocks its foreground deletion.
pub fn controller_reference(owner: &Object) -> OwnerReference {
    let resource = owner.kind().resource();
    OwnerReference {
        api_version: resource.map(crate::scheme::Resource::api_version).unwrap_or_default(),
        kind: resource.map_or_else(|| owner.kind().name().to_string(), |resource| resource.kind_name.to_string()),
        name: owner.name().to_string(),
        uid: owner.uid().to_string(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// A reference that keeps a dependent from outliving `owner`, without controlling it.
pub fn owner_reference(owner: &Object) -> OwnerReference {
    OwnerReference { controller: None, block_owner_deletion: None, ..controller_reference(owner) }
}
