//! Which pod, which container: what logs, exec, attach, port-forward and run share. Also the remote streams.
//!
//! Mirrors: kubectl/pkg/polymorphichelpers, kubectl/pkg/util/podutils, kubectl/pkg/cmd/util/podcmd.

use std::cmp::Ordering;

use api::order::Order;
use api::wire::{Chunk, Method, Request, StreamId, Upstream};
use serde_json::Value;

use super::{labels_text, list_at, selector_text, text_at};
use crate::client::Client;
use crate::coroutine::{Cx, Wake};
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::resource::{Info, Selection};

const DEFAULT_CONTAINER: &str = "/metadata/annotations/kubectl.kubernetes.io~1default-container";

/// How pods of a workload are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The one whose log says most.
    Logging,
    /// The one most alive.
    Active,
}

/// The one object that words name; pods unless they say otherwise.
///
/// # Errors
/// Not found, or a bad word.
pub async fn target(client: &Client<'_>, args: &Args, word: Option<&String>) -> Result<Info> {
    let words: Vec<String> = word.into_iter().cloned().collect();
    let mut selection = Selection::named("pods", &words);
    selection.files = args.list("filename").to_vec();
    let infos = selection.resolve(client).await?.all()?;
    infos.into_iter().next().ok_or_else(|| Failure::plain("pod, type/name or --filename must be specified"))
}

/// `--pod-running-timeout` in milliseconds.
///
/// # Errors
/// It leaves no time.
pub fn running_timeout(args: &Args) -> Result<u64> {
    match args.duration("pod-running-timeout") {
        time @ 1.. => Ok(time as u64),
        _ => Err(Failure::usage(&args.path, "--pod-running-timeout must be higher than zero")),
    }
}

/// The label selector of a workload's or Service's pods.
///
/// # Errors
/// A kind that has no pods.
pub fn selector_of(info: &Info) -> Result<String> {
    let object = &info.object;
    match info.mapping.kind.as_str() {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => {
            Ok(selector_text(object.pointer("/spec/selector").unwrap_or(&Value::Null)))
        }
        "ReplicationController" => Ok(labels_text(object.pointer("/spec/selector").unwrap_or(&Value::Null))),
        "Service" => match object.pointer("/spec/selector") {
            Some(selector) if selector.as_object().is_some_and(|map| !map.is_empty()) => Ok(labels_text(selector)),
            _ => Err(Failure::plain(format!("invalid service '{}': Service is defined without a selector", info.name))),
        },
        kind => Err(Failure::plain(format!("selector for *{}.{kind} not implemented", info.mapping.version))),
    }
}

/// The pod of an object: itself, or the best of its pods; and how many there are.
///
/// # Errors
/// None comes within the time.
pub async fn pod_of(client: &Client<'_>, info: &Info, rank: Rank, timeout: u64) -> Result<(Value, usize)> {
    if info.mapping.kind == "Pod" {
        return Ok((info.object.clone(), 1));
    }
    let selector = selector_of(info).map_err(|failure| {
        let doing = if rank == Rank::Logging { "cannot get the logs from" } else { "cannot attach to" };
        failure.wrapped(&format!("{doing} *{}.{}: ", info.mapping.version, info.mapping.kind))
    })?;
    let deadline = client.cx.now() + timeout;
    loop {
        let mut pods = client.select("pods", &info.namespace, &selector).await?;
        let count = pods.len();
        sort(&mut pods, rank);
        if let Some(pod) = pods.into_iter().next() {
            return Ok((pod, count));
        }
        if client.cx.now() >= deadline {
            return Err(Failure::plain("timed out waiting for the condition"));
        }
        client.cx.sleep(500.min(deadline - client.cx.now()).max(1)).await;
    }
}

