//! Jobs on a cluster without nodes: pods end when the test says so.

use std::collections::BTreeMap;

use api::k8s_openapi::api::batch::v1::Job;
use api::k8s_openapi::api::core::v1::{Event, Pod};
use api::wire::{Method, Request};
use serde_json::{Value, json};

use crate::{Cluster, ClusterConfig, Fault, PodFate};

const SECOND: u64 = 1_000;

struct Bench(Cluster);

impl Bench {
    fn job(spec: Value) -> Self {
        let mut cluster = Cluster::new(ClusterConfig { nodes: Vec::new(), ..ClusterConfig::default() });
        cluster.run_for(5 * SECOND, usize::MAX);
        let mut bench = Self(cluster);
        let mut whole = json!({"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1.36"}],
        }}});
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": whole});
        bench.ask(Method::Post, "/apis/batch/v1/namespaces/default/jobs", job);
        bench.pass(100);
        bench
    }

    fn ask(&mut self, method: Method, path: &str, body: Value) {
        let request = Request::new(method, path).with_json(body);
        let request = match method {
            Method::Patch => request.with_header("content-type", "application/merge-patch+json"),
            _ => request,
        };
        let response = self.0.request(request);
        assert!(response.status < 300, "{:?}", response.body);
    }

    fn patch(&mut self, spec: Value) {
        self.ask(Method::Patch, "/apis/batch/v1/namespaces/default/jobs/j", json!({ "spec": spec }));
        self.pass(100);
    }

    fn pass(&mut self, millis: u64) {
        self.0.run_for(millis, usize::MAX);
    }

    fn status(&self) -> Value {
        let job = self.0.snapshot().get::<Job>("default", "j").map(|job| job.status.clone());
        serde_json::to_value(job).unwrap()
    }

    /// `Type Reason` of each condition that is True.
    fn conditions(&self) -> Vec<String> {
        let conditions = self.status()["conditions"].as_array().cloned().unwrap_or_default();
        let told = conditions.iter().filter(|condition| condition["status"] == "True");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        told.map(|condition| format!("{} {}", text(&condition["type"]), text(&condition["reason"]))).collect()
    }

    fn pods(&self) -> Vec<Pod> {
        self.0.snapshot().list::<Pod>("default").map(|pod| (**pod).clone()).collect()
    }

    /// Pods that have neither ended nor are told to, in key order.
    fn alive(&self) -> Vec<String> {
        let pods = self.pods();
        let alive = pods.iter().filter(|pod| super::super::pods::is_active(pod));
        alive.filter_map(|pod| pod.metadata.name.clone()).collect()
    }

    /// Lets a pod that works end, of the given index if there are indexes.
    fn end(&mut self, index: Option<&str>, exit_code: i32) {
        let pods = self.pods();
        let pod = pods.iter().find(|pod| {
            let labels = pod.metadata.labels.clone().unwrap_or_default();
            super::super::pods::is_active(pod)
                && index.is_none_or(|index| labels.get(super::indexes::INDEX).is_some_and(|label| label == index))
        });
        let name = pod.and_then(|pod| pod.metadata.name.clone()).expect("a pod works");
        let to = match exit_code {
            0 => PodFate::Succeeded,
            _ => PodFate::Failed { reason: String::new(), exit_code },
        };
        self.0.inject(Fault::PodStatus { namespace: "default".into(), pod: name, to }).unwrap();
        self.pass(1_500);
    }

    /// How often each event about the Job was told.
    fn events(&self) -> BTreeMap<String, i32> {
        let mut counts = BTreeMap::new();
        for event in self.0.snapshot().list::<Event>("default") {
            if event.involved_object.kind.as_deref() == Some("Job") {
                *counts.entry(event.reason.clone().unwrap_or_default()).or_insert(0) += event.count.unwrap_or(1);
            }
        }
        counts
    }
}

fn counts(list: &[(&str, i32)]) -> BTreeMap<String, i32> {
    list.iter().map(|(reason, count)| ((*reason).to_string(), *count)).collect()
}

