//! Autoscalers with real kubelets: busy loops use a core each.

use api::k8s_openapi::api::apps::v1::Deployment;
use api::k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use api::k8s_openapi::api::core::v1::Event;
use api::wire::{Method, Request};
use serde_json::{Value, json};

use crate::{Cluster, ClusterConfig, NodeConfig};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HPAS: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const BUSY: &str = "while :; do :; done";

struct Bench(Cluster);

impl Bench {
    fn new(metrics_server: bool) -> Self {
        let mut worker = NodeConfig::worker("worker-1");
        worker.cpu = "16".into();
        let mut cluster =
            Cluster::new(ClusterConfig { nodes: vec![worker], metrics_server, ..ClusterConfig::default() });
        cluster.run_for(5 * SECOND, usize::MAX);
        Self(cluster)
    }

    fn ask(&mut self, method: Method, path: &str, body: Value) -> Value {
        let request = Request::new(method, path).with_json(body);
        let response = self.0.request(request.with_header("content-type", "application/merge-patch+json"));
        assert!(response.status < 300, "{:?}", response.body);
        response.value().clone()
    }

    fn deployment(&mut self, replicas: i32, script: &str, requests: Value) {
        let container = json!({
            "name": "c", "image": "busybox:1.36", "command": ["sh", "-c", script], "resources": {"requests": requests},
        });
        let template = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
        });
        let spec = json!({"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template});
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec});
        self.ask(Method::Post, "/apis/apps/v1/namespaces/default/deployments", body);
    }

    fn autoscaler(&mut self, name: &str, spec: Value) {
        let mut whole = json!({
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1, "maxReplicas": 3, "metrics": [cpu(50)],
        });
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let body = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": whole,
        });
        self.ask(Method::Post, HPAS, body);
    }

    fn pass(&mut self, millis: u64) {
        self.0.run_for(millis, usize::MAX);
    }

    fn wanted(&self) -> i32 {
        let deployment = self.0.snapshot().get::<Deployment>("default", "web").cloned().unwrap();
        deployment.spec.as_ref().unwrap().replicas.unwrap()
    }

    fn status(&self) -> Value {
        let autoscaler = self.0.snapshot().get::<HorizontalPodAutoscaler>("default", "hpa").cloned().unwrap();
        serde_json::to_value(&autoscaler.status).unwrap()
    }

    /// `Type=Status Reason` of each condition.
    fn conditions(&self) -> Vec<String> {
        let conditions = self.status()["conditions"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        conditions
            .iter()
            .map(|c| format!("{}={} {}", text(&c["type"]), text(&c["status"]), text(&c["reason"])))
            .collect()
    }

    /// Messages of the events with this reason.
    fn told(&self, reason: &str) -> Vec<String> {
        let snapshot = self.0.snapshot();
        let events = snapshot.list::<Event>("default").filter(|event| event.reason.as_deref() == Some(reason));
        events.filter_map(|event| event.message.clone()).collect()
    }
}

fn cpu(percent: i32) -> Value {
    json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}})
}

#[test]
fn load_brings_pods_and_its_end_takes_them_away_after_five_minutes() {
    let mut bench = Bench::new(true);
    bench.deployment(1, "sleep 9999", json!({"cpu": "500m"}));
    bench.autoscaler("hpa", json!({}));
    bench.pass(6 * MINUTE);
    assert_eq!(bench.wanted(), 1);
    assert_eq!(bench.status()["currentMetrics"][0]["resource"]["name"], "cpu");
    assert_eq!(
        bench.conditions(),
        [
            "AbleToScale=True ReadyForNewScale",
            "ScalingActive=True ValidMetricFound",
            "ScalingLimited=True TooFewReplicas"
        ]
    );
    bench.ask(Method::Delete, "/apis/apps/v1/namespaces/default/deployments/web", json!({}));
    bench.pass(20 * SECOND);
    assert_eq!(bench.conditions()[0], "AbleToScale=False FailedGetScale");
    assert_eq!(bench.told("FailedGetScale"), ["deployments.apps \"web\" not found"]);
    bench.deployment(1, BUSY, json!({"cpu": "500m"}));
    bench.pass(3 * MINUTE);
    // A core of half a core requested is 200 %; four would be needed, three are allowed.
    assert_eq!(bench.wanted(), 3);
    assert_eq!(
        bench.status()["currentMetrics"][0]["resource"]["current"],
        json!({"averageUtilization": 200, "averageValue": "1"})
    );
    assert_eq!(bench.conditions()[2], "ScalingLimited=True TooManyReplicas");
    assert_eq!(
        bench.told("SuccessfulRescale"),
        ["New size: 3; reason: cpu resource utilization (percentage of request) above target"]
    );
    let quiet = json!({"spec": {"template": {"spec": {"containers": [{
        "name": "c", "image": "busybox:1.36", "command": ["sleep", "9999"], "resources": {"requests": {"cpu": "500m"}},
    }]}}}});
    bench.ask(Method::Patch, "/apis/apps/v1/namespaces/default/deployments/web", quiet);
    bench.pass(3 * MINUTE);
    assert_eq!((bench.wanted(), bench.conditions()[0].as_str()), (3, "AbleToScale=True ScaleDownStabilized"));
    bench.pass(5 * MINUTE);
    assert_eq!(bench.wanted(), 1);
    assert!(bench.told("SuccessfulRescale").contains(&"New size: 1; reason: All metrics below target".to_string()));
}

