//! `kubectl drain`: cordons a node and evicts its pods, as far as it may.
//!
//! Mirrors: kubectl/pkg/cmd/drain/drain.go, kubectl/pkg/drain/{drain,filters}.go.

use serde_json::{Value, json};

use super::{cordon, dry_run, list_at, text_at};
use crate::client::{Client, DryRun, Query};
use crate::coroutine::Cx;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::int("chunk-size", "500", "Return large lists in chunks rather than all at once. Pass 0 to disable."),
    Flag::bool(
        "delete-emptydir-data",
        false,
        "Continue even if there are pods using emptyDir (local data that will be deleted when the node is drained).",
    ),
    Flag::bool(
        "disable-eviction",
        false,
        "Force drain to use delete, even if eviction is supported. This will bypass checking PodDisruptionBudgets, use with caution.",
    ),
    Flag::bool("force", false, "Continue even if there are pods that do not declare a controller."),
    Flag::int(
        "grace-period",
        "-1",
        "Period of time in seconds given to each pod to terminate gracefully. If negative, the default value specified in the pod will be used.",
    ),
    Flag::bool("ignore-daemonsets", false, "Ignore DaemonSet-managed pods."),
    Flag::text("pod-selector", "", "Label selector to filter pods on the node"),
    Flag::int(
        "skip-wait-for-delete-timeout",
        "0",
        "If pod DeletionTimestamp older than N seconds, skip waiting for the pod.  Seconds must be greater than 0 to skip.",
    ),
    Flag::duration("timeout", "0s", "The length of time to wait before giving up, zero means infinite"),
];

