//! Who writes what, in which order: the chains of cause and effect that a timeline shows.

use api::wire::Method;
use serde_json::{Value, json};

use super::*;

/// One machine that has been on for a while, and all delays at their least.
fn quiet() -> Cluster {
    let config = ClusterConfig {
        nodes: vec![NodeConfig::worker("worker-1")],
        profile: Profile { jitter: false, ..Profile::kubelet() },
        metrics_server: false,
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::new(config);
    cluster.run_for(20_000, usize::MAX);
    cluster
}

/// The writes of one component that follow from a request, a line each: `patch pods/status`.
fn writes(cluster: &mut Cluster, method: Method, path: &str, body: Value, by: &str) -> Vec<String> {
    let before = cluster.snapshot().last_audit();
    let response = cluster.request(Request::new(method, path).with_json(body));
    assert!(response.status < 300, "{:?}", response.body);
    cluster.run_for(9_000, usize::MAX);
    let snapshot = cluster.snapshot();
    let entries = snapshot.audit_after(before).filter(|entry| entry.component.starts_with(by));
    let told = |entry: &&std::sync::Arc<crate::apiserver::Audit>| {
        entry.kind != api::Kind::Lease && (entry.kind != api::Kind::Node || !entry.summary.is_empty())
    };
    entries
        .filter(told)
        .map(|entry| {
            let plural = entry.kind.resource().map_or("", |resource| resource.plural);
            let reason = match (entry.kind, entry.verb.as_str()) {
                (api::Kind::Event, "create") => entry.summary.split_whitespace().nth(1).unwrap_or_default(),
                (api::Kind::Event, _) => &entry.summary,
                _ => entry.subresource,
            };
            let refused = if entry.code >= 400 { format!(" {}", entry.code) } else { String::new() };
            format!("{} {plural}/{reason}{refused}", entry.verb.as_str())
        })
        .collect()
}

/// The kubelet hears of an exit with its next relist, so that even what fails at once is seen to run.
#[test]
fn a_crash_is_seen_to_run_and_to_end_before_it_backs_off() {
    let container = json!({"name": "c", "image": "busybox:1.36", "command": ["false"]});
    let pod = json!({"metadata": {"name": "crash"}, "spec": {"containers": [container]}});
    let told = writes(&mut quiet(), Method::Post, "/api/v1/namespaces/default/pods", pod, "kubelet");
    let run = ["create events/Pulled", "patch pods/status", "create events/Created", "create events/Started"];
    let again = [
        "patch events/count -> 2",
        "patch pods/status",
        "patch events/count -> 2",
        "patch events/count -> 2",
        "patch pods/status",
        "create events/BackOff",
        "patch pods/status",
    ];
    let wanted = [&["patch pods/status"], &run[..], &["patch pods/status"], &again[..]].concat();
    assert_eq!(told, wanted);
}

/// A Deployment's sync writes its status twice over one version: the second write is refused and comes again.
#[test]
fn a_new_replica_set_costs_its_deployment_a_conflict() {
    let template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    let deployment = json!({"metadata": {"name": "web"}, "spec": spec});
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let told = writes(&mut quiet(), Method::Post, path, deployment, "controller-manager");
    let deployments: Vec<&str> =
        told.iter().map(String::as_str).filter(|line| line.contains(" deployments/")).collect();
    assert_eq!(
        deployments[..3],
        ["update deployments/status", "update deployments/status 409", "update deployments/status"]
    );
}
