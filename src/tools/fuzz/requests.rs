//! One random request or command line, and what is held against its answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use api::wire::{Body, Method, Request};
use course::pump::{Job, run_to_end};
use engine::Cluster;
use engine::sim::Rng;
use kubectl::{Env, MemoryFiles, Session};
use serde_json::Value;

use super::clock::Clock;
use super::{PATIENCE, Worst, bodies, long, words};
use crate::swarm::manifests::{once_in, pick};

/// Virtual time a command gets before it is interrupted, and then to end.
const COMMAND: u64 = 3_000;
/// A command asks the server many times.
const PATIENCE_OF_COMMANDS: Duration = PATIENCE.saturating_mul(6);

const METHODS: &[Method] = &[
    Method::Get,
    Method::Get,
    Method::Get,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Head,
    Method::Options,
];

/// A request with a body that is nearly right, or for a path that nearly exists.
pub fn request(rng: &mut Rng, living: &[Value]) -> Request {
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
            let sub = if once_in(rng, 4) {
                *pick(rng, &["/status", "/status", "/scale", "/resize", "/ephemeralcontainers"])
            } else {
                ""
            };
            let request =
                Request::new(Method::Patch, format!("{}{sub}", at(object))).with_header("content-type", media);
            let request = request.with_query("fieldManager", *pick(rng, &["fuzz", "other", "kubectl"]));
            let request = if once_in(rng, 3) { request.with_query("force", "true") } else { request };
            request.with_json(patch)
        }
        _ => {
            let method = *pick(rng, METHODS);
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
            let mut bytes = text.into_bytes();
            if broken && once_in(rng, 8) {
                let at = rng.below(bytes.len() as u64 + 1) as usize;
                bytes.splice(
                    at..at,
                    pick(rng, &[&[0xff_u8, 0xfe][..], &[0xc3], &[0xed, 0xa0, 0x80], &[0]]).iter().copied(),
                );
            }
            request.body = Body::Bytes(bytes);
        }
    }
    request
}

fn body_of(request: &Request) -> String {
    match &request.body {
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Json(value) => value.to_string(),
        Body::Empty | Body::Stream(_) => String::new(),
    }
}

/// The request as it is told.
pub fn shown(request: &Request) -> String {
    let body = body_of(request);
    format!("{} {} {:?} {:?}\n{body}", request.method.as_str(), request.path, request.query, request.headers)
}

/// Asks, and judges the answer by itself.
pub fn judged(
    cluster: &mut Cluster,
    request: Request,
    answers: &mut BTreeMap<String, usize>,
    worst: &mut Worst,
) -> Result<(), String> {
    let reads = matches!(request.method, Method::Get | Method::Head | Method::Options);
    let what = format!("{} {}", request.method.as_str(), request.path);
    let size = body_of(&request).len();
    let (before, began) = (cluster.version(), Clock::start());
    let response = cluster.request(request);
    let took = began.took();
    *answers
        .entry(format!("{} {}", response.status, response.value()["reason"].as_str().unwrap_or_default()))
        .or_default() += 1;
    worst.note("a random request", took, || what);
    if took > PATIENCE && size <= long::SMALL {
        return Err(format!("slow: {took:?}"));
    }
    // Making a token is not a read, however it is asked for; nothing else may write and say no.
    if (reads || response.status >= 400) && cluster.version() != before {
        return Err(format!("written: {} and the store changed", response.status));
    }
    if response.status == 0 || response.status > 599 {
        return Err(format!("answer: status {}", response.status));
    }
    Ok(())
}

/// Types a random line, interrupts what does not end, and edits what wants to be edited.
pub fn command(
    rng: &mut Rng,
    cluster: &mut Cluster,
    examples: &[String],
    session: &Rc<RefCell<Session>>,
    worst: &mut Worst,
    note: impl Fn(&str),
) -> Result<(), String> {
    let line = words::line(rng, examples);
    note(&line);
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
    let began = Clock::start();
    for _ in 0..3 {
        if run_to_end(&mut job, cluster, COMMAND, |_| {}).is_some() {
            break;
        }
        match job.editing().map(|(_, text)| bodies::scratch(rng, text)) {
            Some(text) => job.edited(once_in(rng, 2).then_some(text)),
            None => job.interrupt(cluster),
        }
    }
    let took = began.took();
    drop(job.take_output());
    if job.exit_code().is_none() {
        return Err("endless, though interrupted".into());
    }
    worst.note("a command line, with the seconds it waits", took, || line);
    if took > PATIENCE_OF_COMMANDS {
        return Err(format!("slow: {took:?}"));
    }
    Ok(())
}
