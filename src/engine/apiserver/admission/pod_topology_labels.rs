//! PodTopologyLabels: a pod carries the zone and region of its node from the moment it has one.
//!
//! Mirrors: plugin/pkg/admission/podtopologylabels.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::{Kind, Object};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/// A pod that names its node itself.
pub fn admit(server: &ApiServer, object: &mut Object, attributes: &Attributes) {
    let Object::Pod(pod) = object else { return };
    if attributes.operation == Operation::Create {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        copy(server, Arc::make_mut(pod), &node);
    }
}

/// Takes the labels over from the node.
pub fn copy(server: &ApiServer, pod: &mut Pod, node: &str) {
    let node = server.read(Kind::Node, "", node).and_then(|object| object.get::<Node>());
    let there = node.and_then(|node| node.metadata.labels.as_ref());
    for key in LABELS {
        if let Some(value) = there.and_then(|labels| labels.get(key)) {
            pod.metadata.labels.get_or_insert_default().insert(key.into(), value.clone());
        }
    }
}
