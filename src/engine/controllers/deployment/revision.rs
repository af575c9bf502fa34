//! Revisions: which ReplicaSet is the new one, its number, and making it when it is missing.
//!
//! The new one is the oldest whose template is the Deployment's, the label `pod-template-hash` apart; it is found by
//! comparing, the hash only names it. Its revision is one more than that of all others, so that going back to an old
//! template gives an old ReplicaSet a new number, and the old number goes into its history. When the name is taken
//! by another template, `collisionCount` rises, and with it the next hash is another.
//! Mirrors: pkg/controller/deployment/sync.go `getNewReplicaSet`, util/deployment_util.go.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec};
use api::k8s_openapi::api::core::v1::PodTemplateSpec;
use api::meta::hash;
use api::meta::owner::{controller_reference, is_controlled_by};
use api::order::Order;

use super::{Sync, annotation, name_of};
use crate::client::EventType;

pub const HASH: &str = "pod-template-hash";
pub const REVISION: &str = "deployment.kubernetes.io/revision";
pub const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// Characters of a set's history of revision numbers.
const MAX_HISTORY: usize = 2000;

/// Annotations of a Deployment that are its own and not its ReplicaSets'.
const OWN: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

impl Sync<'_, '_> {
    /// The ReplicaSet with this Deployment's template; of several the oldest.
    pub fn new_set(&self) -> Option<Arc<ReplicaSet>> {
        let template = self.spec().template;
        let mut equal: Vec<&Arc<ReplicaSet>> = self
            .sets
            .iter()
            .filter(|set| {
                let theirs = set.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default();
                without_hash(theirs) == without_hash(template.clone())
            })
            .collect();
        equal.order_by_key(|set| (set.metadata.creation_timestamp.clone(), set.metadata.name.clone()));
        equal.first().map(|set| (*set).clone())
    }

    /// Every other ReplicaSet, oldest first.
    pub fn old_sets(&self, new: Option<&ReplicaSet>) -> Vec<Arc<ReplicaSet>> {
        let mut old: Vec<Arc<ReplicaSet>> = self
            .sets
            .iter()
            .filter(|set| new.is_none_or(|new| new.metadata.uid != set.metadata.uid))
            .cloned()
            .collect();
        old.order_by_key(|set| (set.metadata.creation_timestamp.clone(), set.metadata.name.clone()));
        old
    }

    /// The new ReplicaSet with its revision number brought up to date, made if `create` says so.
    pub fn ensure_new_set(&mut self, create: bool) -> Result<Option<Arc<ReplicaSet>>, Status> {
        let existing = self.new_set();
        let old = self.old_sets(existing.as_deref());
        let newest_old = old.iter().map(|set| revision_of(set)).max().unwrap_or(0);
        let revision = (newest_old + 1).to_string();
        if let Some(set) = existing {
            return self.adopt_revision(set, &revision).map(Some);
        }
        if !create {
            return Ok(None);
        }
        self.create_set(&revision, &old).map(Some)
    }

    fn adopt_revision(&mut self, set: Arc<ReplicaSet>, revision: &str) -> Result<Arc<ReplicaSet>, Status> {
        let mut wanted = (*set).clone();
        let min_ready = self.spec().min_ready_seconds;
        annotate(&mut wanted, &self.deployment, revision, true);
        if let Some(spec) = &mut wanted.spec {
            spec.min_ready_seconds = min_ready;
        }
        let changed = wanted != *set;
        let set = if changed { self.cx.api.update(wanted)? } else { set };
        self.refresh();
        let number = annotation(&set, REVISION).unwrap_or_default().to_string();
        let mut touched = self.set_revision(&number);
        let has_progress = self.condition("Progressing").is_some();
        if self.has_deadline() && !has_progress {
            self.set_condition(
                "Progressing",
                "True",
                "FoundNewReplicaSet",
                format!("Found new replica set {:?}", name_of(&set)),
            );
            touched = true;
        }
        if touched {
            self.write_status()?;
        }
        Ok(set)
    }

