//! Create and update: the life of one write, typed. The HTTP handler and the components both end here.
//!
//! Mirrors: apiserver/pkg/registry/generic/registry/store.go, rest/create.go, rest/update.go.

use std::sync::Arc;

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::patch::Managers;
use api::{Object, Status, defaults, validation};

use super::admission::{self, Attributes, Operation};
use super::audit::{Audit, AuditVerb, Detail};
use super::storage::{Key, Ownership, Stored};
use super::{ApiServer, Identity, managed, registry};

/// How a write is to be carried out.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    pub dry_run: bool,
    /// Overrides the identity's field manager.
    pub manager: Option<Arc<str>>,
    /// `status`, `scale`, …; empty for the object itself.
    pub subresource: &'static str,
    /// Filled with the texts for `Warning` headers.
    pub warnings: Vec<String>,
    /// The write is a PATCH in the audit log.
    pub patch: bool,
    /// An apply has decided already who owns what: `managedFields` after the write.
    pub ownership: Option<Managers>,
    /// The `managedFields` that the client sends, where it means to change them.
    pub managed_fields: serde_json::Value,
    /// Filled by a dry run: who would own what.
    pub(super) preview: Option<Ownership>,
}

impl WriteOptions {
    /// A write to a subresource.
    pub fn on(subresource: &'static str) -> Self {
        Self { subresource, ..Self::default() }
    }
}

impl ApiServer {
    /// Stores a new object.
    ///
    /// # Errors
    /// `AlreadyExists`, `Invalid` with every cause, `Forbidden` from admission, `NotFound` for its namespace.
    pub fn create(&mut self, who: &Identity, object: Object, options: &mut WriteOptions) -> Result<Object, Status> {
        let kind = object.kind();
        let (namespace, asked) = (object.namespace().to_string(), object.name().to_string());
        let allocations = (kind == api::Kind::Service).then(|| self.allocations.clone());
        let result = self.create_inner(who, object, options);
        self.keep_allocations(allocations, result.is_ok() && !options.dry_run);
        let (name, code) = match &result {
            Ok(created) => (created.name().to_string(), 201),
            Err(status) => (asked, status.code),
        };
        if !options.dry_run {
            let summary = result.as_ref().map(|o| registry::summary(o, None)).unwrap_or_default();
            self.audit.keep(|| result.as_ref().ok().map(|new| Detail::Written { old: None, new: new.clone() }));
            self.record(who, AuditVerb::Create, kind, "", &namespace, &name, code, summary);
            self.follow_address(None, result.as_ref().ok());
        }
        result
    }

    fn create_inner(
        &mut self,
        who: &Identity,
        mut object: Object,
        options: &mut WriteOptions,
    ) -> Result<Object, Status> {
        let kind = object.kind();
        let resource = self.resource_of(kind);
        let strategy = registry::strategy(kind);

        wipe_system_fields(&mut object);
        defaults::apply(&mut object);
        self.default_custom(&mut object);
        // What is filled in from here on (service account, cluster IP, job labels) nobody owns.
        let manager = options.manager.clone().unwrap_or_else(|| who.manager.clone());
        let ownership = match options.ownership.take() {
            Some(decided) => decided,
            None => self.creator_owns(&resource, &manager, &object),
        };
        admission::mutate(
            self,
            &mut object,
            &Attributes { who, operation: Operation::Create, old: None, subresource: "" },
        )?;

        let (unix, uid) = (self.unix_millis(), self.uids.uuid());
        let meta = object.meta_mut();
        meta.uid = Some(uid);
        meta.creation_timestamp = Some(Time(seconds(unix)));
        let generated = meta.name.as_deref().unwrap_or_default().is_empty()
            && meta.generate_name.as_deref().is_some_and(|base| !base.is_empty());
        strategy.prepare_for_create(&mut object);
        strategy.stamp(&mut object, None, &Time(seconds(unix)));
        self.prepare_custom(&mut object, None, "");
        if generated {
            self.generate_name(&mut object);
        }
        // Addresses and ports come before validation: a wrong one is all that is reported.
        self.allocate(&mut object, None)?;

        let mut errors = validation::create(&object);
        errors.extend(self.validate_custom(&object, None, ""));
        if !errors.is_empty() {
            return Err(Status::invalid(resource.kind_name, resource.group, object.name(), &errors));
        }
        options.warnings.extend(validation::warnings(&object, None));
        if object.meta().resource_version.as_deref().is_some_and(|version| !version.is_empty()) {
            return Err(Status::failure(500, "", "resourceVersion should not be set on objects to be created"));
        }
        admission::validate(
            self,
            &object,
            &Attributes { who, operation: Operation::Create, old: None, subresource: "" },
            options,
        )?;
        let key = Key::of(&object);
        if let Some(existing) = self.store.get(&key) {
            let mut status = Status::already_exists(&resource, object.name());
            if existing.object.meta().deletion_timestamp.is_some() {
                status.message = format!("object is being deleted: {}", status.message);
            }
            return Err(status);
        }
        let ownership = Ownership::from(ownership);
        if options.dry_run {
            options.preview = Some(ownership);
            return Ok(object);
        }
        object.meta_mut().resource_version = Some(self.store.next_version().to_string());
        if kind == api::Kind::CustomResourceDefinition {
            // Its status is written right away; the answer shows the definition as it was born.
            options.preview = Some(ownership.clone());
        }
        self.commit(Stored::new(object.clone(), ownership), who);
        self.after_write(&object, None);
        Ok(object)
    }

