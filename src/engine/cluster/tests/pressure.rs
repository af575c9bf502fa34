//! A node that runs short: who is put out, and what the node says meanwhile.

use api::k8s_openapi::api::core::v1::{Event, Node, Pod};
use api::wire::Method;
use serde_json::{Value, json};

use super::*;

fn cluster() -> Cluster {
    one_machine(5_000)
}

fn add(cluster: &mut Cluster, name: &str, resources: Value, more: Value) {
    let container = json!({"name": "c", "image": "nginx:1.27", "resources": resources});
    let mut pod = json!({"metadata": {"name": name}, "spec": {"containers": [container]}});
    for (key, field) in more.as_object().into_iter().flatten() {
        pod["spec"][key] = field.clone();
    }
    let response = cluster.request(Request::new(Method::Post, "/api/v1/namespaces/default/pods").with_json(pod));
    assert_eq!(response.status, 201, "{:?}", response.body);
}

/// `phase reason`, and the message.
fn end(cluster: &Cluster, name: &str) -> (String, String) {
    let snapshot = cluster.snapshot();
    let status = snapshot.get::<Pod>("default", name).and_then(|pod| pod.status.clone()).unwrap_or_default();
    let (phase, reason) = (status.phase.unwrap_or_default(), status.reason.unwrap_or_default());
    (format!("{phase} {reason}").trim().to_owned(), status.message.unwrap_or_default())
}

fn told(cluster: &Cluster, reason: &str) -> Vec<String> {
    let snapshot = cluster.snapshot();
    let events = snapshot.list::<Event>("default").filter(|event| event.reason.as_deref() == Some(reason));
    events.map(|event| event.message.clone().unwrap_or_default()).collect()
}

fn condition(cluster: &Cluster, kind: &str) -> String {
    let snapshot = cluster.snapshot();
    let node = snapshot.get::<Node>("", "worker-1").expect("the node stays");
    let conditions = node.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition.type_ == kind).expect("kubelets tell them all");
    format!("{} {}", found.status, found.reason.unwrap_or_default())
}

fn taints(cluster: &Cluster) -> Vec<String> {
    let snapshot = cluster.snapshot();
    let node = snapshot.get::<Node>("", "worker-1").expect("the node stays");
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    taints.iter().map(|taint| format!("{}:{}", taint.key, taint.effect)).collect()
}

fn squeeze(cluster: &mut Cluster, left: Option<&str>) {
    let fault = Fault::Squeeze { node: "worker-1".into(), scarce: Scarce::Memory, left: left.map(str::to_owned) };
    cluster.inject(fault).expect("there is this node");
}

#[test]
fn who_uses_more_than_asked_for_goes_first_and_one_may_be_enough() {
    let mut cluster = cluster();
    let guaranteed = json!({"cpu": "100m", "memory": "128Mi"});
    add(&mut cluster, "gold", json!({"requests": guaranteed, "limits": guaranteed}), Value::Null);
    add(&mut cluster, "silver", json!({"requests": {"memory": "64Mi"}}), Value::Null);
    add(&mut cluster, "bronze", json!({}), Value::Null);
    cluster.run_for(10_000, usize::MAX);
    squeeze(&mut cluster, Some("99Mi"));
    cluster.run_for(40_000, usize::MAX);
    let (bronze, message) = end(&cluster, "bronze");
    assert_eq!(bronze, "Failed Evicted");
    let begin =
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 99Mi. Container c was using ";
    assert!(
        message.starts_with(begin) && message.ends_with(", request is 0, has larger consumption of memory. "),
        "{message}"
    );
    assert_eq!(told(&cluster, "Evicted"), [message]);
    assert_eq!((end(&cluster, "silver").0, end(&cluster, "gold").0), ("Running".into(), "Running".into()));
    assert_eq!(told(&cluster, "EvictionThresholdMet"), ["Attempting to reclaim memory"]);
    assert_eq!(condition(&cluster, "MemoryPressure"), "True KubeletHasInsufficientMemory");
    assert_eq!(taints(&cluster), ["node.kubernetes.io/memory-pressure:NoSchedule"]);

    // It is over, but the node says so for five minutes more. Meanwhile a pod that asks for nothing is not let in, whoever sent it; one that asks is.
    squeeze(&mut cluster, None);
    add(&mut cluster, "late", json!({}), json!({"nodeName": "worker-1"}));
    add(&mut cluster, "modest", json!({"requests": {"memory": "16Mi"}}), json!({"nodeName": "worker-1"}));
    cluster.run_for(10_000, usize::MAX);
    let refused = "Pod was rejected: The node had condition: [MemoryPressure]. ";
    assert_eq!(end(&cluster, "late"), ("Failed Evicted".into(), refused.into()));
    assert_eq!(end(&cluster, "modest").0, "Running");
    cluster.run_for(200_000, usize::MAX);
    assert_eq!(condition(&cluster, "MemoryPressure"), "True KubeletHasInsufficientMemory");
    cluster.run_for(120_000, usize::MAX);
    assert_eq!(condition(&cluster, "MemoryPressure"), "False KubeletHasSufficientMemory");
    assert_eq!(taints(&cluster), Vec::<String>::new());
}

