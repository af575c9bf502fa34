//! `kubectl cordon` and `kubectl uncordon`.
//!
//! Mirrors: kubectl/pkg/cmd/drain/drain.go `RunCordonOrUncordon`, kubectl/pkg/drain/cordon.go.

use serde_json::{Value, json};

use super::dry_run;
use crate::client::{Client, DryRun, PatchType, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::global;
use crate::resource::{Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

pub static CORDON: Verb = Verb {
    name: "cordon",
    short: "Mark node as unschedulable",
    long: "Mark node as unschedulable.",
    examples: "# Mark node \"foo\" as unschedulable
kubectl cordon foo",
    usage: "NODE",
    flags: &[global::DRY_RUN, global::SELECTOR],
    complete: Complete::Nodes,
    run: Some(|cx, args| Box::pin(run(cx, args, true))),
    ..BASE
};

pub static UNCORDON: Verb = Verb {
    name: "uncordon",
    short: "Mark node as schedulable",
    long: "Mark node as schedulable.",
    examples: "# Mark node \"foo\" as schedulable
kubectl uncordon foo",
    usage: "NODE",
    flags: &[global::DRY_RUN, global::SELECTOR],
    complete: Complete::Nodes,
    run: Some(|cx, args| Box::pin(run(cx, args, false))),
    ..BASE
};

/// The nodes that words or a selector name.
///
/// # Errors
/// Neither, both, or nodes that do not exist.
pub async fn nodes(client: &Client<'_>, args: &Args) -> Result<Vec<Info>> {
    if args.words.is_empty() && args.text("selector").is_empty() {
        return Err(Failure::usage(&args.path, format!("USAGE: {} {} [flags]", args.verb.name, args.verb.usage)));
    }
    if !args.words.is_empty() && !args.text("selector").is_empty() {
        return Err(Failure::usage(&args.path, "error: cannot specify both a node name and a --selector option"));
    }
    let selection = if args.words.is_empty() {
        Selection::of(args, &["nodes".to_string()])
    } else {
        Selection { selector: None, ..Selection::named("nodes", &args.words) }
    };
    let (infos, failures) = selection.resolve(client).await?.split();
    Failure::aggregate(failures)?;
    Ok(infos)
}

async fn run(cx: &Cx, args: &Args, unschedulable: bool) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    for info in nodes(&client, args).await? {
        mark(&client, &info, unschedulable, dry_run).await?;
    }
    Ok(())
}

/// Marks a node and says so.
///
/// # Errors
/// The server refuses.
pub async fn mark(client: &Client<'_>, info: &Info, unschedulable: bool, dry_run: DryRun) -> Result {
    let word = if unschedulable { "cordoned" } else { "uncordoned" };
    let now = info.object.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false);
    if now == unschedulable {
        client.cx.out(format!("{} already {word}{}\n", info.title(), dry_run.suffix()));
        return Ok(());
    }
    if dry_run != DryRun::Client {
        let patch = json!({"spec": {"unschedulable": if unschedulable { Value::Bool(true) } else { Value::Null }}});
        let query: Query = match dry_run {
            DryRun::Server => vec![("dryRun", "All".into())],
            DryRun::None | DryRun::Client => vec![],
        };
        client.patch(&info.mapping, "", &info.name, (PatchType::Strategic, &patch), query).await?;
    }
    client.cx.out(format!("{} {word}{}\n", info.title(), dry_run.suffix()));
    Ok(())
}