/// Orders pods, best first.
pub fn sort(pods: &mut [Value], rank: Rank) {
    let later = |a: &str, b: &str| match (a.is_empty(), b.is_empty()) {
        (false, false) => a.cmp(b),
        // A missing time counts as the latest.
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (true, true) => Ordering::Equal,
    };
    pods.order_by(|a, b| {
        let unassigned = |pod: &Value| text_at(pod, "/spec/nodeName").is_empty();
        let phase = |pod: &Value| match text_at(pod, "/status/phase") {
            "Running" => 0,
            "Unknown" => 1,
            "Pending" => 2,
            // Go's map has no entry for finished pods: they count as 0.
            _ if rank == Rank::Active => 2,
            _ => 0,
        };
        let unready = |pod: &Value| condition_time(pod, "Ready").is_none();
        let created = |pod: &Value| text_at(pod, "/metadata/creationTimestamp").to_string();
        unassigned(a)
            .cmp(&unassigned(b))
            .then(phase(a).cmp(&phase(b)))
            .then(unready(a).cmp(&unready(b)))
            .then_with(|| match (condition_time(a, "Ready"), condition_time(b, "Ready")) {
                (Some(a), Some(b)) => later(&a, &b),
                _ => Ordering::Equal,
            })
            .then_with(|| match rank {
                Rank::Logging => restarts(b).cmp(&restarts(a)),
                Rank::Active => restarts(a).cmp(&restarts(b)),
            })
            .then_with(|| later(&created(a), &created(b)))
    });
}

/// Since when a condition holds, if it does.
fn condition_time(pod: &Value, kind: &str) -> Option<String> {
    list_at(pod, "/status/conditions")
        .iter()
        .find(|condition| text_at(condition, "/type") == kind && text_at(condition, "/status") == "True")
        .map(|condition| text_at(condition, "/lastTransitionTime").to_string())
}

fn restarts(pod: &Value) -> i64 {
    list_at(pod, "/status/containerStatuses")
        .iter()
        .map(|status| status.get("restartCount").and_then(Value::as_i64).unwrap_or(0))
        .max()
        .unwrap_or(0)
}

/// Names of a pod's containers under one field.
pub fn containers(pod: &Value, field: &str) -> Vec<String> {
    list_at(pod, &format!("/spec/{field}")).iter().map(|c| text_at(c, "/name").to_string()).collect()
}

/// `a, b, setup (init)`.
pub fn all_names(pod: &Value) -> String {
    let mut names = containers(pod, "containers");
    names.extend(containers(pod, "initContainers").into_iter().map(|name| format!("{name} (init)")));
    names.extend(containers(pod, "ephemeralContainers").into_iter().map(|name| format!("{name} (ephem)")));
    names.join(", ")
}

/// The container meant: the one named, the annotated one, or the first, which is said.
///
/// # Errors
/// A name that the pod does not have.
pub fn container(cx: &Cx, pod: &Value, name: &str, quiet: bool) -> Result<String> {
    let known = |name: &str| {
        ["containers", "initContainers", "ephemeralContainers"]
            .iter()
            .any(|field| containers(pod, field).iter().any(|known| known == name))
    };
    if !name.is_empty() {
        if known(name) {
            return Ok(name.into());
        }
        return Err(Failure::plain(format!(
            "container {name} is not valid for pod {} out of: {}",
            text_at(pod, "/metadata/name"),
            all_names(pod)
        )));
    }
    let annotated = text_at(pod, DEFAULT_CONTAINER);
    if !annotated.is_empty() {
        if known(annotated) {
            return Ok(annotated.into());
        }
        cx.err(format!("Default container name {annotated:?} not found in pod {}\n", text_at(pod, "/metadata/name")));
    }
    let names = containers(pod, "containers");
    let Some(first) = names.first() else { return Err(Failure::plain("no containers in pod")) };
    let total = names.len() + containers(pod, "initContainers").len() + containers(pod, "ephemeralContainers").len();
    if total > 1 && !quiet {
        cx.err(format!("Defaulted container {first:?} out of: {}\n", all_names(pod)));
    }
    Ok(first.clone())
}

/// How a remote process is connected.
#[derive(Debug, Clone, Copy)]
pub struct Attach {
    pub stdin: bool,
    pub tty: bool,
}

