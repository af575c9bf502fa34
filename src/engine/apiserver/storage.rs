//! The store: etcd's promises (one revision counter, optimistic writes, an ordered log) on persistent maps.
//!
//! PRIVATE to the API server. Cloning a store costs a few pointers, which is what
//! checkpoints, list-at-a-revision and the page's snapshots stand on.
//! Mirrors: apiserver/pkg/storage/etcd3.

mod agree;
mod key;
mod lease;

use std::sync::Arc;

use api::patch::Managers;
use api::wire::{Json, WeakJson};
use api::{Kind, Object};
use imbl::{OrdMap, Vector};

pub use key::Key;
use key::{Place, from};

use crate::sim::Millis;

/// An object with what the API server keeps beside it.
#[derive(Debug, Clone)]
pub struct Stored {
    pub object: Object,
    pub ownership: Ownership,
    /// As clients read it, once somebody has.
    pub wire: Option<Json>,
}

impl Stored {
    pub fn new(object: Object, ownership: Ownership) -> Self {
        Self { object, ownership, wire: None }
    }
}

/// Who owns which field. What later writes change about it is kept as the writes themselves, and
/// folded only when somebody reads or applies.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    /// `managedFields` up to the last fold.
    pub folded: Arc<Managers>,
    pub pending: Vector<Arc<FieldWrite>>,
}

impl From<Managers> for Ownership {
    fn from(managers: Managers) -> Self {
        Self { folded: Arc::new(managers), pending: Vector::new() }
    }
}

/// One write as field ownership sees it.
#[derive(Debug, Clone)]
pub struct FieldWrite {
    pub manager: Arc<str>,
    pub subresource: &'static str,
    pub api_version: Arc<str>,
    pub at: Millis,
    pub before: Object,
    pub after: Object,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

/// One committed write.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The resourceVersion this write produced.
    pub version: u64,
    pub key: Key,
    pub change: Change,
    /// After the write; for a deletion the last state, carrying the deletion's version.
    pub object: Object,
    /// Before the write; `None` for a creation.
    pub previous: Option<Object>,
    /// Who owned which field of `object`, and of `previous`.
    pub ownership: Ownership,
    pub previous_ownership: Ownership,
    pub at: Millis,
    /// Who wrote: `kube-scheduler`, `kubectl-client-side-apply`, …
    pub writer: Arc<str>,
}

#[derive(Debug, Clone)]
pub struct Store {
    version: u64,
    objects: OrdMap<Key, Stored>,
    /// Live objects by the UID of their controller, then by key.
    owned: Index,
    /// Live objects that have no controller, of the kinds somebody may adopt.
    orphans: OrdMap<Key, Object>,
    /// Pods by the node they are bound to.
    placed: Index,
    log: Vector<Arc<Revision>>,
    leases: lease::Leases,
    /// Who carries a wire form, in the order in which they were read; some carry another by now.
    read: Vector<(Key, WeakJson)>,
    /// Versions up to here are no longer in the log.
    compacted: u64,
}

/// Objects by something they name. They are here themselves, not their keys: a controller walks
/// hundreds of them at a time, and a search for each would be most of its work.
type Index = OrdMap<Arc<str>, OrdMap<Key, Object>>;

/// How many writes the log remembers: more than a watcher in this process ever lags behind.
const LOG_LIMIT: usize = 5_000;
/// How many objects keep the form in which they were read last.
const WIRE_LIMIT: usize = 5_000;

impl Default for Store {
    fn default() -> Self {
        Self {
            version: 1,
            objects: OrdMap::new(),
            owned: OrdMap::new(),
            orphans: OrdMap::new(),
            placed: OrdMap::new(),
            log: Vector::new(),
            leases: lease::Leases::default(),
            read: Vector::new(),
            compacted: 1,
        }
    }
}

