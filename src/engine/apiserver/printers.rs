//! Tables as the server prints them: which columns a kind has and what one object shows in each. Pure functions.
//!
//! A new kind gets a file under `printers/`, with its `COLUMNS` and `cells`, and one line
//! in each of the two matches below. Wrapping rows into a `Table` is the handler's work.
//!
//! Mirrors: pkg/printers/internalversion (with `Wide` always on, as the API server sets
//! it: the priority of a column tells the client what to leave out).

mod admission;
mod api_service;
mod cell;
mod certificate;
mod column;
mod component_status;
mod config;
mod controller_revision;
mod cron_job;
mod csi;
mod custom;
mod daemon_set;
mod default;
mod deployment;
mod endpoints;
mod event;
mod flow_control;
mod horizontal_pod_autoscaler;
mod ingress;
mod job;
mod lease;
mod namespace;
mod network;
mod node;
mod pod;
mod pod_disruption_budget;
mod pod_template;
mod priority_class;
mod rbac;
mod replica_set;
mod resource_claim;
mod resource_quota;
mod runtime_class;
mod service;
mod stateful_set;
mod storage_class;
mod volume;

use api::{Kind, Object};
use serde_json::Value;

pub use column::Column;
pub use custom::{CustomColumn, cells as custom_cells, columns as custom_columns};
pub use pod::conditions as pod_row_conditions;

/// A row's cells, in the order of its columns.
pub type Cells = Vec<Value>;

/// The columns of `kind`. Custom kinds have their own: [`custom_columns`].
pub fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::APIService => api_service::COLUMNS,
        Kind::CSIDriver => csi::DRIVER_COLUMNS,
        Kind::CSINode => csi::NODE_COLUMNS,
        Kind::CSIStorageCapacity => csi::CAPACITY_COLUMNS,
        Kind::CertificateSigningRequest => certificate::COLUMNS,
        Kind::ClusterRoleBinding => rbac::CLUSTER_ROLE_BINDING_COLUMNS,
        Kind::ComponentStatus => component_status::COLUMNS,
        Kind::ConfigMap => config::CONFIG_MAP_COLUMNS,
        Kind::ControllerRevision => controller_revision::COLUMNS,
        Kind::CronJob => cron_job::COLUMNS,
        Kind::DaemonSet => daemon_set::COLUMNS,
        Kind::Deployment => deployment::COLUMNS,
        Kind::EndpointSlice => endpoints::SLICE_COLUMNS,
        Kind::Endpoints => endpoints::COLUMNS,
        Kind::Event => event::COLUMNS,
        Kind::FlowSchema => flow_control::SCHEMA_COLUMNS,
        Kind::HorizontalPodAutoscaler => horizontal_pod_autoscaler::COLUMNS,
        Kind::IPAddress => network::IP_ADDRESS_COLUMNS,
        Kind::Ingress => ingress::COLUMNS,
        Kind::IngressClass => ingress::CLASS_COLUMNS,
        Kind::Job => job::COLUMNS,
        Kind::Lease => lease::COLUMNS,
        Kind::MutatingAdmissionPolicy => admission::MUTATING_POLICY_COLUMNS,
        Kind::ValidatingAdmissionPolicy => admission::VALIDATING_POLICY_COLUMNS,
        Kind::MutatingAdmissionPolicyBinding | Kind::ValidatingAdmissionPolicyBinding => admission::BINDING_COLUMNS,
        Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => admission::WEBHOOK_COLUMNS,
        Kind::Namespace => namespace::COLUMNS,
        Kind::NetworkPolicy => network::POLICY_COLUMNS,
        Kind::Node => node::COLUMNS,
        Kind::PersistentVolume => volume::COLUMNS,
        Kind::PersistentVolumeClaim => volume::CLAIM_COLUMNS,
        Kind::Pod => pod::COLUMNS,
        Kind::PodDisruptionBudget => pod_disruption_budget::COLUMNS,
        Kind::PodTemplate => pod_template::COLUMNS,
        Kind::PriorityClass => priority_class::COLUMNS,
        Kind::PriorityLevelConfiguration => flow_control::LEVEL_COLUMNS,
        Kind::ReplicaSet => replica_set::COLUMNS,
        Kind::ReplicationController => replica_set::CONTROLLER_COLUMNS,
        Kind::ResourceClaim => resource_claim::COLUMNS,
        Kind::ResourceSlice => resource_claim::SLICE_COLUMNS,
        Kind::DeviceClass | Kind::ResourceClaimTemplate | Kind::ServiceAccount => column::NAME_AND_AGE,
        Kind::ResourceQuota => resource_quota::COLUMNS,
        Kind::RoleBinding => rbac::ROLE_BINDING_COLUMNS,
        Kind::RuntimeClass => runtime_class::COLUMNS,
        Kind::Secret => config::SECRET_COLUMNS,
        Kind::Service => service::COLUMNS,
        Kind::ServiceCIDR => network::CIDR_COLUMNS,
        Kind::StatefulSet => stateful_set::COLUMNS,
        Kind::StorageClass => storage_class::COLUMNS,
        Kind::VolumeAttachment => volume::ATTACHMENT_COLUMNS,
        Kind::VolumeAttributesClass => storage_class::ATTRIBUTES_COLUMNS,
        // Limit ranges, roles, definitions of custom resources and what is never listed.
        _ => default::COLUMNS,
    }
}

