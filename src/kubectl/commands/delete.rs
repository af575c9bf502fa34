//! `kubectl delete`: asks for deletion, then waits until the objects are gone.
//!
//! Mirrors: kubectl/pkg/cmd/delete/delete.go.

use serde_json::{Value, json};

use super::get::raw_request;
use super::{check_files, dry_run, text_at, wait};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text(
        "cascade",
        "background",
        "Must be \"background\", \"orphan\", or \"foreground\". Selects the deletion cascading strategy for the dependents (e.g. Pods created by a ReplicationController). Defaults to background.",
    )
    .bare("background")
    .values(&["background", "orphan", "foreground"]),
    Flag::bool(
        "force",
        false,
        "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion of some resources may result in inconsistency or data loss and requires confirmation.",
    ),
    Flag::int(
        "grace-period",
        "-1",
        "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for immediate shutdown. Can only be set to 0 when --force is true (force deletion).",
    ),
    Flag::bool(
        "ignore-not-found",
        false,
        "Treat \"resource not found\" as a successful delete. Defaults to \"true\" when --all is specified.",
    ),
    Flag::bool("interactive", false, "If true, delete resource only when user confirms.").short('i').ignored(),
    Flag::bool(
        "now",
        false,
        "If true, resources are signaled for immediate shutdown (same as --grace-period=1).",
    ),
    Flag::text("output", "", "Output mode. Use \"-o name\" for shorter output (resource/name).").short('o'),
    Flag::text("raw", "", "Raw URI to DELETE to the server.  Uses the transport specified by the kubeconfig file."),
    Flag::duration(
        "timeout",
        "0s",
        "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object",
    ),
    Flag::bool(
        "wait",
        true,
        "If true, wait for resources to be gone before returning. This waits for finalizers.",
    ),
];

const ALL: &[Flag] =
    &[Flag::bool("all", false, "Delete all resources, in the namespace of the specified resource types.")];

pub static VERB: Verb = Verb {
    name: "delete",
    short: "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    long: "Delete resources by file names, stdin, resources and names, or by resources and label selector.

 JSON and YAML formats are accepted. Only one type of argument may be specified: file names, resources and names, or resources and label selector.

 Some resources, such as pods, support graceful deletion. These resources define a default period before they are forcibly terminated (the grace period) but you may override that value with the --grace-period flag, or pass --now to set a grace-period of 1.",
    examples: "# Delete a pod using the type and name specified in pod.json
kubectl delete -f ./pod.json

# Delete pods and services with same names \"baz\" and \"foo\"
kubectl delete pod,service baz foo

# Delete pods and services with label name=myLabel
kubectl delete pods,services -l name=myLabel

# Delete a pod with minimal delay
kubectl delete pod foo --now

# Force delete a pod on a dead node
kubectl delete pod foo --force

# Delete all pods
kubectl delete pods --all",
    usage: "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
    flags: &[
        FLAGS,
        ALL,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::FIELD_SELECTOR,
        global::ALL_NAMESPACES,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let uri = args.text("raw");
    if !uri.is_empty() {
        let mut request = raw_request(uri);
        request.method = api::wire::Method::Delete;
        let response = client.call(request).await?;
        cx.out(format!("{}\n", api::schema::go_json(response.value())));
        return Ok(());
    }
    check_files(args)?;
    let policy = cascade(args)?;
    let mut grace = args.int("grace-period");
    let force = args.flag("force");
    if args.flag("now") {
        if grace >= 0 {
            return Err(Failure::plain("--now and --grace-period cannot be specified together"));
        }
        grace = 1;
    }
    if grace == 0 && !force {
        grace = 1;
    }
    if force && grace < 0 {
        grace = 0;
    }
    let dry_run = dry_run(cx, args)?;
    let mut selection = Selection::of(args, &args.words);
    selection.fetch = Fetch::Names;
    selection.all_of_it = selection.all;
    // The selection's complaints come before the checks of single flags, as upstream.
    let found = selection.resolve(&client).await?;
    if !args.text("output").is_empty() && args.text("output") != "name" {
        return Err(Failure::plain(format!(
            "unexpected -o output mode: {}. We only support '-o name'",
            args.text("output")
        )));
    }
    if force && grace > 0 {
        return Err(Failure::plain("--force and --grace-period greater than 0 cannot be specified together"));
    }
    if force && grace == 0 {
        cx.err("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n");
    }
    let ignore = args.flag("ignore-not-found") || (args.flag("all") && !args.changed("ignore-not-found"));
    let mut failures = Vec::new();
    let mut deleted: Vec<(Info, String)> = Vec::new();
    let mut count = 0;
    let mut warn_cluster_scope = client.explicit;
    for info in found.infos {
        let info = match info {
            Ok(info) => info,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        count += 1;
        if warn_cluster_scope && !info.mapping.namespaced {
            cx.err("Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n");
            warn_cluster_scope = false;
        }
        let line = message(args, &info, grace == 0, dry_run);
        if dry_run == DryRun::Client {
            cx.out(line);
            continue;
        }
        let options = options(grace, policy, dry_run);
        match client.delete(&info.mapping, &info.namespace, &info.name, &options).await {
            Ok(answer) => {
                cx.out(line);
                let uid = match text_at(&answer, "/details/uid") {
                    "" => text_at(&answer, "/metadata/uid"),
                    uid => uid,
                };
                deleted.push((info, uid.to_string()));
            }
            Err(failure) if ignore && failure.is_not_found() => count -= 1,
            Err(failure) => failures.push(failure.when("deleting", &info.source)),
        }
    }
    Failure::aggregate(failures)?;
    if count == 0 && !(ignore && args.words.len() > 1) {
        cx.out("No resources found\n");
        return Ok(());
    }
    if !args.flag("wait") || dry_run != DryRun::None {
        return Ok(());
    }
    let timeout = match args.duration("timeout") {
        0 => 168 * 3_600_000,
        timeout => timeout.max(0) as u64,
    };
    let deadline = cx.now() + timeout;
    let mut failures = Vec::new();
    for (info, uid) in deleted {
        match wait::gone(&client, &info, &uid, deadline).await {
            Err(failure) if failure.is_reason("Forbidden") || failure.is_reason("MethodNotAllowed") => {}
            Err(failure) => failures.push(failure),
            Ok(_) => {}
        }
    }
    Failure::aggregate(failures)
}

/// The `propagationPolicy` that `--cascade` names.
///
/// # Errors
/// An unknown word.
pub fn cascade(args: &Args) -> Result<&'static str> {
    match args.text("cascade") {
        "background" | "true" => Ok("Background"),
        "foreground" => Ok("Foreground"),
        "orphan" | "false" => Ok("Orphan"),
        other => Err(Failure::plain(format!(
            "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
        ))),
    }
}

/// The body of a DELETE.
pub fn options(grace: i64, policy: &str, dry_run: DryRun) -> Value {
    let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
    if grace >= 0 {
        options["gracePeriodSeconds"] = grace.into();
    }
    if dry_run == DryRun::Server {
        options["dryRun"] = json!(["All"]);
    }
    options
}

/// `pod "a" deleted from default namespace`.
fn message(args: &Args, info: &Info, forced: bool, dry_run: DryRun) -> String {
    if args.text("output") == "name" {
        return format!("{}\n", info.title());
    }
    let from = if info.mapping.namespaced { format!(" from {} namespace", info.namespace) } else { String::new() };
    let word = if forced { "force deleted" } else { "deleted" };
    format!("{} {:?} {word}{from}{}\n", info.mapping.kind_name(), info.name, dry_run.suffix())
}
