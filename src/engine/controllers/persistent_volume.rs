//! The volume binder: claims and volumes find each other, and part again.
//!
//! A claim is matched with the volume that suits it best, or waits for its first pod, or for a
//! provisioner. A volume whose claim is gone is kept or deleted, as its reclaim policy says.
//! Mirrors: pkg/controller/volume/persistentvolume/pv_controller{,_base}.go. Left out: volumes of
//! in-tree plugins that were moved to CSI drivers keep their own name in events.

mod bind;
mod claim;
mod provision;
mod reclaim;
mod volume;

use api::k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use api::meta::volume::volume_name;
use api::{Kind, Status};

use super::{Controller, Outcome};
use crate::client::{Change, Context, Recorder, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};

#[derive(Clone)]
pub struct PersistentVolumes {
    recorder: Recorder,
}

impl Default for PersistentVolumes {
    fn default() -> Self {
        Self { recorder: Recorder::new("persistentvolume-controller", "") }
    }
}

/// What waits is looked at again this often: a new volume or class does not wake a claim.
const RESYNC: Millis = 15 * SECOND;

impl Controller for PersistentVolumes {
    fn name(&self) -> &'static str {
        "persistentvolume-binder-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        let gone = news.change == Change::Deleted;
        match news.key.kind {
            Kind::PersistentVolume if !gone => queue.add(volume_key(&news.key.name)),
            Kind::PersistentVolume => {
                // The claim has lost its volume.
                let volume = news.object.get::<PersistentVolume>();
                let reference = volume.and_then(|volume| volume.spec.as_ref()?.claim_ref.as_ref());
                if let Some(reference) = reference {
                    let part = |text: &Option<String>| text.clone().unwrap_or_default();
                    queue.add(claim_key(&part(&reference.namespace), &part(&reference.name)));
                }
            }
            Kind::PersistentVolumeClaim if !gone => queue.add(claim_key(&news.key.namespace, &news.key.name)),
            Kind::PersistentVolumeClaim => {
                // The volume is released.
                let volume = news.object.get::<PersistentVolumeClaim>().map(|claim| volume_name(claim));
                if let Some(name) = volume.filter(|name| !name.is_empty()) {
                    queue.add(volume_key(name));
                }
            }
            // Pods, classes and provisioners are seen at the next look.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for volume in cx.api.list::<PersistentVolume>("") {
            queue.add(volume_key(volume.metadata.name.as_deref().unwrap_or_default()));
        }
        for claim in cx.api.list::<PersistentVolumeClaim>("") {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            queue.add(claim_key(&part(&claim.metadata.namespace), &part(&claim.metadata.name)));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let waits = match key.split('/').collect::<Vec<_>>()[..] {
            [name] => self.sync_volume(name, cx)?,
            [namespace, name] => self.sync_claim(namespace, name, cx)?,
            // No other keys are ever queued.
            _ => false,
        };
        Ok(if waits { Outcome::At((cx.now / RESYNC + 1) * RESYNC) } else { Outcome::Done })
    }
}

/// Volumes have no namespace: their keys have no slash.
fn volume_key(name: &str) -> String {
    name.to_owned()
}

fn claim_key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}