impl Store {
    /// The version of the newest write.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    pub fn get(&self, key: &Key) -> Option<&Stored> {
        self.objects.get(key)
    }

    /// As [`Store::get`], by the parts of a key.
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Stored> {
        self.objects.get::<dyn Place + '_>(&(kind, namespace, name))
    }

    /// All objects of a kind, in list order; an empty namespace means all of them.
    pub fn list(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = (&Key, &Stored)> {
        let all = namespace.is_empty();
        let here = move |key: &Key| key.kind == kind && (all || *key.namespace == *namespace);
        self.objects.range::<_, dyn Place + '_>(from(&(kind, namespace, ""))).take_while(move |(key, _)| here(key))
    }

    /// Replaces what is known of an object's field owners; no write, nobody is told.
    pub fn set_ownership(&mut self, key: &Key, ownership: Ownership) {
        if let Some(stored) = self.objects.get_mut(key) {
            stored.ownership = ownership;
            stored.wire = None;
        }
    }

    /// Keeps the form in which an object was read, until it is written or many others were read.
    pub fn set_wire(&mut self, key: &Key, wire: Json) {
        let Some(stored) = self.objects.get_mut(key) else { return };
        self.read.push_back((key.clone(), wire.downgrade()));
        stored.wire = Some(wire);
        if self.read.len() > WIRE_LIMIT
            && let Some((oldest, wire)) = self.read.pop_front()
            && let Some(stored) = self.objects.get_mut(&oldest)
        {
            stored.wire.take_if(|kept| wire.knows(kept));
        }
    }

    /// Objects whose controller is `uid`, in key order.
    pub fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.owned.get(uid).into_iter().flat_map(OrdMap::values)
    }

    /// Objects of an adoptable kind without a controller, in key order.
    pub fn orphans(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        let here = move |key: &Key| key.kind == kind && *key.namespace == *namespace;
        self.orphans
            .range::<_, dyn Place + '_>(from(&(kind, namespace, "")))
            .take_while(move |(key, _)| here(key))
            .map(|(_, object)| object)
    }

    /// Pods bound to `node`, in key order.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Object> {
        self.placed.get(node).into_iter().flat_map(OrdMap::values)
    }

    /// The next version, for stamping an object before [`Store::put`].
    pub fn next_version(&self) -> u64 {
        self.version + 1
    }

    /// Commits a creation or an update. The object must carry [`Store::next_version`].
    pub fn put(&mut self, stored: Stored, at: Millis, writer: Arc<str>) -> Arc<Revision> {
        let key = Key::of(&stored.object);
        let (previous, previous_ownership) = match self.objects.get(&key) {
            Some(old) => (Some(old.object.clone()), old.ownership.clone()),
            None => (None, Ownership::default()),
        };
        if let Some(previous) = &previous {
            self.unindex(&key, previous, Some(&stored.object));
        }
        self.index(&key, &stored.object);
        self.version += 1;
        let revision = Arc::new(Revision {
            version: self.version,
            key: key.clone(),
            change: if previous.is_some() { Change::Modified } else { Change::Added },
            object: stored.object.clone(),
            previous,
            ownership: stored.ownership.clone(),
            previous_ownership,
            at,
            writer,
        });
        self.leases.grant(&key, self.version, at);
        self.objects.insert(key, stored);
        self.remember(revision.clone());
        revision
    }

    /// Commits a deletion; `last` is what watchers see, carrying [`Store::next_version`].
    pub fn remove(&mut self, key: &Key, last: Object, at: Millis, writer: Arc<str>) -> Option<Arc<Revision>> {
        let old = self.objects.remove(key)?;
        self.unindex(key, &old.object, None);
        self.version += 1;
        let revision = Arc::new(Revision {
            version: self.version,
            key: key.clone(),
            change: Change::Deleted,
            object: last,
            previous: Some(old.object),
            ownership: old.ownership.clone(),
            previous_ownership: old.ownership,
            at,
            writer,
        });
        self.remember(revision.clone());
        Some(revision)
    }

    /// Removes what was not written again in time.
    pub fn expire(&mut self, now: Millis, writer: &Arc<str>) {
        while let Some((key, version)) = self.leases.next_ended(now) {
            let Some(stored) = self.objects.get(&key) else { continue };
            let mut last = stored.object.clone();
            if last.meta().resource_version.as_deref() == Some(&*version.to_string()) {
                last.meta_mut().resource_version = Some(self.next_version().to_string());
                self.remove(&key, last, now, writer.clone());
            }
        }
    }

    /// Every write after `since`, oldest first; `None` when `since` was compacted away.
    pub fn since(&self, since: u64) -> Option<impl Iterator<Item = &Arc<Revision>>> {
        if since < self.compacted {
            return None;
        }
        // Versions in the log are consecutive, so the position is arithmetic.
        let first = self.log.front().map_or(self.version + 1, |revision| revision.version);
        let skip = (since + 1).saturating_sub(first) as usize;
        // By index: skipping walks over everything that is skipped.
        Some((skip..self.log.len()).filter_map(|at| self.log.get(at)))
    }

    /// The store as it was at `version`; `None` when that is compacted away or in the future.
    pub fn at(&self, version: u64) -> Option<Store> {
        if version > self.version || version < self.compacted {
            return None;
        }
        let mut past = self.clone();
        for revision in self.log.iter().rev().take_while(|revision| revision.version > version) {
            match &revision.previous {
                Some(previous) => {
                    let ownership = revision.previous_ownership.clone();
                    past.objects.insert(revision.key.clone(), Stored::new(previous.clone(), ownership));
                }
                None => {
                    past.objects.remove(&revision.key);
                }
            }
        }
        past.version = version;
        Some(past)
    }

    /// Forgets the log up to `version`, as etcd's compaction does.
    pub fn compact(&mut self, version: u64) {
        while self.log.front().is_some_and(|revision| revision.version <= version) {
            self.log.pop_front();
        }
        self.compacted = self.compacted.max(version);
    }

    fn remember(&mut self, revision: Arc<Revision>) {
        self.log.push_back(revision);
        if self.log.len() > LOG_LIMIT
            && let Some(oldest) = self.log.front().map(|revision| revision.version)
        {
            self.compact(oldest);
        }
    }

    /// Enters an object everywhere it belongs, or replaces what stands there under its key.
    fn index(&mut self, key: &Key, object: &Object) {
        if let Some(owner) = controller_uid(object) {
            enter(&mut self.owned, owner, key, object);
        } else if is_adoptable(key.kind) {
            self.orphans.insert(key.clone(), object.clone());
        }
        if let Some(node) = node_of(object) {
            enter(&mut self.placed, node, key, object);
        }
    }

    /// Strikes an object from where its successor, if there is one, does not belong.
    fn unindex(&mut self, key: &Key, object: &Object, next: Option<&Object>) {
        let (owner, new_owner) = (controller_uid(object), next.and_then(controller_uid));
        if let Some(owner) = owner.filter(|_| owner != new_owner) {
            strike(&mut self.owned, owner, key);
        }
        if owner.is_none() && (next.is_none() || new_owner.is_some()) {
            self.orphans.remove(key);
        }
        if let Some(node) = node_of(object)
            && next.and_then(node_of) != Some(node)
        {
            strike(&mut self.placed, node, key);
        }
    }
}

fn enter(index: &mut Index, value: &str, key: &Key, object: &Object) {
    match index.get_mut(value) {
        Some(objects) => drop(objects.insert(key.clone(), object.clone())),
        None => drop(index.insert(value.into(), OrdMap::unit(key.clone(), object.clone()))),
    }
}

fn strike(index: &mut Index, value: &str, key: &Key) {
    if let Some(objects) = index.get_mut(value) {
        objects.remove(key);
        if objects.is_empty() {
            index.remove(value);
        }
    }
}

/// Kinds that a controller takes over when their labels match.
const fn is_adoptable(kind: Kind) -> bool {
    matches!(kind, Kind::Pod | Kind::ReplicaSet | Kind::ControllerRevision)
}

fn controller_uid(object: &Object) -> Option<&str> {
    let owners = object.meta().owner_references.as_ref()?;
    owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str())
}

fn node_of(object: &Object) -> Option<&str> {
    let Object::Pod(pod) = object else { return None };
    pod.spec.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())
}

#[cfg(test)]
mod tests;
