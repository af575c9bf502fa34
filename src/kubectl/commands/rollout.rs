//! `kubectl rollout`: status, history, undo, restart, pause, resume.
//!
//! Mirrors: kubectl/pkg/cmd/rollout.

mod change;
mod history;
mod status;
mod undo;

use api::order::Order;
use serde_json::Value;

use super::check_files;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::resource::{Found, Selection};
use crate::verb::{VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "rollout",
    short: "Manage the rollout of a resource",
    long: "Manage the rollout of one or many resources.

 Valid resource types include:

  *  deployments
  *  daemonsets
  *  statefulsets",
    examples: "# Rollback to the previous deployment
kubectl rollout undo deployment/abc

# Check the rollout status of a daemonset
kubectl rollout status daemonset/foo

# Restart a deployment
kubectl rollout restart deployment/abc

# Restart deployments with the 'app=nginx' label
kubectl rollout restart deployment --selector=app=nginx",
    usage: "SUBCOMMAND",
    subcommands: &[&history::VERB, &change::PAUSE, &change::RESTART, &change::RESUME, &status::VERB, &undo::VERB],
    ..BASE
};

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

/// What the subcommand is about; a type alone means all of it.
async fn found(client: &Client<'_>, args: &Args) -> Result<Found> {
    check_files(args)?;
    if args.words.is_empty() && args.list("filename").is_empty() {
        return Err(Failure::plain("required resource not specified"));
    }
    let selection = Selection { type_alone: true, ..Selection::of(args, &args.words) };
    selection.resolve(client).await
}

/// The revision an object is annotated with, or 0.
fn revision(object: &Value) -> i64 {
    super::text_at(object, REVISION).parse().unwrap_or(0)
}

/// ReplicaSets that a Deployment owns.
async fn replica_sets(client: &Client<'_>, deployment: &Value) -> Result<Vec<Value>> {
    let selector = super::selector_text(deployment.pointer("/spec/selector").unwrap_or(&Value::Null));
    let sets = client.select("replicasets.apps", super::text_at(deployment, "/metadata/namespace"), &selector).await?;
    Ok(owned(sets, deployment))
}

/// ControllerRevisions of a DaemonSet or StatefulSet, oldest first.
async fn controller_revisions(client: &Client<'_>, object: &Value) -> Result<Vec<Value>> {
    let selector = super::selector_text(object.pointer("/spec/selector").unwrap_or(&Value::Null));
    let namespace = super::text_at(object, "/metadata/namespace");
    let mut revisions = owned(client.select("controllerrevisions.apps", namespace, &selector).await?, object);
    revisions.order_by_key(|revision| super::int_at(revision, "/revision"));
    Ok(revisions)
}

fn owned(objects: Vec<Value>, owner: &Value) -> Vec<Value> {
    let uid = super::text_at(owner, "/metadata/uid");
    let is_owned = |object: &Value| {
        super::list_at(object, "/metadata/ownerReferences").iter().any(|o| super::text_at(o, "/uid") == uid)
    };
    objects.into_iter().filter(is_owned).collect()
}
