//! DefaultStorageClass: a claim that names no class gets the default one, if the cluster has one.
//!
//! Mirrors: plugin/pkg/admission/storage/storageclass/setdefault.

use std::sync::Arc;

use api::k8s_openapi::api::storage::v1::StorageClass;
use api::{Kind, Object};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

pub fn admit(server: &ApiServer, object: &mut Object, attributes: &Attributes) {
    let Object::PersistentVolumeClaim(claim) = object else { return };
    // An empty name is an answer: no class. Only a missing one is a question.
    let asks = claim.spec.as_ref().is_some_and(|spec| spec.storage_class_name.is_none());
    if attributes.operation != Operation::Create || !asks {
        return;
    }
    let newest = server
        .read_all(Kind::StorageClass, "")
        .filter_map(|object| object.get::<StorageClass>())
        .filter(|class| {
            let annotations = class.metadata.annotations.as_ref();
            annotations.and_then(|map| map.get(DEFAULT)).is_some_and(|value| value == "true")
        })
        // The newest wins; among equals the first by name.
        .min_by_key(|class| (std::cmp::Reverse(class.metadata.creation_timestamp.clone()), class.metadata.name.clone()))
        .and_then(|class| class.metadata.name.clone());
    if let (Some(name), Some(spec)) = (newest, &mut Arc::make_mut(claim).spec) {
        spec.storage_class_name = Some(name);
    }
}
