//! Volumes in their internal form. Sources of vanished storage vendors print with their public names.

use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection};
use serde::Serialize;

use super::super::go_value::GoValue;
use super::{claim_spec, containers, flag, go_struct, object_meta, pointer, text};

pub fn volume(volume: &Volume) -> GoValue {
    go_struct! {
        "Name": &volume.name,
        "HostPath": pointer(&volume.host_path, |source| {
            go_struct! { "Path": &source.path, "Type": source.type_.clone() }
        }),
        "EmptyDir": pointer(&volume.empty_dir, |source| {
            go_struct! { "Medium": text(&source.medium), "SizeLimit": source.size_limit.as_ref() }
        }),
        "GCEPersistentDisk": public(&volume.gce_persistent_disk),
        "AWSElasticBlockStore": public(&volume.aws_elastic_block_store),
        "GitRepo": pointer(&volume.git_repo, |source| {
            go_struct! {
                "Repository": &source.repository,
                "Revision": text(&source.revision),
                "Directory": text(&source.directory),
            }
        }),
        "Secret": pointer(&volume.secret, |source| {
            go_struct! {
                "SecretName": text(&source.secret_name),
                "Items": items(&source.items),
                "DefaultMode": source.default_mode,
                "Optional": source.optional,
            }
        }),
        "NFS": pointer(&volume.nfs, |source| {
            go_struct! { "Server": &source.server, "Path": &source.path, "ReadOnly": flag(source.read_only) }
        }),
        "ISCSI": public(&volume.iscsi),
        "Glusterfs": public(&volume.glusterfs),
        "PersistentVolumeClaim": pointer(&volume.persistent_volume_claim, |source| {
            go_struct! { "ClaimName": &source.claim_name, "ReadOnly": flag(source.read_only) }
        }),
        "RBD": public(&volume.rbd),
        "Quobyte": public(&volume.quobyte),
        "FlexVolume": public(&volume.flex_volume),
        "Cinder": public(&volume.cinder),
        "CephFS": public(&volume.cephfs),
        "Flocker": public(&volume.flocker),
        "DownwardAPI": pointer(&volume.downward_api, |source| {
            go_struct! {
                "Items": GoValue::list(source.items.as_ref(), downward_file),
                "DefaultMode": source.default_mode,
            }
        }),
        "FC": public(&volume.fc),
        "AzureFile": public(&volume.azure_file),
        "ConfigMap": pointer(&volume.config_map, |source| {
            go_struct! {
                "Name": &source.name,
                "Items": items(&source.items),
                "DefaultMode": source.default_mode,
                "Optional": source.optional,
            }
        }),
        "VsphereVolume": public(&volume.vsphere_volume),
        "AzureDisk": public(&volume.azure_disk),
        "PhotonPersistentDisk": public(&volume.photon_persistent_disk),
        "Projected": pointer(&volume.projected, |source| {
            go_struct! {
                "Sources": GoValue::list(source.sources.as_ref(), projection),
                "DefaultMode": source.default_mode,
            }
        }),
        "PortworxVolume": public(&volume.portworx_volume),
        "ScaleIO": public(&volume.scale_io),
        "StorageOS": public(&volume.storageos),
        "CSI": pointer(&volume.csi, |source| {
            go_struct! {
                "Driver": &source.driver,
                "ReadOnly": source.read_only,
                "FSType": source.fs_type.clone(),
                "VolumeAttributes": GoValue::text_map(source.volume_attributes.as_ref()),
                "NodePublishSecretRef":
                    pointer(&source.node_publish_secret_ref, |secret| go_struct! { "Name": &secret.name }),
            }
        }),
        "Ephemeral": pointer(&volume.ephemeral, |source| {
            go_struct! {
                "VolumeClaimTemplate": pointer(&source.volume_claim_template, |template| {
                    let mut fields = template.metadata.as_ref().map(object_meta).unwrap_or_default();
                    fields.push(("Spec", claim_spec(&template.spec)));
                    GoValue::Struct(fields)
                }),
            }
        }),
        "Image": pointer(&volume.image, |source| {
            go_struct! { "Reference": text(&source.reference), "PullPolicy": text(&source.pull_policy) }
        }),
    }
}

fn public<T: Serialize>(source: &Option<T>) -> GoValue {
    crate::codec::encode(source).into()
}

fn items(items: &Option<Vec<KeyToPath>>) -> GoValue {
    GoValue::list(items.as_ref(), |item| {
        go_struct! { "Key": &item.key, "Path": &item.path, "Mode": item.mode }
    })
}

fn downward_file(file: &DownwardAPIVolumeFile) -> GoValue {
    go_struct! {
        "Path": &file.path,
        "FieldRef": pointer(&file.field_ref, |field| {
            go_struct! { "APIVersion": text(&field.api_version), "FieldPath": &field.field_path }
        }),
        "ResourceFieldRef": pointer(&file.resource_field_ref, containers::resource_selector),
        "Mode": file.mode,
    }
}

fn projection(source: &VolumeProjection) -> GoValue {
    go_struct! {
        "Secret": pointer(&source.secret, |secret| {
            go_struct! { "Name": &secret.name, "Items": items(&secret.items), "Optional": secret.optional }
        }),
        "DownwardAPI": pointer(&source.downward_api, |downward| {
            go_struct! { "Items": GoValue::list(downward.items.as_ref(), downward_file) }
        }),
        "ConfigMap": pointer(&source.config_map, |config| {
            go_struct! { "Name": &config.name, "Items": items(&config.items), "Optional": config.optional }
        }),
        "ServiceAccountToken": pointer(&source.service_account_token, |token| {
            go_struct! {
                "Audience": text(&token.audience),
                "ExpirationSeconds": token.expiration_seconds.unwrap_or_default(),
                "Path": &token.path,
            }
        }),
        "ClusterTrustBundle": pointer(&source.cluster_trust_bundle, |bundle| {
            go_struct! {
                "Name": bundle.name.clone(),
                "SignerName": bundle.signer_name.clone(),
                "LabelSelector": bundle.label_selector.as_ref(),
                "Optional": bundle.optional,
                "Path": &bundle.path,
            }
        }),
        "PodCertificate": public(&source.pod_certificate),
    }
}
