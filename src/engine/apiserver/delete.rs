//! Deletion: preconditions, grace, finalizers and propagation, and when an object is really gone.
//!
//! Mirrors: apiserver/pkg/registry/generic/registry/store.go `Delete`, rest/delete.go.

use std::sync::Arc;

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::status::Details;
use api::{Kind, Object, Status};

use super::admission;
use super::audit::{AuditVerb, Detail};
use super::operations::seconds;
use super::storage::{Key, Stored};
use super::{ApiServer, Identity, registry};

/// What happens to an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeleteOptions {
    pub grace_period_seconds: Option<i64>,
    pub propagation: Option<Propagation>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub dry_run: bool,
}

/// What a deletion came to.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// The object as it was last, or as it now waits to go.
    pub object: Object,
    /// Gone from the store, not only marked.
    pub gone: bool,
}

impl ApiServer {
    /// Deletes an object, or marks it where somebody must finish first.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` on a failed precondition, `Forbidden` for protected namespaces.
    pub fn delete(&mut self, who: &Identity, key: &Key, options: &DeleteOptions) -> Result<Deleted, Status> {
        let result = self.delete_inner(who, key, options);
        if !options.dry_run {
            let code = result.as_ref().map_or_else(|status| status.code, |_| 200);
            let summary = match &result {
                Ok(deleted) if !deleted.gone => "marked for deletion".into(),
                _ => String::new(),
            };
            self.audit.keep(|| Some(Detail::Deleted(options.clone())));
            self.record(who, AuditVerb::Delete, key.kind, "", &key.namespace, &key.name, code, summary);
        }
        result
    }

    /// Deletes those of a kind in a namespace that are meant, in one request. Answers how many objects that concerned.
    ///
    /// # Errors
    /// The first refusal; one that another has just deleted is none.
    pub fn delete_collection(
        &mut self,
        who: &Identity,
        kind: Kind,
        namespace: &str,
        meant: impl Fn(&Object) -> bool,
        options: &DeleteOptions,
    ) -> Result<usize, Status> {
        let all = self.store.list(kind, namespace).filter(|(_, stored)| meant(&stored.object));
        let keys: Vec<Key> = all.map(|(key, _)| key.clone()).collect();
        self.delete_all(who, kind, namespace, &keys, options)?;
        Ok(keys.len())
    }

    /// As [`ApiServer::delete_collection`], for what a selection found.
    pub(super) fn delete_all(
        &mut self,
        who: &Identity,
        kind: Kind,
        namespace: &str,
        keys: &[Key],
        options: &DeleteOptions,
    ) -> Result<(), Status> {
        let refused = keys.iter().find_map(|key| {
            let result = self.delete_inner(who, key, options);
            result.err().filter(|status| status.code != 404)
        });
        if !options.dry_run {
            let code = refused.as_ref().map_or(200, |status| status.code);
            let summary = if keys.is_empty() { String::new() } else { format!("{} objects", keys.len()) };
            self.audit.keep(|| Some(Detail::Deleted(options.clone())));
            self.record(who, AuditVerb::DeleteCollection, kind, "", namespace, "", code, summary);
        }
        refused.map_or(Ok(()), Err)
    }

    pub(super) fn delete_inner(
        &mut self,
        who: &Identity,
        key: &Key,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let resource = self.resource_of(key.kind);
        let old = self.require(key)?.clone();
        self.check_preconditions(&resource, &old, options)?;
        if key.kind == Kind::Namespace && admission::IMMORTAL.contains(&&*key.name) {
            return Err(Status::forbidden(&resource, &key.name, "this namespace may not be deleted"));
        }
        if key.kind == Kind::Namespace {
            return Ok(self.delete_namespace(who, key, old, options.dry_run));
        }
        if key.kind == Kind::CustomResourceDefinition && !options.dry_run {
            let object = self.delete_definition(who, key, &old);
            return Ok(Deleted { object, gone: false });
        }
        let strategy = registry::strategy(key.kind);
        let grace = strategy.grace_period(&old, options.grace_period_seconds);
        let mut object = old.clone();
        let finalizers = finalizers_after(&old, options.propagation, strategy.orphans_by_default());
        if object.meta().finalizers.clone().unwrap_or_default() != finalizers {
            object.meta_mut().finalizers = Some(finalizers.clone()).filter(|list| !list.is_empty());
        }

        if let Some(already) = old.meta().deletion_timestamp.clone() {
            // A second deletion may only shorten the wait.
            let left = old.meta().deletion_grace_period_seconds.unwrap_or(0);
            let asked = grace.unwrap_or(0);
            let shortens = grace.is_some() && left > 0 && asked < left;
            if !shortens {
                if grace.is_some_and(|grace| grace > 0) || !finalizers.is_empty() {
                    let changed = object != old;
                    if changed && !options.dry_run {
                        self.store_marked(who, &mut object);
                    }
                    return Ok(Deleted { object, gone: false });
                }
            } else {
                let until = already.0.as_second() - left + asked;
                let meta = object.meta_mut();
                meta.deletion_grace_period_seconds = Some(asked);
                meta.deletion_timestamp = Some(Time(seconds(until.max(0) as u64 * 1000)));
            }
        }
        let grace_now = grace.unwrap_or(0);
        if grace_now == 0 && finalizers.is_empty() {
            object.meta_mut().deletion_grace_period_seconds =
                if grace.is_some() { Some(0) } else { old.meta().deletion_grace_period_seconds };
            if grace.is_some() {
                self.mark_without_grace(who, &mut object, &old, options.dry_run);
            }
            if !options.dry_run {
                object.meta_mut().resource_version = Some(self.store.next_version().to_string());
                self.remove(who, key, object.clone());
            }
            return Ok(Deleted { object, gone: true });
        }
        let now = self.unix_millis();
        let meta = object.meta_mut();
        if meta.deletion_timestamp.is_none() {
            meta.deletion_timestamp = Some(Time(seconds(now + grace_now as u64 * 1000)));
            meta.deletion_grace_period_seconds = Some(grace_now);
            if let Some(generation) = meta.generation.filter(|generation| *generation > 0) {
                meta.generation = Some(generation + 1);
            }
        }
        if object != old && !options.dry_run {
            self.store_marked(who, &mut object);
        }
        Ok(Deleted { object, gone: false })
    }

