//! CronJobs on a cluster without nodes: Jobs run until the test ends them.

use api::k8s_openapi::api::batch::v1::{CronJob, Job};
use api::k8s_openapi::api::core::v1::{Event, Pod};
use api::wire::{Method, Request};
use serde_json::{Value, json};

use crate::{Cluster, ClusterConfig, Fault, PodFate};

const MINUTE: u64 = 60_000;
const PATH: &str = "/apis/batch/v1/namespaces/default/cronjobs";

/// Begins five seconds past a full minute: 2026-01-01T00:00:05Z.
struct Bench(Cluster);

impl Bench {
    fn cron(spec: Value) -> Self {
        let mut cluster = Cluster::new(ClusterConfig { nodes: Vec::new(), ..ClusterConfig::default() });
        cluster.run_for(5_000, usize::MAX);
        let mut whole = json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1.36"}],
        }}}}});
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let mut bench = Self(cluster);
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": whole});
        bench.ask(Request::new(Method::Post, PATH).with_json(cron));
        bench
    }

    fn ask(&mut self, request: Request) {
        let response = self.0.request(request);
        assert!(response.status < 300, "{:?}", response.body);
        self.pass(100);
    }

    fn patch(&mut self, spec: Value) {
        let request = Request::new(Method::Patch, format!("{PATH}/c")).with_json(json!({ "spec": spec }));
        self.ask(request.with_header("content-type", "application/merge-patch+json"));
    }

    fn pass(&mut self, millis: u64) {
        self.0.run_for(millis, usize::MAX);
    }

    fn end_all(&mut self) {
        let pods: Vec<String> =
            self.0.snapshot().list::<Pod>("default").filter_map(|pod| pod.metadata.name.clone()).collect();
        for pod in pods {
            self.0.inject(Fault::PodStatus { namespace: "default".into(), pod, to: PodFate::Succeeded }).unwrap();
        }
        self.pass(2_000);
    }

    /// Minutes since the start of 2026 in the names of the Jobs there are.
    fn jobs(&self) -> Vec<i64> {
        let snapshot = self.0.snapshot();
        let names = snapshot.list::<Job>("default").filter_map(|job| job.metadata.name.clone());
        names.map(|name| name.strip_prefix("c-").unwrap().parse::<i64>().unwrap() - 1_767_225_600 / 60).collect()
    }

    fn status(&self) -> Value {
        let cron = self.0.snapshot().get::<CronJob>("default", "c").map(|cron| cron.status.clone());
        serde_json::to_value(cron).unwrap()
    }

    /// `Reason Message` of each event about the CronJob, in order.
    fn events(&self) -> Vec<String> {
        let snapshot = self.0.snapshot();
        let mut events: Vec<&std::sync::Arc<Event>> = snapshot
            .list::<Event>("default")
            .filter(|event| event.involved_object.kind.as_deref() == Some("CronJob"))
            .collect();
        events.sort_by_key(|event| event.metadata.creation_timestamp.clone());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        events.iter().map(|event| format!("{} {}", text(&event.reason), text(&event.message))).collect()
    }

    fn reasons(&self) -> Vec<String> {
        self.events().iter().map(|event| event.split(' ').next().unwrap_or_default().to_string()).collect()
    }
}

