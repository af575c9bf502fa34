//! `fuzz [--seconds N] [--seed S]`: odd requests and odd command lines. Nothing panics, hangs, takes long or breaks the store.
//!
//! The cluster lives on between the cases, so that controllers, kubelets and printers meet whatever
//! was let in. Before each case it is cloned: a panic is told with its input, and the rest goes on.

mod bodies;
mod words;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use api::Object;
use api::wire::{Body, Method, Request, Response};
use course::pump::{Job, run_to_end};
use engine::sim::Rng;
use engine::{Cluster, ClusterConfig};
use kubectl::{Env, MemoryFiles, Session};
use serde_json::{Value, json};

use crate::swarm::manifests::{KINDS, manifest, name, once_in, pick, weighed};

/// What a request of up to 64 KiB may take: in a release build, and in one that checks everything.
const PATIENCE: Duration =
    if cfg!(debug_assertions) { Duration::from_millis(1_500) } else { Duration::from_millis(50) };
/// Virtual time a command gets before it is interrupted, and then to end.
const COMMAND: u64 = 3_000;

/// # Errors
/// A bad flag, or how many cases broke something.
pub fn main(words: &[String]) -> Result<(), String> {
    let flag = |name: &str, default: u64| match words.iter().position(|word| word == name) {
        Some(at) => words.get(at + 1).and_then(|text| text.parse().ok()).ok_or(format!("{name} takes a number")),
        None => Ok(default),
    };
    let (seconds, seed) = (flag("--seconds", 60)?, flag("--seed", 1)?);
    let found = run(seed, |began, _| began.elapsed() < Duration::from_secs(seconds));
    let mut broken = found.broken;
    broken.extend(growth());
    for (what, count) in &found.answers {
        println!("{count:>8} × {what}");
    }
    for text in broken.iter().take(40) {
        println!("{text}\n");
    }
    println!("seed {seed}: {} cases, {} broke something", found.cases, broken.len());
    if broken.is_empty() { Ok(()) } else { Err(format!("{} cases broke something", broken.len())) }
}

/// What came of it.
#[derive(Default)]
pub struct Found {
    pub cases: usize,
    /// A name, a colon, and the input.
    pub broken: Vec<String>,
    /// How often which status was answered.
    pub answers: BTreeMap<String, usize>,
}

/// Plays cases of this seed while `goes_on` says so.
pub fn run(seed: u64, goes_on: impl Fn(Instant, usize) -> bool) -> Found {
    let mut rng = Rng::stream(seed, "fuzz");
    let mut cluster = furnished(&mut rng);
    let examples = words::examples();
    let session = Rc::new(RefCell::new(Session::default()));
    let mut living = living(&cluster);
    let mut found = Found::default();
    let began = Instant::now();
    while goes_on(began, found.cases) {
        found.cases += 1;
        let checkpoint = cluster.clone();
        let input = RefCell::new(String::new());
        let dice = rng.next_u64();
        let mut rng = Rng::stream(dice, "case");
        let played = catch_unwind(AssertUnwindSafe(|| match rng.below(10) {
            0..=3 => command(&mut rng, &mut cluster, &examples, &session, &input),
            _ => request(&mut rng, &mut cluster, &living, &input, &mut found.answers),
        }));
        let verdict = played.unwrap_or_else(|_| Err("panic".into()));
        if let Err(why) = verdict {
            let shown: String = input.borrow().chars().take(4_000).collect();
            found.broken.push(format!("{why}: {shown}"));
            cluster = checkpoint;
            // A panic may have left the session borrowed.
            continue;
        }
        if found.cases.is_multiple_of(25) {
            let before = cluster.clone();
            let passed = catch_unwind(AssertUnwindSafe(|| cluster.run_for(4_000, 20_000)));
            match passed {
                Ok(ran) if ran.complete => {}
                Ok(_) => found.broken.push(format!("busy: 20000 events in four seconds, before case {}", found.cases)),
                Err(_) => {
                    found.broken.push(format!("panic while time passes, before case {}", found.cases));
                    cluster = before;
                }
            }
        }
        if found.cases.is_multiple_of(500) {
            living = self::living(&cluster);
        }
        // What was let in piles up; a new cluster now and then keeps a case short.
        if found.cases.is_multiple_of(3_000) {
            cluster = furnished(&mut rng);
        }
    }
    found
}

/// A cluster with something of everything.
fn furnished(rng: &mut Rng) -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig::default());
    cluster.run_for(30_000, usize::MAX);
    for _ in 0..25 {
        let kind = weighed(rng, KINDS);
        let name = name(rng, kind);
        let body = manifest(rng, kind, "default", &name);
        let path = kind.resource().expect("it is served").path("default");
        cluster.request(Request::new(Method::Post, path).with_json(body));
    }
    cluster.run_for(20_000, usize::MAX);
    cluster
}