#[test]
fn bounds_come_before_metrics() {
    for (replicas, size, reason) in [
        (1, 2, "New size: 2; reason: Current number of replicas below Spec.MinReplicas"),
        (7, 4, "New size: 4; reason: Current number of replicas above Spec.MaxReplicas"),
    ] {
        let mut bench = Bench::new(false);
        bench.deployment(replicas, "sleep 9999", json!({}));
        bench.autoscaler("hpa", json!({"minReplicas": 2, "maxReplicas": 4}));
        bench.pass(14 * SECOND);
        assert_eq!(bench.wanted(), replicas);
        bench.pass(2 * SECOND);
        assert_eq!((bench.wanted(), bench.told("SuccessfulRescale")), (size, vec![reason.to_string()]));
    }
}

#[test]
fn what_cannot_be_measured_is_told() {
    let unregistered =
        "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
    let metric = |kind: &str, source: Value| json!([{"type": kind, kind.to_lowercase(): source}]);
    for (metrics_server, requests, metrics, reason, message) in [
        (
            false,
            json!({"cpu": "1"}),
            json!([cpu(50)]),
            "FailedGetResourceMetric",
            "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)".to_string(),
        ),
        (
            true,
            json!({}),
            json!([cpu(50)]),
            "FailedGetResourceMetric",
            "failed to get cpu utilization: missing request for cpu in container c of Pod ".into(),
        ),
        (
            true,
            json!({}),
            metric("Pods", json!({"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "10"}})),
            "FailedGetPodsMetric",
            format!("unable to get metric hits: {unregistered}"),
        ),
        (
            true,
            json!({}),
            metric("External", json!({"metric": {"name": "queue"}, "target": {"type": "Value", "value": "10"}})),
            "FailedGetExternalMetric",
            "unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)".into(),
        ),
    ] {
        let mut bench = Bench::new(metrics_server);
        bench.deployment(1, "sleep 9999", requests);
        bench.autoscaler("hpa", json!({ "metrics": metrics }));
        bench.pass(2 * MINUTE);
        let told = bench.told(reason);
        assert!(told.iter().any(|text| text.starts_with(&message)), "{told:?}");
        assert_eq!(bench.conditions()[1], format!("ScalingActive=False {reason}"));
        let whole = bench.told("FailedComputeMetricsReplicas");
        assert!(whole.iter().any(|text| text.starts_with("invalid metrics (1 invalid out of 1), first error is: failed to get ")), "{whole:?}");
        assert_eq!(bench.wanted(), 1);
    }
}

#[test]
fn two_autoscalers_want_the_same_pods() {
    let mut bench = Bench::new(true);
    bench.deployment(1, "sleep 9999", json!({"cpu": "1"}));
    bench.autoscaler("hpa", json!({}));
    bench.autoscaler("hpa-2", json!({}));
    bench.pass(MINUTE);
    let text = "pods by selector app=web are controlled by multiple HPAs: [{hpa default} {hpa-2 default}]";
    assert_eq!(bench.told("AmbiguousSelector")[0], text);
    assert_eq!(bench.conditions()[1], "ScalingActive=False AmbiguousSelector");
}

#[test]
fn metrics_are_served_once_they_were_taken_twice() {
    let mut bench = Bench::new(true);
    bench.deployment(1, BUSY, json!({}));
    bench.pass(40 * SECOND);
    let pods = bench.ask(Method::Get, "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods", Value::Null);
    assert_eq!(pods["items"][0]["containers"][0]["usage"]["cpu"], "1", "{pods}");
    let table = Request::get("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")
        .with_header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let table = bench.0.request(table);
    let cells = &table.value()["rows"][0]["cells"];
    assert_eq!((&cells[0], &cells[1], &cells[3]), (&pods["items"][0]["metadata"]["name"], &json!("1"), &json!("15s")));
    let nodes = bench.ask(Method::Get, "/apis/metrics.k8s.io/v1beta1/nodes/worker-1", Value::Null);
    assert_eq!((&nodes["kind"], &nodes["usage"]["cpu"]), (&json!("NodeMetrics"), &json!("1040m")));
    let none = bench.0.request(Request::get("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/nope"));
    assert_eq!(none.value()["message"], "podmetrics.metrics.k8s.io \"default/nope\" not found");
    let mut bare = Bench::new(false);
    assert_eq!(bare.0.request(Request::get("/apis/metrics.k8s.io/v1beta1/nodes")).status, 404);
}

#[test]
fn a_load_that_ends_is_forgotten() {
    let mut bench = Bench::new(true);
    let pod = |name: &str, image: &str, command: Value| {
        let container = json!({"name": "c", "image": image, "command": command});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": {"restartPolicy": "Never", "containers": [container]}})
    };
    let pods = "/api/v1/namespaces/default/pods";
    bench.ask(Method::Post, pods, pod("shop", "pizza:1.0", Value::Null));
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": {
        "selector": {"app": "shop"}, "ports": [{"port": 80, "targetPort": 8080}],
    }});
    bench.ask(Method::Post, "/api/v1/namespaces/default/services", service);
    bench.pass(10 * SECOND);
    let script = "i=0; while [ $i -lt 300 ]; do wget -q -O- http://shop >/dev/null; i=$((i+1)); sleep 0.1; done";
    bench.ask(Method::Post, pods, pod("load", "busybox:1.36", json!(["sh", "-c", script])));
    let mut used = |millis: u64| {
        bench.pass(millis);
        let metrics = bench.ask(Method::Get, "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/shop", Value::Null);
        let cpu = metrics["containers"][0]["usage"]["cpu"].as_str().unwrap().parse::<api::meta::Amount>().unwrap();
        cpu.milli_value()
    };
    let busy = used(35 * SECOND);
    assert!((100..=250).contains(&busy), "ten requests a second cost 200m: {busy}");
    assert_eq!(used(MINUTE), 1);
}