    /// Replaces an object, or one subresource of it. The object's resourceVersion, where it
    /// carries one, must be the stored one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Invalid`, `Forbidden`.
    pub fn update(&mut self, who: &Identity, object: Object, options: &mut WriteOptions) -> Result<Object, Status> {
        let key = Key::of(&object);
        let old = self.store.get(&key).map(|stored| stored.object.clone());
        let result = match old.clone() {
            Some(old) => self.guarded_update(who, object, old, options, true),
            None => Err(Status::not_found(&self.resource_of(key.kind), &key.name)),
        };
        self.record_update(who, &key, old.as_ref(), &result, options);
        result
    }

    /// Reads, changes and writes in one instant: no conflict is possible.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Forbidden`, and whatever `change` answers.
    pub fn modify(
        &mut self,
        who: &Identity,
        key: &Key,
        options: &mut WriteOptions,
        change: impl FnOnce(&mut Object) -> Result<(), Status>,
    ) -> Result<Object, Status> {
        let old = self.require(key)?.clone();
        let mut object = old.clone();
        let result = change(&mut object).and_then(|()| self.guarded_update(who, object, old.clone(), options, false));
        self.record_update(who, key, Some(&old), &result, options);
        result
    }

    /// An update that fails gives back what it allocated.
    pub(super) fn guarded_update(
        &mut self,
        who: &Identity,
        object: Object,
        old: Object,
        options: &mut WriteOptions,
        locked: bool,
    ) -> Result<Object, Status> {
        let allocations = matches!(object, Object::Service(_)).then(|| self.allocations.clone());
        let result = self.update_inner(who, object, old, options, locked);
        self.keep_allocations(allocations, result.is_ok() && !options.dry_run);
        result
    }

    fn keep_allocations(&mut self, before: Option<registry::service::Allocations>, keep: bool) {
        if let Some(before) = before.filter(|_| !keep) {
            self.allocations = before;
        }
    }

    fn record_update(
        &mut self,
        who: &Identity,
        key: &Key,
        old: Option<&Object>,
        result: &Result<Object, Status>,
        options: &WriteOptions,
    ) {
        if options.dry_run {
            return;
        }
        let verb = if options.patch { AuditVerb::Patch } else { AuditVerb::Update };
        let (code, summary) = match result {
            Ok(new) => (200, registry::summary(new, old)),
            Err(status) => (status.code, String::new()),
        };
        self.audit.keep(|| {
            let new = result.as_ref().ok()?.clone();
            Some(Detail::Written { old: old.cloned(), new })
        });
        self.record(who, verb, key.kind, options.subresource, &key.namespace, &key.name, code, summary);
        if let Ok(new) = result {
            self.follow_address(old, Some(new));
        }
    }

