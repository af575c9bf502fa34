//! Short names for what checks look at: `pod.phase`, `deploy.ready`, `node.taint`. One table.

use api::Kind;
use serde_json::Value;

/// The kind behind a clause's word.
pub fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "pod" => Kind::Pod,
        "deploy" | "deployment" => Kind::Deployment,
        "rs" | "replicaset" => Kind::ReplicaSet,
        "sts" | "statefulset" => Kind::StatefulSet,
        "ds" | "daemonset" => Kind::DaemonSet,
        "job" => Kind::Job,
        "cronjob" => Kind::CronJob,
        "node" => Kind::Node,
        "svc" | "service" => Kind::Service,
        "pvc" => Kind::PersistentVolumeClaim,
        "hpa" => Kind::HorizontalPodAutoscaler,
        "ns" | "namespace" => Kind::Namespace,
        "cm" | "configmap" => Kind::ConfigMap,
        "secret" => Kind::Secret,
        "quota" => Kind::ResourceQuota,
        "pdb" => Kind::PodDisruptionBudget,
        "priorityclass" => Kind::PriorityClass,
        _ => return None,
    })
}

/// The values a short name stands for, as text; several for lists.
pub fn read(kind: Kind, object: &Value, field: &str) -> Vec<String> {
    let one = |value: &Value| text(value).into_iter().collect::<Vec<String>>();
    let at = |pointer: &str| object.pointer(pointer).cloned().unwrap_or(Value::Null);
    let count = |pointer: &str| vec![object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0).to_string()];
    let condition = |name: &str| {
        let list = at("/status/conditions");
        let found = list.as_array().and_then(|list| list.iter().find(|c| c["type"] == name));
        found.and_then(|c| c["status"].as_str()).unwrap_or("False").to_string()
    };
    match (kind, field) {
        (Kind::Pod, "node") => vec![at("/spec/nodeName").as_str().unwrap_or_default().to_string()],
        (Kind::Pod, "phase") => one(&at("/status/phase")),
        (Kind::Pod | Kind::Node, "ready") => vec![condition("Ready")],
        (Kind::Pod, "restarts") => {
            let statuses = at("/status/containerStatuses");
            let restarts = statuses.as_array().into_iter().flatten().filter_map(|s| s["restartCount"].as_i64());
            vec![restarts.sum::<i64>().to_string()]
        }
        (Kind::Pod, "image") => each(&at("/spec/containers"), "image"),
        (Kind::Node, "taint") => {
            let taints = at("/spec/taints");
            let shown = |taint: &Value| {
                format!(
                    "{}:{}",
                    taint["key"].as_str().unwrap_or_default(),
                    taint["effect"].as_str().unwrap_or_default()
                )
            };
            taints.as_array().into_iter().flatten().map(shown).collect()
        }
        (Kind::Node, "unschedulable") => vec![at("/spec/unschedulable").as_bool().unwrap_or(false).to_string()],
        (Kind::DaemonSet, "ready") => count("/status/numberReady"),
        (_, "ready") => count("/status/readyReplicas"),
        (_, "available") => count("/status/availableReplicas"),
        (_, "updated") => count("/status/updatedReplicas"),
        (_, "replicas") => count("/spec/replicas"),
        (Kind::Job, "succeeded") => count("/status/succeeded"),
        (_, "image") => each(&at("/spec/template/spec/containers"), "image"),
        (_, "uid") => one(&at("/metadata/uid")),
        (_, "terminating") => vec![(!at("/metadata/deletionTimestamp").is_null()).to_string()],
        // Anything else is a path: `spec.type`, `status.podIP`.
        (_, path) => {
            let pointer: String = path.split('.').map(|part| format!("/{part}")).collect();
            one(&at(&pointer))
        }
    }
}

fn each(list: &Value, field: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| text(&item[field])).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// `>= 2`, `!= x`, `~ part`, `in [a, b]`, or the value itself.
pub fn holds(values: &[String], expected: &Value) -> bool {
    let expected = match expected {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let first = values.first().map(String::as_str).unwrap_or_default();
    let number = |text: &str| text.trim().parse::<f64>().ok();
    for (operator, compare) in
        [(">=", f64::ge as fn(&f64, &f64) -> bool), ("<=", f64::le), (">", f64::gt), ("<", f64::lt)]
    {
        if let Some(bound) = expected.strip_prefix(operator) {
            return matches!((number(first), number(bound)), (Some(a), Some(b)) if compare(&a, &b));
        }
    }
    if let Some(other) = expected.strip_prefix("!=") {
        return values.iter().all(|value| value != other.trim());
    }
    if let Some(part) = expected.strip_prefix('~') {
        return values.iter().any(|value| value.contains(part.trim()));
    }
    if let Some(list) = expected.strip_prefix("in [").and_then(|rest| rest.strip_suffix(']')) {
        return list.split(',').any(|item| values.iter().any(|value| value == item.trim()));
    }
    values.iter().any(|value| value.eq_ignore_ascii_case(&expected)) || (values.is_empty() && expected.is_empty())
}
