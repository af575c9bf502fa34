//! NamespaceLifecycle: nothing is created in a namespace that is missing or going away.
//!
//! Mirrors: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle.

use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

/// Namespaces that cannot be deleted.
pub const IMMORTAL: &[&str] = &["default", "kube-system", "kube-public"];

pub fn admit(server: &ApiServer, object: &Object, attributes: &Attributes) -> Result<(), Status> {
    let resource = server.resource_of(object.kind());
    if attributes.operation != Operation::Create || !resource.namespaced {
        return Ok(());
    }
    let namespace = object.namespace();
    let Some(Object::Namespace(found)) = server.read(Kind::Namespace, "", namespace) else {
        return Err(Status::not_found(&server.resource_of(Kind::Namespace), namespace));
    };
    let terminating = found.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Terminating")
        || found.metadata.deletion_timestamp.is_some();
    if terminating {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        return Err(Status::forbidden(&resource, object.name(), &why).with_cause(
            "NamespaceTerminating",
            &format!("namespace {namespace} is being terminated"),
            "metadata.namespace",
        ));
    }
    Ok(())
}