/// Opens `exec` or `attach` on a container.
///
/// # Errors
/// The server or the node refuses to upgrade the connection.
pub async fn open(
    client: &Client<'_>,
    pod: &Value,
    subresource: &str,
    container: &str,
    command: &[String],
    attach: Attach,
) -> Result<StreamId> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/{subresource}",
        text_at(pod, "/metadata/namespace"),
        text_at(pod, "/metadata/name")
    );
    let mut request = Request::new(Method::Post, path);
    for word in command {
        request = request.with_query("command", word.clone());
    }
    request = request.with_query("container", container);
    if attach.stdin {
        request = request.with_query("stdin", "true");
    }
    request = request.with_query("stdout", "true");
    request = if attach.tty { request.with_query("tty", "true") } else { request.with_query("stderr", "true") };
    client.upgrade(request).await
}

/// How to join a container's own streams: a terminal where it has one, and only there.
///
/// Mirrors: kubectl/pkg/cmd/attach/attach.go `Run`.
pub fn how(cx: &Cx, args: &Args, pod: &Value, container: &str) -> Attach {
    let mut containers = ["/spec/containers", "/spec/initContainers", "/spec/ephemeralContainers"]
        .into_iter()
        .flat_map(|field| list_at(pod, field));
    let spec = containers.find(|spec| text_at(spec, "/name") == container);
    let has = spec.and_then(|spec| spec.get("tty")).and_then(Value::as_bool).unwrap_or_default();
    let wanted = tty(cx, args);
    if wanted && !has && !args.flag("quiet") {
        cx.err(format!("error: Unable to use a TTY - container {container} did not allocate one\n"));
    }
    Attach { stdin: args.flag("stdin"), tty: has }
}

/// What whoever joins a container's own streams is told first.
pub fn warn_of_log(cx: &Cx, args: &Args) {
    if !args.flag("quiet") {
        cx.err(
            "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\n\
             If you don't see a command prompt, try pressing enter.\n",
        );
    }
}

/// Shows a remote process until it ends; gives its exit code.
///
/// # Errors
/// The stream breaks.
pub async fn converse(cx: &Cx, stream: StreamId, attach: Attach) -> Result<i32> {
    if attach.stdin {
        match &cx.env.stdin {
            Some(text) => {
                cx.upstream(stream, Upstream::Stdin(text.clone().into_bytes()));
                cx.upstream(stream, Upstream::Eof);
            }
            None if cx.env.page => cx.read_terminal(true),
            None => cx.upstream(stream, Upstream::Eof),
        }
        cx.catch_interrupt(attach.tty);
    }
    let outcome = talk(cx, stream).await;
    cx.read_terminal(false);
    cx.catch_interrupt(false);
    cx.close(stream);
    outcome
}

async fn talk(cx: &Cx, stream: StreamId) -> Result<i32> {
    let mut code = 0;
    loop {
        match cx.next(&[stream], None).await {
            Wake::Chunks(_, chunks) => {
                for chunk in chunks {
                    match chunk {
                        Chunk::Stdout(bytes) => cx.out(String::from_utf8_lossy(&bytes)),
                        Chunk::Stderr(bytes) => cx.err(String::from_utf8_lossy(&bytes)),
                        Chunk::Exit(exit) => code = exit,
                        Chunk::Error(status) => return Err(Failure::plain(status.message.clone())),
                        Chunk::Closed => return Ok(code),
                        Chunk::Event(..) | Chunk::Http { .. } | Chunk::Tcp(..) => {}
                    }
                }
            }
            Wake::Typed(Some(bytes)) => cx.upstream(stream, Upstream::Stdin(bytes)),
            Wake::Typed(None) => cx.upstream(stream, Upstream::Eof),
            // Ctrl-C goes to the process, as the byte a terminal sends.
            Wake::Interrupted => cx.upstream(stream, Upstream::Stdin(vec![3])),
            Wake::Deadline => {}
        }
    }
}

/// A remote exit code as the command's own.
///
/// # Errors
/// Any code but 0.
pub fn exited(code: i32) -> Result {
    match code {
        0 => Ok(()),
        code => Err(Failure::Remote(code)),
    }
}

/// Whether `-t` can be had; says so if not.
pub fn tty(cx: &Cx, args: &Args) -> bool {
    if !args.flag("tty") {
        return false;
    }
    if cx.env.page && cx.env.stdin.is_none() {
        return true;
    }
    cx.err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    false
}
