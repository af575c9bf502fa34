//! `kubectl scale`.
//!
//! Mirrors: kubectl/pkg/cmd/scale/scale.go, kubectl/pkg/scale.

use api::wire::Body;
use serde_json::json;

use super::{check_files, dry_run, int_at, text_at, write_query};
use crate::client::{Client, DryRun, PatchType};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::Selection;
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::int(
        "current-replicas",
        "-1",
        "Precondition for current size. Requires that the current size of the resource match this value in order to scale. -1 (default) for no condition.",
    ),
    Flag::int("replicas", "0", "The new desired number of replicas. Required."),
    Flag::text(
        "resource-version",
        "",
        "Precondition for resource version. Requires that the current resource version match this value in order to scale.",
    ),
    Flag::duration(
        "timeout",
        "0s",
        "The length of time to wait before giving up on a scale operation, zero means don't wait. Any other values should contain a corresponding time unit (e.g. 1s, 2m, 3h).",
    ),
];

pub static VERB: Verb = Verb {
    name: "scale",
    short: "Set a new size for a deployment, replica set, or replication controller",
    long: "Set a new size for a deployment, replica set, replication controller, or stateful set.

 Scale also allows users to specify one or more preconditions for the scale action.

 If --current-replicas or --resource-version is specified, it is validated before the scale is attempted, and it is guaranteed that the precondition holds true when the scale is sent to the server.",
    examples: "# Scale a replica set named 'foo' to 3
kubectl scale --replicas=3 rs/foo

# If the deployment named mysql's current size is 2, scale mysql to 3
kubectl scale --current-replicas=2 --replicas=3 deployment/mysql

# Scale multiple replication controllers
kubectl scale --replicas=5 rc/example1 rc/example2 rc/example3",
    usage: "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
    flags: &[FLAGS, global::ALL, global::PRINT, global::DRY_RUN, global::FILES, global::SELECTOR],
    required: &["replicas"],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("scaled{}", dry_run.suffix()))?;
    check_files(args)?;
    let replicas = args.int("replicas");
    if replicas < 0 {
        return Err(Failure::plain(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
        ));
    }
    if args.int("current-replicas") < -1 {
        return Err(Failure::plain("The --current-replicas must specify an integer of -1 or greater"));
    }
    let found = Selection::of(args, &args.words).resolve(&client).await?;
    let (infos, failures) = found.split();
    if !args.text("resource-version").is_empty() && infos.len() > 1 {
        return Err(Failure::plain("cannot use --resource-version with multiple resources"));
    }
    if infos.is_empty() && failures.is_empty() {
        return Err(Failure::plain("no objects passed to scale"));
    }
    for info in infos {
        let wanted = args.int("current-replicas");
        let outcome = async {
            if wanted >= 0 || !args.text("resource-version").is_empty() {
                let scale = client.get_sub(&info.mapping, &info.namespace, &info.name, "scale").await?;
                let (now, version) = (int_at(&scale, "/spec/replicas"), text_at(&scale, "/metadata/resourceVersion"));
                if wanted >= 0 && now != wanted {
                    return Err(Failure::plain(format!("Expected replicas to be {wanted}, was {now}")));
                }
                let expected = args.text("resource-version");
                if !expected.is_empty() && expected != version {
                    return Err(Failure::plain(format!("Expected resource version to be {expected}, was {version}")));
                }
            }
            if dry_run == DryRun::Client {
                return Ok(());
            }
            let patch = Body::Json(json!({"spec": {"replicas": replicas}}).into());
            let query = write_query(args, dry_run);
            client
                .patch_sub(&info.mapping, &info.namespace, &info.name, "scale", (PatchType::Merge, patch), query)
                .await?;
            Ok(())
        }
        .await;
        match outcome {
            Ok(()) => {
                cx.out(output.print(&info.object)?);
                wait(&client, args, &info, replicas).await?;
            }
            // The first that cannot be scaled ends it.
            Err(failure) => return Err(failure),
        }
    }
    Failure::aggregate(failures)
}

/// `--timeout`: until the controller has followed.
async fn wait(client: &Client<'_>, args: &Args, info: &crate::resource::Info, replicas: i64) -> Result {
    let timeout = args.duration("timeout");
    if timeout <= 0 {
        return Ok(());
    }
    let deadline = client.cx.now() + timeout as u64;
    super::wait::until(client, info, deadline, |object| {
        Ok(object.is_some_and(|object| int_at(object, "/status/replicas") == replicas))
    })
    .await
    .map(|_| ())
    .map_err(|_| Failure::plain("timed out waiting for the condition"))
}
