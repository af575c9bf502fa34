//! Deployments without kubelets: what the API holds after the loops have come to rest.

use api::k8s_openapi::api::apps::v1::ReplicaSet;
use api::k8s_openapi::api::core::v1::{Event, Pod};
use api::wire::{Method, Request};
use serde_json::json;

use crate::{Cluster, ClusterConfig};

fn cluster() -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig { nodes: Vec::new(), ..ClusterConfig::default() });
    cluster.run_for(5_000, usize::MAX);
    cluster
}

fn create(cluster: &mut Cluster, replicas: u32) {
    let body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}},
        },
    });
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let response = cluster.request(Request::new(Method::Post, path).with_json(body));
    assert_eq!(response.status, 201, "{:?}", response.body);
    cluster.run_for(1_000, usize::MAX);
}

#[test]
fn a_deployment_makes_one_replica_set_and_its_pods() {
    let mut cluster = cluster();
    create(&mut cluster, 3);
    let snapshot = cluster.snapshot();
    assert_eq!(snapshot.list::<ReplicaSet>("default").count(), 1);
    assert_eq!(snapshot.list::<Pod>("default").count(), 3);
    let messages: Vec<String> = snapshot
        .list::<Event>("default")
        .filter(|event| event.reason.as_deref() == Some("ScalingReplicaSet"))
        .filter_map(|event| event.message.clone())
        .collect();
    assert!(messages.len() == 1 && messages[0].ends_with("from 0 to 3"), "{messages:?}");
}

#[test]
fn a_deleted_pod_is_replaced_by_a_new_one() {
    let mut cluster = cluster();
    create(&mut cluster, 2);
    let victim = cluster.snapshot().list::<Pod>("default").next().unwrap().metadata.clone();
    let path = format!("/api/v1/namespaces/default/pods/{}", victim.name.as_deref().unwrap());
    cluster.request(Request::new(Method::Delete, path));
    cluster.run_for(1_000, usize::MAX);
    let snapshot = cluster.snapshot();
    assert_eq!(snapshot.list::<Pod>("default").count(), 2);
    assert!(snapshot.list::<Pod>("default").all(|pod| pod.metadata.uid != victim.uid));
}
