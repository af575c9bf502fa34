//! The two revisions of a rollout: the one pods come from, and the one they go to.
//!
//! A pod that was lost below the partition comes back from the current one, for which its old template is kept.
//! Mirrors: pkg/controller/statefulset/stateful_set_control.go `getStatefulSetRevisions`, `truncateHistory`.

use std::sync::Arc;

use api::k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use api::k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use api::{Object, Status};

use super::identity::revision_of;
use crate::client::Context;
use crate::controllers::history::{self, name_of};

/// The label under which a StatefulSet's revisions keep their hash.
const HASH: &str = "controller.kubernetes.io/hash";

pub struct Revisions {
    /// Names.
    pub current: String,
    pub update: String,
    pub current_template: PodTemplateSpec,
    pub update_template: PodTemplateSpec,
    pub collisions: i32,
    /// All there were when the sync began, oldest first.
    known: Vec<Arc<ControllerRevision>>,
}

impl Revisions {
    /// Finds both, making the newer one where the template is new.
    ///
    /// # Errors
    /// The API server's refusal.
    pub fn of(cx: &mut Context, set: &Arc<StatefulSet>, owner: &Object) -> Result<Self, Status> {
        let known = history::list(cx, set)?;
        let status = set.status.as_ref();
        let mut collisions = status.and_then(|status| status.collision_count).unwrap_or(0);
        let template = set.spec.as_ref().map(|spec| spec.template.clone()).unwrap_or_default();
        let update = history::ensure(cx, owner, &template, HASH, &known, &mut collisions)?;
        let named = status.and_then(|status| status.current_revision.as_deref());
        // A set without a past, or whose past was deleted, is at its newest revision.
        let current = known.iter().find(|revision| Some(name_of(revision)) == named).unwrap_or(&update);
        Ok(Self {
            current: name_of(current).into(),
            update: name_of(&update).into(),
            current_template: history::template_of(current).unwrap_or_else(|| template.clone()),
            update_template: template,
            collisions,
            known,
        })
    }

    /// Keeps `revisionHistoryLimit` revisions besides the two and those that still have pods.
    ///
    /// # Errors
    /// The API server's refusal.
    pub fn truncate(&self, cx: &mut Context, set: &StatefulSet, pods: &[Arc<Pod>]) -> Result<(), Status> {
        let limit = set.spec.as_ref().and_then(|spec| spec.revision_history_limit);
        history::truncate(cx, &self.known, limit, |revision| {
            let name = name_of(revision);
            name == self.current || name == self.update || pods.iter().any(|pod| revision_of(pod) == name)
        })
    }
}
