//! Protection of storage in use: a claim a pod has, a volume a claim has, stays until it is let go.
//!
//! Every claim and every volume gets a finalizer when it is made. Deleted, a claim loses it when no pod that still runs
//! or may run names it, a volume when it is bound to no claim.
//! Mirrors: pkg/controller/volume/{pvcprotection,pvprotection}.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::meta::owner::is_controlled_by;
use api::{Kind, Status};

use super::{Controller, Outcome, pods};
use crate::client::{Change, Context, Key, Revision, WorkQueue};

/// Claims: in use while a pod that has a node names them, whether it still runs or not.
#[derive(Clone, Default)]
pub struct ClaimProtection;

/// Volumes: in use while bound.
#[derive(Clone, Default)]
pub struct VolumeProtection;

const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

impl Controller for ClaimProtection {
    fn name(&self) -> &'static str {
        "persistentvolumeclaim-protection-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::PersistentVolumeClaim if news.change != Change::Deleted => {
                queue.add(format!("{}/{}", news.key.namespace, news.key.name));
            }
            // Only a pod that goes lets a claim go; and before it goes, all pods are asked for once more.
            Kind::Pod if news.change == Change::Deleted => {
                for (name, _) in news.object.get::<Pod>().iter().flat_map(|pod| pods::claims(pod)) {
                    queue.add_at(cx.now + cx.writing(2), format!("{}/{name}", news.key.namespace));
                }
            }
            // Nothing else uses claims.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for claim in cx.api.list::<PersistentVolumeClaim>("") {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            queue.add(format!("{}/{}", part(&claim.metadata.namespace), part(&claim.metadata.name)));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let Some(claim) = cx.api.get::<PersistentVolumeClaim>(namespace, name) else { return Ok(Outcome::Done) };
        let key = Key::new(Kind::PersistentVolumeClaim, namespace, name);
        protect(cx, &key, &claim.metadata, CLAIM_FINALIZER, |cx| {
            let users = cx.api.list::<Pod>(namespace).filter(|pod| !pods::node(pod).is_empty());
            users.into_iter().any(|pod| uses(pod, &claim))
        })
    }
}

/// Whether the pod has the claim in one of its volumes.
fn uses(pod: &Arc<Pod>, claim: &PersistentVolumeClaim) -> bool {
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    // The kubelet has finished with it: what was made for it alone may go.
    let shut_down = pods::is_terminating(pod) && pod.metadata.deletion_grace_period_seconds == Some(0);
    pods::claims(pod)
        .any(|(wanted, own)| wanted == name && (!own || (!shut_down && is_controlled_by(&claim.metadata, uid))))
}

impl Controller for VolumeProtection {
    fn name(&self) -> &'static str {
        "persistentvolume-protection-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        if news.key.kind == Kind::PersistentVolume && news.change != Change::Deleted {
            queue.add(news.key.name.to_string());
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for volume in cx.api.list::<PersistentVolume>("") {
            queue.add(volume.metadata.name.clone().unwrap_or_default());
        }
    }

    fn reconcile(&mut self, name: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(volume) = cx.api.get::<PersistentVolume>("", name) else { return Ok(Outcome::Done) };
        let bound = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound");
        let key = Key::new(Kind::PersistentVolume, "", name);
        protect(cx, &key, &volume.metadata, VOLUME_FINALIZER, |_| bound)
    }
}

/// Adds the finalizer to what lives, and takes it off what is to go and is not in use.
fn protect(
    cx: &mut Context,
    key: &Key,
    meta: &ObjectMeta,
    finalizer: &str,
    in_use: impl FnOnce(&Context) -> bool,
) -> Result<Outcome, Status> {
    let has = meta.finalizers.iter().flatten().any(|known| known == finalizer);
    let going = meta.deletion_timestamp.is_some();
    if going && has && !in_use(cx) {
        cx.api.change_object(key, "", |object| {
            let meta = object.meta_mut();
            meta.finalizers.iter_mut().for_each(|finalizers| finalizers.retain(|known| known != finalizer));
            meta.finalizers = meta.finalizers.take().filter(|finalizers| !finalizers.is_empty());
        })?;
    } else if !going && !has {
        cx.api.change_object(key, "", |object| {
            object.meta_mut().finalizers.get_or_insert_default().push(finalizer.into());
        })?;
    }
    Ok(Outcome::Done)
}