#[test]
fn a_pod_is_counted_once_and_its_finalizer_goes() {
    let mut bench = Bench::job(json!({"completions": 2, "parallelism": 2}));
    assert!(bench.pods().iter().all(super::tracking::is_tracked) && bench.pods().len() == 2);
    bench.end(None, 0);
    assert_eq!(bench.status()["succeeded"], 1);
    assert_eq!(bench.pods().iter().filter(|pod| super::tracking::is_tracked(pod)).count(), 1);
    bench.end(None, 0);
    let status = bench.status();
    assert_eq!((&status["succeeded"], &status["uncountedTerminatedPods"]), (&json!(2), &json!({})));
    assert_eq!(bench.conditions(), ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
    assert!(status["completionTime"].is_string() && status["active"].is_null());
    bench.pass(60 * SECOND);
    assert_eq!(bench.events(), counts(&[("SuccessfulCreate", 2), ("Completed", 1)]));
}

#[test]
fn a_work_queue_ends_with_its_first_success() {
    let mut bench = Bench::job(json!({"parallelism": 3}));
    assert_eq!(bench.alive().len(), 3);
    bench.end(None, 0);
    assert_eq!((bench.alive().len(), bench.conditions().len()), (2, 0));
    // One that fails now is not replaced, and does no harm.
    bench.end(None, 1);
    bench.end(None, 0);
    assert_eq!(bench.conditions()[1], "Complete CompletionsReached");
    assert_eq!(bench.pods().len(), 3);
}

#[test]
fn retries_wait_ten_seconds_then_twenty() {
    let mut bench = Bench::job(json!({"backoffLimit": 2}));
    for wait in [10, 20] {
        bench.end(None, 1);
        // Its end is dated to the second.
        bench.pass((wait - 3) * SECOND);
        assert_eq!(bench.alive().len(), 0, "not before {wait} s");
        bench.pass(2 * SECOND);
        assert_eq!(bench.alive().len(), 1, "after {wait} s");
    }
    bench.end(None, 1);
    assert_eq!(bench.conditions(), ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
    assert_eq!(bench.status()["failed"], 3);
    assert_eq!(bench.events(), counts(&[("SuccessfulCreate", 3), ("BackoffLimitExceeded", 1)]));
}

#[test]
fn a_deadline_stops_what_runs_and_counts_it_as_failed() {
    let mut bench = Bench::job(json!({"parallelism": 2, "completions": 2, "activeDeadlineSeconds": 30}));
    bench.pass(29 * SECOND);
    assert_eq!(bench.alive().len(), 2);
    bench.pass(4 * SECOND);
    assert_eq!(bench.conditions(), ["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
    let status = bench.status();
    assert_eq!((&status["failed"], &status["terminating"], bench.pods().len()), (&json!(2), &json!(0), 0));
    let told = [("SuccessfulCreate", 2), ("SuccessfulDelete", 2), ("DeadlineExceeded", 1)];
    assert_eq!(bench.events(), counts(&told));
}

#[test]
fn a_suspended_job_has_no_pods_and_no_start() {
    let mut bench = Bench::job(json!({"parallelism": 2, "completions": 2, "activeDeadlineSeconds": 10}));
    bench.patch(json!({"suspend": true}));
    assert_eq!((bench.pods().len(), bench.conditions()), (0, vec!["Suspended JobSuspended".to_string()]));
    let status = bench.status();
    assert_eq!((&status["failed"], &status["startTime"]), (&Value::Null, &Value::Null));
    bench.pass(60 * SECOND);
    bench.patch(json!({"suspend": false}));
    assert_eq!((bench.alive().len(), bench.conditions().len()), (2, 0));
    bench.pass(5 * SECOND);
    assert_eq!(bench.alive().len(), 2, "the deadline began anew");
    let told = [("SuccessfulCreate", 4), ("SuccessfulDelete", 2), ("Suspended", 1), ("Resumed", 1)];
    assert_eq!(bench.events(), counts(&told));
}

#[test]
fn fewer_at_a_time_are_removed_without_counting() {
    let mut bench = Bench::job(json!({"parallelism": 4, "completions": 9}));
    bench.patch(json!({"parallelism": 1}));
    bench.pass(2 * SECOND);
    assert_eq!((bench.alive().len(), &bench.status()["failed"]), (1, &Value::Null));
}

#[test]
fn each_index_gets_a_pod_that_knows_it() {
    let mut bench = Bench::job(json!({"completionMode": "Indexed", "completions": 3, "parallelism": 2}));
    let facts = |pod: &Pod| {
        let spec = pod.spec.clone().unwrap();
        let variable = spec.containers[0].env.clone().unwrap().remove(0);
        let field = variable.value_from.unwrap().field_ref.unwrap().field_path;
        (spec.hostname.unwrap(), pod.metadata.annotations.clone().unwrap()[super::indexes::INDEX].clone(), field)
    };
    let field = format!("metadata.labels['{}']", super::indexes::INDEX);
    let wanted = |index: i32| (format!("j-{index}"), index.to_string(), field.clone());
    let mut found: Vec<_> = bench.pods().iter().map(facts).collect();
    found.sort();
    assert_eq!(found, [wanted(0), wanted(1)]);
    assert!(bench.alive().iter().all(|name| name.starts_with("j-0-") || name.starts_with("j-1-")));
    bench.end(Some("1"), 0);
    assert_eq!(bench.status()["completedIndexes"], "1");
    bench.end(Some("0"), 0);
    bench.end(Some("2"), 0);
    assert_eq!((&bench.status()["completedIndexes"], &bench.status()["succeeded"]), (&json!("0-2"), &json!(3)));
    assert_eq!(bench.conditions()[1], "Complete CompletionsReached");
}

#[test]
fn an_index_has_its_own_limit() {
    let spec = json!({"completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimitPerIndex": 1});
    let mut bench = Bench::job(spec);
    bench.end(Some("0"), 1);
    assert_eq!((bench.alive().len(), bench.status()["failedIndexes"].clone()), (1, json!("")));
    bench.pass(10 * SECOND);
    let again: Vec<Pod> = bench.pods().into_iter().filter(super::super::pods::is_active).collect();
    let failures =
        |pod: &Pod| pod.metadata.annotations.clone().unwrap()["batch.kubernetes.io/job-index-failure-count"].clone();
    let mut noted: Vec<String> = again.iter().map(failures).collect();
    noted.sort();
    assert_eq!(noted, ["0", "1"]);
    bench.end(Some("0"), 1);
    assert_eq!(bench.status()["failedIndexes"], "0");
    assert!(bench.conditions().is_empty(), "the other index goes on");
    bench.end(Some("1"), 0);
    assert_eq!(bench.conditions(), ["FailureTarget FailedIndexes", "Failed FailedIndexes"]);
    assert_eq!((&bench.status()["failed"], &bench.status()["succeeded"]), (&json!(2), &json!(1)));
}

#[test]
fn too_many_failed_indexes_end_the_job() {
    let mut bench = Bench::job(json!({
        "completionMode": "Indexed", "completions": 5, "parallelism": 3, "backoffLimitPerIndex": 0, "maxFailedIndexes": 1,
    }));
    bench.end(Some("2"), 1);
    assert!(bench.conditions().is_empty());
    bench.end(Some("1"), 1);
    bench.pass(2 * SECOND);
    assert_eq!(bench.conditions()[1], "Failed MaxFailedIndexesExceeded");
    assert_eq!((bench.alive().len(), &bench.status()["failedIndexes"]), (0, &json!("1,2")));
}

#[test]
fn a_success_policy_ends_early_and_spares_the_rest() {
    let mut bench = Bench::job(json!({
        "completionMode": "Indexed", "completions": 4, "parallelism": 4,
        "successPolicy": {"rules": [{"succeededIndexes": "1-3", "succeededCount": 1}]},
    }));
    bench.end(Some("0"), 0);
    assert!(bench.conditions().is_empty());
    bench.end(Some("2"), 0);
    bench.pass(2 * SECOND);
    assert_eq!(bench.conditions(), ["SuccessCriteriaMet SuccessPolicy", "Complete SuccessPolicy"]);
    assert_eq!((bench.alive().len(), &bench.status()["failed"]), (0, &Value::Null));
}

#[test]
fn a_failure_policy_ignores_or_ends_at_once() {
    let mut bench = Bench::job(json!({"backoffLimit": 0, "podFailurePolicy": {"rules": [
        {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [7]}},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
    ]}}));
    bench.end(None, 7);
    bench.pass(10 * SECOND);
    assert_eq!((bench.alive().len(), &bench.status()["failed"]), (1, &Value::Null));
    bench.end(None, 42);
    assert_eq!(bench.conditions(), ["FailureTarget PodFailurePolicy", "Failed PodFailurePolicy"]);
    let message = bench.status()["conditions"][1]["message"].as_str().unwrap().to_string();
    assert!(message.ends_with("failed with exit code 42 matching FailJob rule at index 1"), "{message}");
}

#[test]
fn a_deleted_job_takes_its_pods_along() {
    for policy in ["Background", "Foreground"] {
        let mut bench = Bench::job(json!({"parallelism": 2, "completions": 3}));
        bench.end(None, 0);
        let path = "/apis/batch/v1/namespaces/default/jobs/j";
        bench.ask(Method::Delete, path, json!({ "propagationPolicy": policy }));
        bench.pass(5 * SECOND);
        assert!(bench.pods().is_empty() && bench.status().is_null(), "{policy}");
    }
}

#[test]
fn an_orphaned_pod_loses_its_finalizer() {
    let mut bench = Bench::job(json!({}));
    bench.ask(Method::Delete, "/apis/batch/v1/namespaces/default/jobs/j", json!({"propagationPolicy": "Orphan"}));
    bench.pass(5 * SECOND);
    let pods = bench.pods();
    assert!(pods.len() == 1 && !super::tracking::is_tracked(&pods[0]));
}

#[test]
fn a_finished_job_goes_when_its_time_is_up() {
    let mut bench = Bench::job(json!({"ttlSecondsAfterFinished": 20}));
    bench.end(None, 0);
    bench.pass(17 * SECOND);
    assert_eq!(bench.conditions().len(), 2);
    bench.pass(4 * SECOND);
    assert!(bench.pods().is_empty() && bench.status().is_null());
}

#[test]
fn a_job_somebody_else_manages_is_left_alone() {
    let bench = Bench::job(json!({"managedBy": "example.com/queue"}));
    assert!(bench.pods().is_empty());
}

#[test]
fn a_restarted_controller_goes_on_where_the_status_stands() {
    let mut bench = Bench::job(json!({"completions": 3, "parallelism": 1}));
    bench.end(None, 0);
    let id = crate::ProcessId::ControllerManager;
    bench.0.inject(Fault::Stop(id.clone())).unwrap();
    bench.end(None, 0);
    assert_eq!(bench.status()["succeeded"], 1);
    bench.0.inject(Fault::Start(id)).unwrap();
    bench.pass(2 * SECOND);
    assert_eq!((&bench.status()["succeeded"], bench.alive().len()), (&json!(2), 1));
}

/// The controller's writes about a Job of two seconds on a kubelet: news is gathered for a second, as upstream does.
#[test]
fn each_write_has_its_moment() {
    let config = ClusterConfig {
        nodes: vec![crate::NodeConfig::worker("worker-1")],
        profile: crate::client::Profile { jitter: false, ..crate::client::Profile::kubelet() },
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::new(config);
    // Until the node has lost all its first taints.
    cluster.run_for(10 * SECOND, usize::MAX);
    let mut bench = Bench(cluster);
    let before = bench.0.snapshot().last_audit();
    let container = json!({"name": "c", "image": "busybox:1.36", "command": ["sleep", "2"]});
    let spec = json!({"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec});
    let start = bench.0.now();
    bench.ask(Method::Post, "/apis/batch/v1/namespaces/default/jobs", job);
    bench.pass(20 * SECOND);
    let snapshot = bench.0.snapshot();
    let writes: Vec<String> = snapshot
        .audit_after(before)
        .filter(|audit| &*audit.component == "controller-manager" && audit.kind != api::Kind::Event)
        .map(|audit| {
            let resource = audit.kind.resource().map(|resource| resource.plural).unwrap_or_default();
            format!("{} {:?} {resource}/{}", (audit.at - start) / SECOND, audit.verb, audit.subresource)
        })
        .collect();
    // Made; ready a second later; its end in two parts, as the kubelet tells of the container first.
    let wanted = [
        "0 Create pods/",
        "0 Update jobs/status",
        "1 Update jobs/status",
        "4 Update jobs/status",
        "5 Update jobs/status",
        "5 Patch pods/",
        "5 Update jobs/status",
    ];
    assert_eq!(writes, wanted);
}
