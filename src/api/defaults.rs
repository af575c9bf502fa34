//! Defaults: what the API server fills in before admission and validation. One file per family of kinds.
//!
//! Mirrors: pkg/apis/*/v1/defaults.go. What needs the cluster (IP allocation,
//! classes, service accounts) is admission's and the registry's.

mod autoscaling;
mod batch;
mod cluster;
mod crd;
mod device_claims;
mod fill;
mod pod;
mod pod_spec;
mod service;
mod status;
#[cfg(test)]
mod tests;
mod volumes;
mod workloads;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use pod_spec::tag as image_tag;
pub use status::status;

use crate::{Kind, Object};

/// Fills every unset field that has a default, rewrites quantities canonically
/// (`"0.5"` becomes `"500m"`), drops what is empty and shows what Go always prints
/// (`status: {}`). Idempotent; writes of the status go through it too.
pub fn apply(object: &mut Object) {
    fill::object_meta(object.meta_mut());
    status(object);
    match object {
        Object::Namespace(inner) => cluster::namespace(Arc::make_mut(inner)),
        Object::Node(inner) => cluster::node(Arc::make_mut(inner)),
        Object::Pod(inner) => pod::pod(Arc::make_mut(inner)),
        Object::PodTemplate(inner) => workloads::pod_template(Arc::make_mut(inner)),
        Object::ReplicationController(inner) => workloads::replication_controller(Arc::make_mut(inner)),
        Object::Service(inner) => service::service(Arc::make_mut(inner)),
        Object::Endpoints(inner) => service::endpoints(Arc::make_mut(inner)),
        Object::ConfigMap(inner) => {
            let config = Arc::make_mut(inner);
            fill::drop_empty_map(&mut config.data);
            fill::drop_empty_map(&mut config.binary_data);
        }
        Object::Secret(inner) => cluster::secret(Arc::make_mut(inner)),
        Object::ServiceAccount(inner) => {
            let account = Arc::make_mut(inner);
            fill::drop_empty(&mut account.secrets);
            fill::drop_empty(&mut account.image_pull_secrets);
        }
        Object::Event(inner) => cluster::event(Arc::make_mut(inner)),
        Object::PersistentVolume(inner) => volumes::persistent_volume(Arc::make_mut(inner)),
        Object::PersistentVolumeClaim(inner) => volumes::claim(Arc::make_mut(inner)),
        Object::LimitRange(inner) => cluster::limit_range(Arc::make_mut(inner)),
        Object::ResourceQuota(inner) => cluster::resource_quota(Arc::make_mut(inner)),
        Object::Deployment(inner) => workloads::deployment(Arc::make_mut(inner)),
        Object::ReplicaSet(inner) => workloads::replica_set(Arc::make_mut(inner)),
        Object::StatefulSet(inner) => workloads::stateful_set(Arc::make_mut(inner)),
        Object::DaemonSet(inner) => workloads::daemon_set(Arc::make_mut(inner)),
        Object::Job(inner) => batch::job(Arc::make_mut(inner)),
        Object::CronJob(inner) => batch::cron_job(Arc::make_mut(inner)),
        Object::HorizontalPodAutoscaler(inner) => autoscaling::autoscaler(Arc::make_mut(inner)),
        Object::PodDisruptionBudget(inner) => cluster::disruption_budget(Arc::make_mut(inner)),
        Object::Ingress(inner) => cluster::ingress(Arc::make_mut(inner)),
        Object::NetworkPolicy(inner) => cluster::network_policy(Arc::make_mut(inner)),
        Object::EndpointSlice(inner) => service::endpoint_slice(Arc::make_mut(inner)),
        Object::StorageClass(inner) => volumes::storage_class(Arc::make_mut(inner)),
        Object::CSIDriver(inner) => volumes::csi_driver(Arc::make_mut(inner)),
        Object::PriorityClass(inner) => cluster::priority_class(Arc::make_mut(inner)),
        Object::Lease(inner) => fill::set(&mut Arc::make_mut(inner).spec, Default::default()),
        Object::Role(inner) => cluster::policy_rules(&mut Arc::make_mut(inner).rules),
        Object::ClusterRole(inner) => cluster::policy_rules(&mut Arc::make_mut(inner).rules),
        Object::RoleBinding(inner) => {
            let binding = Arc::make_mut(inner);
            cluster::role_binding(&mut binding.role_ref, &mut binding.subjects);
        }
        Object::ClusterRoleBinding(inner) => {
            let binding = Arc::make_mut(inner);
            cluster::role_binding(&mut binding.role_ref, &mut binding.subjects);
        }
        // Kinds without defaults.
        Object::ControllerRevision(_) | Object::IngressClass(_) | Object::CSINode(_) | Object::VolumeAttachment(_) => {}
        Object::Dynamic(inner) if inner.kind == Kind::CustomResourceDefinition => {
            crd::definition(&mut Arc::make_mut(inner).fields);
        }
        Object::Dynamic(inner) if inner.kind == Kind::ResourceClaim => {
            device_claims::claim(Arc::make_mut(inner).fields.get_mut("spec"));
        }
        Object::Dynamic(inner) if inner.kind == Kind::ResourceClaimTemplate => {
            let spec = Arc::make_mut(inner).fields.get_mut("spec");
            device_claims::claim(spec.and_then(|spec| spec.get_mut("spec")));
        }
        // Custom resources take their defaults from their schema.
        Object::Dynamic(_) => {}
    }
}

/// Keeps an empty selector apart from a missing one where the typed field cannot:
/// `selector: {}` selects everything and is refused, a missing one is required.
pub(crate) fn mark_empty_selector(kind: Kind, value: &mut Value) {
    if !matches!(kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet) {
        return;
    }
    let selector = value.get_mut("spec").and_then(|spec| spec.get_mut("selector")).and_then(Value::as_object_mut);
    if let Some(selector) = selector
        && selector.is_empty()
    {
        selector.insert("matchLabels".into(), Value::Object(Map::new()));
    }
}
