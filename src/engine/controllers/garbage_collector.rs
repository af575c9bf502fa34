//! The garbage collector: what nobody owns any more goes, and an owner waits for those who block it.
//!
//! Three ways to delete an owner: in the background (it goes, dependents follow), in the
//! foreground (dependents that block it go first), or orphaning (they stay, and forget it).
//! An owner is looked for in the dependent's namespace, by kind, name and UID. Nobody is deleted whose owner cannot
//! be looked for: because nobody serves its kind, or because it would need a namespace that the dependent has not.
//! Mirrors: pkg/controller/garbagecollector. Left out: the graph of what was heard of and not yet seen (reads here
//! never lag), and the detection of circles among foreground deletions.

use std::collections::{BTreeMap, BTreeSet};

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use api::{Kind, Object, Status};

use super::{Controller, Outcome, pod_control};
use crate::client::{
    Change, Context, DeleteOptions, EventOf, EventType, Key, Propagation, Recorder, Revision, WorkQueue,
};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

#[derive(Clone)]
pub struct GarbageCollector {
    recorder: Recorder,
    /// Dependents by the UID of each owner, controller or not.
    dependents: BTreeMap<String, BTreeSet<Key>>,
    /// Keys waiting in the queue, by their printed form.
    keys: BTreeMap<String, Key>,
    /// Dependents of owners whose kind nobody serves yet.
    unresolved: BTreeSet<Key>,
}

impl Default for GarbageCollector {
    fn default() -> Self {
        Self {
            recorder: Recorder::new("garbage-collector-controller", ""),
            dependents: BTreeMap::new(),
            keys: BTreeMap::new(),
            unresolved: BTreeSet::new(),
        }
    }
}

impl GarbageCollector {
    fn enqueue(&mut self, key: &Key, queue: &mut WorkQueue) {
        let text = format!("{:?}/{}/{}", key.kind, key.namespace, key.name);
        self.keys.insert(text.clone(), key.clone());
        queue.add(text);
    }

    /// Queues the owners that may have waited for an object.
    fn enqueue_owners(&mut self, news: &Revision, cx: &Context, queue: &mut WorkQueue) {
        let owners: Vec<Key> = owners(&news.object).filter_map(|owner| owner_key(cx, owner, &news.key).ok()).collect();
        for key in owners {
            self.enqueue(&key, queue);
        }
    }

    fn learn(&mut self, key: &Key, object: Option<&Object>, previous: Option<&Object>) {
        let uids = |object: Option<&Object>| -> BTreeSet<String> {
            object.into_iter().flat_map(owners).map(|owner| owner.uid.clone()).collect()
        };
        let (now, before) = (uids(object), uids(previous));
        for gone in before.difference(&now) {
            if let Some(set) = self.dependents.get_mut(gone) {
                set.remove(key);
                if set.is_empty() {
                    self.dependents.remove(gone);
                }
            }
        }
        for new in now.difference(&before) {
            self.dependents.entry(new.clone()).or_default().insert(key.clone());
        }
    }
}

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        if news.key.kind == Kind::Event {
            return;
        }
        if news.key.kind == Kind::CustomResourceDefinition {
            for key in std::mem::take(&mut self.unresolved) {
                self.enqueue(&key, queue);
            }
        }
        let deleted = news.change == Change::Deleted;
        let object = Some(&news.object).filter(|_| !deleted);
        self.learn(&news.key, object, news.previous.as_ref());
        if deleted {
            // Its dependents may be garbage now; its owners may have waited for it.
            for key in self.dependents.get(news.object.uid()).cloned().unwrap_or_default() {
                self.enqueue(&key, queue);
            }
            self.enqueue_owners(news, cx, queue);
            return;
        }
        let meta = news.object.meta();
        let is_news = news.previous.is_none()
            || owners(&news.object).next().is_some() && {
                let before = news.previous.as_ref().and_then(|old| old.meta().owner_references.clone());
                before != meta.owner_references
            };
        let leaving = meta.deletion_timestamp.is_some() && finalizers(&news.object).any(is_ours);
        if leaving || (is_news && owners(&news.object).next().is_some()) {
            self.enqueue(&news.key, queue);
        }
        // A dependent that no longer blocks may be what its owner waits for.
        if news.previous.is_some() && meta.deletion_timestamp.is_some() {
            self.enqueue_owners(news, cx, queue);
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        *self = Self::default();
        for kind in cx.api.stored_kinds() {
            if kind == Kind::Event {
                continue;
            }
            let objects: Vec<Object> = cx.api.list_objects(kind, "").cloned().collect();
            for object in objects {
                let key = Key::of(&object);
                self.learn(&key, Some(&object), None);
                let leaving = object.meta().deletion_timestamp.is_some();
                if leaving || owners(&object).next().is_some() {
                    self.enqueue(&key, queue);
                }
            }
        }
    }

    fn reconcile(&mut self, text: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(key) = self.keys.remove(text) else { return Ok(Outcome::Done) };
        let Some(object) = cx.api.get_object(key.kind, &key.namespace, &key.name).cloned() else {
            return Ok(Outcome::Done);
        };
        let result = self.process(&object, &key, cx);
        if result.is_err() {
            self.keys.insert(text.into(), key);
        }
        result.map(|()| Outcome::Done)
    }
}