    fn create_set(&mut self, revision: &str, old: &[Arc<ReplicaSet>]) -> Result<Arc<ReplicaSet>, Status> {
        let spec = self.spec();
        let collisions = self.deployment.status.as_ref().and_then(|status| status.collision_count);
        let template_hash = hash::compute(&spec.template, collisions);
        let owner = self.object();
        let name = format!("{}-{template_hash}", owner.name());
        let mut template = spec.template.clone();
        let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
        labels.insert(HASH.into(), template_hash.clone());
        let mut selector = spec.selector.clone();
        selector.match_labels.get_or_insert_default().insert(HASH.into(), template_hash);
        let mut set = ReplicaSet {
            spec: Some(ReplicaSetSpec {
                replicas: Some(0),
                min_ready_seconds: spec.min_ready_seconds,
                selector,
                template: Some(template.clone()),
            }),
            ..ReplicaSet::default()
        };
        set.metadata.name = Some(name.clone());
        set.metadata.namespace.clone_from(&self.deployment.metadata.namespace);
        set.metadata.labels = template.metadata.and_then(|meta| meta.labels);
        set.metadata.owner_references = Some(vec![controller_reference(&owner)]);
        let everything: Vec<Arc<ReplicaSet>> = old.to_vec();
        let replicas = self.new_set_replicas(&everything, 0);
        if let Some(spec) = &mut set.spec {
            spec.replicas = Some(replicas);
        }
        let max = self.replicas() + self.max_surge();
        let annotations = set.metadata.annotations.get_or_insert_default();
        annotations.insert(DESIRED.into(), self.replicas().to_string());
        annotations.insert(MAX.into(), max.to_string());
        annotate(&mut set, &self.deployment, revision, false);
        let created = match self.cx.api.create(set) {
            Ok(created) => created,
            Err(status) if status.code == 409 => return self.resolve_collision(&name, status),
            Err(status) => {
                let message = format!("Failed to create new replica set {name:?}: {status}");
                if self.has_deadline() {
                    self.set_condition("Progressing", "False", "ReplicaSetCreateError", message.clone());
                    self.write_status()?;
                }
                self.event(EventType::Warning, "ReplicaSetCreateError", message);
                return Err(status);
            }
        };
        self.refresh();
        self.set_revision(revision);
        if self.has_deadline() {
            self.set_condition(
                "Progressing",
                "True",
                "NewReplicaSetCreated",
                format!("Created new replica set {name:?}"),
            );
        }
        self.write_status()?;
        if replicas > 0 {
            self.event(
                EventType::Normal,
                "ScalingReplicaSet",
                format!("Scaled up replica set {name} from 0 to {replicas}"),
            );
        }
        Ok(created)
    }

    /// The name is taken: ours already, or a hash that two templates share.
    fn resolve_collision(&mut self, name: &str, status: Status) -> Result<Arc<ReplicaSet>, Status> {
        let namespace = self.deployment.metadata.namespace.clone().unwrap_or_default();
        let uid = self.deployment.metadata.uid.clone().unwrap_or_default();
        let template = self.spec().template;
        if let Some(there) = self.cx.api.get::<ReplicaSet>(&namespace, name) {
            let theirs = there.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default();
            if is_controlled_by(&there.metadata, &uid) && without_hash(theirs) == without_hash(template) {
                return Ok(there);
            }
        }
        let count = self.deployment.status.get_or_insert_default().collision_count.get_or_insert(0);
        *count += 1;
        self.write_status()?;
        Err(status)
    }

    /// `true` when the Deployment's own revision annotation changed.
    fn set_revision(&mut self, revision: &str) -> bool {
        let annotations = self.deployment.metadata.annotations.get_or_insert_default();
        if annotations.get(REVISION).map(String::as_str) == Some(revision) {
            return false;
        }
        annotations.insert(REVISION.into(), revision.into());
        true
    }
}

pub fn revision_of(set: &ReplicaSet) -> i64 {
    annotation(set, REVISION).and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// Copies the Deployment's annotations and raises the revision; an old number is kept in the history.
fn annotate(set: &mut ReplicaSet, deployment: &Deployment, revision: &str, exists: bool) {
    let theirs: BTreeMap<String, String> = deployment.metadata.annotations.clone().unwrap_or_default();
    let annotations = set.metadata.annotations.get_or_insert_default();
    for (key, value) in theirs {
        if !OWN.contains(&key.as_str()) {
            annotations.insert(key, value);
        }
    }
    let old = annotations.get(REVISION).cloned().unwrap_or_default();
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    if number(&old) < number(revision) {
        annotations.insert(REVISION.into(), revision.into());
        if exists && !old.is_empty() {
            let history = annotations.entry(HISTORY.into()).or_default();
            *history = remember(history, &old);
        }
    }
}

/// The history with one more number: at most two thousand characters of it, the oldest numbers go first.
fn remember(history: &str, number: &str) -> String {
    let mut kept: Vec<&str> = history.split(',').filter(|known| !known.is_empty()).collect();
    kept.push(number);
    while kept.len() > 1 && kept.iter().map(|known| known.len() + 1).sum::<usize>() > MAX_HISTORY + 1 {
        kept.remove(0);
    }
    kept.join(",")
}

fn without_hash(mut template: PodTemplateSpec) -> PodTemplateSpec {
    if let Some(labels) = template.metadata.as_mut().and_then(|meta| meta.labels.as_mut()) {
        labels.remove(HASH);
    }
    template
}
