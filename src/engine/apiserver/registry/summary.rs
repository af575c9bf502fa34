//! One line per write for people: what changed, in the words of the object.

use api::Object;

/// What a write of `new` over `old` did; empty where there is nothing worth a caption.
pub fn summary(new: &Object, old: Option<&Object>) -> String {
    match (new, old) {
        (Object::Event(event), None) => {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let involved = &event.involved_object;
            format!(
                "{} {} on {}/{}: {}",
                text(&event.type_),
                text(&event.reason),
                text(&involved.kind).to_lowercase(),
                text(&involved.name),
                text(&event.message)
            )
        }
        (Object::Event(event), Some(_)) => format!("count -> {}", event.count.unwrap_or(1)),
        (Object::Pod(new), Some(Object::Pod(old))) => pod_change(new, old),
        (Object::Deployment(new), Some(Object::Deployment(old))) => {
            replicas(old.spec.as_ref().and_then(|spec| spec.replicas), new.spec.as_ref().and_then(|spec| spec.replicas))
        }
        (Object::ReplicaSet(new), Some(Object::ReplicaSet(old))) => {
            replicas(old.spec.as_ref().and_then(|spec| spec.replicas), new.spec.as_ref().and_then(|spec| spec.replicas))
        }
        (Object::StatefulSet(new), Some(Object::StatefulSet(old))) => {
            replicas(old.spec.as_ref().and_then(|spec| spec.replicas), new.spec.as_ref().and_then(|spec| spec.replicas))
        }
        (Object::ReplicationController(new), Some(Object::ReplicationController(old))) => {
            replicas(old.spec.as_ref().and_then(|spec| spec.replicas), new.spec.as_ref().and_then(|spec| spec.replicas))
        }
        (Object::PodDisruptionBudget(new), Some(Object::PodDisruptionBudget(old))) => {
            let allowed = |budget: &api::k8s_openapi::api::policy::v1::PodDisruptionBudget| {
                budget.status.as_ref().and_then(|status| status.disruptions_allowed).unwrap_or(0)
            };
            match (allowed(old), allowed(new)) {
                (old, new) if old != new => format!("allowed disruptions {old} -> {new}"),
                _ => String::new(),
            }
        }
        (Object::Node(new), Some(Object::Node(old))) => node_change(new, old),
        // Other writes speak for themselves by verb and name.
        _ => String::new(),
    }
}

fn pod_change(new: &api::k8s_openapi::api::core::v1::Pod, old: &api::k8s_openapi::api::core::v1::Pod) -> String {
    let node = |pod: &api::k8s_openapi::api::core::v1::Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    let phase =
        |pod: &api::k8s_openapi::api::core::v1::Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
    let ready = |pod: &api::k8s_openapi::api::core::v1::Pod| {
        let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions.is_some_and(|list| list.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
    };
    if let (None, Some(node)) = (node(old).filter(|n| !n.is_empty()), node(new).filter(|n| !n.is_empty())) {
        return format!("-> {node}");
    }
    if new.metadata.deletion_timestamp.is_some() && old.metadata.deletion_timestamp.is_none() {
        return "Terminating".into();
    }
    if phase(new) != phase(old) {
        return format!("phase -> {}", phase(new).unwrap_or_default());
    }
    match (ready(old), ready(new)) {
        (false, true) => "Ready".into(),
        (true, false) => "not Ready".into(),
        (true, true) | (false, false) => String::new(),
    }
}

fn replicas(old: Option<i32>, new: Option<i32>) -> String {
    match (old, new) {
        (Some(old), Some(new)) if old != new => format!("replicas {old} -> {new}"),
        _ => String::new(),
    }
}

fn node_change(new: &api::k8s_openapi::api::core::v1::Node, old: &api::k8s_openapi::api::core::v1::Node) -> String {
    let ready = |node: &api::k8s_openapi::api::core::v1::Node| {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions.and_then(|list| list.iter().find(|c| c.type_ == "Ready")).map(|c| c.status.clone())
    };
    let taints = |node: &api::k8s_openapi::api::core::v1::Node| -> Vec<String> {
        let list = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
        list.into_iter().map(|taint| format!("{}:{}", taint.key, taint.effect)).collect()
    };
    if ready(new) != ready(old) {
        return format!("Ready -> {}", ready(new).unwrap_or_default());
    }
    if taints(new) != taints(old) {
        return format!("taints [{}]", taints(new).join(", "));
    }
    String::new()
}
