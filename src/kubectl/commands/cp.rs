//! `kubectl cp`: files into and out of containers.
//!
//! Mirrors: kubectl/pkg/cmd/cp/cp.go. A copy never breaks off here, so `--retries` has nothing to do.

mod tar;

use std::rc::Rc;

use serde_json::Value;

use super::pods::{self, Attach};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("container", "", "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen").short('c'),
    Flag::bool("no-preserve", false, "The copied file/directory's ownership and permissions will not be preserved in the container"),
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
        into_pod(&client, args, &from, &to).await
    } else {
        out_of_pod(&client, args, &from, &to).await
    }
}

async fn into_pod(client: &Client<'_>, args: &Args, from: &Spec, to: &Spec) -> Result {
    let cx = client.cx;
    let files = match (cx.env.read(&from.path), cx.env.directory(&from.path, true)) {
        (Some(text), _) => vec![(String::new(), text)],
        (None, Some(files)) => {
            let root = from.path.trim_start_matches("./").trim_end_matches('/');
            let inside = |file: &String| file.strip_prefix(root).unwrap_or(file).to_string();
            files.iter().map(|file| (inside(file), cx.env.read(file).unwrap_or_default())).collect()
        }
        (None, None) => {
            return Err(Failure::plain(format!("{} doesn't exist in local filesystem", from.path)));
        }
    };
    let pod = find(client, to).await?;
    let mut target = to.path.trim_end_matches('/').to_string();
    // Whether it is a directory is found out without a word.
    let test = ["test", "-d", &to.path].map(String::from);
    let (quiet, silence) = cx.captured(None);
    if remote(client, &quiet.with_errors_to(&silence), args, &pod, &test).await.is_ok() {
        target = format!("{target}/{}", base(&from.path));
    }
    let archive: String =
        files.iter().map(|(inside, text)| tar::entry(&format!("{}{inside}", base(&target)), text)).collect();
    let mut command: Vec<String> = vec!["tar".into()];
    if args.flag("no-preserve") {
        command.extend(["--no-same-permissions", "--no-same-owner"].map(String::from));
    }
    command.extend(["-xmf", "-"].map(String::from));
    if let Some((directory, _)) = target.rsplit_once('/') {
        command.extend(["-C".to_string(), if directory.is_empty() { "/".into() } else { directory.into() }]);
    }
    let inner = cx.with_stdin(Some(format!("{archive}{}", tar::end())));
    remote(client, &inner, args, &pod, &command).await
}

async fn out_of_pod(client: &Client<'_>, args: &Args, from: &Spec, to: &Spec) -> Result {
    let cx = client.cx;
    let pod = find(client, from).await?;
    let command = ["tar", "cf", "-", &from.path].map(String::from);
    let (inner, archive) = cx.captured(None);
    let said = Rc::default();
    // What tar says besides goes to standard output, as upstream sends it.
    let outcome = remote(client, &inner.with_errors_to(&said), args, &pod, &command).await;
    cx.out(said.borrow().as_str());
    outcome?;
    let prefix = from.path.trim_start_matches('/').trim_end_matches('/').trim_start_matches("./").to_string();
    let target = to.path.trim_end_matches('/');
    let files = tar::read(&archive.borrow());
    for (name, text) in files {
        let Some(rest) = name.strip_prefix(&prefix) else { return Err(Failure::plain("tar contents corrupted")) };
        let path = format!("{target}{rest}");
        if rest.is_empty() && cx.env.directory(&path, true).is_some() {
            return Err(Failure::plain(format!("open {path}: is a directory")));
        }
        cx.env.files.write(path.trim_start_matches("./"), &text);
    }
    Ok(())
}

/// The last part of a path.
fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

async fn find(client: &Client<'_>, spec: &Spec) -> Result<Value> {
    let namespace = if spec.namespace.is_empty() { &client.namespace } else { &spec.namespace };
    client.fetch("pods", namespace, &spec.pod).await
}

/// Runs a command in the container, with the input and outputs of this context.
async fn remote(client: &Client<'_>, cx: &Cx, args: &Args, pod: &Value, command: &[String]) -> Result {
    let container = pods::container(cx, pod, args.text("container"), false)?;
    let attach = Attach { stdin: cx.env.stdin.is_some(), tty: false };
    let stream = pods::open(client, pod, "exec", &container, command, attach).await?;
    pods::exited(pods::converse(cx, stream, attach).await?)
}
