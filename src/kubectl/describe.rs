//! `kubectl describe`: an object and what belongs to it, on a page for people.
//!
//! One file per kind or family writes pages from JSON, purely: object and [`Related`] in,
//! text out. A new kind gets a function there and a line in [`render`]; what it needs
//! fetched gets a line in `gather`.
//!
//! Mirrors: kubectl/pkg/describe v0.36.

mod autoscaler;
mod certificate;
mod common;
mod config;
mod container;
mod events;
mod gather;
mod generic;
mod ingress;
mod job;
mod namespace;
mod network;
mod node;
mod page;
mod pod;
mod pod_template;
mod policy;
mod rbac;
mod resources;
mod service;
mod storage;
mod value;
mod volume;
mod workload;

use serde_json::Value;

pub use gather::page;
pub use ingress::{Backends, services as ingress_services};
pub use pod_template::tabbed as pod_template;

use workload::PodCounts;

/// What the page of an object shows besides the object.
#[derive(Debug, Default)]
pub struct Related {
    /// Events about it; `None` when they are not to be shown.
    pub events: Option<Vec<Value>>,
    /// Pods: of its selector, on the node, in the claim's namespace. `None` when one may not see them.
    pub pods: Option<Vec<Value>>,
    /// ReplicaSets that the Deployment's selector matches.
    pub replica_sets: Vec<Value>,
    /// EndpointSlices of the Service.
    pub endpoint_slices: Vec<Value>,
    /// Services of the Ingress.
    pub backends: Backends,
    pub quotas: Vec<Value>,
    pub limit_ranges: Vec<Value>,
    /// The node's lease, or why there is none.
    pub lease: Option<Result<Value, String>>,
    /// ResourceSlices that only this node has.
    pub resource_slices: Vec<Value>,
}

/// The page of an object of this group and kind. `now_ms` is the time for which ages are told.
pub fn render(group: &str, kind: &str, object: &Value, related: &Related, now_ms: u64) -> String {
    let events = related.events.as_deref();
    let pods = related.pods.as_deref().unwrap_or_default();
    let counts = || PodCounts::of(object, pods);
    match (group, kind) {
        ("", "Pod") => pod::render(object, events, now_ms),
        ("", "ReplicationController") => workload::replication_controller(object, counts(), events, now_ms),
        ("", "Secret") => config::secret(object),
        ("", "Service") => service::service(object, &related.endpoint_slices, events, now_ms),
        ("", "ServiceAccount") => config::service_account(object, events, now_ms),
        ("", "Node") => {
            let lease = match &related.lease {
                Some(Ok(lease)) => Ok(lease),
                Some(Err(error)) => Err(error.clone()),
                None => Err(String::new()),
            };
            let related = node::Related {
                pods: related.pods.as_deref(),
                lease,
                resource_slices: &related.resource_slices,
                events,
            };
            node::render(object, &related, now_ms)
        }
        ("", "LimitRange") => namespace::limit_range(object),
        ("", "ResourceQuota") => namespace::quota(object),
        ("", "PersistentVolume") => storage::persistent_volume(object, events, now_ms),
        ("", "PersistentVolumeClaim") => storage::claim(object, pods, events, now_ms),
        ("", "Namespace") => namespace::namespace(object, &related.quotas, &related.limit_ranges),
        ("", "Endpoints") => service::endpoints(object, events, now_ms),
        ("", "ConfigMap") => config::config_map(object, events, now_ms),
        ("scheduling.k8s.io", "PriorityClass") => policy::priority_class(object, events, now_ms),
        ("discovery.k8s.io", "EndpointSlice") => service::endpoint_slice(object, events, now_ms),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler::render(object, events, now_ms),
        ("networking.k8s.io", "Ingress") => ingress::ingress(object, &related.backends, events, now_ms),
        ("networking.k8s.io", "IngressClass") => ingress::class(object, events, now_ms),
        ("networking.k8s.io", "NetworkPolicy") => network::policy(object),
        ("networking.k8s.io", "ServiceCIDR") => network::service_cidr(object, events, now_ms),
        ("networking.k8s.io", "IPAddress") => network::ip_address(object, events, now_ms),
        ("batch", "Job") => job::job(object, events, now_ms),
        ("batch", "CronJob") => job::cron_job(object, events, now_ms),
        ("apps", "StatefulSet") => workload::stateful_set(object, counts(), events, now_ms),
        ("apps", "Deployment") => {
            let sets = workload::split_replica_sets(object, &related.replica_sets);
            workload::deployment(object, sets, events, now_ms)
        }
        ("apps", "DaemonSet") => workload::daemon_set(object, counts(), events, now_ms),
        ("apps", "ReplicaSet") => workload::replica_set(object, counts(), events, now_ms),
        ("certificates.k8s.io", "CertificateSigningRequest") => certificate::render(object, events, now_ms),
        ("storage.k8s.io", "StorageClass") => storage::class(object, events, now_ms),
        ("storage.k8s.io", "CSINode") => storage::csi_node(object, events, now_ms),
        ("storage.k8s.io", "VolumeAttributesClass") => storage::attributes_class(object, events, now_ms),
        ("policy", "PodDisruptionBudget") => policy::disruption_budget(object, events, now_ms),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => rbac::role(object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => rbac::binding(object),
        // Custom resources, and kinds upstream has no page for either.
        _ => generic::render(object, events, now_ms),
    }
}

#[cfg(test)]
mod tests;
