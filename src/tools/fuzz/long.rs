//! Long bodies: what is asked with one, how long each answer takes, and how that grows with the body.

use std::collections::BTreeMap;
use std::time::Duration;

use api::wire::{Body, Method, Request};
use engine::Cluster;
use engine::sim::Rng;
use serde_json::{Value, json};

use super::bodies::collection;
use super::clock::Clock;
use super::fields::{Spot, filled};
use super::probes::Probe;
use super::{PATIENCE, Worst};

/// What must be answered within [`PATIENCE`].
pub const SMALL: usize = 64 << 10;
/// Beyond it, time may grow in proportion. A build that checks everything is not asked for so much.
const LARGER: &[usize] = if cfg!(debug_assertions) { &[256 << 10] } else { &[128 << 10, 256 << 10, 512 << 10] };
const RUNS: usize = if cfg!(debug_assertions) { 1 } else { 3 };
/// In proportion: so many times what the smaller body took, per byte, whatever caches do.
const SLACK: f64 = 2.0;
/// Less than this is noise.
const NOISE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 400 } else { 15 });
/// How long cluster time goes on afterwards, so that controllers and kubelets meet what was let in.
const AFTERWARDS: u64 = 3_000;

/// Thousands of containers start one after the other.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How long each step took.
pub type Steps = BTreeMap<&'static str, Duration>;

fn bytes(mut request: Request, media: &str, text: String) -> Request {
    request.headers.push(("content-type".into(), media.into()));
    request.body = Body::Bytes(text.into_bytes());
    request
}

/// One cluster, and the time of each request to it.
pub struct Timed {
    cluster: Cluster,
    pub steps: Steps,
    /// How many requests were answered well.
    pub done: usize,
}

impl Timed {
    pub fn new(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), steps: Steps::new(), done: 0 }
    }

    /// Asks, and remembers how long the answer took; its status.
    pub fn ask(&mut self, step: &'static str, request: Request) -> u16 {
        let began = Clock::start();
        let response = self.cluster.request(request);
        let took = began.took();
        let slot = self.steps.entry(step).or_default();
        *slot = took.max(*slot);
        self.done += usize::from(response.is_success());
        response.status
    }

    /// Lets cluster time pass, but not for ever; the longest event counts.
    pub fn wait(&mut self) {
        let until = self.cluster.now() + AFTERWARDS;
        let (mut worst, waits) = (Duration::ZERO, Clock::start());
        while waits.took() < LONGEST_WAIT && self.cluster.next_event_at().is_some_and(|due| due <= until) {
            let began = Clock::start();
            self.cluster.step_event();
            worst = worst.max(began.took());
        }
        self.steps.insert("an event afterwards", worst);
    }
}

/// Creates, reads, replaces, patches in every way and deletes an object with this field filled.
pub fn of_spot(cluster: &Cluster, seed: u64, spot: &Spot, living: &[Value], size: usize) -> Timed {
    let mut rng = Rng::stream(seed, &spot.name());
    let (long, base) = filled(&mut rng, spot, living, size);
    let mut timed = Timed::new(cluster);
    let Some(collection) = collection(&long) else { return timed };
    let item = format!("{collection}/longer");
    let text = long.to_string();
    let created = match rng.below(3) {
        0 => timed.ask(
            "create in YAML",
            bytes(Request::new(Method::Post, &collection), "application/yaml", api::yaml::to_yaml(&long)),
        ),
        _ => timed.ask("create", bytes(Request::new(Method::Post, &collection), "application/json", text.clone())),
    };
    if created != 201 {
        // Refused as a whole: perhaps it comes in through a patch.
        timed.ask("create the base", Request::new(Method::Post, &collection).with_json(base));
    } else {
        timed.ask("read", Request::get(&item));
        timed.ask("table", Request::get(&item).with_header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io"));
        let mut changed = long.clone();
        changed["metadata"]["labels"] = json!({"app": "changed"});
        let put = Request::new(Method::Put, &item);
        timed.ask("replace", bytes(put, "application/json", changed.to_string()));
    }
    let patch = |manager: &str| Request::new(Method::Patch, &item).with_query("fieldManager", manager);
    timed.ask("merge patch", bytes(patch("m"), "application/merge-patch+json", text.clone()));
    timed
        .ask("strategic patch", bytes(patch("s"), "application/strategic-merge-patch+json", turned(&long).to_string()));
    timed.ask("apply", bytes(patch("a").with_query("force", "true"), "application/apply-patch+yaml", text.clone()));
    timed.ask("apply with conflicts", bytes(patch("b"), "application/apply-patch+yaml", turned(&long).to_string()));
    timed.ask(
        "apply without",
        bytes(patch("a").with_query("force", "true"), "application/apply-patch+yaml", least_of(&long).to_string()),
    );
    timed.wait();
    timed.ask("list", Request::get(&collection));
    timed.ask("delete", Request::new(Method::Delete, &item));
    timed.wait();
    timed
}

/// The same with its longest list turned around.
fn turned(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().rev().map(turned).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), turned(value))).collect(),
        other => other.clone(),
    }
}