    fn update_inner(
        &mut self,
        who: &Identity,
        mut object: Object,
        old: Object,
        options: &mut WriteOptions,
        locked: bool,
    ) -> Result<Object, Status> {
        let kind = object.kind();
        let resource = self.resource_of(kind);
        let strategy = registry::strategy(kind);

        let asked_uid = object.uid().to_string();
        if !options.patch && !asked_uid.is_empty() && asked_uid != old.uid() {
            let path = registry::storage_path(&resource, old.namespace(), old.name());
            return Err(Status::conflict(
                &resource,
                object.name(),
                &format!(
                    "StorageError: invalid object, Code: 4, Key: {path}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {asked_uid}, UID in object meta: {}",
                    old.uid()
                ),
            ));
        }
        if locked {
            match object.meta().resource_version.as_deref().unwrap_or_default() {
                "" if !strategy.allow_unconditional_update() && options.subresource.is_empty() => {
                    return Err(unversioned(&resource, object.name()));
                }
                "" => {}
                version if Some(version) != old.meta().resource_version.as_deref() => {
                    return Err(Status::modified(&resource, object.name()));
                }
                _ => {}
            }
        }
        carry_over_meta(&mut object, &old);
        defaults::apply(&mut object);
        self.default_custom(&mut object);
        // What the server changes from here on nobody owns.
        let asked = object.clone();
        registry::narrow(&mut object, &old, options.subresource);
        // An approval is written as a status is.
        let status_write = matches!(options.subresource, "status" | "approval");
        if status_write {
            strategy.prepare_for_status_update(&mut object, &old);
        } else if options.subresource == "finalize" {
            strategy.prepare_for_finalize(&mut object, &old);
        } else {
            strategy.prepare_for_update(&mut object, &old);
        }
        strategy.stamp(&mut object, Some(&old), &Time(seconds(self.unix_millis())));
        self.prepare_custom(&mut object, Some(&old), options.subresource);
        admission::mutate(
            self,
            &mut object,
            &Attributes { who, operation: Operation::Update, old: Some(&old), subresource: options.subresource },
        )?;
        self.allocate(&mut object, Some(&old))?;
        let mut errors = match options.subresource {
            "status" => validation::update_status(&object, &old),
            "ephemeralcontainers" => validation::update_ephemeral_containers(&object, &old),
            "resize" => validation::update_resize(&object, &old),
            _ => validation::update(&object, &old),
        };
        errors.extend(self.validate_custom(&object, Some(&old), options.subresource));
        if !errors.is_empty() {
            return Err(Status::invalid(resource.kind_name, resource.group, object.name(), &errors));
        }
        if !status_write {
            options.warnings.extend(validation::warnings(&object, Some(&old)));
        }
        admission::validate(
            self,
            &object,
            &Attributes { who, operation: Operation::Update, old: Some(&old), subresource: options.subresource },
            options,
        )?;
        let manager = options.manager.clone().unwrap_or_else(|| who.manager.clone());
        if options.dry_run {
            options.preview = Some(self.owners_after(&manager, options, &asked, &old));
            return Ok(object);
        }
        // A write that changes nothing is not written: no new version, no event.
        let key = Key::of(&object);
        let same_owners = match &options.ownership {
            Some(decided) => {
                let known = self.store.get(&key).map(|stored| managed::fold(self, &stored.ownership, key.kind));
                known.is_some_and(|known| *decided == *known)
            }
            None => !managed::is_reset(&options.managed_fields),
        };
        if object == old && same_owners {
            return Ok(object);
        }
        if strategy.deleted_by_update(&object) {
            object.meta_mut().resource_version.clone_from(&old.meta().resource_version);
            options.preview = Some(self.owners_after(&manager, options, &asked, &old));
            self.remove(who, &key, object.clone());
            return Ok(object);
        }
        let asked = managed::apart(asked, &object);
        object.meta_mut().resource_version = Some(self.store.next_version().to_string());
        let ownership = self.owners_after(&manager, options, asked.as_ref().unwrap_or(&object), &old);
        self.commit(Stored::new(object.clone(), ownership), who);
        self.after_write(&object, Some(&old));
        Ok(object)
    }

    /// Who owns what once the object that a client `asked` for has replaced `old`.
    fn owners_after(&self, manager: &Arc<str>, options: &mut WriteOptions, asked: &Object, old: &Object) -> Ownership {
        match options.ownership.take() {
            Some(decided) => decided.into(),
            // Everybody's claims are wiped out, and nobody makes new ones.
            None if managed::is_reset(&options.managed_fields) => Ownership::default(),
            None => {
                let known = self.store.get(&Key::of(old));
                let mut ownership = known.map(|stored| stored.ownership.clone()).unwrap_or_default();
                managed::record(&mut ownership, self, manager, options.subresource, old, asked);
                ownership
            }
        }
    }

