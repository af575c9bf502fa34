//! Volume expansion: a claim that has grown waits for whoever can make its volume grow.
//!
//! The controller manager itself can grow no volume any more: it says so, once.
//! Mirrors: pkg/controller/volume/expand.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use api::meta::quantity::amount;
use api::meta::volume::{requested, volume_name};
use api::{Object, Status, Typed};

use super::{Controller, Outcome};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};

#[derive(Clone)]
pub struct VolumeExpand {
    recorder: Recorder,
}

impl Default for VolumeExpand {
    fn default() -> Self {
        Self { recorder: Recorder::new("volume_expand", "") }
    }
}

impl Controller for VolumeExpand {
    fn name(&self) -> &'static str {
        "persistentvolume-expander-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        let Object::PersistentVolumeClaim(claim) = &news.object else { return };
        let before = news.previous.as_ref().and_then(|old| old.get::<PersistentVolumeClaim>());
        let grown = before.is_some_and(|before| requested(claim) > requested(before));
        if news.change == Change::Modified && grown {
            queue.add(format!("{}/{}", news.key.namespace, news.key.name));
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for claim in cx.api.list::<PersistentVolumeClaim>("").filter(|claim| waits(claim)) {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            queue.add(format!("{}/{}", part(&claim.metadata.namespace), part(&claim.metadata.name)));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let claim = cx.api.get::<PersistentVolumeClaim>(namespace, name).filter(waits);
        let Some(claim) = claim else { return Ok(Outcome::Done) };
        let Some(volume) = cx.api.get::<PersistentVolume>("", volume_name(&claim)) else { return Ok(Outcome::Done) };
        // A driver grows its own volumes; of every other kind nobody is known who could.
        let kind = match volume.spec.as_ref().is_some_and(|spec| spec.csi.is_some()) {
            true => EventType::Normal,
            false => EventType::Warning,
        };
        let message = "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.";
        self.recorder.event(cx, &EventOf::object(&claim.wrap()), kind, "ExternalExpanding", message);
        Ok(Outcome::Done)
    }
}

/// Bound, and asking for more than it has.
fn waits(claim: &Arc<PersistentVolumeClaim>) -> bool {
    let status = claim.status.as_ref();
    let has = status.and_then(|status| status.capacity.as_ref()?.get("storage")).map(amount).unwrap_or_default();
    status.and_then(|status| status.phase.as_deref()) == Some("Bound") && requested(claim) > has
}
