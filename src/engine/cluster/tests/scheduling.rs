//! The scheduler in a cluster: what its decisions look like from outside.

use api::wire::{Body, Method};
use serde_json::{Value, json};

use super::*;
use crate::client::Profile;

/// A cluster of these nodes (name, CPU) as soon as its controllers have made service accounts.
fn cluster(nodes: &[(&str, &str)]) -> Cluster {
    let nodes = nodes.iter().map(|(name, cpu)| sized(name, cpu)).collect();
    let mut cluster = Cluster::new(ClusterConfig { nodes, profile: Profile::kwok(), ..ClusterConfig::default() });
    cluster.run_for(1_000, usize::MAX);
    cluster
}

fn sized(name: &str, cpu: &str) -> NodeConfig {
    NodeConfig { cpu: cpu.into(), ..NodeConfig::worker(name) }
}

fn send(cluster: &mut Cluster, method: Method, path: &str, body: Value) -> Value {
    let content = match method {
        Method::Patch => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::new(method, path).with_header("content-type", content).with_json(body);
    let response = cluster.request(request);
    let Body::Json(value) = response.body else { panic!("{method:?} {path} answered without JSON") };
    assert!(response.status < 300, "{method:?} {path}: {value}");
    value.into_tree()
}

fn get(cluster: &mut Cluster, path: &str) -> Value {
    match cluster.request(Request::get(path)).body {
        Body::Json(value) => value.into_tree(),
        _ => Value::Null,
    }
}

fn add_pod(cluster: &mut Cluster, name: &str, cpu: &str, more: Value) {
    let mut body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}]}});
    for (key, value) in more.as_object().into_iter().flatten() {
        body["spec"][key] = value.clone();
    }
    send(cluster, Method::Post, "/api/v1/namespaces/default/pods", body);
}

fn pod(cluster: &mut Cluster, name: &str) -> Value {
    get(cluster, &format!("/api/v1/namespaces/default/pods/{name}"))
}

fn events(cluster: &mut Cluster, reason: &str) -> Vec<String> {
    let all = get(cluster, "/api/v1/namespaces/default/events");
    let items = all["items"].as_array().cloned().unwrap_or_default();
    let about = items.iter().filter(|event| event["reason"] == reason);
    about.map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn without_nodes_a_pod_is_tried_again_and_a_new_node_takes_it() {
    let mut cluster = cluster(&[]);
    add_pod(&mut cluster, "web", "100m", Value::Null);
    cluster.run_for(3_500, usize::MAX);
    let web = pod(&mut cluster, "web");
    assert_eq!(web["status"]["conditions"][0]["reason"], "Unschedulable");
    // The condition made the pod a new version, so the first repetition is an event of its own.
    assert_eq!(events(&mut cluster, "FailedScheduling"), ["no nodes available to schedule pods"; 2]);
    cluster.inject(Fault::Join(Box::new(sized("n1", "2")))).expect("a join needs nothing");
    cluster.run_for(10_000, usize::MAX);
    assert_eq!(pod(&mut cluster, "web")["spec"]["nodeName"], "n1");
    assert_eq!(events(&mut cluster, "Scheduled"), ["Successfully assigned default/web to n1"]);
}

#[test]
fn a_pod_that_does_not_fit_waits_for_room() {
    let mut cluster = cluster(&[("n1", "1")]);
    add_pod(&mut cluster, "first", "800m", json!({"nodeName": "n1"}));
    cluster.run_for(100, usize::MAX);
    add_pod(&mut cluster, "second", "500m", Value::Null);
    cluster.run_for(20_000, usize::MAX);
    let refusal = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: \
                   0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    assert_eq!(pod(&mut cluster, "second")["status"]["conditions"][0]["message"], refusal);
    assert_eq!(events(&mut cluster, "FailedScheduling"), [refusal]);
    send(&mut cluster, Method::Delete, "/api/v1/namespaces/default/pods/first", json!({}));
    cluster.run_for(100, usize::MAX);
    assert_eq!(pod(&mut cluster, "second")["spec"]["nodeName"], "n1");
}

#[test]
fn gates_hold_a_pod_back_until_they_are_gone() {
    let mut cluster = cluster(&[("n1", "1")]);
    add_pod(&mut cluster, "gated", "500m", json!({"schedulingGates": [{"name": "example.com/a"}]}));
    cluster.run_for(20_000, usize::MAX);
    assert_eq!(pod(&mut cluster, "gated")["spec"]["nodeName"], Value::Null);
    send(
        &mut cluster,
        Method::Patch,
        "/api/v1/namespaces/default/pods/gated",
        json!({"spec": {"schedulingGates": null}}),
    );
    cluster.run_for(100, usize::MAX);
    assert_eq!(pod(&mut cluster, "gated")["spec"]["nodeName"], "n1");
}

#[test]
fn a_pod_of_higher_priority_takes_the_place_of_a_lesser_one() {
    let mut cluster = cluster(&[("n1", "1")]);
    for (name, value) in [("low", 10), ("high", 1000)] {
        let body = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value});
        send(&mut cluster, Method::Post, "/apis/scheduling.k8s.io/v1/priorityclasses", body);
    }
    add_pod(&mut cluster, "low", "600m", json!({"priorityClassName": "low"}));
    cluster.run_for(100, usize::MAX);
    assert_eq!(pod(&mut cluster, "low")["spec"]["nodeName"], "n1");
    add_pod(&mut cluster, "high", "600m", json!({"priorityClassName": "high"}));
    cluster.run_for(100, usize::MAX);
    assert_eq!(pod(&mut cluster, "low")["code"], 404);
    let high = pod(&mut cluster, "high");
    assert_eq!(high["spec"]["nodeName"], "n1");
    assert_eq!(high["status"]["nominatedNodeName"], Value::Null);
    let uid = high["metadata"]["uid"].as_str().unwrap_or_default();
    assert_eq!(events(&mut cluster, "Preempted"), [format!("Preempted by pod {uid} on node n1")]);
}
