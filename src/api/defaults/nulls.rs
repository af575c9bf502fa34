//! Fields that print as `null` when they are unset: Go's times and lists without `omitempty`.
//!
//! Mirrors: the JSON tags of k8s.io/api. Typed objects leave unset fields out; this puts
//! back the few that every real client sees.

use serde_json::{Map, Value};

use crate::Kind;

pub(crate) fn show(kind: Kind, value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    match kind {
        Kind::Pod => {
            conditions(object, &["lastProbeTime", "lastTransitionTime"]);
            container_states(object);
        }
        Kind::Node => conditions(object, &["lastHeartbeatTime", "lastTransitionTime"]),
        Kind::Deployment => conditions(object, &["lastUpdateTime", "lastTransitionTime"]),
        Kind::Job | Kind::PersistentVolumeClaim => conditions(object, &["lastProbeTime", "lastTransitionTime"]),
        Kind::ReplicaSet | Kind::ReplicationController | Kind::StatefulSet | Kind::DaemonSet | Kind::Namespace => {
            conditions(object, &["lastTransitionTime"]);
        }
        Kind::HorizontalPodAutoscaler => {
            conditions(object, &["lastTransitionTime"]);
            if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
                nulls(status, &["currentMetrics"]);
            }
        }
        Kind::Event => nulls(object, &["eventTime", "firstTimestamp", "lastTimestamp"]),
        Kind::Role | Kind::ClusterRole => nulls(object, &["rules"]),
        Kind::EndpointSlice => nulls(object, &["endpoints", "ports"]),
        // Kinds whose unset fields do not print.
        _ => {}
    }
}

fn nulls(object: &mut Map<String, Value>, fields: &[&str]) {
    for field in fields {
        object.entry(*field).or_insert(Value::Null);
    }
}

fn conditions(object: &mut Map<String, Value>, times: &[&str]) {
    let list = object.get_mut("status").and_then(|status| status.get_mut("conditions")).and_then(Value::as_array_mut);
    for condition in list.into_iter().flatten().filter_map(Value::as_object_mut) {
        nulls(condition, times);
    }
}

fn container_states(object: &mut Map<String, Value>) {
    let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) else { return };
    for field in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        for container in status.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            for state in ["state", "lastState"] {
                let Some(state) = container.get_mut(state) else { continue };
                if let Some(running) = state.get_mut("running").and_then(Value::as_object_mut) {
                    nulls(running, &["startedAt"]);
                }
                if let Some(terminated) = state.get_mut("terminated").and_then(Value::as_object_mut) {
                    nulls(terminated, &["startedAt", "finishedAt"]);
                }
            }
        }
    }
}
