//! `kubectl edit`: the live object in the learner's editor, sent back as a patch.
//!
//! Mirrors: kubectl/pkg/cmd/util/editor/editoptions.go.

use serde_json::Value;

use super::{check_files, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::merge;
use crate::output::{Output, json};
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};
use crate::yaml;

const FLAGS: &[Flag] = &[
    Flag::bool("output-patch", false, "Output the patch if the resource is edited."),
    Flag::text("subresource", "", "If specified, edit will operate on the subresource of the requested object."),
    Flag::bool("windows-line-endings", false, "Defaults to the line ending native to your platform.").ignored(),
    global::manager("kubectl-edit"),
];

pub static VERB: Verb = Verb {
    name: "edit",
    short: "Edit a resource on the server",
    long: "Edit a resource from the default editor.

 The edit command allows you to directly edit any API resource you can retrieve via the command-line tools.",
    examples: "# Edit the service named 'registry'
kubectl edit svc/registry

# Edit the deployment 'mydeployment' in YAML and save the modified config in its annotation
kubectl edit deployment/mydeployment -o yaml --save-config",
    usage: "(RESOURCE/NAME | -f FILENAME)",
    flags: &[FLAGS, global::PRINT, global::FILES, global::VALIDATE, global::SAVE_CONFIG],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

const HEADER: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
";

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    check_files(args)?;
    crate::manifest::Validation::parse(args.text("validate"))?;
    let mut selection = Selection::of(args, &args.words);
    selection.fetch = Fetch::Latest;
    let (infos, failures) = selection.resolve(&client).await?.split();
    Failure::aggregate(failures)?;
    if !matches!(args.text("output"), "" | "yaml" | "json") {
        return Err(Failure::plain("The flag 'output' must be one of yaml|json"));
    }
    if infos.is_empty() {
        return Err(Failure::plain("edit cancelled, no objects found"));
    }
    for info in infos {
        one(&client, args, &info).await?;
    }
    Ok(())
}

async fn one(client: &Client<'_>, args: &Args, info: &Info) -> Result {
    let cx = client.cx;
    let mut before = info.object.clone();
    if let Some(metadata) = before.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let is_json = args.text("output") == "json";
    let body = if is_json { format!("{}\n", json::pretty(&before)) } else { yaml::emit(&before) };
    let name = format!("kubectl-edit-{}.{}", info.name, if is_json { "json" } else { "yaml" });
    let mut text = format!("{}{body}", if is_json { "" } else { HEADER });
    let mut last = text.clone();
    loop {
        let Some(edited) = cx.edit(&name, &text).await else {
            cx.err("Edit cancelled, no changes made.\n");
            return Ok(());
        };
        let content: String =
            edited.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        if content.trim().is_empty() {
            cx.err("Edit cancelled, saved file was empty.\n");
            return Ok(());
        }
        if edited == last {
            // Saved again without a change: the learner gives up.
            cx.err("Edit cancelled, no changes made.\n");
            return Ok(());
        }
        let after = match yaml::documents(&content).into_iter().next() {
            Some(Ok(after)) if after == before => {
                cx.err("Edit cancelled, no changes made.\n");
                return Ok(());
            }
            Some(Ok(after)) => after,
            Some(Err(why)) => {
                text = reopened(&content, &format!("# The edited file had a syntax error: {why}\n#\n"));
                last = text.clone();
                continue;
            }
            None => return Ok(()),
        };
        if super::text_at(&after, "/metadata/name") != info.name {
            return Err(Failure::plain("At least one of apiVersion, kind and name was changed"));
        }
        let (kind, patch) = merge::two_way(&before, &after, &info.mapping)?;
        let mut query = write_query(args, DryRun::None);
        query.push(("fieldValidation", "Strict".into()));
        match client.patch(&info.mapping, &info.namespace, &info.name, (kind, &patch), query).await {
            Ok(object) => {
                if args.flag("output-patch") {
                    cx.out(format!("Patch: {}\n", json::compact(&patch)));
                }
                let mut output = Output::choose(cx, args, crate::output::Printer::Success("edited".into()), &[])?;
                if !args.text("output").is_empty() {
                    cx.out(format!("{} edited\n", info.title()));
                } else {
                    cx.out(output.print(&object)?);
                }
                return Ok(());
            }
            Err(failure) if failure.is_not_found() => {
                cx.err(format!("{}\n", failure.standard()));
                return Err(Failure::Exit(1));
            }
            Err(failure) => {
                let reasons: Vec<String> = match failure.status().and_then(|status| status.details.clone()) {
                    Some(details) if !details.causes.is_empty() => {
                        details.causes.iter().map(|cause| format!("# * {}: {}\n", cause.field, cause.message)).collect()
                    }
                    _ => vec![format!("# * {}\n", failure.text())],
                };
                let title = format!("# {} {:?} was not valid:\n", info.mapping.group_resource(), info.name);
                cx.err(format!("error: {} {:?} is invalid\n", info.mapping.group_resource(), info.name));
                text = reopened(&content, &format!("{title}{}#\n", reasons.concat()));
                last = text.clone();
            }
        }
    }
}

fn reopened(content: &str, why: &str) -> String {
    format!("{HEADER}{why}{content}")
}
