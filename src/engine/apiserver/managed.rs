//! Field ownership: a creator owns what it asked for; each later write is remembered, and folded when somebody looks.
//!
//! Mirrors: apimachinery/pkg/util/managedfields.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use api::patch::fieldset::Set;
use api::patch::{Fields, Manager, Managers, structured};
use api::schema::Type;
use api::wire::Json;
use api::{Kind, Object, Resource};
use imbl::OrdMap;
use serde_json::Value;

use super::ApiServer;
use super::handler::negotiate::{shown, unwritten};
use super::storage::{FieldWrite, Key, Ownership, Stored};
use crate::sim::Millis;

/// Remembers a write. Writes by one manager in a row share an entry, so that a status
/// updated a thousand times costs one.
pub(super) fn record(
    ownership: &mut Ownership,
    server: &ApiServer,
    manager: &Arc<str>,
    subresource: &'static str,
    before: &Object,
    after: &Object,
) {
    let last = ownership.pending.back();
    let api_version = match last {
        // A custom kind may be stored in another version than before.
        Some(last) if !matches!(after.kind(), Kind::Custom(_)) => last.api_version.clone(),
        _ => server.resource_of(after.kind()).api_version().into(),
    };
    let merged = last.filter(|last| last.manager == *manager && last.subresource == subresource);
    let before = merged.map_or(before, |last| &last.before).clone();
    if merged.is_some() {
        ownership.pending.pop_back();
    }
    ownership.pending.push_back(Arc::new(FieldWrite {
        manager: manager.clone(),
        subresource,
        api_version,
        at: server.now(),
        before,
        after: after.clone(),
    }));
}

/// What a client `asked` for, if it differs from what is `written` in more than nobody owns:
/// most writes are remembered as the written object itself, without a copy of their own.
pub(super) fn apart(mut asked: Object, written: &Object) -> Option<Object> {
    if asked.is(written) || asked == *written {
        return None;
    }
    let (meta, known) = (asked.meta_mut(), written.meta());
    meta.name.clone_from(&known.name);
    meta.namespace.clone_from(&known.namespace);
    meta.uid.clone_from(&known.uid);
    meta.creation_timestamp.clone_from(&known.creation_timestamp);
    meta.generation = known.generation;
    meta.resource_version.clone_from(&known.resource_version);
    meta.managed_fields.clone_from(&known.managed_fields);
    (asked != *written).then_some(asked)
}

/// Who owns which field, by now.
pub(super) fn fold(server: &ApiServer, ownership: &Ownership, kind: Kind) -> Arc<Managers> {
    fold_with(server, ownership, kind, &[])
}

/// As [`fold`], where some objects have been written out already, as clients read them.
fn fold_with(server: &ApiServer, ownership: &Ownership, kind: Kind, known: &[(&Object, &Value)]) -> Arc<Managers> {
    let mut folded = ownership.folded.clone();
    if ownership.pending.is_empty() {
        return folded;
    }
    let resource = server.resource_of(kind);
    let schema = schema_of(&resource);
    let value = |object: &Object| match known.iter().find(|(known, _)| known.is(object)) {
        Some((_, value)) => Cow::Borrowed(*value),
        None => Cow::Owned(object.shown(schema)),
    };
    let managers = Arc::make_mut(&mut folded);
    for write in &ownership.pending {
        // Accounts are kept from the creation on, or not at all until somebody applies.
        if managers.is_empty() {
            break;
        }
        let manager = Manager::update(write.manager.clone(), write.api_version.clone(), write.subresource);
        // What comes through a Scale loses its time on the way.
        let time = if write.subresource == "scale" { String::new() } else { time(server, write.at) };
        let ignored = reset_fields(&resource, write.subresource);
        managers.update(schema, &value(&write.before), &value(&write.after), &manager, ignored, &time);
    }
    folded
}

fn schema_of(resource: &Resource) -> Option<&'static Type> {
    api::schema::for_kind(resource.group, resource.version, resource.kind_name)
}

/// An instant as entries of managedFields carry it.
fn time(server: &ApiServer, at: Millis) -> String {
    api::meta::time::rfc3339((server.unix_millis() - server.now() + at) as i64)
}

/// What creators own, by the outline of what they created: most objects are like others.
#[derive(Debug, Clone, Default)]
pub(super) struct Creators(OrdMap<(Kind, Vec<u8>), Arc<Fields>>);