    /// A kind that is deleted gracefully is marked even when there is no grace: watchers see both writes.
    fn mark_without_grace(&mut self, who: &Identity, object: &mut Object, old: &Object, dry_run: bool) {
        let now = self.unix_millis();
        let meta = object.meta_mut();
        if meta.deletion_timestamp.is_none() {
            meta.deletion_timestamp = Some(Time(seconds(now)));
            if let Some(generation) = meta.generation.filter(|generation| *generation > 0) {
                meta.generation = Some(generation + 1);
            }
        }
        if *object != *old && !dry_run {
            self.store_marked(who, object);
        }
    }

    /// First the phase, then (by the namespace controller) the content, then the name.
    fn delete_namespace(&mut self, who: &Identity, key: &Key, old: Object, dry_run: bool) -> Deleted {
        let mut object = old.clone();
        let now = self.unix_millis();
        if let Object::Namespace(namespace) = &mut object
            && namespace.metadata.deletion_timestamp.is_none()
        {
            let namespace = Arc::make_mut(namespace);
            namespace.metadata.deletion_timestamp = Some(Time(seconds(now)));
            namespace.status.get_or_insert_default().phase = Some("Terminating".into());
        }
        let gone = registry::strategy(Kind::Namespace).deleted_by_update(&object);
        if !dry_run {
            if gone {
                self.remove(who, key, object.clone());
            } else if object != old {
                self.store_marked(who, &mut object);
            }
        }
        Deleted { object, gone }
    }

    pub(super) fn store_marked(&mut self, who: &Identity, object: &mut Object) {
        object.meta_mut().resource_version = Some(self.store.next_version().to_string());
        let key = Key::of(object);
        let ownership = self.store.get(&key).map(|stored| stored.ownership.clone()).unwrap_or_default();
        self.commit(Stored::new(object.clone(), ownership), who);
    }

    pub(super) fn check_preconditions(
        &self,
        resource: &api::Resource,
        old: &Object,
        options: &DeleteOptions,
    ) -> Result<(), Status> {
        // Upstream puts the kind where the resource belongs.
        let resource = &api::Resource { plural: resource.kind_name, ..*resource };
        if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != old.uid()) {
            return Err(Status::conflict(
                resource,
                old.name(),
                &format!(
                    "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                    old.uid()
                ),
            ));
        }
        let version = old.meta().resource_version.clone().unwrap_or_default();
        if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
            return Err(Status::conflict(
                resource,
                old.name(),
                &format!(
                    "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
                ),
            ));
        }
        Ok(())
    }
}

/// `orphan` and `foregroundDeletion` follow the policy; everybody else's finalizers stay.
fn finalizers_after(object: &Object, propagation: Option<Propagation>, orphans: bool) -> Vec<String> {
    const ORPHAN: &str = "orphan";
    const FOREGROUND: &str = "foregroundDeletion";
    let mut list = object.meta().finalizers.clone().unwrap_or_default();
    let chosen = match propagation {
        Some(chosen) => chosen,
        // Without a word from the client, what a finalizer already says stands.
        None if list.iter().any(|f| f == ORPHAN) => Propagation::Orphan,
        None if list.iter().any(|f| f == FOREGROUND) => Propagation::Foreground,
        None if orphans => Propagation::Orphan,
        None => Propagation::Background,
    };
    list.retain(|finalizer| finalizer != ORPHAN && finalizer != FOREGROUND);
    match chosen {
        Propagation::Orphan => list.push(ORPHAN.into()),
        Propagation::Foreground => list.push(FOREGROUND.into()),
        Propagation::Background => {}
    }
    list
}

/// The details of a successful deletion's Status.
pub(super) fn success_details(resource: &api::Resource, object: &Object) -> Details {
    Details {
        name: object.name().into(),
        group: resource.group.into(),
        kind: resource.plural.into(),
        uid: object.uid().into(),
        ..Details::default()
    }
}