fn least_of(value: &Value) -> Value {
    json!({"apiVersion": value["apiVersion"], "kind": value["kind"], "metadata": {"name": value["metadata"]["name"]}})
}

/// What a measurement plays: a field of a kind, or a body of its own.
#[derive(Debug, Clone)]
pub enum Subject {
    Spot(Spot),
    Probe(&'static Probe),
}

impl Subject {
    pub fn name(&self) -> String {
        match self {
            Subject::Spot(spot) => spot.name(),
            Subject::Probe(probe) => probe.name.to_owned(),
        }
    }

    fn play(&self, cluster: &Cluster, seed: u64, living: &[Value], size: usize) -> Timed {
        match self {
            Subject::Spot(spot) => of_spot(cluster, seed, spot, living, size),
            Subject::Probe(probe) => {
                let mut timed = Timed::new(cluster);
                for request in (probe.before)(size) {
                    let made = timed.cluster.request(request);
                    assert!(
                        made.is_success() || made.status == 422,
                        "{}: what it needs is refused: {} {}",
                        probe.name,
                        made.status,
                        made.value()["message"]
                    );
                }
                for request in (probe.asks)(size) {
                    timed.ask("", request);
                }
                timed.wait();
                timed
            }
        }
    }

    /// What is too slow about it at 64 KiB.
    pub fn slow(&self, cluster: &Cluster, seed: u64, living: &[Value], worst: &mut Worst) -> Vec<String> {
        let mut steps = self.play(cluster, seed, living, SMALL).steps;
        // What is slow once may have been interrupted; what is slow three times is slow.
        for _ in 0..2 {
            if steps.values().any(|took| *took > PATIENCE) {
                for (step, took) in self.play(cluster, seed, living, SMALL).steps {
                    steps.entry(step).and_modify(|known| *known = took.min(*known));
                }
            }
        }
        let name = self.name();
        for (step, took) in &steps {
            let what = if step.is_empty() { "a body of its own" } else { step };
            worst.note(what, *took, || name.clone());
        }
        steps.retain(|_, took| *took > PATIENCE);
        steps.iter().map(|(step, took)| format!("slow: {name} {step}: {took:.1?} for 64 KiB")).collect()
    }

    /// What grows faster than the body.
    pub fn growth(&self, cluster: &Cluster, seed: u64, living: &[Value]) -> Vec<String> {
        let median = |size: usize| {
            let mut all: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
            for _ in 0..RUNS {
                for (step, took) in self.play(cluster, seed, living, size).steps {
                    all.entry(step).or_default().push(took);
                }
            }
            let middle = |mut times: Vec<Duration>| {
                times.sort();
                times[times.len() / 2]
            };
            all.into_iter().map(|(step, times)| (step, middle(times))).collect::<Steps>()
        };
        let small = median(SMALL);
        let mut found = Vec::new();
        for &size in LARGER {
            for (step, took) in median(size) {
                let Some(before) = small.get(step) else { continue };
                let times = (size / SMALL) as f64 * SLACK;
                if took > before.mul_f64(times) + NOISE {
                    let kib = size >> 10;
                    found.push(format!(
                        "growth: {} {step}: {before:.1?} for 64 KiB, {took:.1?} for {kib} KiB",
                        self.name()
                    ));
                }
            }
            // What grows too fast already need not be asked for more.
            if !found.is_empty() {
                return found;
            }
        }
        found
    }
}