/// Some of every kind.
fn living(cluster: &Cluster) -> Vec<Value> {
    let snapshot = cluster.snapshot();
    let kinds = snapshot.kinds().into_iter();
    kinds.flat_map(|kind| snapshot.objects(kind, "").take(8).map(Object::to_value).collect::<Vec<_>>()).collect()
}

fn request(
    rng: &mut Rng,
    cluster: &mut Cluster,
    living: &[Value],
    input: &RefCell<String>,
    answers: &mut BTreeMap<String, usize>,
) -> Result<(), String> {
    let value = bodies::body(rng, living);
    let own = bodies::collection(&value).unwrap_or_else(|| words::path(rng));
    let at = |object: &Value| {
        let path = bodies::collection(object).unwrap_or_else(|| own.clone());
        format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or_default())
    };
    let mut request = match rng.below(8) {
        0..=2 => Request::new(Method::Post, own.clone()).with_json(value),
        3 => Request::new(Method::Put, at(&value)).with_json(value),
        4 | 5 if !living.is_empty() => {
            let object = pick(rng, living);
            let (media, patch) = bodies::patch(rng, object);
            let sub = if once_in(rng, 6) { "/status" } else { "" };
            let request =
                Request::new(Method::Patch, format!("{}{sub}", at(object))).with_header("content-type", media);
            request.with_query("fieldManager", "fuzz").with_json(patch)
        }
        _ => {
            let method = *pick(
                rng,
                &[
                    Method::Get,
                    Method::Get,
                    Method::Get,
                    Method::Post,
                    Method::Put,
                    Method::Patch,
                    Method::Delete,
                    Method::Head,
                    Method::Options,
                ],
            );
            let request = Request::new(method, words::path(rng));
            if matches!(method, Method::Get | Method::Head) { request } else { request.with_json(value) }
        }
    };
    for _ in 0..rng.below(6).saturating_sub(3) {
        request.query.push(words::parameter(rng));
    }
    if let Body::Json(value) = &request.body {
        let text = match rng.below(6) {
            0 => Some((api::yaml::to_yaml(value), "application/yaml", false)),
            1 => Some((api::yaml::to_yaml(value), "application/yaml", true)),
            2 => Some((value.to_string(), "application/json", true)),
            _ => None,
        };
        if let Some((text, media, broken)) = text {
            let text = if broken { bodies::scratch(rng, &text) } else { text };
            if request.header("content-type").is_none() {
                request.headers.push(("content-type".into(), media.into()));
            }
            request.body = Body::Bytes(text.into_bytes());
        }
    }
    let body = match &request.body {
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Json(value) => value.to_string(),
        Body::Empty | Body::Stream(_) => String::new(),
    };
    let size = body.len();
    *input.borrow_mut() =
        format!("{} {} {:?} {:?}\n{body}", request.method.as_str(), request.path, request.query, request.headers);
    let reads = matches!(request.method, Method::Get | Method::Head | Method::Options);
    let (before, began) = (cluster.version(), Instant::now());
    let path = request.path.clone();
    let response = cluster.request(request);
    let took = began.elapsed();
    *answers
        .entry(format!("{} {}", response.status, response.value()["reason"].as_str().unwrap_or_default()))
        .or_default() += 1;
    if took > PATIENCE && size <= 64 << 10 {
        return Err(format!("slow: {took:?}"));
    }
    if cluster.version() < before {
        return Err("version: the store went back".into());
    }
    // Making a token is not a read, however it is asked for; nothing else may write and say no.
    if (reads || response.status >= 400) && cluster.version() != before {
        return Err(format!("written: {} and the store changed", response.status));
    }
    if response.status == 0 || response.status > 599 {
        return Err(format!("answer: status {}", response.status));
    }
    kept(cluster, &path, &response)
}

