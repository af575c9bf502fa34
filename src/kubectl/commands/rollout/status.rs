//! `kubectl rollout status`: tells the rollout's progress until it is complete.
//!
//! Mirrors: kubectl/pkg/cmd/rollout/rollout_status.go, polymorphichelpers/rollout_status.go.

use api::wire::Chunk;
use serde_json::Value;

use super::super::{int_at, text_at};
use super::{found, revision};
use crate::client::{Client, Query};
use crate::coroutine::{Cx, Wake};
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::resource::Info;
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::int("revision", "0", "Pin to a specific revision for showing its status. Defaults to 0 (last revision)."),
    Flag::duration(
        "timeout",
        "0s",
        "The length of time to wait before ending watch, zero means never. Any other values should contain a corresponding time unit (e.g. 1s, 2m, 3h).",
    ),
    Flag::bool("watch", true, "Watch the status of the rollout until it's done.").short('w'),
];

pub static VERB: Verb = Verb {
    name: "status",
    short: "Show the status of the rollout",
    long: "Show the status of the rollout.

 By default 'rollout status' will watch the status of the latest rollout until it's done. If you don't want to wait for the rollout to finish then you can use --watch=false. Note that if a new rollout starts in-between, then 'rollout status' will continue watching the latest revision. If you want to pin to a specific revision and abort if it is rolled over by another revision, use --revision=N where N is the revision you need to watch for.",
    examples: "# Watch the rollout status of a deployment
kubectl rollout status deployment/nginx",
    usage: "(TYPE NAME | TYPE/NAME) [flags]",
    flags: &[FLAGS, global::FILES, global::SELECTOR],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if args.int("revision") < 0 {
        return Err(Failure::plain(format!("revision must be a positive integer: {}", args.int("revision"))));
    }
    let infos = found(&client, args).await?.all()?;
    if infos.is_empty() {
        cx.err(format!("No resources found in {} namespace.\n", client.namespace));
    }
    for info in infos {
        follow(&client, args, &info).await?;
    }
    Ok(())
}

async fn follow(client: &Client<'_>, args: &Args, info: &Info) -> Result {
    let cx = client.cx;
    let timeout = args.duration("timeout");
    let deadline = (timeout > 0).then(|| cx.now() + timeout as u64);
    let mut query: Query = vec![("fieldSelector", format!("metadata.name={}", info.name))];
    loop {
        let list = client.list(&info.mapping, &info.namespace, &query, "application/json").await?;
        let version = text_at(&list, "/metadata/resourceVersion").to_string();
        for object in crate::client::items_of(list) {
            if tell(cx, args, info, &object)? {
                return Ok(());
            }
        }
        query.truncate(1);
        let mut watching = query.clone();
        watching.push(("resourceVersion", version));
        let stream = client.watch(&info.mapping, &info.namespace, &watching, "application/json").await?;
        let mut open = true;
        while open {
            let Wake::Chunks(_, chunks) = cx.next(&[stream], deadline).await else {
                return Err(Failure::plain("timed out waiting for the condition"));
            };
            for chunk in chunks {
                match chunk {
                    Chunk::Event(what, object) => match what {
                        "DELETED" => return Err(Failure::plain("object has been deleted")),
                        "ADDED" | "MODIFIED" if tell(cx, args, info, &object)? => {
                            cx.close(stream);
                            return Ok(());
                        }
                        _ => {}
                    },
                    Chunk::Closed | Chunk::Exit(_) | Chunk::Error(_) => open = false,
                    Chunk::Stdout(_) | Chunk::Stderr(_) | Chunk::Http { .. } | Chunk::Tcp(..) => {}
                }
            }
        }
        cx.close(stream);
    }
}

/// Prints the state; whether nothing more is to come.
fn tell(cx: &Cx, args: &Args, info: &Info, object: &Value) -> Result<bool> {
    let (text, done) = match info.mapping.kind.as_str() {
        "Deployment" => deployment(object, args.int("revision"))?,
        "DaemonSet" => daemon_set(object)?,
        "StatefulSet" => stateful_set(object)?,
        kind => {
            let group = match info.mapping.group.as_str() {
                "" => String::new(),
                group => format!(".{group}"),
            };
            return Err(Failure::plain(format!("no status viewer has been implemented for {kind}{group}")));
        }
    };
    cx.out(text);
    Ok(done || !args.flag("watch"))
}