/// As many outlines are remembered, and then none.
const MOST_OUTLINES: usize = 256;
/// Outlines that are longer are not: nobody creates many of those.
const LONGEST_OUTLINE: usize = 4_096;

impl Creators {
    /// The fields behind an outline, found out if nobody knows them.
    fn own(&mut self, kind: Kind, outline: Vec<u8>, find: impl FnOnce() -> Arc<Fields>) -> Arc<Fields> {
        let key = (kind, outline);
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let found = find();
        if key.1.len() <= LONGEST_OUTLINE {
            if self.0.len() >= MOST_OUTLINES {
                self.0.clear();
            }
            self.0.insert(key, found.clone());
        }
        found
    }
}

/// Whether a client sends the `managedFields` that wipe out everybody's claims: one empty entry.
pub(super) fn is_reset(managed_fields: &Value) -> bool {
    managed_fields.as_array().is_some_and(|list| list.len() == 1 && list[0].as_object().is_some_and(|m| m.is_empty()))
}

/// What an endpoint resets, and so gives to nobody: the status through the object, the spec through its status.
pub(super) fn reset_fields(resource: &Resource, subresource: &str) -> &'static Set {
    static RESET: LazyLock<[Set; 3]> = LazyLock::new(|| [Set::of(&["spec"]), Set::of(&["status"]), Set::new()]);
    let [spec, status, nothing] = &*RESET;
    let has_status = resource.subresources.iter().any(|sub| sub.name == "status");
    match subresource {
        "status" => spec,
        _ if has_status => status,
        _ => nothing,
    }
}

impl ApiServer {
    /// Who owns what of an object that is about to be created: what a client asked for is its creator's.
    pub(super) fn creator_owns(&mut self, resource: &Resource, manager: &Arc<str>, asked: &Object) -> Managers {
        let (schema, ignored) = (schema_of(resource), reset_fields(resource, ""));
        let mut outline = structured::outline(schema, |sink| asked.write(sink));
        // What is ignored is the same for all objects of a kind, except where a definition changes.
        outline.push(u8::from(ignored.is_empty()));
        let find = || Managers::created(schema, &asked.shown(schema), ignored);
        let fields = self.creators.own(resource.kind, outline, find);
        let manager = Manager::update(manager.clone(), resource.api_version(), "");
        Managers::of(manager, fields, time(self, self.now()))
    }

    /// As [`ApiServer::settle_ownership`], for a copy of what is stored, which is settled, too.
    pub(super) fn settle_ownership_of(&mut self, copy: &mut Stored) {
        let key = Key::of(&copy.object);
        self.settle_ownership(&key);
        // A copy of an older version has its own history.
        let current = self
            .store
            .get(&key)
            .filter(|stored| stored.object.meta().resource_version == copy.object.meta().resource_version);
        if let Some(current) = current {
            copy.ownership = current.ownership.clone();
        }
    }

    /// An object as clients of its storage version read it, settled, if it is what is stored. Who owns what
    /// is found out on trees: what has been written out `before` is not written out again, and its successor
    /// is kept as that was. Where nobody has to ask, as after a creation, nothing is written out at all.
    pub(super) fn settle_and_show(
        &mut self,
        resource: &Resource,
        object: &Object,
        before: Option<(&Object, &Value)>,
    ) -> Option<Json> {
        let key = Key::of(object);
        let Stored { ownership, .. } = self.store.get(&key).filter(|stored| stored.object.is(object))?;
        if ownership.pending.is_empty() && before.is_none() {
            return Some(unwritten(resource, object, ownership.folded.clone()));
        }
        let value = shown(resource, object);
        let known: Vec<_> = before.into_iter().chain([(object, &value)]).collect();
        let owners = fold_with(self, ownership, key.kind, &known);
        self.store.set_ownership(&key, Ownership { folded: owners.clone(), ..Ownership::default() });
        let shown = unwritten(resource, object, owners).with_bare(value);
        // Whoever patches an object has it read and written by others, too.
        if before.is_some() {
            self.store.set_wire(&key, shown.clone());
        }
        Some(shown)
    }

    /// Folds once for all readers: what was pending becomes the base of the next fold.
    pub(super) fn settle_ownership(&mut self, key: &Key) {
        let Some(stored) = self.store.get(key) else { return };
        if stored.ownership.pending.is_empty() {
            return;
        }
        let folded = fold(self, &stored.ownership, key.kind);
        self.store.set_ownership(key, Ownership { folded, ..Ownership::default() });
    }
}