/// What `object` shows in the columns of its kind. `now_ms` is the cluster's time, in
/// milliseconds since the Unix epoch: ages are printed by the server.
pub fn cells(object: &Object, now_ms: u64) -> Cells {
    let now = cell::Now(now_ms);
    match object {
        Object::Namespace(it) => namespace::cells(it, now),
        Object::Node(it) => node::cells(it, now),
        Object::Pod(it) => pod::cells(it, now),
        Object::PodTemplate(it) => pod_template::cells(it),
        Object::ReplicationController(it) => replica_set::controller_cells(it, now),
        Object::Service(it) => service::cells(it, now),
        Object::Endpoints(it) => endpoints::cells(it, now),
        Object::ConfigMap(it) => config::config_map_cells(it, now),
        Object::Secret(it) => config::secret_cells(it, now),
        Object::ServiceAccount(it) => column::name_and_age(&it.metadata, now),
        Object::Event(it) => event::cells(it, now),
        Object::PersistentVolume(it) => volume::cells(it, now),
        Object::PersistentVolumeClaim(it) => volume::claim_cells(it, now),
        Object::ResourceQuota(it) => resource_quota::cells(it, now),
        Object::Deployment(it) => deployment::cells(it, now),
        Object::ReplicaSet(it) => replica_set::cells(it, now),
        Object::StatefulSet(it) => stateful_set::cells(it, now),
        Object::DaemonSet(it) => daemon_set::cells(it, now),
        Object::ControllerRevision(it) => controller_revision::cells(it, now),
        Object::Job(it) => job::cells(it, now),
        Object::CronJob(it) => cron_job::cells(it, now),
        Object::HorizontalPodAutoscaler(it) => horizontal_pod_autoscaler::cells(it, now),
        Object::PodDisruptionBudget(it) => pod_disruption_budget::cells(it, now),
        Object::Ingress(it) => ingress::cells(it, now),
        Object::IngressClass(it) => ingress::class_cells(it, now),
        Object::NetworkPolicy(it) => network::policy_cells(it, now),
        Object::EndpointSlice(it) => endpoints::slice_cells(it, now),
        Object::StorageClass(it) => storage_class::cells(it, now),
        Object::CSIDriver(it) => csi::driver_cells(it, now),
        Object::CSINode(it) => csi::node_cells(it, now),
        Object::VolumeAttachment(it) => volume::attachment_cells(it, now),
        Object::PriorityClass(it) => priority_class::cells(it, now),
        Object::Lease(it) => lease::cells(it, now),
        Object::RoleBinding(it) => rbac::cells(&it.metadata, &it.role_ref, it.subjects.as_deref(), now),
        Object::ClusterRoleBinding(it) => rbac::cells(&it.metadata, &it.role_ref, it.subjects.as_deref(), now),
        Object::LimitRange(_) | Object::Role(_) | Object::ClusterRole(_) => default::cells(object.meta()),
        Object::Dynamic(it) => match it.kind {
            Kind::APIService => api_service::cells(it, now),
            Kind::CSIStorageCapacity => csi::capacity_cells(it),
            Kind::CertificateSigningRequest => certificate::cells(it, now),
            Kind::ComponentStatus => component_status::cells(it),
            Kind::DeviceClass | Kind::ResourceClaimTemplate => column::name_and_age(&it.metadata, now),
            Kind::FlowSchema => flow_control::schema_cells(it, now),
            Kind::IPAddress => network::ip_address_cells(it, now),
            Kind::MutatingAdmissionPolicy => admission::policy_cells(it, "mutations", now),
            Kind::ValidatingAdmissionPolicy => admission::policy_cells(it, "validations", now),
            Kind::MutatingAdmissionPolicyBinding | Kind::ValidatingAdmissionPolicyBinding => {
                admission::binding_cells(it, now)
            }
            Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                admission::webhook_cells(it, now)
            }
            Kind::PriorityLevelConfiguration => flow_control::level_cells(it, now),
            Kind::ResourceClaim => resource_claim::cells(it, now),
            Kind::ResourceSlice => resource_claim::slice_cells(it, now),
            Kind::RuntimeClass => runtime_class::cells(it, now),
            Kind::ServiceCIDR => network::cidr_cells(it, now),
            Kind::VolumeAttributesClass => storage_class::attributes_cells(it, now),
            // The same kinds as in `columns`.
            _ => default::cells(&it.metadata),
        },
    }
}

#[cfg(test)]
mod tests;
