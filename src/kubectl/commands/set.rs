//! `kubectl set`: one aspect of objects that hold pod templates. A file for each subcommand.
//!
//! Mirrors: kubectl/pkg/cmd/set/helper.go.

mod env;
mod image;
mod resources;
mod simple;

use serde_json::Value;

use super::{dry_run, write_query};
use crate::client::{Client, DryRun};
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::merge;
use crate::output::Output;
use crate::resource::{Info, Selection};
use crate::verb::{VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "set",
    short: "Set specific features on objects",
    long: "Configure application resources.

 These commands help you make changes to existing application resources.",
    usage: "SUBCOMMAND",
    subcommands: &[
        &env::VERB,
        &image::VERB,
        &resources::VERB,
        &simple::SELECTOR,
        &simple::SERVICE_ACCOUNT,
        &simple::SUBJECT,
    ],
    ..BASE
};

/// Where a kind keeps its pod's spec.
pub fn pod_spec_path(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some("/spec"),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            Some("/spec/template/spec")
        }
        "CronJob" => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

/// The pod spec inside an object.
///
/// # Errors
/// A kind without one.
pub fn pod_spec_mut<'a>(object: &'a mut Value, info: &Info) -> Result<&'a mut Value> {
    let path = pod_spec_path(&info.mapping.kind);
    path.and_then(|path| object.pointer_mut(path)).ok_or_else(|| {
        let kind = format!("*{}.{}", info.mapping.version, info.mapping.kind);
        of(info, &format!("the object is not a pod or does not have a pod template: {kind}"))
    })
}

/// What is wrong with one object; such texts carry their own `error:` and line end.
pub fn of(info: &Info, why: &str) -> Failure {
    Failure::plain(format!("error: {}/{} {why}\n", info.mapping.plural, info.name))
}

const LOCAL: &str = "error: you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'";

/// Looks at the flags, then at all objects: where one cannot be had, nothing is done to the others.
///
/// # Errors
/// Bad flags, objects that are not there.
pub async fn targets(client: &Client<'_>, args: &Args, words: &[String]) -> Result<Vec<Info>> {
    let dry_run = flags(client, args)?;
    if args.flag("local") && !words.is_empty() {
        return Err(Failure::plain(LOCAL));
    }
    let (infos, failures) = Selection::of(args, words).resolve(client).await?.split();
    Failure::aggregate(failures)?;
    if args.flag("local") && dry_run == DryRun::Server {
        return Err(Failure::plain("cannot specify --local and --dry-run=server - did you mean --dry-run=client?"));
    }
    Ok(infos)
}

/// What can be refused without looking at any object.
///
/// # Errors
/// A bad `--dry-run` or `--output`.
pub fn flags(client: &Client<'_>, args: &Args) -> Result<DryRun> {
    let dry_run = dry_run(client.cx, args)?;
    Output::success(client.cx, args, "")?;
    Ok(dry_run)
}

/// # Errors
/// Both are given.
pub fn not_all_and_selector(args: &Args) -> Result {
    match args.flag("all") && !args.text("selector").is_empty() {
        true => Err(Failure::plain("cannot set --all and --selector at the same time")),
        false => Ok(()),
    }
}

/// Every container of a pod spec.
pub fn containers_mut(spec: &mut Value, init: bool) -> impl Iterator<Item = &mut Value> {
    let field = if init { "initContainers" } else { "containers" };
    spec.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Sends what changed and says so; says nothing when nothing changed.
///
/// # Errors
/// The server refuses: `failing` stands before its words.
pub async fn finish(
    client: &Client<'_>,
    args: &Args,
    info: &Info,
    mut after: Value,
    word: &str,
    failing: &str,
) -> Result {
    let cx = client.cx;
    if after != info.object {
        super::record(args, &mut after);
    }
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("{word}{}", dry_run.suffix()))?.typed();
    let (kind, mut patch) = merge::two_way(&info.object, &after, &info.mapping)?;
    // These two send what they have even where it changes nothing.
    let always = matches!(word, "serviceaccount updated" | "selector updated");
    if !always && patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(());
    }
    if args.flag("local") || dry_run == DryRun::Client {
        cx.out(output.print(&after)?);
        return Ok(());
    }
    if word == "selector updated" && !args.text("resource-version").is_empty() {
        patch["metadata"]["resourceVersion"] = args.text("resource-version").into();
    }
    let query = write_query(args, dry_run);
    let sent = client.patch(&info.mapping, &info.namespace, &info.name, (kind, &patch), query).await;
    let object = sent.map_err(|failure| failure.wrapped(failing))?;
    cx.out(output.print(&object)?);
    Ok(())
}

/// Splits words into those that name objects and `key=value` pairs (`key-` counts where it may).
///
/// # Errors
/// An object behind a pair.
pub fn resources_and_pairs(words: &[String], kind: &str, removals: bool) -> Result<(Vec<String>, Vec<String>)> {
    let is_pair = |word: &String| word.contains('=') || (removals && word.ends_with('-'));
    let at = words.iter().position(is_pair).unwrap_or(words.len());
    let (resources, pairs) = words.split_at(at);
    if let Some(wrong) = pairs.iter().find(|word| !is_pair(word)) {
        return Err(Failure::plain(format!("all resources must be specified before {kind} changes: {wrong}")));
    }
    Ok((resources.to_vec(), pairs.to_vec()))
}