/// A Deployment's progress in words, and whether it is complete.
fn deployment(object: &Value, wanted: i64) -> Result<(String, bool)> {
    let name = text_at(object, "/metadata/name");
    let status = |field: &str| int_at(object, &format!("/status/{field}"));
    if wanted > 0 && revision(object) != wanted {
        return Err(Failure::plain(format!(
            "desired revision ({wanted}) is different from the running revision ({})",
            revision(object)
        )));
    }
    if int_at(object, "/metadata/generation") > status("observedGeneration") {
        return Ok(("Waiting for deployment spec update to be observed...\n".into(), false));
    }
    let conditions = super::super::list_at(object, "/status/conditions");
    if conditions
        .iter()
        .any(|c| text_at(c, "/type") == "Progressing" && text_at(c, "/reason") == "ProgressDeadlineExceeded")
    {
        return Err(Failure::plain(format!("deployment {name:?} exceeded its progress deadline")));
    }
    let desired = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let (updated, all, available) = (status("updatedReplicas"), status("replicas"), status("availableReplicas"));
    let waiting = |what: String| (format!("Waiting for deployment {name:?} rollout to finish: {what}...\n"), false);
    Ok(if updated < desired {
        waiting(format!("{updated} out of {desired} new replicas have been updated"))
    } else if all > updated {
        waiting(format!("{} old replicas are pending termination", all - updated))
    } else if available < updated {
        waiting(format!("{available} of {updated} updated replicas are available"))
    } else {
        (format!("deployment {name:?} successfully rolled out\n"), true)
    })
}

const ROLLING_ONLY: &str = "rollout status is only available for RollingUpdate strategy type";

fn daemon_set(object: &Value) -> Result<(String, bool)> {
    if text_at(object, "/spec/updateStrategy/type") != "RollingUpdate" {
        return Err(Failure::plain(ROLLING_ONLY));
    }
    let name = text_at(object, "/metadata/name");
    let status = |field: &str| int_at(object, &format!("/status/{field}"));
    if int_at(object, "/metadata/generation") > status("observedGeneration") {
        return Ok(("Waiting for daemon set spec update to be observed...\n".into(), false));
    }
    let desired = status("desiredNumberScheduled");
    let (updated, available) = (status("updatedNumberScheduled"), status("numberAvailable"));
    let waiting = |what: String| (format!("Waiting for daemon set {name:?} rollout to finish: {what}...\n"), false);
    Ok(if updated < desired {
        waiting(format!("{updated} out of {desired} new pods have been updated"))
    } else if available < desired {
        waiting(format!("{available} of {desired} updated pods are available"))
    } else {
        (format!("daemon set {name:?} successfully rolled out\n"), true)
    })
}

fn stateful_set(object: &Value) -> Result<(String, bool)> {
    if text_at(object, "/spec/updateStrategy/type") != "RollingUpdate" {
        return Err(Failure::plain(ROLLING_ONLY));
    }
    let status = |field: &str| int_at(object, &format!("/status/{field}"));
    let observed = status("observedGeneration");
    if observed == 0 || int_at(object, "/metadata/generation") > observed {
        return Ok(("Waiting for statefulset spec update to be observed...\n".into(), false));
    }
    let desired = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let ready = status("readyReplicas");
    if ready < desired {
        return Ok((format!("Waiting for {} pods to be ready...\n", desired - ready), false));
    }
    let updated = status("updatedReplicas");
    if object.pointer("/spec/updateStrategy/rollingUpdate").is_some() {
        let partition = int_at(object, "/spec/updateStrategy/rollingUpdate/partition");
        if updated < desired - partition {
            return Ok((
                format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...\n",
                    desired - partition
                ),
                false,
            ));
        }
        return Ok((format!("partitioned roll out complete: {updated} new pods have been updated...\n"), true));
    }
    let (update, current) = (text_at(object, "/status/updateRevision"), text_at(object, "/status/currentRevision"));
    if update != current {
        return Ok((
            format!("waiting for statefulset rolling update to complete {updated} pods at revision {update}...\n"),
            false,
        ));
    }
    Ok((
        format!("statefulset rolling update complete {} pods at revision {current}...\n", status("currentReplicas")),
        true,
    ))
}
