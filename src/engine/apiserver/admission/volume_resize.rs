//! PersistentVolumeClaimResize: a bound claim grows only where its class lets volumes grow.
//!
//! Mirrors: plugin/pkg/admission/storage/persistentvolume/resize.

use api::k8s_openapi::api::storage::v1::StorageClass;
use api::meta::volume::{claim_class, requested};
use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

pub fn validate(server: &ApiServer, object: &Object, attributes: &Attributes) -> Result<(), Status> {
    let (Object::PersistentVolumeClaim(new), Some(Object::PersistentVolumeClaim(old))) = (object, attributes.old)
    else {
        return Ok(());
    };
    let grows = requested(new) > requested(old);
    if attributes.operation != Operation::Update || !attributes.subresource.is_empty() || !grows {
        return Ok(());
    }
    let refuse =
        |why: &str| Err(Status::forbidden(&server.resource_of(Kind::PersistentVolumeClaim), object.name(), why));
    if old.status.as_ref().and_then(|status| status.phase.as_deref()) != Some("Bound") {
        return refuse("Only bound persistent volume claims can be expanded");
    }
    let class = claim_class(new);
    let stored = server.read(Kind::StorageClass, "", class).and_then(|object| object.get::<StorageClass>());
    let expands = stored.is_some_and(|class| class.allow_volume_expansion == Some(true));
    if class == claim_class(old) && expands {
        return Ok(());
    }
    refuse(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    )
}