/// What was stored can be read, shown, and put back unchanged.
fn kept(cluster: &mut Cluster, path: &str, response: &Response) -> Result<(), String> {
    let value = response.value();
    let (name, version) = (&value["metadata"]["name"], &value["metadata"]["resourceVersion"]);
    let (Some(name), Some(version)) = (name.as_str(), version.as_str()) else { return Ok(()) };
    let Some(collection) = bodies::collection(value).filter(|_| (200..300).contains(&response.status)) else {
        return Ok(());
    };
    let item = format!("{collection}/{name}");
    // Kinds that nothing validates yet take in bodies that lack what must be there.
    let checked =
        KINDS.iter().any(|(kind, _)| value["kind"] == kind.resource().map_or("", |resource| resource.kind_name));
    if (path != collection && path != item) || !checked {
        return Ok(());
    }
    let table = Request::get(&item).with_header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    cluster.request(table);
    let stored = cluster.request(Request::get(&item));
    if stored.status != 200 || stored.value()["metadata"]["resourceVersion"] != version {
        // Gone with its last finalizer, or a trial run.
        return Ok(());
    }
    let back = cluster.request(Request::new(Method::Put, &item).with_json(stored.value().clone()));
    let (now, message) = (&back.value()["metadata"]["resourceVersion"], &back.value()["message"]);
    match back.status {
        200 if now == version => Ok(()),
        200 => Err(format!("put back: {item} changed from {version} to {now} though nothing did")),
        405 => Ok(()),
        status => Err(format!("put back: {item}: {status} {message}")),
    }
}

fn command(
    rng: &mut Rng,
    cluster: &mut Cluster,
    examples: &[String],
    session: &Rc<RefCell<Session>>,
    input: &RefCell<String>,
) -> Result<(), String> {
    let line = words::line(rng, examples);
    input.borrow_mut().clone_from(&line);
    let file = (
        "pod.yaml".to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: file}\nspec: {containers: [{name: c, image: nginx:1.27}]}\n"
            .to_owned(),
    );
    let env = Env::new(Rc::new(MemoryFiles::new([file])), session.clone());
    let mut job = match rng.below(5) {
        0 => Job::complete(&line, env),
        _ => Job::line(&line, env),
    };
    let began = Instant::now();
    for _ in 0..3 {
        if run_to_end(&mut job, cluster, COMMAND, |_| {}).is_some() {
            break;
        }
        match job.editing().map(|(_, text)| bodies::scratch(rng, text)) {
            Some(text) => job.edited(once_in(rng, 2).then_some(text)),
            None => job.interrupt(cluster),
        }
    }
    let took = began.elapsed();
    drop(job.take_output());
    if job.exit_code().is_none() {
        return Err("endless, though interrupted".into());
    }
    if took > PATIENCE * 10 {
        return Err(format!("slow: {took:?}"));
    }
    Ok(())
}

/// Twice the body, twice the time: bodies that a careless parser takes much longer over.
pub fn growth() -> Vec<String> {
    type Make = fn(usize) -> String;
    let kinds: [(&str, &str, Make); 7] = [
        ("one long value", "application/json", |n| {
            json!({"metadata": {"name": "x"}, "data": {"a": "a\n".repeat(n / 4)}}).to_string()
        }),
        ("many keys", "application/json", |n| {
            let data: serde_json::Map<String, Value> = (0..n / 16).map(|i| (format!("key-{i}"), json!("v"))).collect();
            json!({"metadata": {"name": "x"}, "data": data}).to_string()
        }),
        ("many keys in YAML", "application/yaml", |n| {
            let keys: String = (0..n / 16).map(|i| format!("  key-{i}: v\n")).collect();
            format!("metadata: {{name: x}}\ndata:\n{keys}")
        }),
        ("depth in JSON", "application/json", |n| format!("{{\"data\":{}{}}}", "[".repeat(n / 2), "]".repeat(n / 2))),
        ("depth in YAML", "application/yaml", |n| format!("data: {}{}", "[".repeat(n / 2), "]".repeat(n / 2))),
        ("aliases in YAML", "application/yaml", |n| {
            let rows: String =
                (1..n / 40).map(|i| format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}, *a{0}]\n", i - 1)).collect();
            format!("a0: &a0 [x]\n{rows}")
        }),
        ("an open quote", "application/yaml", |n| format!("data: \"{}", "a: b\n".repeat(n / 5))),
    ];
    let mut broken = Vec::new();
    let mut cluster = Cluster::new(ClusterConfig { nodes: Vec::new(), ..ClusterConfig::default() });
    cluster.run_for(1_000, usize::MAX);
    for (what, media, make) in kinds {
        let mut took = |size: usize| {
            let request = Request::new(Method::Post, "/api/v1/namespaces/default/configmaps?dryRun=All");
            let mut request = request.with_header("content-type", media).with_query("dryRun", "All");
            request.path = "/api/v1/namespaces/default/configmaps".into();
            request.body = Body::Bytes(make(size).into_bytes());
            let began = Instant::now();
            cluster.request(request);
            began.elapsed()
        };
        let (small, large) = (took(64 << 10), took(512 << 10));
        if small > PATIENCE {
            broken.push(format!("slow: {what}: {small:?} for 64 KiB"));
        }
        if large > small * 20 + PATIENCE {
            broken.push(format!("growth: {what}: {small:?} for 64 KiB, {large:?} for 512 KiB"));
        }
    }
    broken
}
