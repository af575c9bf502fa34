//! ServiceAccount: every pod runs as somebody, and carries that somebody's token.
//!
//! Mirrors: plugin/pkg/admission/serviceaccount.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{
    ConfigMapProjection, DownwardAPIProjection, DownwardAPIVolumeFile, KeyToPath, ObjectFieldSelector, Pod,
    ProjectedVolumeSource, ServiceAccountTokenProjection, Volume, VolumeMount, VolumeProjection,
};
use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// One hour and a little, so that a refresh is never late.
const TOKEN_SECONDS: i64 = 3607;
/// 0644
const READABLE: i32 = 420;

pub fn admit(server: &mut ApiServer, object: &mut Object, attributes: &Attributes) -> Result<(), Status> {
    if attributes.operation != Operation::Create {
        return Ok(());
    }
    let Object::Pod(pod) = object else { return Ok(()) };
    // Mirror pods report what a kubelet runs already: they get no token.
    let annotations = pod.metadata.annotations.as_ref();
    if annotations.is_some_and(|map| map.contains_key("kubernetes.io/config.mirror")) {
        return Ok(());
    }
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let subject = pod.metadata.name.clone().filter(|name| !name.is_empty()).or(pod.metadata.generate_name.clone());
    let pod = Arc::make_mut(pod);
    let Some(spec) = &mut pod.spec else { return Ok(()) };
    let account = spec
        .service_account_name
        .clone()
        .filter(|name| !name.is_empty())
        .or(spec.service_account.clone().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "default".into());
    spec.service_account_name = Some(account.clone());
    spec.service_account = Some(account.clone());
    let Some(Object::ServiceAccount(found)) = server.read(Kind::ServiceAccount, &namespace, &account) else {
        let why =
            format!("error looking up service account {namespace}/{account}: serviceaccount {account:?} not found");
        return Err(Status::forbidden(&server.resource_of(Kind::Pod), &subject.unwrap_or_default(), &why));
    };
    let found = found.clone();
    if spec.image_pull_secrets.as_ref().is_none_or(Vec::is_empty) {
        spec.image_pull_secrets.clone_from(&found.image_pull_secrets);
    }
    let wanted = spec.automount_service_account_token.or(found.automount_service_account_token).unwrap_or(true);
    if wanted {
        let volume = format!("kube-api-access-{}", server.names.suffix(5));
        mount_token(pod, volume);
    }
    Ok(())
}

fn mount_token(pod: &mut Pod, volume: String) {
    let Some(spec) = &mut pod.spec else { return };
    let mut mounted = false;
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        let mounts = container.volume_mounts.get_or_insert_default();
        if mounts.iter().any(|mount| mount.mount_path == MOUNT_PATH) {
            continue;
        }
        mounts.push(VolumeMount {
            name: volume.clone(),
            mount_path: MOUNT_PATH.into(),
            read_only: Some(true),
            ..VolumeMount::default()
        });
        mounted = true;
    }
    if mounted {
        spec.volumes.get_or_insert_default().push(Volume {
            name: volume,
            projected: Some(ProjectedVolumeSource { default_mode: Some(READABLE), sources: Some(sources()) }),
            ..Volume::default()
        });
    }
}

fn sources() -> Vec<VolumeProjection> {
    let token = ServiceAccountTokenProjection {
        expiration_seconds: Some(TOKEN_SECONDS),
        path: "token".into(),
        ..ServiceAccountTokenProjection::default()
    };
    let ca = ConfigMapProjection {
        name: "kube-root-ca.crt".into(),
        items: Some(vec![KeyToPath { key: "ca.crt".into(), path: "ca.crt".into(), mode: None }]),
        optional: None,
    };
    let namespace = DownwardAPIVolumeFile {
        path: "namespace".into(),
        field_ref: Some(ObjectFieldSelector {
            api_version: Some("v1".into()),
            field_path: "metadata.namespace".into(),
        }),
        ..DownwardAPIVolumeFile::default()
    };
    vec![
        VolumeProjection { service_account_token: Some(token), ..VolumeProjection::default() },
        VolumeProjection { config_map: Some(ca), ..VolumeProjection::default() },
        VolumeProjection {
            downward_api: Some(DownwardAPIProjection { items: Some(vec![namespace]) }),
            ..VolumeProjection::default()
        },
    ]
}
