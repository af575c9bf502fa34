//! Validation: is this object allowed? One file per kind or family; texts, paths and order are upstream's.
//!
//! Mirrors: pkg/apis/*/validation. Objects are validated after defaulting. Every breach is
//! reported at once; only where upstream stops early do we, too.

mod autoscaling;
mod batch;
mod batch_policies;
mod cluster;
mod common;
mod config;
mod crd;
mod diff;
mod endpoints;
pub mod field;
pub mod go_value;
mod internal;
mod limits;
mod networking;
pub mod object_meta;
mod persistent_volume;
mod pod;
mod rbac;
mod resources;
pub mod service;
mod small_kinds;
mod stateful_set;
#[cfg(test)]
mod tests;
mod warnings;
mod workloads;

use crate::{Kind, Object};
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
    // What holds at creation only.
    match object {
        Object::Pod(pod) => pod::create_only(pod, &mut errors),
        Object::CronJob(cron_job) => {
            batch::cron_job_name(cron_job.metadata.name.as_deref().unwrap_or_default(), &mut errors)
        }
        Object::Ingress(ingress) => networking::ingress_class_annotation(ingress, &mut errors),
        _ => {}
    }
    errors
}

/// Everything that forbids replacing `old` by `new`: the rules of creation and the immutable fields.
pub fn update(new: &Object, old: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    metadata_update(new, old, &mut errors);
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
        (Object::Job(new), Object::Job(old)) => batch::job_update(new, old, &mut errors),
        (Object::IngressClass(new), Object::IngressClass(old)) => {
            networking::ingress_class_update(new, old, &mut errors);
        }
        (Object::EndpointSlice(new), Object::EndpointSlice(old)) => endpoints::slice_update(new, old, &mut errors),
        (Object::ResourceQuota(new), Object::ResourceQuota(old)) => {
            limits::resource_quota_update(new, old, &mut errors);
        }
        (Object::PriorityClass(new), Object::PriorityClass(old)) => {
            small_kinds::priority_class_update(new, old, &mut errors);
        }
        (Object::ControllerRevision(new), Object::ControllerRevision(old)) => {
            small_kinds::controller_revision_update(new, old, &mut errors);
        }
        (Object::RoleBinding(binding), Object::RoleBinding(old)) => {
            body(new, &mut errors);
            rbac::same_role(&binding.role_ref, &old.role_ref, &mut errors);
        }
        (Object::ClusterRoleBinding(binding), Object::ClusterRoleBinding(old)) => {
            body(new, &mut errors);
            rbac::same_role(&binding.role_ref, &old.role_ref, &mut errors);
        }
        // Finalizers are the only spec a namespace has; its own subresource checks them.
        (Object::Namespace(_), Object::Namespace(_)) => {}
        // Kinds all of whose fields may change.
        (new, _) => body(new, &mut errors),
    }
    errors
}

/// The metadata is judged twice, by the registry and by the kind, and what is wrong is said twice.
fn metadata_update(new: &Object, old: &Object, errors: &mut ErrorList) {
    object_meta::update(new.meta(), old.meta(), &Path::ROOT.child("metadata"), errors);
    errors.extend(errors.clone());
}

/// Everything that forbids replacing the status of `old` by that of `new`.
pub fn update_status(new: &Object, old: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    metadata_update(new, old, &mut errors);
    match (new, old) {
        (Object::Pod(new), Object::Pod(old)) => pod::update_status(new, old, &mut errors),
        (Object::Namespace(new), Object::Namespace(_)) => cluster::namespace_status_update(new, &mut errors),
        (Object::Job(new), Object::Job(old)) => batch::job_status_update(new, old, &mut errors),
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

/// What forbids an update through the subresource `pods/resize`.
pub fn update_resize(new: &Object, old: &Object) -> ErrorList {
    let mut errors = ErrorList::new();
    object_meta::update(new.meta(), old.meta(), &Path::ROOT.child("metadata"), &mut errors);
    if let (Object::Pod(new), Object::Pod(old)) = (new, old) {
        pod::resize(new, old, &mut errors);
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
        Object::Job(job) => batch::job(job, errors),
        Object::CronJob(cron_job) => batch::cron_job(cron_job, errors),
        Object::HorizontalPodAutoscaler(autoscaler) => autoscaling::autoscaler(autoscaler, errors),
        Object::PodDisruptionBudget(budget) => autoscaling::disruption_budget(budget, errors),
        Object::Ingress(ingress) => networking::ingress(ingress, errors),
        Object::IngressClass(class) => networking::ingress_class(class, errors),
        Object::NetworkPolicy(policy) => networking::network_policy(policy, errors),
        Object::EndpointSlice(slice) => endpoints::slice(slice, errors),
        Object::Endpoints(inner) => endpoints::endpoints(inner, errors),
        Object::LimitRange(range) => limits::limit_range(range, errors),
        Object::ResourceQuota(quota) => limits::resource_quota(quota, errors),
        Object::Role(role) => rbac::rules(role.rules.as_deref(), true, errors),
        Object::ClusterRole(role) => rbac::cluster_role(role, errors),
        Object::RoleBinding(binding) => {
            rbac::binding(&binding.role_ref, binding.subjects.as_deref(), true, errors);
        }
        Object::ClusterRoleBinding(binding) => {
            rbac::binding(&binding.role_ref, binding.subjects.as_deref(), false, errors);
        }
        Object::Event(event) => small_kinds::event(event, errors),
        Object::Lease(lease) => small_kinds::lease(lease, errors),
        Object::PriorityClass(class) => small_kinds::priority_class(class, errors),
        Object::ControllerRevision(revision) => small_kinds::controller_revision(revision, errors),
        Object::CSIDriver(driver) => small_kinds::csi_driver(driver, errors),
        Object::CSINode(node) => small_kinds::csi_node(node, errors),
        Object::VolumeAttachment(attachment) => small_kinds::volume_attachment(attachment, errors),
        // Only its metadata can be wrong.
        Object::ServiceAccount(_) => {}
        Object::Dynamic(inner) if inner.kind == Kind::CustomResourceDefinition => crd::definition(inner, errors),
        // Custom resources are judged by their schema, in the registry.
        Object::Dynamic(_) => {}
    }
}
