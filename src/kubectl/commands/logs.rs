//! `kubectl logs`: what containers wrote, once or as it comes.
//!
//! Mirrors: kubectl/pkg/cmd/logs/logs.go, polymorphichelpers/logsforobject.go.

use api::wire::{Body, Chunk, Request, StreamId};
use serde_json::Value;

use super::pods::{self, Rank};
use super::text_at;
use crate::client::Client;
use crate::coroutine::{Cx, Wake};
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::gotime::check_rfc3339;
use crate::resource::{self, Info};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::bool("all-containers", false, "Get all containers' logs in the pod(s)."),
    Flag::bool("all-pods", false, "Get logs from all pod(s). Sets prefix to true."),
    Flag::text("container", "", "Print the logs of this container").short('c'),
    Flag::bool("follow", false, "Specify if the logs should be streamed.").short('f'),
    Flag::bool("ignore-errors", false, "If watching / following pod logs, allow for any errors that occur to be non-fatal"),
    Flag::bool("insecure-skip-tls-verify-backend", false, "Skip verifying the identity of the kubelet that logs are requested from.  In theory, an attacker could provide invalid log content back. You might want to use this if your kubelet serving certificates have expired.").ignored(),
    Flag::int("limit-bytes", "0", "Maximum bytes of logs to return. Defaults to no limit."),
    Flag::int("max-log-requests", "5", "Specify maximum number of concurrent logs to follow when using by a selector. Defaults to 5."),
    Flag::duration("pod-running-timeout", "20s", "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running"),
    Flag::bool("prefix", false, "Prefix each log line with the log source (pod name and container name)"),
    Flag::bool("previous", false, "If true, print the logs for the previous instance of the container in a pod if it exists.").short('p'),
    Flag::duration("since", "0s", "Only return logs newer than a relative duration like 5s, 2m, or 3h. Defaults to all logs. Only one of since-time / since may be used."),
    Flag::text("since-time", "", "Only return logs after a specific date (RFC3339). Defaults to all logs. Only one of since-time / since may be used."),
    Flag::int("tail", "-1", "Lines of recent log file to display. Defaults to -1 with no selector, showing all log lines otherwise 10, if a selector is provided."),
    Flag::bool("timestamps", false, "Include timestamps on each line in the log output"),
];

