//! Conditions as taints: what repels pods from a node in trouble, and what drives them off.
//!
//! Mirrors: pkg/controller/nodelifecycle `doNoScheduleTaintingPass`, `doNoExecuteTaintingPass`.

use api::Status;
use api::k8s_openapi::api::core::v1::{Node, Taint};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions;
use crate::client::Context;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Taints of this controller: any other taint is left alone.
const OURS: &[&str] = &[
    NOT_READY,
    UNREACHABLE,
    UNSCHEDULABLE,
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
];

/// What keeps new pods away: it follows each change of a node at once.
pub const NO_SCHEDULE: &str = "NoSchedule";
/// What drives pods off: it waits for the periodic look.
pub const NO_EXECUTE: &str = "NoExecute";

/// Brings a node's taints of one effect in line with its conditions.
///
/// # Errors
/// The API server's refusal.
pub fn sync(cx: &mut Context, name: &str, effect: &str) -> Result<(), Status> {
    let Some(node) = cx.api.get::<Node>("", name) else { return Ok(()) };
    let wanted = wanted(&node, effect);
    let present: Vec<Taint> = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let ours = |taint: &Taint| taint.effect == effect && OURS.contains(&taint.key.as_str());
    let mut next: Vec<Taint> = present.clone();
    next.retain(|taint| !ours(taint) || wanted.contains(&taint.key.as_str()));
    for key in wanted {
        if !next.iter().any(|taint| taint.key == key && taint.effect == effect) {
            next.push(Taint { key: key.into(), effect: effect.into(), time_added: Some(cx.time()), value: None });
        }
    }
    if next != present {
        cx.api.patch::<Node>("", name, "", |node| {
            node.spec.get_or_insert_default().taints = Some(next).filter(|list| !list.is_empty());
        })?;
    }
    Ok(())
}

/// Whether a node's conditions ask for pods to be driven off, and no taint does yet.
pub fn is_to_be_emptied(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let drives_off = |taint: &Taint| taint.effect == NO_EXECUTE && [NOT_READY, UNREACHABLE].contains(&&*taint.key);
    !wanted(node, NO_EXECUTE).is_empty() && !taints.iter().any(drives_off)
}

/// Takes away what drives pods off a node, unless it was put there just now.
///
/// # Errors
/// The API server's refusal.
pub fn lift(cx: &mut Context, name: &str, now: Time) -> Result<(), Status> {
    let Some(node) = cx.api.get::<Node>("", name) else { return Ok(()) };
    let present: Vec<Taint> = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let mut left = present.clone();
    left.retain(|taint| {
        let ours = taint.effect == NO_EXECUTE && [NOT_READY, UNREACHABLE].contains(&&*taint.key);
        !ours || taint.time_added.as_ref() == Some(&now)
    });
    if left != present {
        cx.api.patch::<Node>("", name, "", |node| {
            node.spec.get_or_insert_default().taints = Some(left).filter(|list| !list.is_empty());
        })?;
    }
    Ok(())
}

fn wanted(node: &Node, effect: &str) -> Vec<&'static str> {
    let state = |kind: &str| conditions::of(node, kind).map(|condition| condition.status.clone());
    let mut keys = Vec::new();
    match state("Ready").as_deref() {
        Some("False") => keys.push(NOT_READY),
        Some("Unknown") => keys.push(UNREACHABLE),
        _ => {}
    }
    // A node nobody has reported for has no condition that keeps the taint it was born with.
    if effect == "NoSchedule" {
        for (kind, key) in [
            ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
            ("DiskPressure", "node.kubernetes.io/disk-pressure"),
            ("PIDPressure", "node.kubernetes.io/pid-pressure"),
            ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
        ] {
            if state(kind).as_deref() == Some("True") {
                keys.push(key);
            }
        }
        if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) {
            keys.push(UNSCHEDULABLE);
        }
    }
    keys
}
