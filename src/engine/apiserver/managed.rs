//! Field ownership: each write is remembered; `managedFields` is folded from that when somebody looks.
//!
//! Mirrors: apimachinery/pkg/util/managedfields.

use std::borrow::Cow;
use std::sync::Arc;

use api::patch::fieldset::Set;
use api::patch::{Manager, Managers, structured};
use api::{Kind, Object, Resource};
use serde_json::Value;

use super::ApiServer;
use super::handler::negotiate::from_storage;
use super::storage::{FieldWrite, Key, Ownership, Stored};

/// Remembers a write. Writes by one manager in a row share an entry, so that a status
/// updated a thousand times costs one.
pub(super) fn record(
    ownership: &mut Ownership,
    server: &ApiServer,
    manager: &Arc<str>,
    subresource: &'static str,
    before: Option<&Object>,
    after: &Object,
) {
    let last = ownership.pending.back();
    let api_version = match last {
        // A custom kind may be stored in another version than before.
        Some(last) if !matches!(after.kind(), Kind::Custom(_)) => last.api_version.clone(),
        _ => server.resource_of(after.kind()).api_version().into(),
    };
    let merged = last.filter(|last| {
        last.manager == *manager && last.subresource == subresource && last.before.is_some() == before.is_some()
    });
    let before = match merged {
        Some(last) => last.before.clone(),
        None => before.cloned(),
    };
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

/// The `managedFields` a client sees; null when nobody owns anything.
pub(super) fn fold(server: &ApiServer, ownership: &Ownership, kind: Kind) -> Value {
    fold_with(server, ownership, kind, &[])
}

/// As [`fold`], where some objects have been written out already, as clients read them.
fn fold_with(server: &ApiServer, ownership: &Ownership, kind: Kind, known: &[(&Object, &Value)]) -> Value {
    if ownership.pending.is_empty() {
        return (*ownership.folded).clone();
    }
    let resource = server.resource_of(kind);
    let schema = api::schema::for_kind(resource.group, resource.version, resource.kind_name);
    let value = |object: &Object| match known.iter().find(|(known, _)| known.is(object)) {
        Some((_, value)) => Cow::Borrowed(*value),
        None => {
            let mut value = object.to_value();
            if let Some(schema) = schema {
                api::schema::fill(schema, &mut value);
            }
            Cow::Owned(value)
        }
    };
    let manager = |write: &FieldWrite| Manager::update(&write.manager, &write.api_version, write.subresource);
    // What comes through a Scale loses its time on the way.
    let time = |write: &FieldWrite| match write.subresource {
        "scale" => String::new(),
        _ => api::meta::time::rfc3339((server.unix_millis() - server.now() + write.at) as i64),
    };
    // Most objects are new when somebody looks first.
    if let (Some(write), 1, Value::Null) = (ownership.pending.front(), ownership.pending.len(), &*ownership.folded)
        && write.before.is_none()
    {
        let ignored = reset_fields(&resource, write.subresource);
        return Managers::created(schema, &value(&write.after), manager(write), &ignored, time(write));
    }
    let mut managers = Managers::read(&ownership.folded);
    for write in &ownership.pending {
        // Accounts are kept from the creation on, or not at all until somebody applies.
        if write.before.is_some() && managers.is_empty() {
            continue;
        }
        let after = value(&write.after);
        let before = write.before.as_ref().map_or_else(|| Cow::Owned(structured::zero(schema)), value);
        let ignored = reset_fields(&resource, write.subresource);
        managers.update(schema, &before, &after, &manager(write), &ignored, &time(write));
    }
    if managers.is_empty() { Value::Null } else { managers.write() }
}

/// Whether a client sends the `managedFields` that wipe out everybody's claims: one empty entry.
pub(super) fn is_reset(managed_fields: &Value) -> bool {
    managed_fields.as_array().is_some_and(|list| list.len() == 1 && list[0].as_object().is_some_and(|m| m.is_empty()))
}

/// What an endpoint resets, and so gives to nobody: the status through the object, the spec through its status.
pub(super) fn reset_fields(resource: &api::Resource, subresource: &str) -> Set {
    let has_status = resource.subresources.iter().any(|sub| sub.name == "status");
    match subresource {
        "status" => Set::of(&["spec"]),
        _ if has_status => Set::of(&["status"]),
        _ => Set::new(),
    }
}

impl ApiServer {
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

    /// The stored object as clients of its storage version read it, settled; what has been written out
    /// `before` is not written out again.
    pub(super) fn settle_and_show(
        &mut self,
        resource: &Resource,
        key: &Key,
        before: Option<(&Object, &Value)>,
    ) -> Option<Value> {
        let Stored { object, mut ownership, .. } = self.store.get(key)?.clone();
        let mut value = from_storage(resource, object.to_value());
        if !ownership.pending.is_empty() {
            let known: Vec<_> = before.into_iter().chain([(&object, &value)]).collect();
            let folded = Arc::new(fold_with(self, &ownership, key.kind, &known));
            ownership = Ownership { folded, ..Ownership::default() };
            self.store.set_ownership(key, ownership.clone());
        }
        if !ownership.folded.is_null() {
            value["metadata"]["managedFields"] = (*ownership.folded).clone();
        }
        Some(value)
    }

    /// Folds once for all readers: what was pending becomes the base of the next fold.
    pub(super) fn settle_ownership(&mut self, key: &Key) {
        let Some(stored) = self.store.get(key) else { return };
        if stored.ownership.pending.is_empty() {
            return;
        }
        let folded = Arc::new(fold(self, &stored.ownership, key.kind));
        self.store.set_ownership(key, Ownership { folded, ..Ownership::default() });
    }
}
