//! Pods from templates: how every workload controller creates, deletes, adopts and releases its pods.
//!
//! Mirrors: pkg/controller/controller_utils.go `RealPodControl`, controller_ref_manager.go.

use api::k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use api::meta::owner::{controller_of, controller_reference};
use api::{Kind, Object, Status};

use super::pods;
use crate::client::{Context, DeleteOptions, EventOf, EventType, Key, Propagation, Recorder};

/// A pod of this template, owned by `owner`. `name` is a whole name, or a prefix ending in `-`.
pub fn from_template(template: &PodTemplateSpec, owner: &Object, name: &str) -> Pod {
    let mut pod = Pod { spec: template.spec.clone(), ..Pod::default() };
    if let Some(meta) = &template.metadata {
        pod.metadata.labels.clone_from(&meta.labels);
        pod.metadata.annotations.clone_from(&meta.annotations);
        pod.metadata.finalizers.clone_from(&meta.finalizers);
    }
    if name.ends_with('-') {
        pod.metadata.generate_name = Some(name.into());
    } else {
        pod.metadata.name = Some(name.into());
    }
    pod.metadata.namespace = Some(owner.namespace().into());
    pod.metadata.owner_references = Some(vec![controller_reference(owner)]);
    pod
}

/// Creates a pod and tells its owner's story.
///
/// # Errors
/// The API server's refusal, after a FailedCreate event.
pub fn create(cx: &mut Context, recorder: &mut Recorder, owner: &Object, pod: Pod) -> Result<(), Status> {
    match cx.api.create(pod) {
        Ok(created) => {
            let message = format!("Created pod: {}", pods::name(&created));
            recorder.event(cx, &EventOf::object(owner), EventType::Normal, "SuccessfulCreate", message);
            Ok(())
        }
        Err(status) => {
            // A namespace on its way out refuses everything; that is no news about the owner.
            let terminating = status
                .details
                .as_ref()
                .is_some_and(|details| details.causes.iter().any(|cause| cause.reason == "NamespaceTerminating"));
            if !terminating {
                let message = format!("Error creating: {status}");
                recorder.event(cx, &EventOf::object(owner), EventType::Warning, "FailedCreate", message);
            }
            Err(status)
        }
    }
}

/// Makes so many pods in growing batches: one, two, four and so on, each twice the last.
///
/// A batch with a refusal is the last one, but it is asked to its end: what a full quota refuses is asked a few
/// times, and not five hundred.
///
/// # Errors
/// The first refusal.
pub fn slowly(count: usize, mut make: impl FnMut(usize) -> Result<(), Status>) -> Result<(), Status> {
    let (mut at, mut batch) = (0, 1);
    while at < count {
        let end = (at + batch).min(count);
        let refused = (at..end).filter_map(|index| make(index).err()).reduce(|first, _| first);
        if let Some(status) = refused {
            return Err(status);
        }
        (at, batch) = (end, batch * 2);
    }
    Ok(())
}

/// Deletes a pod and tells its owner's story. A pod that is gone already is no error.
///
/// # Errors
/// The API server's refusal, after a FailedDelete event.
pub fn delete(cx: &mut Context, recorder: &mut Recorder, owner: &Object, pod: &Pod) -> Result<(), Status> {
    let key = Key::new(Kind::Pod, pods::namespace(pod), pods::name(pod));
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    match cx.api.delete(&key, &options) {
        Ok(_) => {
            let message = format!("Deleted pod: {}", pods::name(pod));
            recorder.event(cx, &EventOf::object(owner), EventType::Normal, "SuccessfulDelete", message);
            Ok(())
        }
        Err(status) if status.code == 404 => Ok(()),
        Err(status) => {
            let message = format!("Error deleting: {status}");
            recorder.event(cx, &EventOf::object(owner), EventType::Warning, "FailedDelete", message);
            Err(status)
        }
    }
}

/// Makes `owner` the controller of an object that has none.
///
/// # Errors
/// The API server's refusal.
pub fn adopt(cx: &mut Context, owner: &Object, key: &Key) -> Result<(), Status> {
    let reference = controller_reference(owner);
    cx.api
        .patch_object(key, "", |object| {
            let meta = object.meta_mut();
            if controller_of(meta).is_none() {
                let owners: &mut Vec<OwnerReference> = meta.owner_references.get_or_insert_default();
                owners.retain(|known| known.uid != reference.uid);
                owners.push(reference);
            }
        })
        .map(|_| ())
}

/// Takes `owner_uid` off an object's owners.
///
/// # Errors
/// The API server's refusal.
pub fn release(cx: &mut Context, owner_uid: &str, key: &Key) -> Result<(), Status> {
    cx.api
        .patch_object(key, "", |object| {
            let meta = object.meta_mut();
            if let Some(owners) = &mut meta.owner_references {
                owners.retain(|owner| owner.uid != owner_uid);
                if owners.is_empty() {
                    meta.owner_references = None;
                }
            }
        })
        .map(|_| ())
}