    pub(super) fn commit(&mut self, stored: Stored, who: &Identity) {
        self.store.put(stored, self.now, who.component.clone());
    }

    /// Takes an object out of the store for good.
    pub(super) fn remove(&mut self, who: &Identity, key: &Key, mut last: Object) {
        self.release(&last);
        let service = (key.kind == api::Kind::Service).then(|| last.clone());
        last.meta_mut().resource_version = Some(self.store.next_version().to_string());
        self.store.remove(key, last, self.now, who.component.clone());
        self.after_removal(key);
        if let Some(last) = service {
            self.follow_address(Some(&last), None);
        }
    }

    /// base + five safe letters, the base cut so that the whole fits a label.
    fn generate_name(&mut self, object: &mut Object) {
        const MAX_BASE: usize = 58;
        let base = object.meta().generate_name.clone().unwrap_or_default();
        let base: String = base.chars().take(MAX_BASE).collect();
        // Eight tries, as upstream; a ninth collision surfaces as AlreadyExists.
        for _ in 0..8 {
            let name = format!("{base}{}", self.names.suffix(5));
            object.meta_mut().name = Some(name);
            if self.store.get(&Key::of(object)).is_none() {
                break;
            }
        }
    }

    pub(super) fn record(
        &mut self,
        who: &Identity,
        verb: AuditVerb,
        kind: api::Kind,
        subresource: &'static str,
        namespace: &str,
        name: &str,
        code: u16,
        summary: String,
    ) {
        let entry = Audit {
            number: 0,
            at: self.now,
            component: who.component.clone(),
            verb,
            kind,
            subresource,
            namespace: namespace.into(),
            name: name.into(),
            code,
            summary: summary.into(),
            detail: None,
        };
        self.requests.recorded(&entry);
        self.audit.push(entry);
    }
}

/// Unix milliseconds as a timestamp of whole seconds, as metadata carries it.
pub(crate) fn seconds(unix_millis: u64) -> api::k8s_openapi::jiff::Timestamp {
    api::k8s_openapi::jiff::Timestamp::from_second((unix_millis / 1000) as i64).unwrap_or_default()
}

/// What no client may bring along to a creation.
fn wipe_system_fields(object: &mut Object) {
    let meta = object.meta_mut();
    meta.creation_timestamp = None;
    meta.uid = None;
    meta.deletion_timestamp = None;
    meta.deletion_grace_period_seconds = None;
    meta.self_link = None;
    meta.managed_fields = None;
}

/// What a client may not change about an object's identity is taken from the stored one
/// where the client left it out.
fn carry_over_meta(object: &mut Object, old: &Object) {
    let (meta, old) = (object.meta_mut(), old.meta());
    meta.managed_fields = None;
    meta.resource_version.clone_from(&old.resource_version);
    if meta.uid.as_deref().unwrap_or_default().is_empty() {
        meta.uid.clone_from(&old.uid);
    }
    if meta.creation_timestamp.is_none() {
        meta.creation_timestamp.clone_from(&old.creation_timestamp);
    }
    if meta.generate_name.is_none() {
        meta.generate_name.clone_from(&old.generate_name);
    }
    meta.deletion_timestamp.clone_from(&old.deletion_timestamp);
    meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
    meta.self_link = None;
    if meta.generation.is_none() {
        meta.generation = old.generation;
    }
}

fn unversioned(resource: &api::Resource, name: &str) -> Status {
    let subject = resource.group_resource();
    let text = "must be specified for an update";
    let mut status = Status::failure(
        422,
        "Invalid",
        format!("{subject} {name:?} is invalid: metadata.resourceVersion: Invalid value: 0: {text}"),
    );
    status.details = Some(api::status::Details {
        name: name.into(),
        group: resource.group.into(),
        kind: resource.plural.into(),
        ..Default::default()
    });
    status.with_cause("FieldValueInvalid", &format!("Invalid value: 0: {text}"), "metadata.resourceVersion")
}
