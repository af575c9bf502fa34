//! `kubectl exec`: a command in a running container.
//!
//! Mirrors: kubectl/pkg/cmd/exec/exec.go.

use super::pods::{self, Attach, Rank};
use super::text_at;
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("container", "", "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen").short('c'),
    Flag::list("filename", "to use to exec into the resource").short('f'),
    Flag::duration("pod-running-timeout", "1m0s", "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running"),
    Flag::bool("quiet", false, "Only print output from the remote session").short('q'),
    Flag::bool("stdin", false, "Pass stdin to the container").short('i'),
    Flag::bool("tty", false, "Stdin is a TTY").short('t'),
];

pub static VERB: Verb = Verb {
    name: "exec",
    short: "Execute a command in a container",
    long: "Execute a command in a container.",
    examples: "# Get output from running the 'date' command from pod mypod, using the first container by default
kubectl exec mypod -- date

# Get output from running the 'date' command in ruby-container from pod mypod
kubectl exec mypod -c ruby-container -- date

# Switch to raw terminal mode; sends stdin to 'bash' in ruby-container from pod mypod
# and sends stdout/stderr from 'bash' back to the client
kubectl exec mypod -c ruby-container -i -t -- bash -il

# Get output from running 'date' command from the first pod of the deployment mydeployment, using the first container by default
kubectl exec deploy/mydeployment -- date",
    usage: "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
    flags: &[FLAGS],
    complete: Complete::PodOrWorkload,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let timeout = pods::running_timeout(args)?;
    let has_file = !args.list("filename").is_empty();
    if (args.words.is_empty() || args.before_dash == Some(0)) && !has_file {
        return Err(Failure::plain("pod, type/name or --filename must be specified"));
    }
    let at = args.before_dash.unwrap_or(args.words.len());
    if args.before_dash.is_none() && args.words.len() > 1 {
        return Err(Failure::usage(
            &args.path,
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
        ));
    }
    let command = &args.words[at..];
    if command.is_empty() {
        return Err(Failure::plain("you must specify at least one command for the container"));
    }
    let info = pods::target(&client, args, args.words[..at].first()).await?;
    let (pod, _) = pods::pod_of(&client, &info, Rank::Active, timeout).await?;
    let phase = text_at(&pod, "/status/phase");
    if phase == "Succeeded" || phase == "Failed" {
        return Err(Failure::plain(format!(
            "cannot exec into a container in a completed pod; current phase is {phase}"
        )));
    }
    let container = pods::container(cx, &pod, args.text("container"), args.flag("quiet"))?;
    let attach = Attach { stdin: args.flag("stdin"), tty: pods::tty(cx, args) };
    let stream = pods::open(&client, &pod, "exec", &container, command, attach).await?;
    pods::exited(pods::converse(cx, stream, attach).await?)
}
