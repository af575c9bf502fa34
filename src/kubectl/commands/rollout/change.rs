//! `kubectl rollout restart | pause | resume`.
//!
//! Mirrors: kubectl/pkg/cmd/rollout/rollout_{restart,pause,resume}.go, polymorphichelpers/object{restarter,pauser,resumer}.go.

use serde_json::{Value, json};

use super::super::write_query;
use super::found;
use crate::client::{Client, DryRun, PatchType};
use crate::coroutine::Cx;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::Info;
use crate::verb::{Complete, VERB as BASE, Verb};

const MANAGER: &[Flag] = &[global::manager("kubectl-rollout")];

pub static RESTART: Verb = Verb {
    name: "restart",
    short: "Restart a resource",
    long: "Restart a resource.

 Resource rollout will be restarted.",
    examples: "# Restart all deployments in the test-namespace namespace
kubectl rollout restart deployment -n test-namespace

# Restart a deployment
kubectl rollout restart deployment/nginx

# Restart a daemon set
kubectl rollout restart daemonset/abc",
    usage: "RESOURCE",
    flags: &[MANAGER, global::PRINT, global::FILES, global::SELECTOR],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args, "restarted"))),
    ..BASE
};

pub static PAUSE: Verb = Verb {
    name: "pause",
    short: "Mark the provided resource as paused",
    long: "Mark the provided resource as paused.

 Paused resources will not be reconciled by a controller. Use \"kubectl rollout resume\" to resume a paused resource. Currently only deployments support being paused.",
    examples: "# Mark the nginx deployment as paused
# Any current state of the deployment will continue its function; new updates
# to the deployment will not have an effect as long as the deployment is paused
kubectl rollout pause deployment/nginx",
    usage: "RESOURCE",
    flags: &[MANAGER, global::PRINT, global::FILES, global::SELECTOR],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args, "paused"))),
    ..BASE
};

pub static RESUME: Verb = Verb {
    name: "resume",
    short: "Resume a paused resource",
    long: "Resume a paused resource.

 Paused resources will not be reconciled by a controller. By resuming a resource, we allow it to be reconciled again. Currently only deployments support being resumed.",
    examples: "# Resume an already paused deployment
kubectl rollout resume deployment/nginx",
    usage: "RESOURCE",
    flags: &[MANAGER, global::PRINT, global::FILES, global::SELECTOR],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args, "resumed"))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args, word: &'static str) -> Result {
    let client = Client::new(cx, args)?;
    let (infos, mut failures) = found(&client, args).await?.split();
    if infos.is_empty() && failures.is_empty() {
        cx.err(format!("No resources found in {} namespace.\n", client.namespace));
    }
    for info in infos {
        match patch(cx, &info, word) {
            Err(why) => {
                failures.push(Failure::plain(format!("error: {} {:?} {why}", info.mapping.group_resource(), info.name)))
            }
            Ok(patch) => {
                let query = write_query(args, DryRun::None);
                let sent = client
                    .patch(&info.mapping, &info.namespace, &info.name, (PatchType::Strategic, &patch), query)
                    .await;
                match sent {
                    Ok(object) => cx.out(Output::success(cx, args, word)?.typed().print(&object)?),
                    Err(failure) => failures.push(failure.wrapped("failed to patch: ")),
                }
            }
        }
    }
    Failure::aggregate(failures)
}

/// What to send, or why not.
fn patch(cx: &Cx, info: &Info, word: &str) -> Result<Value, String> {
    let kind = info.mapping.kind.as_str();
    let paused = info.object.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or(false);
    match (word, kind) {
        ("restarted", "Deployment") if paused => {
            Err("can't restart paused deployment (run rollout resume first)".into())
        }
        ("restarted", "Deployment" | "DaemonSet" | "StatefulSet") => {
            let now = duration::rfc3339(cx.now());
            let annotation = "kubectl.kubernetes.io/restartedAt";
            let before = info.object.pointer("/spec/template/metadata/annotations").and_then(|map| map.get(annotation));
            if before.and_then(Value::as_str) == Some(now.as_str()) {
                return Err("failed to create patch: if restart has already been triggered within the past second, please wait before attempting to trigger another".into());
            }
            Ok(json!({"spec": {"template": {"metadata": {"annotations": {annotation: now}}}}}))
        }
        ("restarted", _) => Err("restarting is not supported".into()),
        ("paused", "Deployment") if paused => Err("is already paused".into()),
        ("paused", "Deployment") => Ok(json!({"spec": {"paused": true}})),
        ("paused", _) => Err("pausing is not supported".into()),
        (_, "Deployment") if !paused => Err("is not paused".into()),
        (_, "Deployment") => Ok(json!({"spec": {"paused": null}})),
        _ => Err("resuming is not supported".into()),
    }
}
