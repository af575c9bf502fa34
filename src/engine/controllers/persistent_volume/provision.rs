//! A claim that no volume suits: its class names who makes one.
//!
//! Mirrors: pv_controller.go `provisionClaim`, `findProvisionablePlugin`, `provisionClaimOperationExternal`.

use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::core::v1::PersistentVolumeClaim;
use api::k8s_openapi::api::storage::v1::StorageClass;
use api::meta::volume::PROVISIONERS;

use super::PersistentVolumes;
use crate::client::{Context, EventType};

/// In-tree provisioners of old, and the drivers that took their place.
const MOVED: &[(&str, &str)] = &[
    ("kubernetes.io/aws-ebs", "ebs.csi.aws.com"),
    ("kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ("kubernetes.io/azure-file", "file.csi.azure.com"),
    ("kubernetes.io/cinder", "cinder.csi.openstack.org"),
    ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
    ("kubernetes.io/portworx-volume", "pxd.portworx.com"),
    ("kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"),
];

impl PersistentVolumes {
    /// Asks the class's provisioner for a volume, or tells why nobody can be asked.
    pub(super) fn provision(
        &mut self,
        cx: &mut Context,
        claim: &Arc<PersistentVolumeClaim>,
        class: &str,
    ) -> Result<(), Status> {
        let Some(class) = cx.api.get::<StorageClass>("", class) else {
            // A lister says it in the singular.
            let message = format!("storageclass.storage.k8s.io {class:?} not found");
            self.say(cx, claim, EventType::Warning, "ProvisioningFailed", message);
            return Ok(());
        };
        let asked = class.provisioner.as_str();
        let moved = MOVED.iter().find(|(old, _)| *old == asked).map(|(_, driver)| *driver);
        if asked.starts_with("kubernetes.io/") && moved.is_none() {
            let message = match asked {
                // The controller manager knows how, but is not allowed to.
                "kubernetes.io/host-path" => {
                    format!("Failed to create provisioner: provisioning in volume plugin {asked:?} is disabled")
                }
                _ => format!("no volume plugin matched name: {asked}"),
            };
            self.say(cx, claim, EventType::Warning, "ProvisioningFailed", message);
            return Ok(());
        }
        let provisioner = moved.unwrap_or(asked);
        let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
        let name = claim.metadata.name.as_deref().unwrap_or_default();
        let written = cx.api.change::<PersistentVolumeClaim>(namespace, name, "", |claim| {
            for key in PROVISIONERS {
                claim.metadata.annotations.get_or_insert_default().insert(key.into(), provisioner.into());
            }
        })?;
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{asked}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
        );
        self.say(cx, &written, EventType::Normal, "ExternalProvisioning", message);
        Ok(())
    }
}
