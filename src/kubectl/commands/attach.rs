//! `kubectl attach`: the terminal of a running container's first process.
//!
//! Mirrors: kubectl/pkg/cmd/attach/attach.go.

use super::pods::{self, Rank};
use super::text_at;
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("container", "", "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen").short('c'),
    Flag::text("detach-keys", "", "Override the key sequence for detaching a container").ignored(),
    Flag::duration("pod-running-timeout", "1m0s", "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running"),
    Flag::bool("quiet", false, "Only print output from the remote session").short('q'),
    Flag::bool("stdin", false, "Pass stdin to the container").short('i'),
    Flag::bool("tty", false, "Stdin is a TTY").short('t'),
];

pub static VERB: Verb = Verb {
    name: "attach",
    short: "Attach to a running container",
    long: "Attach to a process that is already running inside an existing container.",
    examples: "# Get output from running pod mypod; use the 'kubectl.kubernetes.io/default-container' annotation
# for selecting the container to be attached or the first container in the pod
kubectl attach mypod",
    usage: "(POD | TYPE/NAME) -c CONTAINER",
    flags: &[FLAGS],
    complete: Complete::PodOrWorkload,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let timeout = pods::running_timeout(args)?;
    if args.words.is_empty() {
        return Err(Failure::plain("at least 1 argument is required for attach"));
    }
    if args.words.len() > 2 {
        return Err(Failure::plain(
            "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ".to_string()
                + &format!("{}: {}", args.words.len(), super::apply::brackets(&args.words)),
        ));
    }
    let word = args.words.join("/");
    let info = pods::target(&client, args, Some(&word)).await?;
    let (pod, _) = pods::pod_of(&client, &info, Rank::Active, timeout).await?;
    let phase = text_at(&pod, "/status/phase");
    if phase == "Succeeded" || phase == "Failed" {
        return Err(Failure::plain(format!("cannot attach a container in a completed pod; current phase is {phase}")));
    }
    let container = pods::container(cx, &pod, args.text("container"), args.flag("quiet"))
        .map_err(|failure| failure.wrapped("cannot attach to the container: "))?;
    let attach = pods::how(cx, args, &pod, &container);
    pods::warn_of_log(cx, args);
    let stream = pods::open(&client, &pod, "attach", &container, &[], attach).await?;
    pods::exited(pods::converse(cx, stream, attach).await?)
}
