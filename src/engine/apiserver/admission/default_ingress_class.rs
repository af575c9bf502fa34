//! DefaultIngressClass: an Ingress that names no class gets the default one, if the cluster has one.
//!
//! Mirrors: plugin/pkg/admission/network/defaultingressclass.

use std::sync::Arc;

use api::k8s_openapi::api::networking::v1::IngressClass;
use api::{Kind, Object};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// The class, in the spelling of old.
const OLD: &str = "kubernetes.io/ingress.class";

pub fn admit(server: &ApiServer, object: &mut Object, attributes: &Attributes) {
    let Object::Ingress(ingress) = object else { return };
    let named = ingress.spec.as_ref().is_some_and(|spec| spec.ingress_class_name.is_some())
        || ingress.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(OLD));
    if attributes.operation != Operation::Create || named {
        return;
    }
    let classes = server.read_all(Kind::IngressClass, "").filter_map(|object| object.get::<IngressClass>());
    let newest = classes
        .filter(|class| {
            let annotations = class.metadata.annotations.as_ref();
            annotations.and_then(|map| map.get(DEFAULT)).is_some_and(|value| value == "true")
        })
        // The newest wins; among equals the first by name.
        .min_by_key(|class| {
            (std::cmp::Reverse(class.metadata.creation_timestamp.clone()), class.metadata.name.clone())
        });
    if let Some(name) = newest.and_then(|class| class.metadata.name.clone()) {
        Arc::make_mut(ingress).spec.get_or_insert_default().ingress_class_name = Some(name);
    }
}
