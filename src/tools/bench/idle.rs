//! What time costs when little happens: heartbeats, probes, resyncs.

use std::time::{Duration, Instant};

use api::wire::{Method, Request};
use engine::Cluster;
use serde_json::json;

use super::{line, median, millis, rollout};

const HOUR: u64 = 3_600_000;
const MINUTE: u64 = 60_000;

pub fn main() {
    let busy = settled(100, true);
    let hour = median(3, || passing(&mut busy.clone(), HOUR));
    line("an hour, 100 pods", millis(hour), "ms", "each with an HTTP probe every 10 s");
    let quiet = settled(1_000, false);
    let minute = median(5, || passing(&mut quiet.clone(), MINUTE));
    let share = minute.as_secs_f64() / 60.0 * 100.0;
    line("1,000 pods at ×1", share, "% of a core", "natively, the picture not counted");
}

fn settled(pods: usize, probes: bool) -> Cluster {
    let mut cluster = rollout::ready(20);
    let response = cluster.request(deployment(pods, probes));
    assert_eq!(response.status, 201, "{:?}", response.body);
    cluster.run_for(5 * MINUTE, usize::MAX);
    cluster
}

fn passing(cluster: &mut Cluster, span: u64) -> Duration {
    let started = Instant::now();
    cluster.run_for(span, usize::MAX);
    started.elapsed()
}

fn deployment(pods: usize, probes: bool) -> Request {
    let mut container = json!({"name": "web", "image": "nginx:1.27"});
    if probes {
        let probe = json!({"httpGet": {"path": "/", "port": 80}, "periodSeconds": 10});
        container["livenessProbe"] = probe.clone();
        container["readinessProbe"] = probe;
    }
    Request::new(Method::Post, "/apis/apps/v1/namespaces/default/deployments").with_json(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": pods, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }))
}
