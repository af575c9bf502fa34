//! `kubectl rollout history`.
//!
//! Mirrors: kubectl/pkg/cmd/rollout/rollout_history.go, polymorphichelpers/history.go.

use api::order::{Gather, Order};
use serde_json::{Value, json};

use super::super::text_at;
use super::{controller_revisions, found, replica_sets, revision};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::describe;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::table::TabWriter;
use crate::output::{Output, Printer};
use crate::resource::Info;
use crate::verb::{Complete, VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "history",
    short: "View rollout history",
    long: "View previous rollout revisions and configurations.",
    examples: "# View the rollout history of a deployment
kubectl rollout history deployment/abc

# View the details of daemonset revision 3
kubectl rollout history daemonset/abc --revision=3",
    usage: "(TYPE NAME | TYPE/NAME) [flags]",
    flags: &[
        &[Flag::int("revision", "0", "See the details, including podTemplate of the revision specified")],
        global::PRINT,
        global::FILES,
        global::SELECTOR,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

const CHANGE_CAUSE: &str = "/metadata/annotations/kubernetes.io~1change-cause";

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if args.int("revision") < 0 {
        return Err(Failure::plain(format!("revision must be a positive integer: {}", args.int("revision"))));
    }
    let mut output = Output::choose(cx, args, Printer::Success(String::new()), &[])?.typed();
    let (infos, mut failures) = found(&client, args).await?.split();
    for info in infos {
        let outcome = one(&client, args, &info, &mut output).await;
        failures.extend(outcome.err());
    }
    Failure::aggregate(failures)
}

async fn one(client: &Client<'_>, args: &Args, info: &Info, output: &mut Output) -> Result {
    // Number, change cause and pod template of each revision.
    let revisions: Vec<(i64, String, Value)> = match info.mapping.kind.as_str() {
        "Deployment" => replica_sets(client, &info.object)
            .await?
            .iter()
            .map(|set| {
                let template = set.pointer("/spec/template").cloned().unwrap_or_default();
                (revision(set), text_at(set, CHANGE_CAUSE).to_string(), template)
            })
            .collect(),
        "DaemonSet" | "StatefulSet" => controller_revisions(client, &info.object)
            .await?
            .iter()
            .map(|rev| {
                let template = rev.pointer("/data/spec/template").cloned().unwrap_or_default();
                (super::super::int_at(rev, "/revision"), text_at(rev, CHANGE_CAUSE).to_string(), template)
            })
            .collect(),
        kind => return Err(Failure::plain(format!("no history viewer has been implemented for {kind:?}"))),
    };
    let wanted = args.int("revision");
    let cx = client.cx;
    if !matches!(output.printer, Printer::Success(_)) {
        if info.mapping.kind == "Deployment" {
            let mut sets = replica_sets(client, &info.object).await?;
            sets.order_by_key(revision);
            for set in sets.iter().filter(|set| wanted == 0 || revision(set) == wanted) {
                cx.out(output.print(set)?);
            }
            return Ok(());
        }
        for (_, _, template) in revisions.iter().filter(|(number, ..)| wanted == 0 || *number == wanted) {
            let mut object = info.object.clone();
            object["spec"]["template"] = template.clone();
            cx.out(output.print(&object)?);
        }
        return Ok(());
    }
    if wanted > 0 {
        let Some((_, cause, template)) = revisions.into_iter().find(|(number, ..)| *number == wanted) else {
            return Err(Failure::plain("unable to find the specified revision"));
        };
        let mut template = template;
        if !cause.is_empty() {
            let annotations = super::super::map_at(&mut template, &["metadata", "annotations"]);
            if let Some(annotations) = annotations {
                *annotations = [("kubernetes.io/change-cause".to_string(), json!(cause))].into_iter().into_object();
            }
        }
        let text = describe::pod_template(&template);
        cx.out(format!("{} with revision #{wanted}\n{text}\n", info.title()));
        return Ok(());
    }
    if revisions.is_empty() {
        cx.out(format!("{} \nNo rollout history found.\n", info.title()));
        return Ok(());
    }
    let mut sorted = revisions;
    sorted.order_by_key(|(number, ..)| *number);
    let mut rows = vec![vec!["REVISION".to_string(), "CHANGE-CAUSE".into()]];
    rows.extend(
        sorted
            .into_iter()
            .map(|(number, cause, _)| vec![number.to_string(), if cause.is_empty() { "<none>".into() } else { cause }]),
    );
    cx.out(format!("{} \n{}\n", info.title(), TabWriter::new(0, 2).render(&rows)));
    Ok(())
}
