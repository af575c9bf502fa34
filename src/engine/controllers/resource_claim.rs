//! Claims of devices from templates: a pod that names a ResourceClaimTemplate gets a ResourceClaim of its own.
//!
//! The claim's name is random, so the pod's status says it (`resourceClaimStatuses`); the scheduler waits for
//! that. The claim belongs to the pod and goes with it.
//! Mirrors: pkg/controller/resourceclaim/controller.go `syncPod`, `handleClaim`. Left out: what concerns
//! allocated claims (reservations of pods that have ended), as no driver is simulated; claims of pod groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Pod, PodResourceClaim, PodResourceClaimStatus};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::meta::owner::{controller_of, controller_reference, is_controlled_by};
use api::order::Gather;
use api::{DynamicObject, Kind, Object, Status, Typed};
use serde_json::Value;

use super::{Controller, Outcome, pods};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};

/// Which of the pod's claims a claim was made for.
const FOR: &str = "resource.kubernetes.io/pod-claim-name";
/// A name has 63 characters, of which five and a hyphen are random.
const LONGEST_BASE: usize = 57;

#[derive(Clone)]
pub struct ResourceClaims {
    recorder: Recorder,
}

impl Default for ResourceClaims {
    fn default() -> Self {
        Self { recorder: Recorder::new("resource_claim", "") }
    }
}

impl Controller for ResourceClaims {
    fn name(&self) -> &'static str {
        "resourceclaim-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        match &news.object {
            Object::Pod(pod) if news.change != Change::Deleted => queue_pod(pod, queue),
            // The claim is gone while its pod may still want it.
            Object::Dynamic(claim) if claim.kind == Kind::ResourceClaim && news.change == Change::Deleted => {
                if let Some(owner) = controller_of(&claim.metadata).filter(|owner| owner.kind == "Pod") {
                    queue.add(format!("{}/{}", news.key.namespace, owner.name));
                }
            }
            // Nothing else names templates.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for pod in cx.api.list::<Pod>("") {
            queue_pod(pod, queue);
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let pod = cx.api.get::<Pod>(namespace, name).filter(|pod| !pods::is_terminating(pod));
        let Some(pod) = pod else { return Ok(Outcome::Done) };
        let mut made = Vec::new();
        for wanted in pod.spec.iter().flat_map(|spec| spec.resource_claims.iter().flatten()) {
            match claim_for(cx, &pod, wanted) {
                Ok(Some(claim)) => made.push((wanted.name.clone(), claim)),
                Ok(None) => {}
                Err(mut status) => {
                    let message = format!("PodResourceClaim {}: {}", wanted.name, status.message);
                    let of = EventOf::object(&pod.clone().wrap());
                    self.recorder.event(cx, &of, EventType::Warning, "FailedResourceClaimCreation", message.clone());
                    status.message = format!("pod {namespace}/{name}, {message}");
                    return Err(status);
                }
            }
        }
        if !made.is_empty() {
            cx.api.patch::<Pod>(namespace, name, "status", |pod| {
                let said = pod.status.get_or_insert_default().resource_claim_statuses.get_or_insert_default();
                said.retain(|known| made.iter().all(|(name, _)| *name != known.name));
                said.extend(
                    made.into_iter()
                        .map(|(name, claim)| PodResourceClaimStatus { name, resource_claim_name: Some(claim) }),
                );
            })?;
        }
        Ok(Outcome::Done)
    }
}

fn queue_pod(pod: &Pod, queue: &mut WorkQueue) {
    let mut claims = pod.spec.iter().flat_map(|spec| spec.resource_claims.iter().flatten());
    if claims.any(|claim| claim.resource_claim_template_name.is_some()) {
        queue.add(format!("{}/{}", pods::namespace(pod), pods::name(pod)));
    }
}

/// The name of the claim made for `wanted`, if the pod does not say it yet.
fn claim_for(cx: &mut Context, pod: &Arc<Pod>, wanted: &PodResourceClaim) -> Result<Option<String>, Status> {
    let Some(template) = &wanted.resource_claim_template_name else { return Ok(None) };
    let (namespace, uid) = (pods::namespace(pod), pod.metadata.uid.as_deref().unwrap_or_default());
    let said = pod.status.iter().flat_map(|status| status.resource_claim_statuses.iter().flatten());
    let said = said.into_iter().find(|said| said.name == wanted.name);
    if let Some(said) = said {
        let Some(name) = &said.resource_claim_name else { return Ok(None) };
        let known = cx.api.get_object(Kind::ResourceClaim, namespace, name);
        if known.is_some_and(|claim| is_controlled_by(claim.meta(), uid)) {
            return Ok(None);
        }
    }
    let annotation = |claim: &Object| claim.meta().annotations.as_ref().and_then(|all| all.get(FOR)).cloned();
    let orphan = cx
        .api
        .list_objects(Kind::ResourceClaim, namespace)
        .find(|claim| is_controlled_by(claim.meta(), uid) && annotation(claim).as_ref() == Some(&wanted.name));
    if let Some(claim) = orphan {
        return Ok(Some(claim.name().to_owned()));
    }
    let Some(Object::Dynamic(found)) = cx.api.get_object(Kind::ResourceClaimTemplate, namespace, template) else {
        let why = format!("resourceclaimtemplate.resource.k8s.io \"{template}\" not found");
        let mut status = Status::internal(why.clone());
        status.message = format!("resource claim template \"{template}\": {why}");
        return Err(status);
    };
    let claim = from_template(pod, wanted, found);
    let created = cx.api.create_object(Object::Dynamic(Arc::new(claim))).map_err(|mut status| {
        status.message = format!("create ResourceClaim : {}", status.message);
        status
    })?;
    Ok(Some(created.name().to_owned()))
}

fn from_template(pod: &Arc<Pod>, wanted: &PodResourceClaim, template: &DynamicObject) -> DynamicObject {
    let spec = template.fields.get("spec").and_then(Value::as_object);
    let meta = |name: &str| {
        let map = spec.and_then(|spec| spec.get("metadata")?.get(name)?.as_object());
        map.into_iter().flatten().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
    };
    let mut annotations: BTreeMap<String, String> = meta("annotations").into_map();
    annotations.insert(FOR.to_owned(), wanted.name.clone());
    let labels: BTreeMap<String, String> = meta("labels").into_map();
    let inner = spec.and_then(|spec| spec.get("spec")).cloned().unwrap_or_default();
    DynamicObject {
        kind: Kind::ResourceClaim,
        api_version: template.api_version.clone(),
        kind_name: "ResourceClaim".to_owned(),
        metadata: ObjectMeta {
            generate_name: Some(base(pods::name(pod), &wanted.name)),
            namespace: Some(pods::namespace(pod).to_owned()),
            owner_references: Some(vec![controller_reference(&pod.clone().wrap())]),
            annotations: Some(annotations),
            labels: Some(labels).filter(|labels| !labels.is_empty()),
            ..ObjectMeta::default()
        },
        fields: [("spec".to_owned(), inner)].into_iter().into_object(),
    }
}

/// What the name begins with: both names, each cut in proportion if they are too long together.
fn base(pod: &str, claim: &str) -> String {
    let whole = format!("{pod}-{claim}-");
    if whole.len() <= LONGEST_BASE {
        return whole;
    }
    let cut = |name: &str| name[..name.len() * LONGEST_BASE / whole.len()].to_owned();
    format!("{}-{}", cut(pod), cut(claim))
}
