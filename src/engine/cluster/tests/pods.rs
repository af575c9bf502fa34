//! Pods from creation to deletion, through scheduler and kubelet.

use api::k8s_openapi::api::core::v1::{Event, Pod};
use api::wire::{Body, Chunk, Method, Request};
use serde_json::json;

use super::*;

fn cluster() -> Cluster {
    one_machine(5_000)
}

fn create(cluster: &mut Cluster, name: &str, spec: serde_json::Value) {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    let response = cluster.request(Request::new(Method::Post, "/api/v1/namespaces/default/pods").with_json(pod));
    assert_eq!(response.status, 201, "{:?}", response.body);
}

fn pod(cluster: &Cluster, name: &str) -> Option<Pod> {
    cluster.snapshot().get::<Pod>("default", name).map(|pod| (**pod).clone())
}

fn phase(cluster: &Cluster, name: &str) -> String {
    pod(cluster, name).and_then(|pod| pod.status?.phase).unwrap_or_default()
}

fn events(cluster: &Cluster, name: &str) -> Vec<String> {
    let snapshot = cluster.snapshot();
    let about = snapshot.list::<Event>("default").filter(|event| event.involved_object.name.as_deref() == Some(name));
    let mut lines: Vec<(Option<String>, String)> = about
        .map(|event| {
            let count = event.count.filter(|count| *count > 1).map(|count| format!(" x{count}")).unwrap_or_default();
            let line = format!(
                "{} {}{count}",
                event.reason.clone().unwrap_or_default(),
                event.message.clone().unwrap_or_default()
            );
            (event.metadata.resource_version.clone(), line)
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn a_pod_runs_logs_and_goes() {
    let mut cluster = cluster();
    let spec = json!({"terminationGracePeriodSeconds": 2, "containers": [{"name": "c", "image": "nginx:1.27"}]});
    create(&mut cluster, "web", spec);
    cluster.run_for(3_000, usize::MAX);
    assert_eq!(phase(&cluster, "web"), "Running");
    let ready = pod(&cluster, "web").and_then(|pod| pod.status?.container_statuses).is_some_and(|list| list[0].ready);
    assert!(ready);
    assert_eq!(
        events(&cluster, "web"),
        [
            "Scheduled Successfully assigned default/web to worker-1",
            "Pulled Container image \"nginx:1.27\" already present on machine and can be accessed by the pod",
            "Created Container created",
            "Started Container started",
        ]
    );
    let log = cluster.request(Request::get("/api/v1/namespaces/default/pods/web/log"));
    assert!(matches!(&log.body, Body::Bytes(text) if text.starts_with(b"/docker-entrypoint.sh")), "{log:?}");
    cluster.request(Request::new(Method::Delete, "/api/v1/namespaces/default/pods/web"));
    cluster.run_for(3_000, usize::MAX);
    assert_eq!(pod(&cluster, "web"), None);
}

#[test]
fn a_crash_restarts_at_once_then_waits() {
    let mut cluster = cluster();
    create(
        &mut cluster,
        "crash",
        json!({"containers": [{"name": "app", "image": "busybox:1.36", "command": ["sh", "-c", "echo starting; exit 1"]}]}),
    );
    let restarts = |cluster: &Cluster| {
        pod(cluster, "crash").and_then(|pod| pod.status?.container_statuses).map(|list| list[0].restart_count)
    };
    cluster.run_for(5_000, usize::MAX);
    assert_eq!(restarts(&cluster), Some(1));
    cluster.run_for(16_000, usize::MAX);
    assert_eq!(restarts(&cluster), Some(2));
    cluster.run_for(34_000, usize::MAX);
    assert_eq!(restarts(&cluster), Some(3));
    assert!(
        events(&cluster, "crash")
            .iter()
            .any(|line| line.starts_with("BackOff Back-off restarting failed container app in pod crash_default("))
    );
}

#[test]
fn exec_runs_a_command_in_the_container() {
    let mut cluster = cluster();
    create(
        &mut cluster,
        "box",
        json!({"containers": [{"name": "c", "image": "busybox:1.36", "command": ["sleep", "600"]}]}),
    );
    cluster.run_for(3_000, usize::MAX);
    let mut request =
        Request::new(Method::Post, "/api/v1/namespaces/default/pods/box/exec").with_query("stdout", "true");
    for word in ["sh", "-c", "echo out; exit 3"] {
        request = request.with_query("command", word);
    }
    let response = cluster.request(request);
    let Body::Stream(stream) = response.body else { panic!("{response:?}") };
    assert_eq!(cluster.poll(stream), [Chunk::Stdout(b"out\n".to_vec()), Chunk::Exit(3), Chunk::Closed]);
}

#[test]
fn an_image_that_is_not_there_backs_off() {
    let mut cluster = cluster();
    create(&mut cluster, "typo", json!({"containers": [{"name": "c", "image": "registry.invalid/ngnix:1.27"}]}));
    let reason = |cluster: &Cluster| {
        let statuses = pod(cluster, "typo").and_then(|pod| pod.status?.container_statuses).unwrap_or_default();
        statuses.first().and_then(|status| status.state.clone()?.waiting?.reason).unwrap_or_default()
    };
    cluster.run_for(3_000, usize::MAX);
    assert_eq!(reason(&cluster), "ErrImagePull");
    // The kubelet looks again after ten to fifteen seconds.
    cluster.run_for(13_500, usize::MAX);
    assert_eq!(reason(&cluster), "ImagePullBackOff");
}