impl GarbageCollector {
    fn process(&mut self, object: &Object, key: &Key, cx: &mut Context) -> Result<(), Status> {
        if object.meta().deletion_timestamp.is_some() {
            if finalizers(object).any(|finalizer| finalizer == ORPHAN) {
                return self.orphan_dependents(object, key, cx);
            }
            if finalizers(object).any(|finalizer| finalizer == FOREGROUND) {
                return self.foreground(object, key, cx);
            }
            return Ok(());
        }
        self.attempt_to_delete(object, key, cx)
    }

    /// Dependents forget their owner, then the owner may go.
    fn orphan_dependents(&mut self, owner: &Object, key: &Key, cx: &mut Context) -> Result<(), Status> {
        for dependent in self.dependents.get(owner.uid()).cloned().unwrap_or_default() {
            match pod_control::release(cx, owner.uid(), &dependent) {
                Err(status) if status.code != 404 => return Err(status),
                Ok(()) | Err(_) => {}
            }
        }
        drop_finalizer(cx, key, ORPHAN)
    }

    /// Blocking dependents are deleted first; with none left, the owner may go.
    fn foreground(&mut self, owner: &Object, key: &Key, cx: &mut Context) -> Result<(), Status> {
        let mut blocked = false;
        for dependent in self.dependents.get(owner.uid()).cloned().unwrap_or_default() {
            let Some(object) = cx.api.get_object(dependent.kind, &dependent.namespace, &dependent.name).cloned() else {
                continue;
            };
            let blocks = owners(&object)
                .any(|reference| reference.uid == owner.uid() && reference.block_owner_deletion == Some(true));
            blocked |= blocks;
            if object.meta().deletion_timestamp.is_none() {
                self.attempt_to_delete(&object, &dependent, cx)?;
            }
        }
        if blocked { Ok(()) } else { drop_finalizer(cx, key, FOREGROUND) }
    }

