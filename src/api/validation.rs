//! Validation: is this object allowed? One file per kind or family; texts, paths and order are upstream's.
//!
//! Mirrors: pkg/apis/*/validation. Objects are validated after defaulting. Every breach is
//! reported at once; only where upstream stops early do we, too.

mod cluster;
mod common;
mod config;
mod diff;
pub mod field;
pub mod go_value;
mod internal;
pub mod object_meta;
mod persistent_volume;
mod pod;
mod resources;
pub mod service;
mod stateful_set;
#[cfg(test)]
mod tests;
mod warnings;
mod workloads;

use crate::Object;
pub use field::{ErrorKind, ErrorList, FieldError, Path};
pub use warnings::{deprecation, warnings};

/// Everything that forbids creating `object`, in upstream's order.
pub fn create(object: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    let kind = object.kind();
    let namespaced = kind.resource().map(|resource| resource.namespaced);
    let path = Path::ROOT.child("metadata");
    object_meta::create(object.meta(), namespaced, object_meta::name_rule(kind), &path, &mut errors);
    body(object, &mut errors);
    if let Object::Pod(pod) = object {
        pod::create_only(pod, &mut errors);
    }
    errors
}

/// Everything that forbids replacing `old` by `new`: the rules of creation and the immutable fields.
pub fn update(new: &Object, old: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    object_meta::update(new.meta(), old.meta(), &Path::ROOT.child("metadata"), &mut errors);
    match (new, old) {
        (Object::Pod(new), Object::Pod(old)) => pod::update(new, old, &mut errors),
        (Object::Deployment(new), Object::Deployment(old)) => workloads::deployment_update(new, old, &mut errors),
        (Object::ReplicaSet(new), Object::ReplicaSet(old)) => workloads::replica_set_update(new, old, &mut errors),
        (Object::DaemonSet(new), Object::DaemonSet(old)) => workloads::daemon_set_update(new, old, &mut errors),
        (Object::StatefulSet(new), Object::StatefulSet(old)) => stateful_set::update(new, old, &mut errors),
        (Object::Service(new), Object::Service(old)) => service::update(new, old, &mut errors),
        (Object::ConfigMap(new), Object::ConfigMap(old)) => config::config_map_update(new, old, &mut errors),
        (Object::Secret(new), Object::Secret(old)) => config::secret_update(new, old, &mut errors),
        (Object::Node(new), Object::Node(old)) => cluster::node_update(new, old, &mut errors),
        (Object::PersistentVolume(new), Object::PersistentVolume(old)) => {
            persistent_volume::volume_update(new, old, &mut errors);
        }
        (Object::PersistentVolumeClaim(new), Object::PersistentVolumeClaim(old)) => {
            persistent_volume::claim_update(new, old, &mut errors);
        }
        (Object::StorageClass(new), Object::StorageClass(old)) => {
            persistent_volume::storage_class_update(new, old, &mut errors);
        }
        // Kinds all of whose fields may change.
        (new, _) => body(new, &mut errors),
    }
    errors
}

/// Everything that forbids replacing the status of `old` by that of `new`.
pub fn update_status(new: &Object, old: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    object_meta::update(new.meta(), old.meta(), &Path::ROOT.child("metadata"), &mut errors);
    match (new, old) {
        (Object::Pod(new), Object::Pod(old)) => pod::update_status(new, old, &mut errors),
        (Object::Namespace(new), Object::Namespace(_)) => cluster::namespace_status_update(new, &mut errors),
        (Object::Node(new), Object::Node(old)) => cluster::node_update(new, old, &mut errors),
        (Object::PersistentVolumeClaim(new), Object::PersistentVolumeClaim(_)) => {
            persistent_volume::claim_status_update(new, &mut errors);
        }
        // Statuses that only controllers write.
        _ => {}
    }
    errors
}

/// What forbids an update through the subresource `pods/ephemeralcontainers`.
pub fn update_ephemeral_containers(new: &Object, old: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    object_meta::update(new.meta(), old.meta(), &Path::ROOT.child("metadata"), &mut errors);
    if let (Object::Pod(new), Object::Pod(old)) = (new, old) {
        pod::update_ephemeral_containers(new, old, &mut errors);
    }
    errors
}

/// The rules that hold at creation and at every update, after the metadata.
fn body(object: &Object, errors: &mut ErrorList) {
    match object {
        Object::Pod(pod) => pod::metadata_and_spec(pod, errors),
        Object::PodTemplate(template) => {
            pod::spec::template(template.template.as_ref(), &Path::ROOT.child("template"), errors);
        }
        Object::Deployment(deployment) => workloads::deployment(deployment, errors),
        Object::ReplicaSet(set) => workloads::replica_set(set, errors),
        Object::DaemonSet(set) => workloads::daemon_set(set, errors),
        Object::StatefulSet(set) => stateful_set::create(set, errors),
        Object::ReplicationController(controller) => workloads::replication_controller(controller, errors),
        Object::Service(service) => service::create(service, errors),
        Object::ConfigMap(config) => config::config_map(config, errors),
        Object::Secret(secret) => config::secret(secret, errors),
        Object::Namespace(namespace) => cluster::namespace(namespace, errors),
        Object::Node(node) => cluster::node(node, errors),
        Object::PersistentVolume(volume) => persistent_volume::volume(volume, errors),
        Object::PersistentVolumeClaim(claim) => persistent_volume::claim(claim, errors),
        Object::StorageClass(class) => persistent_volume::storage_class(class, errors),
        _ => {}
    }
}
