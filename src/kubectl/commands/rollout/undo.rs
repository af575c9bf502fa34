//! `kubectl rollout undo`.
//!
//! Mirrors: kubectl/pkg/cmd/rollout/rollout_undo.go, polymorphichelpers/rollback.go.

use api::order::{Gather, Order};
use serde_json::{Map, Value, json};

use super::super::{LAST_APPLIED, dry_run, int_at};
use super::{controller_revisions, found, replica_sets, revision};
use crate::client::{Client, DryRun, PatchType, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::Info;
use crate::verb::{Complete, VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "undo",
    short: "Undo a previous rollout",
    long: "Roll back to a previous rollout.",
    examples: "# Roll back to the previous deployment
kubectl rollout undo deployment/abc

# Roll back to daemonset revision 3
kubectl rollout undo daemonset/abc --to-revision=3

# Roll back to the previous deployment with dry-run
kubectl rollout undo --dry-run=server deployment/abc",
    usage: "(TYPE NAME | TYPE/NAME) [flags]",
    flags: &[
        &[Flag::int("to-revision", "0", "The revision to rollback to. Default to 0 (last revision).")],
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// Annotations that stay the Deployment's own.
const KEPT: &[&str] = &[
    LAST_APPLIED,
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    let (infos, mut failures) = found(&client, args).await?.split();
    for mut info in infos {
        // The rollbackers know only a name, and look for themselves.
        info.object = match client.get(&info.mapping, &info.namespace, &info.name).await {
            Ok(object) => object,
            Err(failure) => {
                failures.push(failure.wrapped(&format!("failed to retrieve {} {}: ", info.mapping.kind, info.name)));
                continue;
            }
        };
        warn_if_applied(&client, &info);
        let word = match info.mapping.kind.as_str() {
            "Deployment" => deployment(&client, args, &info, dry_run).await,
            "DaemonSet" | "StatefulSet" => from_history(&client, args, &info, dry_run).await,
            kind => Err(Failure::plain(format!("no rollbacker has been implemented for {kind:?}"))),
        };
        match word {
            Ok(word) => {
                let mut output = Output::success(cx, args, &format!("{word}{}", dry_run.suffix()))?.typed();
                cx.out(output.print(&info.object)?);
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::aggregate(failures)
}

fn query(dry_run: DryRun) -> Query {
    let mut query: Query = vec![("fieldManager", "kubectl-rollout".into())];
    if dry_run == DryRun::Server {
        query.push(("dryRun", "All".into()));
    }
    query
}

/// Picks the revision to go back to.
fn pick<'a>(history: &'a [(i64, Value)], wanted: i64, info: &Info) -> Result<&'a (i64, Value)> {
    if wanted != 0 {
        return history
            .iter()
            .find(|(number, _)| *number == wanted)
            .ok_or_else(|| Failure::plain(format!("unable to find specified revision {wanted} in history")));
    }
    match history {
        [.., previous, _] => Ok(previous),
        [_] if info.mapping.kind != "Deployment" => Err(Failure::plain("no last revision to roll back to")),
        _ => Err(Failure::plain(format!("no rollout history found for {} {:?}", info.mapping.singular, info.name))),
    }
}

fn warn_if_applied(client: &Client<'_>, info: &Info) {
    if info.object.pointer("/metadata/annotations").is_some_and(|map| map.get(LAST_APPLIED).is_some()) {
        client.cx.err(format!(
            "Warning: resource {}/{} was previously managed with 'kubectl apply'. Rolling back will not update the {LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\n",
            info.mapping.plural, info.name
        ));
    }
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    template
}

async fn deployment(client: &Client<'_>, args: &Args, info: &Info, dry_run: DryRun) -> Result<String> {
    let object = &info.object;
    let mut history: Vec<(i64, Value)> =
        replica_sets(client, object).await?.into_iter().map(|set| (revision(&set), set)).collect();
    history.order_by_key(|(number, _)| *number);
    let (number, set) = pick(&history, args.int("to-revision"), info)?;
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Err(Failure::plain(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        ));
    }
    let template = without_hash(set.pointer("/spec/template").unwrap_or(&Value::Null));
    if without_hash(object.pointer("/spec/template").unwrap_or(&Value::Null)) == template {
        return Ok(format!("skipped rollback (current template already matches revision {number})"));
    }
    if dry_run == DryRun::Client {
        return Ok("rolled back".into());
    }
    let empty = Map::new();
    let map =
        |object: &Value| object.pointer("/metadata/annotations").and_then(Value::as_object).unwrap_or(&empty).clone();
    let mut annotations: Map<String, Value> =
        map(set).into_iter().filter(|(key, _)| !KEPT.contains(&key.as_str())).into_object();
    annotations.extend(map(object).into_iter().filter(|(key, _)| KEPT.contains(&key.as_str())));
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    client
        .patch(&info.mapping, &info.namespace, &info.name, (PatchType::Json, &patch), query(dry_run))
        .await
        .map_err(|failure| failure.wrapped(&format!("failed restoring revision {number}: ")))?;
    Ok("rolled back".into())
}

/// DaemonSets and StatefulSets keep their history as patches.
async fn from_history(client: &Client<'_>, args: &Args, info: &Info, dry_run: DryRun) -> Result<String> {
    let history: Vec<(i64, Value)> = controller_revisions(client, &info.object)
        .await?
        .into_iter()
        .map(|revision| (int_at(&revision, "/revision"), revision))
        .collect();
    let (number, chosen) = pick(&history, args.int("to-revision"), info)?;
    let patch = chosen.get("data").cloned().unwrap_or_default();
    let template = without_hash(patch.pointer("/spec/template").unwrap_or(&Value::Null));
    let mut wanted = template;
    if let Some(map) = wanted.as_object_mut() {
        map.remove("$patch");
    }
    if info.object.pointer("/spec/template") == Some(&wanted) {
        return Ok(format!("skipped rollback (current template already matches revision {number})"));
    }
    if dry_run == DryRun::Client {
        return Ok("rolled back".into());
    }
    client
        .patch(&info.mapping, &info.namespace, &info.name, (PatchType::Strategic, &patch), query(dry_run))
        .await
        .map_err(|failure| failure.wrapped(&format!("failed restoring revision {number}: ")))?;
    Ok("rolled back".into())
}
