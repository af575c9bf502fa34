//! RuntimeClass: a pod that names one gets its overhead, and goes where it can run.
//!
//! Mirrors: plugin/pkg/admission/runtimeclass, pkg/util/tolerations.

use std::sync::Arc;

use api::k8s_openapi::api::node::v1::RuntimeClass;
use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

pub fn admit(server: &ApiServer, object: &mut Object, attributes: &Attributes) -> Result<(), Status> {
    let Object::Pod(pod) = object else { return Ok(()) };
    if attributes.operation != Operation::Create || !attributes.subresource.is_empty() {
        return Ok(());
    }
    let subject = pod.metadata.name.clone().filter(|name| !name.is_empty()).or(pod.metadata.generate_name.clone());
    let refuse = |why: String| {
        let subject = subject.as_deref().unwrap_or_default();
        Err(Status::forbidden(&server.resource_of(Kind::Pod), subject, &format!("pod rejected: {why}")))
    };
    let wanted = pod.spec.as_ref().and_then(|spec| spec.runtime_class_name.clone());
    let asked = pod.spec.as_ref().and_then(|spec| spec.overhead.clone()).filter(|overhead| !overhead.is_empty());
    let Some(name) = wanted.filter(|name| !name.is_empty()) else {
        return match asked {
            Some(_) => refuse("Pod Overhead set without corresponding RuntimeClass defined Overhead".into()),
            None => Ok(()),
        };
    };
    let stored = server.read(Kind::RuntimeClass, "", &name);
    let class: Option<RuntimeClass> = stored.and_then(|object| api::codec::decode(object.to_value()).ok());
    let Some(class) = class else { return refuse(format!("RuntimeClass {name:?} not found")) };
    let overhead = class.overhead.as_ref().and_then(|overhead| overhead.pod_fixed.clone());
    match (&asked, &overhead) {
        (Some(_), None) => {
            return refuse("Pod Overhead set without corresponding RuntimeClass defined Overhead".into());
        }
        (Some(asked), Some(given)) if asked != given => {
            return refuse("Pod's Overhead doesn't match RuntimeClass's defined Overhead".into());
        }
        (Some(_) | None, _) => {}
    }
    let spec = Arc::make_mut(pod).spec.get_or_insert_default();
    spec.overhead = overhead;
    let Some(scheduling) = &class.scheduling else { return Ok(()) };
    for (key, value) in scheduling.node_selector.iter().flatten() {
        let selector = spec.node_selector.get_or_insert_default();
        match selector.get(key).filter(|there| *there != value) {
            Some(there) => {
                let text = format!(
                    "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {there}"
                );
                return refuse(text);
            }
            None => drop(selector.insert(key.clone(), value.clone())),
        }
    }
    for toleration in scheduling.tolerations.iter().flatten() {
        let tolerations = spec.tolerations.get_or_insert_default();
        if !tolerations.contains(toleration) {
            tolerations.push(toleration.clone());
        }
    }
    Ok(())
}
