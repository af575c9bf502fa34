//! `kubectl apply view-last-applied | set-last-applied | edit-last-applied`.
//!
//! Mirrors: kubectl/pkg/cmd/apply/apply_{view,set,edit}_last_applied.go.

use serde_json::{Value, json};

use super::super::{LAST_APPLIED, dry_run, text_at, write_query};
use super::configuration;
use crate::client::{Client, DryRun, PatchType};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::{Output, json as go_json};
use crate::resource::{Fetch, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};
use crate::yaml;

pub static VIEW: Verb = Verb {
    name: "view-last-applied",
    short: "View the latest last-applied-configuration annotations of a resource/object",
    long: "View the latest last-applied-configuration annotations by type/name or file.

 The default output will be printed to stdout in YAML format. You can use the -o option to change the output format.",
    examples: "# View the last-applied-configuration annotations by type/name in YAML
kubectl apply view-last-applied deployment/nginx",
    usage: "(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)",
    flags: &[
        &[Flag::text("output", "yaml", "Output format. Must be one of (yaml, json)")
            .short('o')
            .values(&["yaml", "json"])],
        global::ALL,
        global::FILES,
        global::SELECTOR,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(view(cx, args))),
    ..BASE
};

pub static SET: Verb = Verb {
    name: "set-last-applied",
    short: "Set the last-applied-configuration annotation on a live object to match the contents of a file",
    usage: "-f FILENAME",
    flags: &[
        &[Flag::bool(
            "create-annotation",
            false,
            "Will create 'last-applied-configuration' annotations if current objects doesn't have one",
        )],
        global::DRY_RUN,
        global::PRINT,
        global::FILES,
    ],
    run: Some(|cx, args| Box::pin(set(cx, args))),
    ..BASE
};

pub static EDIT: Verb = Verb {
    name: "edit-last-applied",
    short: "Edit latest last-applied-configuration annotations of a resource/object",
    usage: "(RESOURCE/NAME | -f FILENAME)",
    flags: &[global::PRINT, global::FILES, &[global::manager("kubectl-client-side-apply")]],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(edit(cx, args))),
    ..BASE
};

fn remembered(object: &Value) -> Option<Value> {
    let text = object.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
    serde_json::from_str(text).ok()
}

async fn view(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let format = args.text("output");
    if !matches!(format, "yaml" | "json") {
        return Err(Failure::usage(
            &args.path,
            format!("Unexpected -o output mode: {format}, the flag 'output' must be one of yaml|json"),
        ));
    }
    let mut selection = Selection::of(args, &args.words);
    selection.fetch = Fetch::Latest;
    for info in selection.resolve(&client).await?.all()? {
        let Some(configuration) = remembered(&info.object) else {
            // Upstream puts the complaint where the verb belongs, and without a source it says nothing at all.
            return match info.source.as_str() {
                "" => Ok(()),
                source => Err(Failure::plain(format!(
                    "error when no last-applied-configuration annotation found on resource: {}\n {source:?}: <nil>",
                    info.name
                ))),
            };
        };
        cx.out(if format == "yaml" {
            yaml::emit(&configuration)
        } else {
            format!("{}\n", go_json::pretty(&configuration).replace("    ", "  "))
        });
    }
    Ok(())
}

async fn set(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    if args.list("filename").is_empty() {
        return Err(Failure::plain(crate::resource::NOTHING_GIVEN));
    }
    let mut output = Output::success(cx, args, &format!("configured{}", dry_run.suffix()))?;
    let mut selection = Selection::of(args, &[]);
    selection.fetch = Fetch::Names;
    for info in selection.resolve(&client).await?.all()? {
        let live = client.get(&info.mapping, &info.namespace, &info.name).await?;
        if remembered(&live).is_none() && !args.flag("create-annotation") {
            return Err(Failure::plain(format!(
                "no last-applied-configuration annotation found on resource: {}, to create the annotation, run the command with --create-annotation",
                info.name
            )));
        }
        let now = live.pointer("/metadata/annotations").and_then(|map| map.get(LAST_APPLIED)).and_then(Value::as_str);
        if now == Some(configuration(&info.object).as_str()) {
            cx.out(format!("set-last-applied {}: no changes required.\n", info.name));
            continue;
        }
        let mut object = live;
        if dry_run != DryRun::Client {
            let patch = json!({"metadata": {"annotations": {LAST_APPLIED: configuration(&info.object)}}});
            let query = write_query(args, dry_run);
            object =
                client.patch(&info.mapping, &info.namespace, &info.name, (PatchType::Merge, &patch), query).await?;
        }
        cx.out(output.print(&object)?);
    }
    Ok(())
}

async fn edit(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let mut output = Output::success(cx, args, "edited")?;
    let mut selection = Selection::of(args, &args.words);
    selection.fetch = Fetch::Latest;
    for info in selection.resolve(&client).await?.all()? {
        let Some(before) = remembered(&info.object) else {
            return Err(Failure::plain(format!(
                "no last-applied-configuration annotation found on resource: {}",
                info.name
            )));
        };
        let text = yaml::emit(&before);
        let edited = cx.edit(&format!("{}.yaml", info.name), &text).await.unwrap_or(text.clone());
        let after = match yaml::documents(&edited).into_iter().next() {
            Some(Ok(after)) if after != before => after,
            Some(Err(why)) => return Err(Failure::plain(why)),
            _ => {
                cx.err("Edit cancelled, no changes made.\n");
                continue;
            }
        };
        let patch = json!({"metadata": {"annotations": {LAST_APPLIED: configuration(&after)}}});
        let query = write_query(args, DryRun::None);
        let object = client
            .patch(
                &info.mapping,
                &info.namespace,
                text_at(&info.object, "/metadata/name"),
                (PatchType::Merge, &patch),
                query,
            )
            .await?;
        cx.out(output.print(&object)?);
    }
    Ok(())
}