    /// Deletes an object none of whose owners is left; takes dead owners off one that has a live one.
    fn attempt_to_delete(&mut self, object: &Object, key: &Key, cx: &mut Context) -> Result<(), Status> {
        let (mut solid, mut waiting, mut dangling) = (0, Vec::new(), Vec::new());
        for owner in owners(object) {
            let there = match owner_key(cx, owner, key) {
                Ok(there) => there,
                Err(Unresolvable::Unserved) => {
                    self.unresolved.insert(key.clone());
                    return Ok(());
                }
                Err(Unresolvable::OutOfReach) => {
                    self.tell_of_strangers(object, owner, cx);
                    return Ok(());
                }
            };
            match cx.api.get_object(there.kind, &there.namespace, &there.name) {
                Some(found) if found.uid() == owner.uid => {
                    let leaving = found.meta().deletion_timestamp.is_some();
                    if leaving && finalizers(found).any(|finalizer| finalizer == FOREGROUND) {
                        waiting.push(owner.uid.clone());
                    } else {
                        solid += 1;
                    }
                }
                _ => {
                    self.tell_of_strangers(object, owner, cx);
                    dangling.push(owner.uid.clone());
                }
            }
        }
        if dangling.is_empty() && waiting.is_empty() {
            return Ok(());
        }
        if solid > 0 {
            let dead: Vec<String> = dangling.into_iter().chain(waiting).collect();
            return cx
                .api
                .patch_object(key, "", |object| {
                    if let Some(owners) = &mut object.meta_mut().owner_references {
                        owners.retain(|owner| !dead.contains(&owner.uid));
                    }
                })
                .map(|_| ());
        }
        let has_dependents = self.dependents.contains_key(object.uid());
        let policy = if !waiting.is_empty() && has_dependents {
            // Its owner goes in the foreground, and so does what it has itself.
            Propagation::Foreground
        } else if finalizers(object).any(|finalizer| finalizer == ORPHAN) {
            Propagation::Orphan
        } else if finalizers(object).any(|finalizer| finalizer == FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        let options =
            DeleteOptions { propagation: Some(policy), uid: Some(object.uid().into()), ..DeleteOptions::default() };
        match cx.api.delete(key, &options) {
            Err(status) if !matches!(status.code, 404 | 409) => Err(status),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// An owner that does exist, in another namespace, owns nothing here: that is told of whom it was to own.
    fn tell_of_strangers(&mut self, object: &Object, owner: &OwnerReference, cx: &mut Context) {
        let Some(kind) = cx.api.kind_of(&owner.api_version, &owner.kind) else { return };
        let stranger = cx.api.list_objects(kind, "").any(|found| found.uid() == owner.uid);
        if !stranger || !cx.api.resource_of(kind).namespaced {
            return;
        }
        let OwnerReference { api_version, kind, name, uid, .. } = owner;
        let namespace = object.namespace();
        let message = format!(
            "ownerRef [{api_version}/{kind}, namespace: {namespace}, name: {name}, uid: {uid}] does not exist in namespace {namespace:?}"
        );
        let of = EventOf::object(object);
        self.recorder.event(cx, &of, EventType::Warning, "OwnerRefInvalidNamespace", message);
    }
}

fn drop_finalizer(cx: &mut Context, key: &Key, finalizer: &str) -> Result<(), Status> {
    let result = cx.api.patch_object(key, "", |object| {
        let meta = object.meta_mut();
        if let Some(list) = &mut meta.finalizers {
            list.retain(|known| known != finalizer);
            if list.is_empty() {
                meta.finalizers = None;
            }
        }
    });
    match result {
        Err(status) if status.code != 404 => Err(status),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn owners(object: &Object) -> impl Iterator<Item = &OwnerReference> {
    object.meta().owner_references.iter().flatten()
}

fn finalizers(object: &Object) -> impl Iterator<Item = &str> {
    object.meta().finalizers.iter().flatten().map(String::as_str)
}

fn is_ours(finalizer: &str) -> bool {
    finalizer == ORPHAN || finalizer == FOREGROUND
}

/// Why an owner cannot be looked for.
enum Unresolvable {
    /// Nobody serves its kind.
    Unserved,
    /// It lives in a namespace, and the dependent does not.
    OutOfReach,
}

/// Where an owner would be: in the dependent's namespace, unless its kind has none.
fn owner_key(cx: &Context, owner: &OwnerReference, dependent: &Key) -> Result<Key, Unresolvable> {
    let kind = cx.api.kind_of(&owner.api_version, &owner.kind).ok_or(Unresolvable::Unserved)?;
    let namespaced = cx.api.resource_of(kind).namespaced;
    if namespaced && dependent.namespace.is_empty() {
        return Err(Unresolvable::OutOfReach);
    }
    Ok(Key::new(kind, if namespaced { &dependent.namespace } else { "" }, &owner.name))
}
