//! `kubectl cp`: files into and out of containers.
//!
//! Mirrors: kubectl/pkg/cmd/cp/cp.go, with `cat` in the container where upstream uses `tar`.

use serde_json::Value;

use super::pods::{self, Attach};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("container", "", "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen").short('c'),
    Flag::bool("no-preserve", false, "The copied file/directory's ownership and permissions will not be preserved in the container").ignored(),
    Flag::int("retries", "0", "Set number of retries to complete a copy operation from a container. Specify 0 to disable or any negative value for infinite retrying. The default is 0 (no retry).").ignored(),
];

pub static VERB: Verb = Verb {
    name: "cp",
    short: "Copy files and directories to and from containers",
    long: "Copy files and directories to and from containers.",
    examples: "# Copy /tmp/foo local file to /tmp/bar in a remote pod in a specific container
kubectl cp /tmp/foo <some-pod>:/tmp/bar -c <specific-container>

# Copy /tmp/foo from a remote pod to /tmp/bar locally
kubectl cp <some-namespace>/<some-pod>:/tmp/foo /tmp/bar",
    usage: "<file-spec-src> <file-spec-dest>",
    flags: &[FLAGS],
    complete: Complete::Pod,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// `[namespace/]pod:path`, or a local path.
struct Spec {
    namespace: String,
    pod: String,
    path: String,
}

fn spec(text: &str) -> Result<Spec> {
    let bad = || Failure::plain("filespec must match the canonical format: [[namespace/]pod:]file/path");
    let Some((pod, path)) = text.split_once(':') else {
        return Ok(Spec { namespace: String::new(), pod: String::new(), path: text.into() });
    };
    let parts: Vec<&str> = pod.split('/').collect();
    let (namespace, pod) = match parts.as_slice() {
        [pod] => ("", *pod),
        [namespace, pod] => (*namespace, *pod),
        _ => return Err(bad()),
    };
    if pod.is_empty() {
        return Err(bad());
    }
    Ok(Spec { namespace: namespace.into(), pod: pod.into(), path: path.into() })
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let [from, to] = args.words.as_slice() else {
        return Err(Failure::plain("source and destination are required"));
    };
    let (from, to) = (spec(from)?, spec(to)?);
    if !from.pod.is_empty() && !to.pod.is_empty() {
        return Err(Failure::plain("one of src or dest must be a local file specification"));
    }
    if from.pod.is_empty() && to.pod.is_empty() {
        return Err(Failure::plain("one of src or dest must be a remote file specification"));
    }
    if from.path.is_empty() || to.path.is_empty() {
        return Err(Failure::plain("filepath can not be empty"));
    }
    if from.pod.is_empty() {
        let Some(text) = cx.env.read(&from.path) else {
            return Err(Failure::plain(format!("{} doesn't exist in local filesystem", from.path)));
        };
        let pod = find(&client, &to).await?;
        let path = match to.path.strip_suffix('/') {
            Some(directory) => format!("{directory}/{}", from.path.rsplit('/').next().unwrap_or(&from.path)),
            None => to.path.clone(),
        };
        let command = ["sh", "-c", "cat > \"$0\"", &path].map(String::from);
        remote(&client, args, &pod, &command, Some(text)).await?;
        return Ok(());
    }
    let pod = find(&client, &from).await?;
    let command = ["cat", &from.path].map(String::from);
    let text = remote(&client, args, &pod, &command, None).await?;
    let target = match to.path.as_str() {
        "." => from.path.rsplit('/').next().unwrap_or(&from.path).to_string(),
        path => path.trim_start_matches("./").to_string(),
    };
    cx.env.files.write(&target, &text);
    Ok(())
}

async fn find(client: &Client<'_>, spec: &Spec) -> Result<Value> {
    let namespace = if spec.namespace.is_empty() { &client.namespace } else { &spec.namespace };
    client.fetch("pods", namespace, &spec.pod).await
}

/// Runs a command in the container; gives its standard output.
async fn remote(
    client: &Client<'_>,
    args: &Args,
    pod: &Value,
    command: &[String],
    stdin: Option<String>,
) -> Result<String> {
    let cx = client.cx;
    let container = pods::container(cx, pod, args.text("container"), false)?;
    let attach = Attach { stdin: stdin.is_some(), tty: false };
    let stream = pods::open(client, pod, "exec", &container, command, attach).await?;
    let (inner, output) = cx.captured(stdin);
    let code = pods::converse(&inner, stream, attach).await?;
    if code != 0 {
        return Err(Failure::Remote(code));
    }
    let text = output.borrow().clone();
    Ok(text)
}
