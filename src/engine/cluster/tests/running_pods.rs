//! What can be done to a pod that runs: containers to look around with, and other resources.

use api::k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use api::wire::{Body, Method};
use serde_json::{Value, json};

use super::*;

const PATH: &str = "/api/v1/namespaces/default/pods";

fn cluster(resources: Value) -> Cluster {
    let mut cluster = one_machine(5_000);
    let container = json!({"name": "web", "image": "nginx:1.27", "resources": resources,
        "resizePolicy": [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]});
    let pod = json!({"metadata": {"name": "web"}, "spec": {"containers": [container]}});
    let response = cluster.request(Request::new(Method::Post, PATH).with_json(pod));
    assert_eq!(response.status, 201, "{:?}", response.body);
    cluster.run_for(10_000, usize::MAX);
    cluster
}

/// The refusal's message; empty when the patch was taken.
fn patch(cluster: &mut Cluster, subresource: &str, body: Value) -> String {
    let request = Request::new(Method::Patch, format!("{PATH}/web/{subresource}"))
        .with_header("content-type", "application/strategic-merge-patch+json")
        .with_json(body);
    let response = cluster.request(request);
    cluster.run_for(5_000, usize::MAX);
    match response.body {
        Body::Json(value) if response.status >= 300 => value["message"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn pod(cluster: &Cluster) -> Pod {
    cluster.snapshot().get::<Pod>("default", "web").map(|pod| (**pod).clone()).expect("the pod stays")
}

fn told(cluster: &Cluster, reason: &str) -> Vec<String> {
    let snapshot = cluster.snapshot();
    let events = snapshot.list::<Event>("default").filter(|event| event.reason.as_deref() == Some(reason));
    events.map(|event| event.message.clone().unwrap_or_default()).collect()
}

#[test]
fn a_container_added_to_look_around_runs_beside_the_others_and_never_again() {
    let mut cluster = cluster(json!({}));
    let debugger = json!({"name": "dbg", "image": "busybox:1.36", "command": ["sh", "-c", "echo here; sleep 20"]});
    let body = json!({"spec": {"ephemeralContainers": [debugger]}});
    assert_eq!(patch(&mut cluster, "ephemeralcontainers", body), "");
    let of = |pod: &Pod| -> ContainerStatus {
        let statuses = pod.status.as_ref().and_then(|status| status.ephemeral_container_statuses.clone());
        statuses.and_then(|list| list.first().cloned()).expect("the kubelet tells of it")
    };
    let now = pod(&cluster);
    assert!(of(&now).state.is_some_and(|state| state.running.is_some()));
    assert_eq!(now.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Running"));
    cluster.run_for(60_000, usize::MAX);
    let over = of(&pod(&cluster));
    assert_eq!(over.restart_count, 0);
    assert!(over.state.is_some_and(|state| state.terminated.is_some_and(|end| end.exit_code == 0)));
    let log = cluster.request(Request::get(format!("{PATH}/web/log")).with_query("container", "dbg"));
    assert!(matches!(&log.body, Body::Bytes(text) if &text[..] == b"here\n"), "{log:?}");
    // Nothing else of the pod can be changed on this way, and what was added stays.
    let none = json!({"spec": {"ephemeralContainers": [{"name": "dbg", "$patch": "delete"}]}});
    let refused = patch(&mut cluster, "ephemeralcontainers", none);
    assert!(refused.contains("existing ephemeral containers \"dbg\" may not be removed"), "{refused}");
}

#[test]
fn a_running_container_gets_other_resources() {
    let mut cluster = cluster(json!({"requests": {"cpu": "100m", "memory": "64Mi"}}));
    let wish = |name: &str, amount: &str| json!({"spec": {"containers": [{"name": "web", "resources": {"requests": {name: amount}}}]}});
    let got = |cluster: &Cluster, name: &str| {
        let status = pod(cluster).status.and_then(|status| status.container_statuses).unwrap_or_default();
        let requests = status.first().and_then(|status| status.resources.as_ref()?.requests.clone());
        (requests.and_then(|requests| requests.get(name).map(|amount| amount.0.clone())), status[0].restart_count)
    };
    let pending = |cluster: &Cluster| {
        let conditions = pod(cluster).status.and_then(|status| status.conditions).unwrap_or_default();
        let found = conditions.into_iter().find(|condition| condition.type_ == "PodResizePending");
        found.map(|condition| {
            format!("{}: {}", condition.reason.unwrap_or_default(), condition.message.unwrap_or_default())
        })
    };
    assert_eq!(patch(&mut cluster, "resize", wish("cpu", "200m")), "");
    assert_eq!((got(&cluster, "cpu"), pending(&cluster)), ((Some("200m".into()), 0), None));
    let asked =
        r#"{"containers":[{"name":"web","resources":{"requests":{"cpu":"200m","memory":"64Mi"}}}],"generation":2}"#;
    assert_eq!(told(&cluster, "ResizeStarted"), [format!("Pod resize started: {asked}")]);
    cluster.run_for(1_000, usize::MAX);
    assert_eq!(told(&cluster, "ResizeCompleted"), [format!("Pod resize completed: {asked}")]);
    // More than the machine has: the container keeps what it has, and the pod says why.
    assert_eq!(patch(&mut cluster, "resize", wish("cpu", "3")), "");
    let why = "Infeasible: Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000";
    assert_eq!((got(&cluster, "cpu"), pending(&cluster)), ((Some("200m".into()), 0), Some(why.into())));
    let error = why.trim_start_matches("Infeasible: ");
    let text = format!(
        r#"Pod resize Infeasible: {{"containers":[{{"name":"web","resources":{{"requests":{{"cpu":"3","memory":"64Mi"}}}}}}],"generation":3,"error":"{error}"}}"#
    );
    assert_eq!(told(&cluster, "ResizeInfeasible"), [text]);
    assert_eq!(patch(&mut cluster, "resize", wish("cpu", "300m")), "");
    assert_eq!((got(&cluster, "cpu"), pending(&cluster)), ((Some("300m".into()), 0), None));
    // Its policy says that another amount of memory needs a new start.
    assert_eq!(patch(&mut cluster, "resize", wish("memory", "80Mi")), "");
    cluster.run_for(60_000, usize::MAX);
    assert_eq!(got(&cluster, "memory"), (Some("80Mi".into()), 1));
    assert_eq!(told(&cluster, "Killing"), ["Container web resize requires restart"]);
}

#[test]
fn a_resize_changes_cpu_and_memory_and_never_the_class() {
    let mut cluster = cluster(json!({"requests": {"cpu": "100m"}}));
    let rows = [
        (
            json!({"limits": {"cpu": "100m", "memory": "64Mi"}, "requests": {"memory": "64Mi"}}),
            "Pod \"web\" is invalid: spec: Invalid value: \"Guaranteed\": Pod QOS Class may not change as a result of resizing",
        ),
        (
            json!({"requests": {"ephemeral-storage": "1Gi"}}),
            "Pod \"web\" is invalid: spec: Forbidden: only cpu and memory resources are mutable",
        ),
        (
            json!({"requests": {"cpu": null, "memory": "64Mi"}}),
            "Pod \"web\" is invalid: spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
        ),
    ];
    for (resources, want) in rows {
        let body = json!({"spec": {"containers": [{"name": "web", "resources": resources}]}});
        assert_eq!(patch(&mut cluster, "resize", body), want);
    }
}

/// A wish that no machine could grant takes no room from others, neither when pods are placed nor when they arrive.
#[test]
fn what_is_only_wished_for_takes_no_room() {
    let asks = |cpu: &str| json!({"requests": {"cpu": cpu, "memory": "64Mi"}});
    let mut cluster = cluster(asks("100m"));
    let body = json!({"spec": {"containers": [{"name": "web", "resources": asks("100")}]}});
    assert_eq!(patch(&mut cluster, "resize", body), "");
    assert_eq!(told(&cluster, "ResizeInfeasible").len(), 1);
    let container = json!({"name": "c", "image": "nginx:1.27", "resources": asks("1500m")});
    let other = json!({"metadata": {"name": "other"}, "spec": {"containers": [container]}});
    assert_eq!(cluster.request(Request::new(Method::Post, PATH).with_json(other)).status, 201);
    cluster.run_for(20_000, usize::MAX);
    let snapshot = cluster.snapshot();
    let other = snapshot.get::<Pod>("default", "other").expect("nobody deletes it");
    let status = other.status.clone().unwrap_or_default();
    assert_eq!((status.phase.as_deref(), status.reason), (Some("Running"), None));
}