pub static VERB: Verb = Verb {
    name: "drain",
    short: "Drain node in preparation for maintenance",
    long: "Drain node in preparation for maintenance.

 The given node will be marked unschedulable to prevent new pods from arriving. 'drain' evicts the pods if the API server supports disruption. Otherwise, it will use normal DELETE to delete the pods.

 'drain' waits for graceful termination. You should not operate on the machine until the command completes.

 When you are ready to put the node back into service, use kubectl uncordon, which will make the node schedulable again.",
    examples: "# Drain node \"foo\", even if there are pods not managed by a replication controller, replica set, job, daemon set, or stateful set on it
kubectl drain foo --force

# As above, but abort if there are pods not managed by a replication controller, replica set, job, daemon set, or stateful set, and use a grace period of 15 minutes
kubectl drain foo --grace-period=900",
    usage: "NODE",
    flags: &[FLAGS, global::DRY_RUN, global::SELECTOR],
    complete: Complete::Nodes,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

const DAEMON_SET: &str = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)";
const DAEMON_SET_WARNING: &str = "ignoring DaemonSet-managed Pods";
const LOCAL: &str = "Pods with local storage (use --delete-emptydir-data to override)";
const LOCAL_WARNING: &str = "deleting Pods with local storage";
const UNMANAGED: &str = "Pods that declare no controller (use --force to override)";
const UNMANAGED_WARNING: &str = "deleting Pods that declare no controller";
/// How long to wait before a refused eviction is tried again.
const RETRY: u64 = 5_000;

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if api::meta::selector::Selector::parse(args.text("pod-selector")).is_err() {
        return Err(Failure::plain("--pod-selector=<pod_selector> must be a valid label selector"));
    }
    let dry_run = dry_run(cx, args)?;
    let nodes = cordon::nodes(&client, args).await?;
    for node in &nodes {
        cordon::mark(&client, node, true, dry_run).await?;
    }
    let mut failed: Vec<(String, Failure)> = Vec::new();
    let mut rest = nodes.iter();
    for node in rest.by_ref() {
        match drain(&client, args, &node.name, dry_run).await {
            Ok(()) => cx.out(format!("node/{} drained{}\n", node.name, dry_run.suffix())),
            Err(failure) => {
                cx.err(format!(
                    "error: unable to drain node {:?} due to error: {}, continuing command...\n",
                    node.name,
                    failure.text()
                ));
                failed.push((node.name.clone(), failure));
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    cx.err("There are pending nodes to be drained:\n");
    for (name, _) in &failed {
        cx.err(format!(" {name}\n"));
    }
    for (_, failure) in failed {
        match failure {
            Failure::Many(all) => all.iter().for_each(|one| cx.err(format!("{}\n", one.text()))),
            one => cx.err(format!("{}\n", one.text())),
        }
    }
    Err(Failure::Exit(1))
}

/// Pods sorted into those that go and the reasons of those that hold.
#[derive(Default)]
struct Plan {
    evict: Vec<Value>,
    warnings: Vec<(&'static str, Vec<String>)>,
    errors: Vec<(&'static str, Vec<String>)>,
}

fn note(list: &mut Vec<(&'static str, Vec<String>)>, text: &'static str, pod: &str) {
    match list.iter_mut().find(|(known, _)| *known == text) {
        Some((_, pods)) => pods.push(pod.into()),
        None => list.push((text, vec![pod.into()])),
    }
}

fn title(pod: &Value) -> String {
    format!("{}/{}", text_at(pod, "/metadata/namespace"), text_at(pod, "/metadata/name"))
}

async fn plan(client: &Client<'_>, args: &Args, node: &str) -> Result<Plan> {
    let mapping = client.mapping("pods").await?;
    let mut query: Query = vec![("fieldSelector", format!("spec.nodeName={node}"))];
    if !args.text("pod-selector").is_empty() {
        query.push(("labelSelector", args.text("pod-selector").into()));
    }
    let mut plan = Plan::default();
    for pod in client.items(&mapping, "", &query).await? {
        let name = title(&pod);
        let phase = text_at(&pod, "/status/phase");
        let finished = phase == "Succeeded" || phase == "Failed";
        let skip = args.int("skip-wait-for-delete-timeout");
        if skip > 0
            && duration::seconds_since(text_at(&pod, "/metadata/deletionTimestamp"), client.cx.now())
                .is_some_and(|age| age > skip)
        {
            continue;
        }
        let controller = list_at(&pod, "/metadata/ownerReferences")
            .iter()
            .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true));
        let is_daemon = controller.is_some_and(|owner| text_at(owner, "/kind") == "DaemonSet") && !finished;
        let is_mirror = pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some();
        let mut held = false;
        if is_daemon {
            if args.flag("ignore-daemonsets") {
                note(&mut plan.warnings, DAEMON_SET_WARNING, &name);
                continue;
            }
            note(&mut plan.errors, DAEMON_SET, &name);
            held = true;
        }
        if is_mirror {
            continue;
        }
        let local = list_at(&pod, "/spec/volumes").iter().any(|volume| volume.get("emptyDir").is_some());
        if !held && local && !finished {
            if args.flag("delete-emptydir-data") {
                note(&mut plan.warnings, LOCAL_WARNING, &name);
            } else {
                note(&mut plan.errors, LOCAL, &name);
                held = true;
            }
        }
        if !held && controller.is_none() && !finished {
            if args.flag("force") {
                // The last filter's word is the pod's: the earlier warning goes.
                plan.warnings.iter_mut().for_each(|(_, pods)| pods.retain(|pod| *pod != name));
                note(&mut plan.warnings, UNMANAGED_WARNING, &name);
            } else {
                note(&mut plan.errors, UNMANAGED, &name);
                held = true;
            }
        }
        if !held {
            plan.evict.push(pod);
        }
    }
    plan.warnings.retain(|(_, pods)| !pods.is_empty());
    Ok(plan)
}

/// One text for each reason, in the order in which pods gave them.
fn told(list: &[(&'static str, Vec<String>)], before: &str) -> Vec<String> {
    list.iter().map(|(text, pods)| format!("{before}{text}: {}", pods.join(", "))).collect()
}

async fn drain(client: &Client<'_>, args: &Args, node: &str, dry_run: DryRun) -> Result {
    let cx = client.cx;
    let plan = plan(client, args, node).await?;
    if !plan.errors.is_empty() {
        return Failure::aggregate(told(&plan.errors, "cannot delete ").into_iter().map(Failure::plain).collect());
    }
    let warnings = told(&plan.warnings, "");
    if !warnings.is_empty() {
        cx.err(format!("Warning: {}\n", warnings.join("; ")));
    }
    if dry_run == DryRun::Client {
        for pod in &plan.evict {
            cx.out(format!("evicting pod {} (dry run)\n", title(pod)));
        }
        return Ok(());
    }
    let timeout = args.duration("timeout");
    let deadline = (timeout > 0).then(|| cx.now() + timeout as u64);
    let outcome = evict_all(client, args, &plan.evict, dry_run, deadline).await;
    if let Err(failure) = &outcome {
        let left = self::plan(client, args, node).await?.evict;
        if !left.is_empty() {
            cx.err(format!("There are pending pods in node {node:?} when an error occurred: {}\n", failure.text()));
            for pod in &left {
                cx.err(format!("pod/{}\n", text_at(pod, "/metadata/name")));
            }
        }
    }
    outcome
}

/// What is going on with one pod.
enum State {
    /// To be evicted, not before this time; one that was refused is looked at first.
    Try(u64),
    Going,
    Done,
}

/// All pods at once: a refused one is tried again, an evicted one is waited for.
async fn evict_all(client: &Client<'_>, args: &Args, pods: &[Value], dry_run: DryRun, deadline: Option<u64>) -> Result {
    let cx = client.cx;
    let mut states: Vec<State> = pods.iter().map(|_| State::Try(0)).collect();
    let mut failures = Vec::new();
    let timeout = duration::format(args.duration("timeout"));
    loop {
        // Who sleeps until the next try does not hear that the time is over, and only then says so.
        let over = deadline.is_some_and(|deadline| cx.now() >= deadline);
        for (pod, state) in pods.iter().zip(&mut states) {
            if let State::Try(at) = state
                && *at <= cx.now()
            {
                cx.out(format!("evicting pod {}{}\n", title(pod), dry_run.suffix()));
                if *at > 0 {
                    // Whatever this look comes to, the eviction itself will say it.
                    let _ = is_gone(client, pod).await;
                }
                if over {
                    failures.push(Failure::plain(format!("{}global timeout reached: {timeout}", refused(pod, ""))));
                    *state = State::Done;
                    continue;
                }
                *state = match evict(client, args, pod, dry_run).await {
                    Ok(()) if dry_run == DryRun::None => State::Going,
                    Ok(()) => State::Done,
                    Err(failure) if failure.is_not_found() => State::Done,
                    Err(failure) if failure.is_reason("TooManyRequests") => {
                        cx.err(format!("{}{}\n", refused(pod, " (will retry after 5s)"), failure.text()));
                        State::Try(cx.now() + RETRY)
                    }
                    Err(failure) => {
                        failures.push(failure.wrapped(&refused(pod, "")));
                        State::Done
                    }
                };
            }
            if matches!(state, State::Going) {
                if is_gone(client, pod).await? {
                    let word = if args.flag("disable-eviction") { "deleted" } else { "evicted" };
                    cx.out(format!("pod/{} {word}{}\n", text_at(pod, "/metadata/name"), dry_run.suffix()));
                    *state = State::Done;
                } else if over {
                    failures.push(Failure::plain(format!(
                        "error when waiting for pod {:?} in namespace {:?} to terminate: global timeout reached: {timeout}",
                        text_at(pod, "/metadata/name"),
                        text_at(pod, "/metadata/namespace")
                    )));
                    *state = State::Done;
                }
            }
        }
        if states.iter().all(|state| matches!(state, State::Done)) {
            return Failure::aggregate(failures);
        }
        let next = deadline.filter(|_| !over).map_or(1_000, |deadline| (deadline - cx.now()).min(1_000));
        cx.sleep(next.max(1)).await;
    }
}

fn refused(pod: &Value, then: &str) -> String {
    format!(
        "error when evicting pods/{:?} -n {:?}{then}: ",
        text_at(pod, "/metadata/name"),
        text_at(pod, "/metadata/namespace")
    )
}

async fn evict(client: &Client<'_>, args: &Args, pod: &Value, dry_run: DryRun) -> Result {
    let (namespace, name) = (text_at(pod, "/metadata/namespace"), text_at(pod, "/metadata/name"));
    let mut options = json!({});
    if args.int("grace-period") >= 0 {
        options["gracePeriodSeconds"] = args.int("grace-period").into();
    }
    if dry_run == DryRun::Server {
        options["dryRun"] = json!(["All"]);
    }
    if args.flag("disable-eviction") {
        let mapping = client.mapping("pods").await?;
        options["kind"] = "DeleteOptions".into();
        options["apiVersion"] = "v1".into();
        client.delete(&mapping, namespace, name, &options).await?;
        return Ok(());
    }
    let body = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": options,
    });
    client.post(format!("/api/v1/namespaces/{namespace}/pods/{name}/eviction"), body, Query::new()).await?;
    Ok(())
}

async fn is_gone(client: &Client<'_>, pod: &Value) -> Result<bool> {
    match client.fetch("pods", text_at(pod, "/metadata/namespace"), text_at(pod, "/metadata/name")).await {
        Ok(now) => Ok(text_at(&now, "/metadata/uid") != text_at(pod, "/metadata/uid")),
        Err(failure) if failure.is_not_found() => Ok(true),
        Err(failure) => Err(failure),
    }
}