#[test]
fn each_minute_brings_a_job_named_after_it() {
    let mut bench = Bench::cron(json!({"timeZone": "Europe/Berlin"}));
    bench.pass(54_000);
    assert_eq!(bench.jobs(), Vec::<i64>::new());
    bench.pass(2_000);
    assert_eq!(bench.jobs(), [1]);
    let job = bench.0.snapshot().list::<Job>("default").next().cloned().unwrap();
    let annotations = job.metadata.annotations.clone().unwrap();
    assert_eq!(annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"], "2026-01-01T01:01:00+01:00");
    let status = bench.status();
    assert_eq!(
        (&status["active"][0]["name"], &status["lastScheduleTime"]),
        (&json!(job.metadata.name), &json!("2026-01-01T00:01:00Z"))
    );
    bench.end_all();
    let status = bench.status();
    assert!(status["active"].is_null() && status["lastSuccessfulTime"].is_string(), "{status}");
    let name = job.metadata.name.clone().unwrap();
    assert_eq!(
        bench.events(),
        [
            format!("SuccessfulCreate Created job {name}"),
            format!("SawCompletedJob Saw completed job: {name}, condition: Complete"),
        ]
    );
}

#[test]
fn policies_differ_in_what_they_do_about_a_job_that_runs() {
    for (policy, jobs, reasons) in [
        ("Allow", &[1, 2][..], &["SuccessfulCreate", "SuccessfulCreate"][..]),
        ("Forbid", &[1], &["SuccessfulCreate", "JobAlreadyActive"]),
        ("Replace", &[2], &["SuccessfulCreate", "SuccessfulDelete", "SuccessfulCreate"]),
    ] {
        let mut bench = Bench::cron(json!({ "concurrencyPolicy": policy }));
        bench.pass(2 * MINUTE);
        assert_eq!(bench.jobs(), jobs, "{policy}");
        assert_eq!(bench.reasons(), reasons, "{policy}");
    }
}

#[test]
fn only_the_last_few_are_kept() {
    let mut bench = Bench::cron(json!({"successfulJobsHistoryLimit": 2}));
    for _ in 0..4 {
        bench.pass(MINUTE - 2_000);
        bench.end_all();
    }
    assert_eq!(bench.jobs(), [3, 4]);
    assert_eq!(bench.reasons().iter().filter(|reason| *reason == "SuccessfulDelete").count(), 2);
}

#[test]
fn suspended_it_waits_and_then_starts_what_it_missed_last() {
    let mut bench = Bench::cron(json!({"suspend": true}));
    bench.pass(3 * MINUTE);
    assert_eq!(bench.jobs(), Vec::<i64>::new());
    bench.patch(json!({"suspend": false}));
    assert_eq!(bench.jobs(), [3]);
}

#[test]
fn a_start_that_comes_too_late_is_missed() {
    let mut bench = Bench::cron(json!({"schedule": "*/2 * * * *", "suspend": true, "startingDeadlineSeconds": 30}));
    bench.pass(3 * MINUTE);
    bench.patch(json!({"suspend": false}));
    assert!(bench.jobs().is_empty());
    bench.pass(MINUTE);
    assert_eq!(bench.jobs(), [4]);
}

#[test]
fn a_new_schedule_begins_with_its_next_time() {
    let mut bench = Bench::cron(json!({"schedule": "0 0 1 1 *"}));
    bench.patch(json!({"schedule": "*/3 * * * *"}));
    bench.pass(3 * MINUTE);
    assert_eq!(bench.jobs(), [3]);
}

#[test]
fn jobs_that_vanish_or_come_from_elsewhere_are_told_of() {
    let mut bench = Bench::cron(json!({}));
    bench.pass(MINUTE);
    let job = bench.0.snapshot().list::<Job>("default").next().cloned().unwrap();
    let name = job.metadata.name.clone().unwrap();
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    let mut manual = serde_json::to_value(&*job).unwrap();
    manual["metadata"] = json!({"name": "c-1", "ownerReferences": manual["metadata"]["ownerReferences"]});
    manual["spec"] =
        json!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}});
    bench.ask(Request::new(Method::Post, jobs).with_json(manual));
    bench.ask(
        Request::new(Method::Delete, format!("{jobs}/{name}")).with_json(json!({"propagationPolicy": "Background"})),
    );
    assert_eq!(
        bench.events()[1..],
        [
            "UnexpectedJob Saw a job that the controller did not create or forgot: c-1".to_string(),
            format!("MissingJob Active job went missing: {name}"),
        ]
    );
    assert!(bench.status()["active"].is_null());
}
