//! Static pods: the control plane's own processes, shown in the API as mirror pods.
//!
//! A kubelet runs what lies in its manifest directory before there is any API server, and then makes an
//! object of each, so that others see it: named after the pod and the node, owned by the node, marked with
//! annotations. The object is a picture: deleting it changes nothing, and the kubelet makes it again.
//! Mirrors: pkg/kubelet/pod/mirror_client.go, pkg/kubelet/config/{file,common}.go. The manifests stand where
//! `/etc/kubernetes/manifests` does on a real control-plane node. Left out: changed files.

use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use api::order::Gather;

use super::events::Turn;
use super::runtime::reference::hex_of;

/// Images that are on a control-plane node before its kubelet starts.
pub const IMAGES: [&str; 5] = [
    "registry.k8s.io/etcd:3.6.6-0",
    "registry.k8s.io/kube-apiserver:v1.36.2",
    "registry.k8s.io/kube-controller-manager:v1.36.2",
    "registry.k8s.io/kube-scheduler:v1.36.2",
    "registry.k8s.io/kube-proxy:v1.36.2",
];

const MANIFESTS: &str = include_str!("static_pods.yaml");

/// Whether the pod only shows what the machine runs by itself.
pub fn is_mirror(pod: &Pod) -> bool {
    pod.metadata.annotations.as_ref().is_some_and(|known| known.contains_key("kubernetes.io/config.mirror"))
}

/// Creates the mirror pods that are missing.
pub fn create_mirrors(turn: &mut Turn) {
    let node = turn.host.machine.name.clone();
    let owner = turn.cx.api.get::<Node>("", &node).and_then(|node| node.metadata.uid.clone());
    for manifest in manifests() {
        let base = manifest.metadata.name.clone().unwrap_or_default();
        let name = format!("{base}-{node}");
        if turn.cx.api.get::<Pod>("kube-system", &name).is_some() {
            continue;
        }
        let mut pod = manifest;
        let hash = hex_of(&base)[..32].to_owned();
        pod.metadata.name = Some(name);
        pod.metadata.namespace = Some("kube-system".to_owned());
        pod.metadata.labels = Some(
            [("component".to_owned(), base), ("tier".to_owned(), "control-plane".to_owned())].into_iter().into_map(),
        );
        pod.metadata.annotations = Some(
            [
                ("kubernetes.io/config.hash".to_owned(), hash.clone()),
                ("kubernetes.io/config.mirror".to_owned(), hash),
                (
                    "kubernetes.io/config.seen".to_owned(),
                    api::meta::time::rfc3339(i64::try_from(turn.now).unwrap_or(0)),
                ),
                ("kubernetes.io/config.source".to_owned(), "file".to_owned()),
            ]
            .into_iter()
            .into_map(),
        );
        pod.metadata.owner_references = owner.clone().map(|uid| {
            vec![OwnerReference {
                api_version: "v1".to_owned(),
                kind: "Node".to_owned(),
                name: node.clone(),
                uid,
                controller: Some(true),
                ..OwnerReference::default()
            }]
        });
        if let Some(spec) = &mut pod.spec {
            spec.node_name = Some(node.clone());
        }
        // Refused or created meanwhile: the next sync tries again.
        let _ = turn.cx.api.create(pod);
    }
}

/// The pods of the control plane.
fn manifests() -> Vec<Pod> {
    let read = api::yaml::parse_document(MANIFESTS).ok().and_then(|text| api::codec::decode(text.to_json()).ok());
    read.expect("the manifests are read by a test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifests_can_be_read() {
        assert_eq!(manifests().len(), 4);
    }
}
