//! The garbage collector: what nobody owns any more goes, and an owner waits for those who block it.
//!
//! Three ways to delete an owner: in the background (it goes, dependents follow), in the
//! foreground (dependents that block it go first), or orphaning (they stay, and forget it).
//! Mirrors: pkg/controller/garbagecollector. Left out: the uncertainty graph; reads here never lag.

use std::collections::{BTreeMap, BTreeSet};

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use api::{Kind, Object, Status};

use super::{Controller, Outcome, pod_control};
use crate::client::{Change, Context, DeleteOptions, Key, Propagation, Revision, WorkQueue};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

#[derive(Clone, Default)]
pub struct GarbageCollector {
    /// Dependents by the UID of each owner, controller or not.
    dependents: BTreeMap<String, BTreeSet<Key>>,
    /// Keys waiting in the queue, by their printed form.
    keys: BTreeMap<String, Key>,
}

impl GarbageCollector {
    fn enqueue(&mut self, key: &Key, queue: &mut WorkQueue) {
        let text = format!("{:?}/{}/{}", key.kind, key.namespace, key.name);
        self.keys.insert(text.clone(), key.clone());
        queue.add(text);
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
        let deleted = news.change == Change::Deleted;
        let object = Some(&news.object).filter(|_| !deleted);
        self.learn(&news.key, object, news.previous.as_ref());
        if deleted {
            // Its dependents may be garbage now; its owners may have waited for it.
            for key in self.dependents.get(news.object.uid()).cloned().unwrap_or_default() {
                self.enqueue(&key, queue);
            }
            let waiting: Vec<Key> = owners(&news.object).map(|owner| owner_key(cx, owner, &news.key)).collect();
            for key in waiting {
                self.enqueue(&key, queue);
            }
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
            let waiting: Vec<Key> = owners(&news.object).map(|owner| owner_key(cx, owner, &news.key)).collect();
            for key in waiting {
                self.enqueue(&key, queue);
            }
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
        attempt_to_delete(object, key, cx)
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
                attempt_to_delete(&object, &dependent, cx)?;
            }
        }
        if blocked { Ok(()) } else { drop_finalizer(cx, key, FOREGROUND) }
    }
}

/// Deletes an object none of whose owners is left; takes dead owners off one that has a live one.
fn attempt_to_delete(object: &Object, key: &Key, cx: &mut Context) -> Result<(), Status> {
    let (mut solid, mut waiting, mut dangling) = (0, Vec::new(), Vec::new());
    for owner in owners(object) {
        let there = owner_key(cx, owner, key);
        match cx.api.get_object(there.kind, &there.namespace, &there.name) {
            Some(found) if found.uid() == owner.uid => {
                let leaving = found.meta().deletion_timestamp.is_some();
                if leaving && finalizers(found).any(|finalizer| finalizer == FOREGROUND) {
                    waiting.push(owner.uid.clone());
                } else {
                    solid += 1;
                }
            }
            _ => dangling.push(owner.uid.clone()),
        }
    }
    if solid == 0 && waiting.is_empty() && dangling.is_empty() {
        return Ok(());
    }
    if solid > 0 {
        if dangling.is_empty() && waiting.is_empty() {
            return Ok(());
        }
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
    // The owner is deleted in the foreground: so is what it waits for, if that has dependents of its own.
    let policy = if !waiting.is_empty() {
        Propagation::Foreground
    } else if finalizers(object).any(|finalizer| finalizer == ORPHAN) {
        Propagation::Orphan
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

/// Where an owner would be: in the dependent's namespace, unless its kind has none.
fn owner_key(cx: &Context, owner: &OwnerReference, dependent: &Key) -> Key {
    let kind = cx.api.kind_of(&owner.api_version, &owner.kind);
    let namespaced = kind.is_none_or(|kind| cx.api.resource_of(kind).namespaced);
    let namespace = if namespaced { &*dependent.namespace } else { "" };
    // A kind nobody serves owns nothing that can be found.
    Key::new(kind.unwrap_or(Kind::ComponentStatus), namespace, &owner.name)
}