#[test]
fn a_full_disk_puts_pods_out_one_after_the_other_by_priority() {
    let mut cluster = cluster();
    add(&mut cluster, "a", json!({}), Value::Null);
    add(&mut cluster, "b", json!({}), Value::Null);
    cluster.run_for(10_000, usize::MAX);
    let fault = Fault::Squeeze { node: "worker-1".into(), scarce: Scarce::Disk, left: Some("1Gi".into()) };
    cluster.inject(fault).expect("there is this node");
    cluster.run_for(11_000, usize::MAX);
    let message = "The node was low on resource: ephemeral-storage. Threshold quantity: 2Gi, available: 1Gi. ";
    assert_eq!(end(&cluster, "a"), ("Failed Evicted".into(), message.into()));
    assert_eq!(end(&cluster, "b").0, "Running");
    cluster.run_for(12_000, usize::MAX);
    assert_eq!(end(&cluster, "b").0, "Failed Evicted");
    assert_eq!(condition(&cluster, "DiskPressure"), "True KubeletHasDiskPressure");
}

#[test]
fn what_nobody_heard_is_said_again_ten_seconds_later() {
    let mut cluster = cluster();
    cluster.inject(Fault::Stop(ProcessId::ApiServer)).expect("it runs");
    squeeze(&mut cluster, Some("50Mi"));
    cluster.run_for(30_000, usize::MAX);
    cluster.inject(Fault::Start(ProcessId::ApiServer)).expect("it stands still");
    cluster.run_for(12_000, usize::MAX);
    assert_eq!(condition(&cluster, "MemoryPressure"), "True KubeletHasInsufficientMemory");
    assert_eq!(taints(&cluster), ["node.kubernetes.io/memory-pressure:NoSchedule"]);
}

/// The kubelet refuses the daemon, the controller makes another: with patience, whatever the strategy.
#[test]
fn a_daemon_that_is_refused_is_not_made_again_and_again() {
    let rolling = |surge: u32| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1 - surge}});
    for surge in [0, 1] {
        let mut cluster = cluster();
        squeeze(&mut cluster, Some("50Mi"));
        cluster.run_for(30_000, usize::MAX);
        let containers = json!([{"name": "c", "image": "nginx:1.27"}]);
        let template = json!({"metadata": {"labels": {"app": "d"}}, "spec": {"containers": containers}});
        let selector = json!({"matchLabels": {"app": "d"}});
        let body = json!({"metadata": {"name": "d"},
            "spec": {"selector": selector, "template": template, "updateStrategy": rolling(surge)}});
        let request = Request::new(Method::Post, "/apis/apps/v1/namespaces/default/daemonsets").with_json(body);
        assert_eq!(cluster.request(request).status, 201);
        cluster.run_for(30_000, usize::MAX);
        assert!((2..8).contains(&told(&cluster, "FailedDaemonPod").len()), "{:?}", told(&cluster, "SuccessfulCreate"));
    }
}
