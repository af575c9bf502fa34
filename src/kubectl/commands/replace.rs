//! `kubectl replace`: puts whole objects, or deletes and creates them anew.
//!
//! Mirrors: kubectl/pkg/cmd/replace/replace.go.

use super::{dry_run, require_files, text_at, wait, with_last_applied, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::manifest::Validation;
use crate::output::Output;
use crate::resource::{Fetch, Selection};
use crate::verb::{VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("cascade", "background", "Must be \"background\", \"orphan\", or \"foreground\". Selects the deletion cascading strategy for the dependents (e.g. Pods created by a ReplicationController). Defaults to background.")
        .bare("background")
        .values(&["background", "orphan", "foreground"]),
    Flag::bool("force", false, "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion of some resources may result in inconsistency or data loss and requires confirmation."),
    Flag::int("grace-period", "-1", "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for immediate shutdown. Can only be set to 0 when --force is true (force deletion)."),
    Flag::text("raw", "", "Raw URI to PUT to the server.  Uses the transport specified by the kubeconfig file."),
    Flag::text("subresource", "", "If specified, replace will operate on the subresource of the requested object."),
    Flag::duration("timeout", "0s", "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object"),
    Flag::bool("wait", false, "If true, wait for resources to be gone before returning. This waits for finalizers."),
    global::manager("kubectl-replace"),
];

pub static VERB: Verb = Verb {
    name: "replace",
    short: "Replace a resource by file name or stdin",
    long: "Replace a resource by file name or stdin.

 JSON and YAML formats are accepted. If replacing an existing resource, the complete resource spec must be provided. This can be obtained by

  $ kubectl get TYPE NAME -o yaml",
    examples: "# Replace a pod using the data in pod.json
kubectl replace -f ./pod.json

# Replace a pod based on the JSON passed into stdin
cat pod.json | kubectl replace -f -

# Force replace, delete and then re-create the resource
kubectl replace --force -f ./pod.json",
    usage: "-f FILENAME",
    flags: &[FLAGS, global::PRINT, global::DRY_RUN, global::FILES, global::VALIDATE, global::SAVE_CONFIG],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if !args.text("raw").is_empty() {
        return super::create::raw(&client, args, args.text("raw"), api::wire::Method::Put).await;
    }
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("replaced{}", dry_run.suffix()))?;
    require_files(args)?;
    super::delete::cascade(args)?;
    let validation = Validation::parse(args.text("validate"))?;
    let grace = args.int("grace-period");
    if grace >= 0 && !args.flag("force") {
        return Err(Failure::plain("--grace-period must have --force specified"));
    }
    if args.duration("timeout") != 0 && !args.flag("force") {
        return Err(Failure::plain("--timeout must have --force specified"));
    }
    let mut selection = Selection::of(args, &[]);
    selection.fetch = Fetch::Names;
    selection.validation = validation;
    let found = selection.resolve(&client).await?;
    let mut failures = Vec::new();
    let mut count = 0;
    let mut query = write_query(args, dry_run);
    query.push(("fieldValidation", validation.directive().into()));
    let mut ready = Vec::new();
    for info in found.infos {
        match info {
            Ok(info) => ready.push(info),
            Err(failure) => failures.push(failure),
        }
    }
    if args.flag("force") && dry_run == DryRun::None {
        if !failures.is_empty() {
            return Failure::aggregate(failures);
        }
        let options = super::delete::options(grace, super::delete::cascade(args)?, dry_run);
        let deadline = match args.duration("timeout") {
            0 => cx.now() + 300_000,
            timeout => cx.now() + timeout.max(0) as u64,
        };
        for info in &ready {
            match client.delete(&info.mapping, &info.namespace, &info.name, &options).await {
                Ok(answer) => {
                    let from = if info.mapping.namespaced {
                        format!(" from {} namespace", info.namespace)
                    } else {
                        String::new()
                    };
                    cx.out(format!("{} {:?} deleted{from}\n", info.mapping.kind_name(), info.name));
                    let uid = match text_at(&answer, "/details/uid") {
                        "" => text_at(&answer, "/metadata/uid").to_string(),
                        uid => uid.to_string(),
                    };
                    wait::gone(&client, info, &uid, deadline).await?;
                }
                Err(failure) if failure.is_not_found() => {}
                Err(failure) => return Err(failure.when("deleting", &info.source)),
            }
        }
    }
    for info in ready {
        let object = if args.flag("save-config") { with_last_applied(&info.object) } else { info.object.clone() };
        count += 1;
        if dry_run == DryRun::Client {
            cx.out(output.print(&object)?);
            continue;
        }
        let answer = if args.flag("force") {
            client.create(&info.mapping, &info.namespace, &object, query.clone()).await
        } else {
            client
                .replace(&info.mapping, &info.namespace, &info.name, args.text("subresource"), &object, query.clone())
                .await
        };
        match answer {
            Ok(object) => cx.out(output.print(&object)?),
            Err(failure) if args.flag("force") => failures.push(failure),
            Err(failure) => failures.push(failure.when("replacing", &info.source)),
        }
    }
    Failure::aggregate(failures)?;
    if count == 0 {
        return Err(Failure::plain("no objects passed to replace"));
    }
    Ok(())
}
