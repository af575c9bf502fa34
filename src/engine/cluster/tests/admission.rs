//! What the API server adds to what it is given, seen from outside.

use api::wire::{Body, Method};
use serde_json::{Value, json};

use super::*;
use crate::client::Profile;

const PODS: &str = "/api/v1/namespaces/default/pods";
const INGRESSES: &str = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";

fn cluster() -> Cluster {
    let mut node = NodeConfig::worker("n1");
    node.labels = [("topology.kubernetes.io/zone".to_owned(), "a".to_owned())].into();
    let config = ClusterConfig { nodes: vec![node], profile: Profile::kubelet(), ..ClusterConfig::default() };
    let mut cluster = Cluster::new(config);
    cluster.run_for(5_000, usize::MAX);
    cluster
}

fn post(cluster: &mut Cluster, path: &str, body: Value) -> Value {
    match cluster.request(Request::new(Method::Post, path).with_json(body)).body {
        Body::Json(value) => value.into_tree(),
        other => panic!("{path}: {other:?}"),
    }
}

fn pod(name: &str, spec: Value) -> Value {
    let mut pod = json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}});
    for (key, field) in spec.as_object().into_iter().flatten() {
        pod["spec"][key] = field.clone();
    }
    pod
}

#[test]
fn a_runtime_class_brings_its_overhead_and_its_nodes_or_a_refusal() {
    let mut cluster = cluster();
    let class = json!({"metadata": {"name": "vm"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m"}},
        "scheduling": {"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm", "operator": "Exists"}]}});
    post(&mut cluster, "/apis/node.k8s.io/v1/runtimeclasses", class);
    let rows = [
        (json!({"runtimeClassName": "nope"}), "RuntimeClass \"nope\" not found"),
        (json!({"overhead": {"cpu": "1"}}), "Pod Overhead set without corresponding RuntimeClass defined Overhead"),
        (
            json!({"runtimeClassName": "vm", "overhead": {"cpu": "1"}}),
            "Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            json!({"runtimeClassName": "vm", "nodeSelector": {"vm": "no"}}),
            "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
        ),
    ];
    for (spec, why) in rows {
        let answer = post(&mut cluster, PODS, pod("p", spec));
        assert_eq!(answer["message"], format!("pods \"p\" is forbidden: pod rejected: {why}"));
    }
    let taken = post(&mut cluster, PODS, pod("p", json!({"runtimeClassName": "vm", "nodeName": "n1"})));
    assert_eq!(taken["spec"]["overhead"], json!({"cpu": "250m"}));
    assert_eq!(taken["spec"]["nodeSelector"], json!({"vm": "yes"}));
    // The machine's runtime knows no such handler.
    let plain = json!({"metadata": {"name": "plain"}, "handler": "gvisor"});
    post(&mut cluster, "/apis/node.k8s.io/v1/runtimeclasses", plain);
    post(&mut cluster, PODS, pod("q", json!({"runtimeClassName": "plain"})));
    cluster.run_for(30_000, usize::MAX);
    let snapshot = cluster.snapshot();
    let mut told = snapshot.list::<api::k8s_openapi::api::core::v1::Event>("default");
    let event = told.find(|event| event.reason.as_deref() == Some("FailedCreatePodSandBox")).expect("it is told");
    let want = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for \"gvisor\" is configured";
    assert_eq!(event.message.as_deref(), Some(want));
    assert!(event.count > Some(1), "it is tried again");
}

#[test]
fn an_ingress_without_a_class_gets_the_default_one() {
    let mut cluster = cluster();
    let class = json!({"metadata": {"name": "web", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "example.com/web"}});
    post(&mut cluster, "/apis/networking.k8s.io/v1/ingressclasses", class);
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    for (given, want) in [(json!({}), "web"), (json!({"ingressClassName": "own"}), "own")] {
        let mut ingress = json!({"metadata": {"generateName": "i-"}, "spec": {"defaultBackend": backend}});
        for (key, field) in given.as_object().into_iter().flatten() {
            ingress["spec"][key] = field.clone();
        }
        assert_eq!(post(&mut cluster, INGRESSES, ingress)["spec"]["ingressClassName"], want);
    }
}

#[test]
fn a_pod_carries_the_zone_of_its_node() {
    let mut cluster = cluster();
    for (name, spec) in [("scheduled", json!({})), ("placed", json!({"nodeName": "n1"}))] {
        post(&mut cluster, PODS, pod(name, spec));
        cluster.run_for(3_000, usize::MAX);
        let snapshot = cluster.snapshot();
        let pod = snapshot.get::<api::k8s_openapi::api::core::v1::Pod>("default", name).expect("it was taken");
        let labels = pod.metadata.labels.clone().unwrap_or_default();
        assert_eq!(labels.get("topology.kubernetes.io/zone").map(String::as_str), Some("a"), "{name}");
    }
}
