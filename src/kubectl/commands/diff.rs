//! `kubectl diff`: what apply would change.
//!
//! Mirrors: kubectl/pkg/cmd/diff/diff.go.

use serde_json::Value;

use super::{apply, require_files};
use crate::client::{Client, PatchType, Query};
use crate::coroutine::Cx;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::resource::{Fetch, Info, Selection};
use crate::unified;
use crate::verb::{VERB as BASE, Verb};
use crate::yaml;

const FLAGS: &[Flag] = &[
    Flag::int(
        "concurrency",
        "1",
        "Number of objects to process in parallel when diffing against the live version. Larger number = faster, but more memory, I/O and CPU over that shorter period of time.",
    ),
    Flag::bool("force-conflicts", false, "If true, server-side apply will force the changes against conflicts."),
    Flag::bool("server-side", false, "If true, apply runs in the server instead of the client."),
    Flag::bool("show-managed-fields", false, "If true, include managed fields in the diff."),
    Flag::bool("show-secrets", false, "If true, show the values of secrets in the diff."),
    global::manager("kubectl-client-side-apply"),
];

const PRUNE: &[Flag] = &[
    Flag::bool(
        "prune",
        false,
        "Include resources that would be deleted by pruning. Can be used with -l and default shows all resources would be pruned",
    )
    .ignored(),
    Flag::csv(
        "prune-allowlist",
        "Overwrite the default allowlist with <group/version/kind> for --prune",
    )
    .ignored(),
];

pub static VERB: Verb = Verb {
    name: "diff",
    short: "Diff the live version against a would-be applied version",
    long: "Diff configurations specified by file name or stdin between the current online configuration, and the configuration as it would be if applied.

 The output is always YAML.

 Exit status: 0 No differences were found. 1 Differences were found. >1 Kubectl or diff failed with an error.",
    examples: "# Diff resources included in pod.json
kubectl diff -f pod.json

# Diff file read from stdin
cat service.yaml | kubectl diff -f -",
    usage: "-f FILENAME",
    flags: &[FLAGS, PRUNE, global::FILES, global::SELECTOR],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    match compare(cx, args).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(Failure::Exit(1)),
        Err(failure) => {
            cx.err(failure.render());
            // Differences are 1; trouble is more.
            Err(Failure::Exit(2))
        }
    }
}

async fn compare(cx: &Cx, args: &Args) -> Result<bool> {
    let client = Client::new(cx, args)?;
    if !args.words.is_empty() {
        return Err(Failure::usage(&args.path, format!("Unexpected args: {}", apply::brackets(&args.words))));
    }
    if let Err(failure) = require_files(args) {
        cx.err(failure.render());
        return Err(Failure::Exit(1));
    }
    let mut selection = Selection::of(args, &[]);
    selection.fetch = Fetch::Names;
    selection.selector = None;
    let infos = selection.resolve(&client).await?.all()?;
    let mut differs = false;
    for info in infos {
        differs |= one(&client, args, &info).await?;
    }
    Ok(differs)
}

async fn one(client: &Client<'_>, args: &Args, info: &Info) -> Result<bool> {
    let live = match client.get(&info.mapping, &info.namespace, &info.name).await {
        Ok(live) => Some(live),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(failure),
    };
    let query: Query = vec![("dryRun", "All".into()), ("fieldManager", args.text("field-manager").into())];
    let merged = if args.flag("server-side") {
        let mut query = query;
        query.push(("force", args.flag("force-conflicts").to_string()));
        client.patch(&info.mapping, &info.namespace, &info.name, (PatchType::Apply, &info.object), query).await?
    } else {
        apply::merged(client, info, live.as_ref(), query).await?
    };
    let show = |object: &Value| -> String {
        let mut object = object.clone();
        if !args.flag("show-managed-fields")
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.remove("managedFields");
        }
        if info.mapping.kind == "Secret" && info.mapping.group.is_empty() && !args.flag("show-secrets") {
            mask(&mut object);
        }
        yaml::emit(&object)
    };
    let (from, to) = (live.as_ref().map(show).unwrap_or_default(), show(&merged));
    if from == to {
        return Ok(false);
    }
    let group = if info.mapping.group.is_empty() { String::new() } else { format!("{}.", info.mapping.group) };
    let file = format!("{group}{}.{}.{}.{}", info.mapping.version, info.mapping.kind, info.namespace, info.name);
    let stamp = duration::rfc3339(client.cx.now()).replace('T', " ").replace('Z', ".000000000 +0000");
    let (old, new) = (format!("/tmp/LIVE-1000000001/{file}"), format!("/tmp/MERGED-1000000002/{file}"));
    let hunks = unified::unified(&from, &to, 3);
    client.cx.out(format!("diff -u -N {old} {new}\n--- {old}\t{stamp}\n+++ {new}\t{stamp}\n{hunks}"));
    Ok(true)
}

/// Secrets' values are not for the screen.
fn mask(object: &mut Value) {
    for field in ["data", "stringData"] {
        if let Some(data) = object.get_mut(field).and_then(Value::as_object_mut) {
            data.values_mut().for_each(|value| *value = "***".into());
        }
    }
}
