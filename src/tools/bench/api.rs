//! The API server alone, as a client meets it: requests in, JSON text out, default admission on.
//!
//! Requests come as trees, which is what a body is once it is read; every answer and every event is
//! written out as the text that a socket would carry, and then dropped, within what is timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use api::wire::{Backend, Body, Chunk, Method, Request, Response};
use engine::{Cluster, ClusterConfig};
use serde_json::{Value, json};

use super::{line, median};

const PODS: usize = 5_000;
const GETS: usize = 50_000;
const PATH: &str = "/api/v1/namespaces/default/pods";

pub fn main() {
    let mut empty = Cluster::new(ClusterConfig::default());
    empty.run_for(60_000, usize::MAX);
    let bodies: Vec<Value> = (0..PODS).map(pod).collect();

    let mut full = empty.clone();
    let created = median(5, || {
        full = empty.clone();
        let requests: Vec<Request> =
            bodies.iter().map(|body| Request::new(Method::Post, PATH).with_json(body.clone())).collect();
        timed(|| requests.into_iter().for_each(|request| expect(full.request(request), 201)))
    });
    rate("create pods", PODS, created);

    // Before anybody has read a pod, and the server keeps what it has written for the next reader.
    let listed = median(5, || timed(|| expect(full.request(Request::get(PATH)), 200)));
    rate("list 5,000 pods", PODS, listed);

    let gets: Vec<String> = (0..PODS).map(|at| format!("{PATH}/pod-{at}")).collect();
    let got = median(5, || {
        timed(|| (0..GETS).for_each(|at| expect(full.request(Request::get(gets[at % PODS].as_str())), 200)))
    });
    rate("get pods", GETS, got);

    let table = || Request::get(PATH).with_header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let printed = median(5, || timed(|| expect(full.request(table()), 200)));
    rate("list as a table", PODS, printed);

    let patched = median(5, || {
        let mut cluster = full.clone();
        timed(|| (0..PODS).for_each(|at| expect(cluster.request(patch(at)), 200)))
    });
    rate("patch labels", PODS, patched);

    let watched = median(5, || {
        let mut cluster = full.clone();
        let opened = cluster.request(Request::get(PATH).with_query("watch", "true"));
        let Body::Stream(stream) = opened.body else { panic!("a watch is a stream: {:?}", opened.body) };
        black_box(cluster.poll(stream));
        for at in 0..PODS {
            expect(cluster.request(patch(at)), 200);
        }
        let mut seen = 0;
        let took = timed(|| {
            for chunk in cluster.poll(stream) {
                let Chunk::Event(_, object) = chunk else { continue };
                black_box(object.text());
                seen += 1;
            }
        });
        assert!(seen >= PODS, "only {seen} events of {PODS} arrived");
        took
    });
    rate("watch events", PODS, watched);
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn rate(name: &str, count: usize, took: Duration) {
    let micros = took.as_secs_f64() * 1e6 / count as f64;
    line(name, count as f64 / took.as_secs_f64(), "a second", &format!("{micros:.1} µs each"));
}

fn expect(response: Response, status: u16) {
    assert_eq!(response.status, status, "{:?}", response.body);
    if let Body::Json(json) = &response.body {
        black_box(json.text());
    }
    black_box(response);
}

fn pod(at: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("pod-{at}"), "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]},
    })
}

fn patch(at: usize) -> Request {
    Request::new(Method::Patch, format!("{PATH}/pod-{at}"))
        .with_header("content-type", "application/merge-patch+json")
        .with_json(json!({"metadata": {"labels": {"round": "2"}}}))
}
