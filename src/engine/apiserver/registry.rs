//! The registry: one strategy per kind says what the server itself sets, keeps and resets on a write.
//!
//! A kind with ordinary habits (spec and status, a generation that follows the spec) needs
//! only its line in [`strategy`]; one with habits of its own has a file here.
//! Mirrors: pkg/registry/*/strategy.go.

mod budget;
pub mod custom;
mod namespace;
mod node;
mod pod;
pub mod service;
mod standard;
mod summary;
mod workload;

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::{Kind, Object};

pub use budget::{tell_disruptions, tell_failure, tells_disruptions};
pub use pod::mark_disrupted;
pub use summary::summary;

/// What the server does to objects of one kind around a write.
pub trait Strategy: Sync {
    /// Resets what a client may not set and sets what the server owns.
    fn prepare_for_create(&self, object: &mut Object) {
        standard::create(object);
    }

    /// A write to the object itself: status stays, generation follows the spec.
    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
    }

    /// A write to `status`: everything else stays.
    fn prepare_for_status_update(&self, new: &mut Object, old: &Object) {
        standard::update_status(new, old);
    }

    /// Notes when something began, where the kind remembers it. `old` is missing when it is new.
    fn stamp(&self, _object: &mut Object, _old: Option<&Object>, _now: &Time) {}
    /// A write to `finalize`, which only namespaces have: the finalizers of the spec change, nothing else of it.
    fn prepare_for_finalize(&self, new: &mut Object, old: &Object) {
        self.prepare_for_update(new, old);
    }

    /// Whether a PUT without resourceVersion overwrites whatever is there.
    fn allow_unconditional_update(&self) -> bool {
        true
    }

    /// Whether a PUT to a missing name creates it.
    fn allow_create_on_update(&self) -> bool {
        false
    }

    /// Whether deletion answers with the object instead of a Status.
    fn returns_deleted_object(&self) -> bool {
        false
    }

    /// The grace period of a deletion in seconds, for kinds that are deleted gracefully.
    /// `asked` is what the client wants.
    fn grace_period(&self, _object: &Object, _asked: Option<i64>) -> Option<i64> {
        None
    }

    /// Whether garbage is orphaned unless the client says otherwise.
    fn orphans_by_default(&self) -> bool {
        false
    }

    /// The values of this kind's field selectors, without `metadata.name` and `metadata.namespace`.
    fn fields(&self, _object: &Object) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Whether an update leaves nothing to keep: deleted, no grace, no finalizer.
    fn deleted_by_update(&self, object: &Object) -> bool {
        let meta = object.meta();
        meta.deletion_timestamp.is_some()
            && meta.deletion_grace_period_seconds.unwrap_or(0) == 0
            && meta.finalizers.as_ref().is_none_or(Vec::is_empty)
    }
}

/// The strategy of a kind.
pub fn strategy(kind: Kind) -> &'static dyn Strategy {
    match kind {
        Kind::Pod => &pod::PodStrategy,
        Kind::Node => &node::NodeStrategy,
        Kind::Namespace => &namespace::NamespaceStrategy,
        Kind::Service => &service::ServiceStrategy,
        Kind::Job => &workload::JobStrategy,
        Kind::DaemonSet => &workload::DaemonSetStrategy,
        Kind::StatefulSet => &workload::StatefulSetStrategy,
        Kind::ReplicationController => &workload::ReplicationControllerStrategy,
        Kind::Event => &standard::EventStrategy,
        Kind::Secret => &standard::SecretStrategy,
        Kind::CertificateSigningRequest => &standard::SigningRequestStrategy,
        Kind::Lease => &standard::Plain { unconditional: false, create_on_update: true, returns_object: false },
        Kind::PodDisruptionBudget | Kind::RuntimeClass => {
            &standard::Plain { unconditional: false, create_on_update: false, returns_object: false }
        }
        Kind::CSIDriver | Kind::CSINode | Kind::VolumeAttachment => {
            &standard::Plain { unconditional: false, create_on_update: false, returns_object: true }
        }
        Kind::PersistentVolume => &standard::PersistentVolumeStrategy,
        Kind::PersistentVolumeClaim
        | Kind::ServiceAccount
        | Kind::ResourceQuota
        | Kind::PodTemplate
        | Kind::StorageClass => &standard::Plain { unconditional: true, create_on_update: false, returns_object: true },
        Kind::Role | Kind::RoleBinding | Kind::ClusterRole | Kind::ClusterRoleBinding => {
            &standard::Plain { unconditional: true, create_on_update: true, returns_object: false }
        }
        Kind::CustomResourceDefinition => &standard::DefinitionStrategy,
        // What is reset in them, only their definition knows: see `ApiServer::prepare_custom`.
        Kind::Custom(_) => &standard::Unprepared,
        // Every other kind has ordinary habits.
        _ => &standard::Plain { unconditional: true, create_on_update: false, returns_object: false },
    }
}

/// Leaves of a write to a subresource only what that subresource is for.
///
/// Mirrors: pkg/registry/core/pod/strategy.go `dropNonEphemeralContainerUpdates`, `dropNonResizeUpdates`.
pub fn narrow(new: &mut Object, old: &Object, subresource: &str) {
    // Everything else changes the pod, or has a habit of its own.
    if let (Object::Pod(new), Object::Pod(old), "ephemeralcontainers" | "resize") = (new, old, subresource) {
        pod::narrow(std::sync::Arc::make_mut(new), old, subresource);
    }
}

/// Where etcd keeps an object: what storage errors name.
pub fn storage_path(resource: &api::Resource, namespace: &str, name: &str) -> String {
    let folder = match (resource.group, resource.plural) {
        ("", "nodes") => "minions".into(),
        ("", "services") => "services/specs".into(),
        ("", "endpoints") => "services/endpoints".into(),
        ("", "replicationcontrollers") => "controllers".into(),
        ("networking.k8s.io", "ingresses") => "ingress".into(),
        ("apiextensions.k8s.io" | "apiregistration.k8s.io", plural) => format!("{}/{plural}", resource.group),
        (group, plural) if matches!(resource.kind, Kind::Custom(_)) => format!("{group}/{plural}"),
        (_, plural) => plural.to_string(),
    };
    if namespace.is_empty() {
        format!("/registry/{folder}/{name}")
    } else {
        format!("/registry/{folder}/{namespace}/{name}")
    }
}

/// Why objects of this kind cannot be selected by `field`: some kinds name what they do know.
pub fn not_selectable(kind: Kind, field: &str) -> String {
    match kind {
        Kind::Job => format!("field label {field:?} not supported for Job"),
        // The kinds with a conversion of their own, and custom ones.
        Kind::Custom(_) => format!("field label not supported: {field}"),
        _ if selectable(kind).len() > 2 => format!("field label not supported: {field}"),
        _ => format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
    }
}

/// The field selectors a kind can be selected by.
pub fn selectable(kind: Kind) -> Vec<&'static str> {
    let mut names = vec!["metadata.name", "metadata.namespace"];
    names.extend_from_slice(match kind {
        Kind::Pod => pod::FIELDS,
        Kind::Event => standard::EVENT_FIELDS,
        Kind::Node => &["spec.unschedulable"],
        Kind::Namespace => &["status.phase", "name"],
        Kind::Secret => &["type"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        Kind::Job => &["status.successful"],
        Kind::ReplicationController | Kind::ReplicaSet => &["status.replicas"],
        Kind::CertificateSigningRequest => &["spec.signerName"],
        // Every other kind by name and namespace alone.
        _ => &[],
    });
    names
}
