//! A volume whose claim is gone: kept, deleted or emptied.
//!
//! Mirrors: pv_controller.go `reclaimVolume`, `deleteVolumeOperation`, `recycleVolumeOperation`;
//! pkg/volume/hostpath. The recycler's pod is left out: what it does is done at once.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::PersistentVolume;
use api::meta::volume::{PROVISIONED_BY, annotation};
use api::{Kind, Status, Typed};

use super::PersistentVolumes;
use crate::client::{Context, DeleteOptions, EventOf, EventType, Key};

impl PersistentVolumes {
    /// `true` when it must be tried again.
    pub(super) fn release(&mut self, cx: &mut Context, volume: &Arc<PersistentVolume>) -> Result<bool, Status> {
        let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
        if !matches!(phase, "Released" | "Failed") {
            // The next sync, woken by this write, reclaims it.
            self.set_phase(cx, volume, "Released", "")?;
            return Ok(false);
        }
        let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
        match policy.unwrap_or("Retain") {
            "Retain" => Ok(false),
            "Delete" => self.delete(cx, volume),
            "Recycle" => self.recycle(cx, volume),
            _ => {
                let message = "Volume has unrecognized PersistentVolumeReclaimPolicy";
                self.fail_volume(cx, volume, "VolumeUnknownReclaimPolicy", message)?;
                Ok(false)
            }
        }
    }

    fn delete(&mut self, cx: &mut Context, volume: &Arc<PersistentVolume>) -> Result<bool, Status> {
        let name = volume.metadata.name.as_deref().unwrap_or_default();
        match deletable(volume) {
            Deleter::Elsewhere => Ok(false),
            Deleter::Here if volume.metadata.deletion_timestamp.is_some() => Ok(false),
            Deleter::Here => {
                cx.api.delete(&Key::new(Kind::PersistentVolume, "", name), &DeleteOptions::default())?;
                Ok(false)
            }
            Deleter::Refuses(cause) => {
                self.fail_volume(cx, volume, "VolumeFailedDelete", &cause)?;
                Ok(true)
            }
        }
    }

    fn recycle(&mut self, cx: &mut Context, volume: &Arc<PersistentVolume>) -> Result<bool, Status> {
        let spec = volume.spec.clone().unwrap_or_default();
        if spec.host_path.is_none() && spec.nfs.is_none() {
            let message = "No recycler plugin found for the volume!";
            self.fail_volume(cx, volume, "VolumeFailedRecycle", message)?;
            return Ok(true);
        }
        let of = EventOf::object(&volume.clone().wrap());
        self.recorder.event(cx, &of, EventType::Normal, "VolumeRecycled", "Volume recycled");
        self.unbind(cx, volume)?;
        Ok(false)
    }
}

/// Who deletes what a volume stands for.
enum Deleter {
    /// Nothing but the object, or something the controller manager can delete itself.
    Here,
    /// The provisioner that made it.
    Elsewhere,
    Refuses(String),
}

fn deletable(volume: &PersistentVolume) -> Deleter {
    if annotation(&volume.metadata, PROVISIONED_BY).is_some_and(|by| !by.starts_with("kubernetes.io/")) {
        return Deleter::Elsewhere;
    }
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    let spec = volume.spec.clone().unwrap_or_default();
    if let Some(host) = &spec.host_path {
        let below = host.path.strip_prefix("/tmp/").is_some_and(|rest| !rest.is_empty());
        return match below {
            true => Deleter::Here,
            false => {
                Deleter::Refuses(format!("host_path deleter only supports /tmp/.+ but received provided {}", host.path))
            }
        };
    }
    let known = spec.nfs.is_some() || spec.local.is_some();
    let cause = if known { "no deletable volume plugin matched" } else { "no volume plugin matched" };
    Deleter::Refuses(format!("error getting deleter volume plugin for volume {name:?}: {cause}"))
}
