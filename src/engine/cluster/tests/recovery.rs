//! What an outage or a strange object leaves behind when it is over: nothing.

use api::k8s_openapi::api::batch::v1::Job;
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::wire::Method;
use serde_json::{Value, json};

use super::*;

fn cluster() -> Cluster {
    one_machine(10_000)
}

fn post(cluster: &mut Cluster, path: &str, body: Value) {
    let response = cluster.request(Request::new(Method::Post, path).with_json(body));
    assert_eq!(response.status, 201, "{:?}", response.body);
}

fn condition(cluster: &Cluster, kind: &str) -> String {
    let snapshot = cluster.snapshot();
    let pod = snapshot.list::<Pod>("default").next().expect("the pod is there");
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let found = conditions.filter(|condition| condition.type_ == kind).map(|condition| condition.status.clone()).next();
    found.unwrap_or_default()
}

fn start_web(cluster: &mut Cluster) {
    let body = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}});
    post(cluster, "/api/v1/namespaces/default/pods", body);
    cluster.run_for(20_000, usize::MAX);
    assert_eq!(condition(cluster, "Ready"), "True");
}

/// The node lifecycle controller takes readiness away; the kubelet, which never stopped, gives it back.
#[test]
fn pods_of_a_machine_that_was_cut_off_are_ready_again() {
    let outages: [(Fault, Fault); 2] = [
        (Fault::Freeze { node: "worker-1".into() }, Fault::Thaw { node: "worker-1".into() }),
        (Fault::Stop(ProcessId::ApiServer), Fault::Start(ProcessId::ApiServer)),
    ];
    for (begin, end) in outages {
        let mut cluster = cluster();
        start_web(&mut cluster);
        let seen = matches!(begin, Fault::Freeze { .. });
        cluster.inject(begin).expect("it is there");
        cluster.run_for(90_000, usize::MAX);
        assert_eq!(condition(&cluster, "Ready"), if seen { "False" } else { "True" });
        cluster.inject(end.clone()).expect("it is there");
        cluster.run_for(60_000, usize::MAX);
        assert_eq!(condition(&cluster, "Ready"), "True", "after {end:?}");
    }
}

/// A kubelet that is started while its machine hangs begins when the machine goes on.
#[test]
fn a_start_on_a_machine_that_hangs_is_made_up_for() {
    let mut cluster = cluster();
    let node = || "worker-1".to_owned();
    cluster.inject(Fault::Freeze { node: node() }).expect("it is there");
    let body = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}});
    post(&mut cluster, "/api/v1/namespaces/default/pods", body);
    cluster.run_for(5_000, usize::MAX);
    cluster.inject(Fault::PowerOn { node: node() }).expect("it is there");
    cluster.run_for(5_000, usize::MAX);
    cluster.inject(Fault::Thaw { node: node() }).expect("it is there");
    cluster.run_for(20_000, usize::MAX);
    assert_eq!(condition(&cluster, "Ready"), "True");
}

#[test]
fn a_status_that_somebody_else_wrote_is_put_right() {
    let mut cluster = cluster();
    start_web(&mut cluster);
    let path = "/api/v1/namespaces/default/pods/web/status";
    let patch = json!({"status": {"containerStatuses": [{"name": "c", "restartCount": 7, "image": "x", "imageID": "", "ready": true}]}});
    let request = Request::new(Method::Patch, path).with_header("content-type", "application/merge-patch+json");
    assert_eq!(cluster.request(request.with_json(patch)).status, 200);
    cluster.run_for(15_000, usize::MAX);
    let snapshot = cluster.snapshot();
    let status = snapshot.get::<Pod>("default", "web").and_then(|pod| pod.status.clone()).expect("it has one");
    assert_eq!(status.container_statuses.expect("of its container")[0].restart_count, 0);
}

#[test]
fn an_end_that_nobody_heard_of_is_told_later() {
    let mut cluster = cluster();
    let container = json!({"name": "c", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 20"]});
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [container]}});
    post(
        &mut cluster,
        "/apis/batch/v1/namespaces/default/jobs",
        json!({"metadata": {"name": "once"}, "spec": {"template": template}}),
    );
    cluster.run_for(10_000, usize::MAX);
    cluster.inject(Fault::Stop(ProcessId::ApiServer)).expect("it runs");
    cluster.run_for(30_000, usize::MAX);
    cluster.inject(Fault::Start(ProcessId::ApiServer)).expect("it can start");
    cluster.run_for(60_000, usize::MAX);
    let snapshot = cluster.snapshot();
    let job = snapshot.get::<Job>("default", "once").expect("it is there");
    assert_eq!(job.status.as_ref().and_then(|status| status.succeeded), Some(1), "{:?}", job.status);
}

/// Room that is given back while nobody looks is there when somebody looks again.
#[test]
fn a_machine_that_is_off_can_be_given_its_room_back() {
    let mut cluster = cluster();
    let node = || "worker-1".to_owned();
    let scarce = Scarce::Disk;
    cluster.inject(Fault::Squeeze { node: node(), scarce, left: Some("50Mi".into()) }).expect("it is there");
    cluster.run_for(30_000, usize::MAX);
    cluster.inject(Fault::PowerOff { node: node() }).expect("it is there");
    cluster.inject(Fault::Squeeze { node: node(), scarce, left: None }).expect("the machine is there, if off");
    cluster.inject(Fault::PowerOn { node: node() }).expect("it is there");
    cluster.run_for(400_000, usize::MAX);
    let snapshot = cluster.snapshot();
    let taints = snapshot.get::<Node>("", "worker-1").and_then(|node| node.spec.clone()?.taints);
    assert_eq!(taints, None);
}

/// Go's numbers wrap; then the API server refuses the negative one, and nothing else happens.
#[test]
fn no_revision_follows_the_largest() {
    let mut cluster = cluster();
    let labels = json!({"app": "db"});
    post(
        &mut cluster,
        "/apis/apps/v1/namespaces/default/controllerrevisions",
        json!({"metadata": {"name": "last", "labels": labels}, "revision": i64::MAX, "data": {}}),
    );
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}});
    post(
        &mut cluster,
        "/apis/apps/v1/namespaces/default/statefulsets",
        json!({"metadata": {"name": "db"}, "spec": {"serviceName": "db", "selector": {"matchLabels": labels}, "template": template}}),
    );
    cluster.run_for(10_000, usize::MAX);
    let snapshot = cluster.snapshot();
    assert_eq!(snapshot.objects(api::Kind::ControllerRevision, "default").count(), 1);
    assert_eq!(snapshot.list::<Pod>("default").count(), 0);
}