pub static VERB: Verb = Verb {
    name: "logs",
    short: "Print the logs for a container in a pod",
    long: "Print the logs for a container in a pod or specified resource. If the pod has only one container, the container name is optional.",
    examples: "# Return snapshot logs from pod nginx with only one container
kubectl logs nginx

# Return snapshot of previous terminated ruby container logs from pod web-1
kubectl logs -p -c ruby web-1

# Begin streaming the logs of the ruby container in pod web-1
kubectl logs -f -c ruby web-1

# Display only the most recent 20 lines of output in pod nginx
kubectl logs --tail=20 nginx

# Return snapshot logs from first container of a job named hello
kubectl logs job/hello

# Return snapshot logs from container nginx-1 of a deployment named nginx
kubectl logs deployment/nginx -c nginx-1",
    usage: "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    flags: &[FLAGS, global::SELECTOR],
    complete: Complete::PodOrWorkload,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// One log to read.
struct Source {
    prefix: String,
    request: Request,
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let selector = args.text("selector");
    let mut named = args.text("container").to_string();
    match args.words.len() {
        0 if selector.is_empty() => {
            return Err(Failure::usage(
                &args.path,
                "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
            ));
        }
        0 => {}
        1 if !selector.is_empty() => {
            return Err(Failure::usage(&args.path, "only a selector (-l) or a POD name is allowed"));
        }
        1 => {}
        2 => {
            named.clone_from(&args.words[1]);
        }
        _ => {
            return Err(Failure::usage(
                &args.path,
                "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
            ));
        }
    }
    let running = args.duration("pod-running-timeout") > 0;
    if !running {
        return Err(Failure::plain("--pod-running-timeout must be higher than zero"));
    }
    if !args.text("since-time").is_empty() {
        check_rfc3339(args.text("since-time")).map_err(Failure::plain)?;
    }
    if args.words.first().is_some_and(String::is_empty) {
        return Err(Failure::plain(resource::NOTHING_GIVEN));
    }
    let found = match selector.is_empty() {
        true => Some(object(&client, args).await?),
        false => None,
    };
    check(args, &named)?;
    let sources = sources(&client, args, &named, found).await?;
    if args.flag("follow") && sources.len() > 1 {
        let most = args.int("max-log-requests");
        if sources.len() as i64 > most {
            return Err(Failure::plain(format!(
                "you are attempting to follow {} log streams, but maximum allowed concurrency is {most}, use --max-log-requests to increase the limit",
                sources.len()
            )));
        }
        return follow_all(&client, sources).await;
    }
    for source in sources {
        match read(&client, source).await {
            Err(failure) if args.flag("ignore-errors") => cx.out(format!("error: {}\n", failure.text())),
            outcome => outcome?,
        }
    }
    Ok(())
}

/// What the words name. It is looked for before the flags are.
async fn object(client: &Client<'_>, args: &Args) -> Result<Info> {
    pods::target(client, args, args.words.first()).await.map_err(|failure| {
        if failure.is_not_found() {
            Failure::plain(format!(
                "error from server (NotFound): {} in namespace {:?}",
                failure.text(),
                client.namespace
            ))
        } else {
            failure
        }
    })
}

/// What does not go together, and numbers that mean nothing.
fn check(args: &Args, named: &str) -> Result {
    let fail = |why: &str| Err(Failure::plain(why));
    let (container, since) = (args.text("container"), args.duration("since"));
    if !container.is_empty() && args.words.len() == 2 {
        return fail("only one of -c or an inline [CONTAINER] arg is allowed");
    }
    if args.flag("all-containers") && !named.is_empty() {
        return fail(&format!("--all-containers=true should not be specified with container name {named}"));
    }
    if args.int("tail") < -1 {
        return fail("--tail must be greater than or equal to -1");
    }
    if since != 0 && !args.text("since-time").is_empty() {
        return fail("at most one of `sinceTime` or `sinceSeconds` may be specified");
    }
    if since < 0 {
        return fail("--since must be greater than 0");
    }
    if args.int("limit-bytes") < 0 {
        return fail("--limit-bytes must be greater than 0");
    }
    Ok(())
}

async fn sources(client: &Client<'_>, args: &Args, named: &str, found: Option<Info>) -> Result<Vec<Source>> {
    let selector = args.text("selector");
    let pods = if let Some(info) = found {
        if args.flag("all-pods") && info.mapping.kind != "Pod" {
            client.select("pods", &info.namespace, &pods::selector_of(&info)?).await?
        } else {
            let timeout = args.duration("pod-running-timeout").max(0) as u64;
            let (pod, count) = pods::pod_of(client, &info, Rank::Logging, timeout).await?;
            if count > 1 {
                client.cx.err(format!("Found {count} pods, using pod/{}\n", text_at(&pod, "/metadata/name")));
            }
            vec![pod]
        }
    } else {
        let pods = client.select("pods", &client.namespace, selector).await?;
        if pods.is_empty() {
            client.cx.err(format!("No resources found in {} namespace.\n", client.namespace));
        }
        pods
    };
    let many = !selector.is_empty() || args.flag("all-pods");
    let mut sources = Vec::new();
    for pod in &pods {
        let names = if args.flag("all-containers") {
            let mut names = pods::containers(pod, "initContainers");
            names.extend(pods::containers(pod, "containers"));
            names.extend(pods::containers(pod, "ephemeralContainers"));
            names
        } else {
            vec![pods::container(client.cx, pod, named, false)?]
        };
        for name in names {
            sources.push(source(args, pod, &name, many));
        }
    }
    Ok(sources)
}

fn source(args: &Args, pod: &Value, container: &str, by_selector: bool) -> Source {
    let name = text_at(pod, "/metadata/name");
    let mut request =
        Request::get(format!("/api/v1/namespaces/{}/pods/{name}/log", text_at(pod, "/metadata/namespace")))
            .with_query("container", container);
    for (flag, key) in [("follow", "follow"), ("previous", "previous"), ("timestamps", "timestamps")] {
        if args.flag(flag) {
            request = request.with_query(key, "true");
        }
    }
    let tail = if by_selector && !args.changed("tail") { 10 } else { args.int("tail") };
    if tail >= 0 {
        request = request.with_query("tailLines", tail.to_string());
    }
    if args.int("limit-bytes") > 0 {
        request = request.with_query("limitBytes", args.text("limit-bytes"));
    }
    if args.duration("since") > 0 {
        request = request.with_query("sinceSeconds", ((args.duration("since") + 999) / 1000).to_string());
    }
    if !args.text("since-time").is_empty() {
        request = request.with_query("sinceTime", args.text("since-time"));
    }
    let prefix =
        if args.flag("prefix") || args.flag("all-pods") { format!("[pod/{name}/{container}] ") } else { String::new() };
    Source { prefix, request }
}

/// Puts the prefix before each line.
fn prefixed(prefix: &str, text: &str) -> String {
    if prefix.is_empty() {
        return text.into();
    }
    text.split_inclusive('\n').map(|line| format!("{prefix}{line}")).collect()
}

async fn read(client: &Client<'_>, source: Source) -> Result {
    let cx = client.cx;
    match client.call(source.request).await?.body {
        Body::Bytes(bytes) => cx.out(prefixed(&source.prefix, &String::from_utf8_lossy(&bytes))),
        Body::Stream(stream) => follow(cx, &[(stream, source.prefix)]).await?,
        Body::Empty | Body::Json(_) => {}
    }
    Ok(())
}

async fn follow_all(client: &Client<'_>, sources: Vec<Source>) -> Result {
    let mut streams = Vec::new();
    for source in sources {
        match client.call(source.request).await?.body {
            Body::Bytes(bytes) => client.cx.out(prefixed(&source.prefix, &String::from_utf8_lossy(&bytes))),
            Body::Stream(stream) => streams.push((stream, source.prefix)),
            Body::Empty | Body::Json(_) => {}
        }
    }
    follow(client.cx, &streams).await
}

async fn follow(cx: &Cx, streams: &[(StreamId, String)]) -> Result {
    let mut open: Vec<StreamId> = streams.iter().map(|(stream, _)| *stream).collect();
    while !open.is_empty() {
        let Wake::Chunks(stream, chunks) = cx.next(&open, None).await else { continue };
        let prefix = streams.iter().find(|(known, _)| *known == stream).map_or("", |(_, prefix)| prefix);
        for chunk in chunks {
            match chunk {
                Chunk::Stdout(bytes) | Chunk::Stderr(bytes) => {
                    cx.out(prefixed(prefix, &String::from_utf8_lossy(&bytes)));
                }
                Chunk::Error(status) => return Err(status.into()),
                Chunk::Closed | Chunk::Exit(_) => open.retain(|known| *known != stream),
                Chunk::Event(..) | Chunk::Http { .. } | Chunk::Tcp(..) => {}
            }
        }
    }
    Ok(())
}

/// For `run`: what the container has written, all of it.
///
/// # Errors
/// The server refuses.
pub async fn print_all(client: &Client<'_>, namespace: &str, pod: &str, container: &str) -> Result {
    let request =
        Request::get(format!("/api/v1/namespaces/{namespace}/pods/{pod}/log")).with_query("container", container);
    read(client, Source { prefix: String::new(), request }).await
}
