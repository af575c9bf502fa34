//! Admission: what is filled in or refused between defaulting and validation. One file per plugin, in upstream's order.
//!
//! Mirrors: pkg/kubeapiserver/options/plugins.go.

mod default_ingress_class;
mod default_storage_class;
mod default_toleration_seconds;
mod limit_ranger;
mod namespace_lifecycle;
mod pod_security;
pub(super) mod pod_topology_labels;
mod priority;
mod resource_quota;
mod runtime_class;
mod service_account;
mod storage_protection;
mod taint_nodes;
mod volume_resize;

use api::{Object, Status};

pub use namespace_lifecycle::IMMORTAL;

use super::{ApiServer, Identity, WriteOptions};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// What a plugin may know about the request.
pub struct Attributes<'a> {
    pub who: &'a Identity,
    pub operation: Operation,
    /// The stored object, on updates.
    pub old: Option<&'a Object>,
    pub subresource: &'a str,
}

/// The plugins that change objects, in order; the first refusal wins.
pub fn mutate(server: &mut ApiServer, object: &mut Object, attributes: &Attributes) -> Result<(), Status> {
    namespace_lifecycle::admit(server, object, attributes)?;
    limit_ranger::admit(server, object, attributes);
    service_account::admit(server, object, attributes)?;
    taint_nodes::admit(object, attributes);
    priority::admit(server, object, attributes)?;
    default_toleration_seconds::admit(object, attributes);
    default_storage_class::admit(server, object, attributes);
    storage_protection::admit(object, attributes);
    runtime_class::admit(server, object, attributes)?;
    default_ingress_class::admit(server, object, attributes);
    pod_topology_labels::admit(server, object, attributes);
    Ok(())
}

/// The plugins that only judge, after validation.
pub fn validate(
    server: &mut ApiServer,
    object: &Object,
    attributes: &Attributes,
    options: &mut WriteOptions,
) -> Result<(), Status> {
    limit_ranger::validate(server, object, attributes)?;
    pod_security::validate(server, object, attributes, options)?;
    volume_resize::validate(server, object, attributes)?;
    resource_quota::validate(server, object, attributes, options.dry_run)
}
