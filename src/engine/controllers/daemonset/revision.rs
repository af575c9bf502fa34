//! Which revision of its template a daemon runs.
//!
//! Mirrors: pkg/controller/daemon/update.go `constructHistory`, `cleanupHistory`.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use api::k8s_openapi::api::core::v1::Pod;
use api::{Object, Status};

use crate::client::Context;
use crate::controllers::history::{self, POD_LABEL, label_of};

const GENERATION: &str = "pod-template-generation";

/// The hash of the present template, with its revision made or renumbered as the newest.
///
/// # Errors
/// The API server's refusal.
pub fn ensure(cx: &mut Context, set: &Arc<DaemonSet>, owner: &Object) -> Result<String, Status> {
    let known = history::list(cx, set)?;
    let before = set.status.as_ref().and_then(|status| status.collision_count).unwrap_or(0);
    let mut collisions = before;
    let template = set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
    let revision = history::ensure(cx, owner, &template, POD_LABEL, &known, &mut collisions)?;
    if collisions != before {
        cx.api.change::<DaemonSet>(owner.namespace(), owner.name(), "status", |set| {
            set.status.get_or_insert_default().collision_count = Some(collisions);
        })?;
    }
    Ok(label_of(&revision, POD_LABEL).into())
}

/// Keeps `revisionHistoryLimit` old revisions, the newest ones, and whatever still has pods: those count, too.
///
/// # Errors
/// The API server's refusal.
pub fn clean_up(cx: &mut Context, set: &Arc<DaemonSet>, owner: &Object, current: &str) -> Result<(), Status> {
    let known = history::list(cx, set)?;
    let limit = set.spec.as_ref().and_then(|spec| spec.revision_history_limit);
    let mut live: Vec<String> = vec![current.into()];
    live.extend(
        cx.api.owned_by::<Pod>(owner.uid()).filter_map(|pod| pod.metadata.labels.as_ref()?.get(POD_LABEL).cloned()),
    );
    let is_live = |revision: &ControllerRevision| live.iter().any(|hash| hash == label_of(revision, POD_LABEL));
    let in_use = known.iter().filter(|it| label_of(it, POD_LABEL) != current && is_live(it)).count() as i32;
    history::truncate(cx, &known, limit.map(|limit| limit - in_use), is_live)
}

/// Marks a pod as of this revision.
pub fn label(pod: &mut Pod, set: &DaemonSet, hash: &str) {
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(POD_LABEL.into(), hash.into());
    labels.insert(GENERATION.into(), template_generation(set));
}

pub fn is_current(pod: &Pod, hash: &str) -> bool {
    pod.metadata.labels.as_ref().and_then(|labels| labels.get(POD_LABEL)).is_some_and(|label| label == hash)
}

fn template_generation(set: &DaemonSet) -> String {
    let annotations = set.metadata.annotations.as_ref();
    annotations
        .and_then(|map| map.get("deprecated.daemonset.template.generation").cloned())
        .unwrap_or_else(|| set.metadata.generation.unwrap_or(1).to_string())
}
