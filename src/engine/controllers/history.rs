//! ControllerRevisions: the templates a DaemonSet or StatefulSet has had, numbered.
//!
//! A revision holds the template as the patch that a rollback would apply, and is found by comparing that; its hash
//! only names it. A template that comes back makes its old revision the newest. Of those that no pod and no rollout
//! needs, the last `revisionHistoryLimit` are kept.
//! Mirrors: pkg/controller/history/controller_history.go.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::ControllerRevision;
use api::k8s_openapi::api::core::v1::PodTemplateSpec;
use api::k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use api::meta::hash;
use api::meta::owner::controller_reference;
use api::order::Order;
use api::{Object, Status, Typed};
use serde_json::{Value, json};

use super::claim::Owner;
use super::pod_control;
use crate::client::{Context, DeleteOptions, Key};

/// The label that says which revision a pod is of.
pub const POD_LABEL: &str = "controller-revision-hash";

/// The set's revisions, oldest first; orphans that match its selector are adopted.
///
/// # Errors
/// The API server's refusal.
pub fn list<O: Owner>(cx: &mut Context, set: &Arc<O>) -> Result<Vec<Arc<ControllerRevision>>, Status> {
    let owner = set.clone().wrap();
    if set.meta().deletion_timestamp.is_none() {
        let selector = set.selector();
        let orphans: Vec<Key> = cx
            .api
            .orphans::<ControllerRevision>(owner.namespace())
            .filter(|orphan| orphan.metadata.deletion_timestamp.is_none())
            .filter(|orphan| selector.matches(orphan.metadata.labels.as_ref()))
            .map(|orphan| Key::of(&orphan.clone().wrap()))
            .collect();
        for key in orphans {
            pod_control::adopt(cx, &owner, &key)?;
        }
    }
    let mut known: Vec<Arc<ControllerRevision>> = cx.api.owned_by(owner.uid()).cloned().collect();
    // Equal numbers happen after adoptions; the older object counts as the older revision.
    known.order_by(|a, b| {
        let rank = |it: &ControllerRevision| (it.revision, it.metadata.creation_timestamp.clone());
        rank(a).cmp(&rank(b))
    });
    Ok(known)
}

/// The revision of the present template: found, renumbered as the newest, or made.
///
/// `label` is the label under which the set's kind keeps the hash on its revisions, `collisions`
/// how often a name was taken already.
///
/// # Errors
/// The API server's refusal.
pub fn ensure(
    cx: &mut Context,
    owner: &Object,
    template: &PodTemplateSpec,
    label: &str,
    known: &[Arc<ControllerRevision>],
    collisions: &mut i32,
) -> Result<Arc<ControllerRevision>, Status> {
    let data = patch_of(template);
    // Behind the largest number there is none: as in Go it becomes negative, and the API server says so.
    let next = known.last().map_or(0, |newest| newest.revision).wrapping_add(1);
    let same = known.iter().rev().find(|revision| holds(revision, &data));
    if let Some(same) = same {
        if same.revision == next.wrapping_sub(1) {
            return Ok(same.clone());
        }
        // A template of old is back: its revision becomes the newest one.
        let key = Key::of(&same.clone().wrap());
        return cx.api.change::<ControllerRevision>(&key.namespace, &key.name, "", |it| it.revision = next);
    }
    loop {
        let hash = hash::compute(&data, Some(*collisions));
        let mut revision = ControllerRevision {
            data: Some(RawExtension(data.clone())),
            revision: next,
            ..ControllerRevision::default()
        };
        let meta = &mut revision.metadata;
        let mut labels = template.metadata.as_ref().and_then(|meta| meta.labels.clone()).unwrap_or_default();
        labels.insert(label.into(), hash.clone());
        let name = format!("{}-{hash}", owner.name());
        meta.name = Some(name.clone());
        meta.namespace = Some(owner.namespace().into());
        meta.labels = Some(labels);
        meta.annotations.clone_from(&owner.meta().annotations);
        meta.owner_references = Some(vec![controller_reference(owner)]);
        match cx.api.create(revision) {
            Err(status) if status.reason == "AlreadyExists" => {
                let taken = cx.api.get::<ControllerRevision>(owner.namespace(), &name);
                if let Some(taken) = taken.filter(|taken| holds(taken, &data)) {
                    return Ok(taken);
                }
                *collisions += 1;
            }
            created => return created,
        }
    }
}

/// Deletes the oldest of the revisions nobody uses, but for `limit` of them.
///
/// # Errors
/// The API server's refusal.
pub fn truncate(
    cx: &mut Context,
    known: &[Arc<ControllerRevision>],
    limit: Option<i32>,
    is_live: impl Fn(&ControllerRevision) -> bool,
) -> Result<(), Status> {
    let limit = limit.unwrap_or(10).max(0) as usize;
    let idle: Vec<&Arc<ControllerRevision>> = known.iter().filter(|revision| !is_live(revision)).collect();
    for revision in idle.iter().take(idle.len().saturating_sub(limit)) {
        let key = Key::of(&Arc::clone(revision).wrap());
        match cx.api.delete(&key, &DeleteOptions::default()) {
            Err(status) if status.code != 404 => return Err(status),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// The pod template a revision remembers.
pub fn template_of(revision: &ControllerRevision) -> Option<PodTemplateSpec> {
    let mut template = revision.data.as_ref()?.0.pointer("/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    api::codec::decode(template).ok()
}

pub fn name_of(revision: &ControllerRevision) -> &str {
    revision.metadata.name.as_deref().unwrap_or_default()
}

/// The hash under which the set's kind labels its revisions.
pub fn label_of<'a>(revision: &'a ControllerRevision, label: &str) -> &'a str {
    let labels = revision.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(label)).map(String::as_str).unwrap_or_default()
}

fn holds(revision: &ControllerRevision, data: &Value) -> bool {
    revision.data.as_ref().is_some_and(|raw| raw.0 == *data)
}

/// What a rollback would apply.
fn patch_of(template: &PodTemplateSpec) -> Value {
    let mut template = api::codec::encode(template);
    template["$patch"] = "replace".into();
    json!({ "spec": { "template": template } })
}
