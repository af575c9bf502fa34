//! Namespaces: the `kubernetes` finalizer in the spec, deletion in two steps.
//!
//! Mirrors: pkg/registry/core/namespace.

use std::sync::Arc;

use api::Object;
use api::k8s_openapi::api::core::v1::NamespaceStatus;

use super::{Strategy, standard};

pub struct NamespaceStrategy;

impl Strategy for NamespaceStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        object.meta_mut().generation = None;
        let Object::Namespace(namespace) = object else { return };
        let namespace = Arc::make_mut(namespace);
        namespace.status = Some(NamespaceStatus { phase: Some("Active".into()), ..NamespaceStatus::default() });
        let finalizers = namespace.spec.get_or_insert_default().finalizers.get_or_insert_default();
        if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
            finalizers.push("kubernetes".into());
        }
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
        // The spec's finalizers change through `finalize` only.
        if let (Object::Namespace(new), Object::Namespace(old)) = (new, old) {
            let kept = old.spec.clone();
            Arc::make_mut(new).spec = kept;
        }
    }

    fn prepare_for_finalize(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
    }

    fn returns_deleted_object(&self) -> bool {
        true
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Namespace(namespace) = object else { return Vec::new() };
        let phase = namespace.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
        // `name` is an old spelling of metadata.name that namespaces alone still take.
        vec![("status.phase", phase), ("name", object.name().to_string())]
    }

    fn deleted_by_update(&self, object: &Object) -> bool {
        let Object::Namespace(namespace) = object else { return false };
        let spec_empty = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_ref()).is_none_or(Vec::is_empty);
        let meta_empty = namespace.metadata.finalizers.as_ref().is_none_or(Vec::is_empty);
        namespace.metadata.deletion_timestamp.is_some() && spec_empty && meta_empty
    }
}
