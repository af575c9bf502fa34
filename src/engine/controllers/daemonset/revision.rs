//! ControllerRevisions of a DaemonSet: the templates it has had, numbered.
//!
//! Mirrors: pkg/controller/daemon/update.go `constructHistory`, pkg/controller/history.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use api::meta::hash;
use api::meta::owner::controller_reference;
use api::{Object, Status, Typed};
use serde_json::json;

use crate::client::{Context, DeleteOptions, Key};

const HASH: &str = "controller-revision-hash";
const GENERATION: &str = "pod-template-generation";

/// The hash of the present template, with its revision made or renumbered as the newest.
///
/// # Errors
/// The API server's refusal.
pub fn ensure(cx: &mut Context, set: &DaemonSet) -> Result<String, Status> {
    let owner: Object = set.clone().into_object();
    let data = patch_of(set);
    let known: Vec<Arc<ControllerRevision>> = cx.api.owned_by::<ControllerRevision>(owner.uid()).cloned().collect();
    let newest = known.iter().map(|revision| revision.revision).max().unwrap_or(0);
    if let Some(same) = known.iter().find(|revision| revision.data.as_ref().is_some_and(|raw| raw.0 == data)) {
        if same.revision < newest {
            let mut revision = (**same).clone();
            revision.revision = newest + 1;
            cx.api.update(revision)?;
        }
        return Ok(label_of(same));
    }
    let collisions = set.status.as_ref().and_then(|status| status.collision_count);
    let hash = hash::compute(&data, collisions);
    let mut revision =
        ControllerRevision { data: Some(RawExtension(data)), revision: newest + 1, ..ControllerRevision::default() };
    let template = set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
    let mut labels = template.metadata.and_then(|meta| meta.labels).unwrap_or_default();
    labels.insert(HASH.into(), hash.clone());
    revision.metadata.name = Some(format!("{}-{hash}", owner.name()));
    revision.metadata.namespace = Some(owner.namespace().into());
    revision.metadata.labels = Some(labels);
    revision.metadata.annotations.clone_from(&set.metadata.annotations);
    revision.metadata.owner_references = Some(vec![controller_reference(&owner)]);
    match cx.api.create(revision) {
        Err(status) if status.code != 409 => Err(status),
        Ok(_) | Err(_) => Ok(hash),
    }
}

/// Keeps `revisionHistoryLimit` old revisions, the newest ones, and whatever still has pods.
///
/// # Errors
/// The API server's refusal.
pub fn clean_up(cx: &mut Context, set: &DaemonSet, current: &str) -> Result<(), Status> {
    let owner: Object = set.clone().into_object();
    let limit = set.spec.as_ref().and_then(|spec| spec.revision_history_limit).unwrap_or(10).max(0) as usize;
    let live: Vec<String> = cx
        .api
        .owned_by::<Pod>(owner.uid())
        .filter_map(|pod| pod.metadata.labels.as_ref()?.get(HASH).cloned())
        .collect();
    let mut old: Vec<Arc<ControllerRevision>> = cx
        .api
        .owned_by::<ControllerRevision>(owner.uid())
        .filter(|revision| label_of(revision) != current && !live.contains(&label_of(revision)))
        .cloned()
        .collect();
    old.sort_by_key(|revision| revision.revision);
    let excess = old.len().saturating_sub(limit);
    for revision in old.into_iter().take(excess) {
        cx.api.delete(&Key::of(&revision.wrap()), &DeleteOptions::default())?;
    }
    Ok(())
}

/// Marks a pod as of this revision.
pub fn label(pod: &mut Pod, set: &DaemonSet, hash: &str) {
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(HASH.into(), hash.into());
    labels.insert(GENERATION.into(), template_generation(set));
}

pub fn is_current(pod: &Pod, hash: &str) -> bool {
    pod.metadata.labels.as_ref().and_then(|labels| labels.get(HASH)).is_some_and(|label| label == hash)
}

fn template_generation(set: &DaemonSet) -> String {
    let annotations = set.metadata.annotations.as_ref();
    annotations
        .and_then(|map| map.get("deprecated.daemonset.template.generation").cloned())
        .unwrap_or_else(|| set.metadata.generation.unwrap_or(1).to_string())
}

fn label_of(revision: &ControllerRevision) -> String {
    revision.metadata.labels.as_ref().and_then(|labels| labels.get(HASH).cloned()).unwrap_or_default()
}

/// What a rollback would apply.
fn patch_of(set: &DaemonSet) -> serde_json::Value {
    let template = set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
    let mut template = serde_json::to_value(template).unwrap_or_default();
    template["$patch"] = "replace".into();
    json!({ "spec": { "template": template } })
}
