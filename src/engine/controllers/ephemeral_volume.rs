//! Ephemeral volumes: a pod's `ephemeral` volume gets a claim of its own, which goes with the pod.
//!
//! Mirrors: pkg/controller/volume/ephemeral.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Volume};
use api::meta::owner::{controller_reference, is_controlled_by};
use api::{Status, Typed};

use super::{Controller, Outcome, pods};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};

#[derive(Clone)]
pub struct EphemeralVolumes {
    recorder: Recorder,
}

impl Default for EphemeralVolumes {
    fn default() -> Self {
        Self { recorder: Recorder::new("ephemeral_volume", "") }
    }
}

impl Controller for EphemeralVolumes {
    fn name(&self) -> &'static str {
        "ephemeral-volume-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        match &news.object {
            api::Object::Pod(pod) if news.change != Change::Deleted => self.queue_pod(pod, queue),
            // The claim is gone while its pod may still want it.
            api::Object::PersistentVolumeClaim(claim) if news.change == Change::Deleted => {
                if let Some(owner) = api::meta::owner::controller_of(&claim.metadata).filter(|o| o.kind == "Pod") {
                    queue.add(format!("{}/{}", news.key.namespace, owner.name));
                }
            }
            // Nothing else has such volumes.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for pod in cx.api.list::<Pod>("") {
            self.queue_pod(pod, queue);
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let pod = cx.api.get::<Pod>(namespace, name).filter(|pod| !pods::is_terminating(pod));
        let Some(pod) = pod else { return Ok(Outcome::Done) };
        for volume in pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
            if let Err(status) = claim_for(cx, &pod, volume) {
                let message = format!("ephemeral volume {}: {}", volume.name, status.message);
                let of = EventOf::object(&pod.clone().wrap());
                self.recorder.event(cx, &of, EventType::Warning, "FailedBinding", message);
                return Err(status);
            }
        }
        Ok(Outcome::Done)
    }
}

impl EphemeralVolumes {
    fn queue_pod(&self, pod: &Pod, queue: &mut WorkQueue) {
        if pods::claims(pod).any(|(_, own)| own) {
            queue.add(format!("{}/{}", pods::namespace(pod), pods::name(pod)));
        }
    }
}

fn claim_for(cx: &mut Context, pod: &Arc<Pod>, volume: &Volume) -> Result<(), Status> {
    let Some(template) = volume.ephemeral.as_ref().and_then(|own| own.volume_claim_template.as_ref()) else {
        return Ok(());
    };
    let (namespace, name) = (pods::namespace(pod), format!("{}-{}", pods::name(pod), volume.name));
    if let Some(known) = cx.api.get::<PersistentVolumeClaim>(namespace, &name) {
        if is_controlled_by(&known.metadata, pod.metadata.uid.as_deref().unwrap_or_default()) {
            return Ok(());
        }
        let pod = pods::name(pod);
        let why = format!("PVC {namespace}/{name} was not created for pod {namespace}/{pod} (pod is not owner)");
        let mut status = Status::internal(why.clone());
        status.message = why;
        return Err(status);
    }
    let mut claim = PersistentVolumeClaim { spec: Some(template.spec.clone()), ..PersistentVolumeClaim::default() };
    claim.metadata.name = Some(name.clone());
    claim.metadata.namespace = Some(namespace.into());
    claim.metadata.owner_references = Some(vec![controller_reference(&pod.clone().wrap())]);
    if let Some(meta) = &template.metadata {
        claim.metadata.labels.clone_from(&meta.labels);
        claim.metadata.annotations.clone_from(&meta.annotations);
    }
    cx.api.create(claim).map(|_| ()).map_err(|mut status| {
        status.message = format!("create PVC {name}: {}", status.message);
        status
    })
}
