//! TaintNodesByCondition: a new node takes no pods before its kubelet says it is ready.
//!
//! Mirrors: plugin/pkg/admission/nodetaint.

use std::sync::Arc;

use api::Object;
use api::k8s_openapi::api::core::v1::Taint;

use super::{Attributes, Operation};

pub fn admit(object: &mut Object, attributes: &Attributes) {
    let Object::Node(node) = object else { return };
    if attributes.operation != Operation::Create {
        return;
    }
    const KEY: &str = "node.kubernetes.io/not-ready";
    let taints = Arc::make_mut(node).spec.get_or_insert_default().taints.get_or_insert_default();
    if !taints.iter().any(|taint| taint.key == KEY && taint.effect == "NoSchedule") {
        taints.push(Taint { key: KEY.into(), effect: "NoSchedule".into(), ..Taint::default() });
    }
}
