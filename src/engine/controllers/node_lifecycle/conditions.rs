//! What a silent node's conditions say.
//!
//! All become `Unknown`: of a kubelet that once spoke, because it stopped (`NodeStatusUnknown`), of one that never did,
//! because it never did (`NodeStatusNeverUpdated`).
//! Mirrors: pkg/controller/nodelifecycle/node_lifecycle_controller.go `tryUpdateNodeHealth`.

use api::Status;
use api::k8s_openapi::api::core::v1::{Node, NodeCondition};

use crate::client::Context;

pub fn of<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// Everything a kubelet would say is Unknown now.
///
/// # Errors
/// The API server's refusal.
pub fn mark_unknown(cx: &mut Context, node: &Node) -> Result<(), Status> {
    let now = cx.time();
    let name = node.metadata.name.clone().unwrap_or_default();
    let created = node.metadata.creation_timestamp.clone();
    cx.api.change::<Node>("", &name, "status", |node| {
        let conditions = node.status.get_or_insert_default().conditions.get_or_insert_default();
        for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            match conditions.iter_mut().find(|condition| condition.type_ == kind) {
                None => conditions.push(NodeCondition {
                    type_: kind.into(),
                    status: "Unknown".into(),
                    reason: Some("NodeStatusNeverUpdated".into()),
                    message: Some("Kubelet never posted node status.".into()),
                    last_heartbeat_time: created.clone(),
                    last_transition_time: Some(now.clone()),
                }),
                Some(condition) if condition.status != "Unknown" => {
                    condition.status = "Unknown".into();
                    condition.reason = Some("NodeStatusUnknown".into());
                    condition.message = Some("Kubelet stopped posting node status.".into());
                    condition.last_transition_time = Some(now.clone());
                }
                Some(_) => {}
            }
        }
    })?;
    Ok(())
}
