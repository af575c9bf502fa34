//! Writing: create, replace, delete one, delete many.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/{create,update,delete}.go.

use api::validation::field::{ErrorList, FieldError, Path};
use api::validation::go_value::GoValue;
use api::wire::{Body, Request, Response, says_yes};
use api::{Object, Resource, Status};
use serde_json::{Value, json};

use super::list::Selection;
use super::negotiate::{Shape, is_storage};
use super::route::Target;
use super::with_warnings;
use crate::apiserver::delete::success_details;
use crate::apiserver::storage::{Key, Stored};
use crate::apiserver::{ApiServer, DeleteOptions, Deleted, Identity, Propagation, WriteOptions, registry};

/// What the query says about a write; `options` names the object it stands for: `CreateOptions`.
///
/// # Errors
/// 422 with every mistake.
pub(super) fn write_options(
    request: &Request,
    who: &Identity,
    subresource: &'static str,
    options: &str,
) -> Result<WriteOptions, Status> {
    let mut errors = ErrorList::new();
    let dry_runs: Vec<&str> = request.params("dryRun").filter(|word| !word.is_empty()).collect();
    let asked = request.param("fieldManager").unwrap_or_default();
    const LONGEST_MANAGER: usize = 128;
    let path = Path::ROOT.child("fieldManager");
    if asked.len() > LONGEST_MANAGER {
        errors.push(FieldError::too_long(&path, LONGEST_MANAGER));
    }
    if asked.chars().any(char::is_control) {
        errors.push(FieldError::invalid(&path, asked, "should only contain printable characters"));
    }
    if dry_runs.iter().any(|word| *word != "All") {
        let list = GoValue::List(dry_runs.iter().map(|word| GoValue::from(*word)).collect());
        errors.push(FieldError::not_supported(&Path::ROOT.child("dryRun"), list, &["All"]));
    }
    if !errors.is_empty() {
        return Err(Status::invalid(options, "meta.k8s.io", "", &errors));
    }
    let manager = match (asked, request.header("user-agent")) {
        // Without one, the first word of the user agent.
        ("", Some(agent)) => agent.split('/').next().unwrap_or_default(),
        ("", None) => &who.manager,
        (asked, _) => asked,
    };
    Ok(WriteOptions {
        dry_run: !dry_runs.is_empty(),
        manager: Some(manager.into()),
        subresource,
        ..WriteOptions::default()
    })
}

impl ApiServer {
    pub(super) fn post(&mut self, who: &Identity, request: &mut Request, target: &Target) -> Result<Response, Status> {
        let mut options = write_options(request, who, "", "CreateOptions")?;
        let body = std::mem::take(&mut request.body);
        let mut object = self.decode(request, body, target, "CreateOptions", &mut options.warnings)?;
        self.place(&mut object, target)?;
        let created = self.create(who, object, &mut options);
        self.answer_write(request, &target.resource, created, 201, &options, None)
    }

    pub(super) fn put(&mut self, who: &Identity, request: &mut Request, target: &Target) -> Result<Response, Status> {
        let mut options = write_options(request, who, target.subresource, "UpdateOptions")?;
        let body = std::mem::take(&mut request.body);
        options.managed_fields = managed_fields_of(&body);
        let mut object = self.decode(request, body, target, "UpdateOptions", &mut options.warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        check_version(&object)?;
        let missing = self.store.get(&Key::of(&object)).is_none();
        let creates = target.subresource.is_empty() && registry::strategy(object.kind()).allow_create_on_update();
        let (written, code) = if missing && creates {
            (self.create(who, object, &mut options), 201)
        } else {
            (self.update(who, object, &mut options), 200)
        };
        if written.is_err() {
            self.settle_ownership(&Key::new(target.resource.kind, &target.namespace, &target.name));
        }
        self.answer_write(request, &target.resource, written, code, &options, None)
    }

    /// What was written, or why it was not: either comes with the warnings. Who owns what is in the
    /// answer; settled, later readers and writes need not go through this one again.
    ///
    /// `before` is what was there, and how clients read it.
    pub(super) fn answer_write(
        &mut self,
        request: &Request,
        resource: &Resource,
        written: Result<Object, Status>,
        code: u16,
        options: &WriteOptions,
        before: Option<(&Object, &Value)>,
    ) -> Result<Response, Status> {
        let response = match written {
            Ok(object) => {
                let whole =
                    options.preview.is_none() && is_storage(resource) && Shape::of(request) == Ok(Shape::Object);
                match whole.then(|| self.settle_and_show(resource, &object, before)).flatten() {
                    Some(value) => Response::json(code, value),
                    None => {
                        self.settle_ownership(&Key::of(&object));
                        self.one(request, resource, &self.stored_or(object, options), code)?
                    }
                }
            }
            Err(status) => status.into(),
        };
        Ok(with_warnings(response, &options.warnings))
    }

    /// The stored twin of a written object, or the object alone (dry run, gone).
    pub(super) fn stored_or(&self, object: Object, options: &WriteOptions) -> Stored {
        if let Some(ownership) = &options.preview {
            return Stored::new(object, ownership.clone());
        }
        match self.store.get(&Key::of(&object)) {
            Some(stored) => Stored::new(object, stored.ownership.clone()),
            None => Stored::new(object, Default::default()),
        }
    }

    /// Namespace and name of the path win where the body leaves them out; a contradiction is refused.
    pub(super) fn place(&self, object: &mut Object, target: &Target) -> Result<(), Status> {
        if target.resource.namespaced {
            let asked = object.namespace().to_string();
            if !asked.is_empty() && asked != target.namespace {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            object.meta_mut().namespace = Some(target.namespace.clone());
        } else if !object.namespace().is_empty() {
            // A namespace on a cluster-scoped object is silently dropped by the server.
            object.meta_mut().namespace = None;
        }
        Ok(())
    }

    pub(super) fn check_name(&self, object: &Object, target: &Target) -> Result<(), Status> {
        match object.name() {
            "" => Err(Status::bad_request(format!(
                "the name of the object ({} based on URL) was undeterminable: name must be provided",
                target.name
            ))),
            name if name != target.name => Err(Status::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                target.name
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn delete_one(
        &mut self,
        who: &Identity,
        request: &Request,
        target: &Target,
    ) -> Result<Response, Status> {
        let options = delete_options(request)?;
        let key = Key::new(target.resource.kind, &target.namespace, &target.name);
        let ownership = self.store.get(&key).map(|stored| stored.ownership.clone()).unwrap_or_default();
        let deleted = self.delete(who, &key, &options)?;
        self.answer_deleted(request, target, deleted, ownership)
    }

    fn answer_deleted(
        &self,
        request: &Request,
        target: &Target,
        deleted: Deleted,
        ownership: crate::apiserver::storage::Ownership,
    ) -> Result<Response, Status> {
        let strategy = registry::strategy(target.resource.kind);
        if strategy.returns_deleted_object() || !deleted.gone {
            let stored = Stored::new(deleted.object, ownership);
            return self.one(request, &target.resource, &stored, 200);
        }
        let details = success_details(&target.resource, &deleted.object);
        Ok(Response::json(200, Status::success(200, Some(details)).to_value()))
    }

    pub(super) fn delete_many(
        &mut self,
        who: &Identity,
        request: &Request,
        target: &Target,
    ) -> Result<Response, Status> {
        let selection = Selection::of(request, target)?;
        let options = delete_options(request)?;
        let keys: Vec<Key> = self
            .store
            .list(target.resource.kind, &target.namespace)
            .filter(|(_, stored)| selection.matches(&stored.object))
            .map(|(key, _)| key.clone())
            .collect();
        let mut items: Vec<Value> = Vec::new();
        for key in &keys {
            // What is listed is what was found, not what became of it.
            let Some(found) = self.store.get(key).cloned() else { continue };
            let mut value = self.to_client(&target.resource, &found);
            if let Value::Object(map) = &mut value {
                map.remove("kind");
                map.remove("apiVersion");
            }
            items.push(value);
        }
        self.delete_all(who, target.resource.kind, &target.namespace, &keys, &options)?;
        Ok(Response::json(
            200,
            json!({
                "kind": format!("{}List", target.resource.kind_name),
                "apiVersion": target.resource.api_version(),
                "metadata": { "resourceVersion": self.store.version().to_string() },
                "items": items,
            }),
        ))
    }
}

/// DeleteOptions from the body, or from the query where there is no body.
///
/// # Errors
/// 400 for a body that is no DeleteOptions or a number that is none, 422 with every mistake.
pub(super) fn delete_options(request: &Request) -> Result<DeleteOptions, Status> {
    let body = match &request.body {
        Body::Empty | Body::Stream(_) => Value::Null,
        Body::Bytes(bytes) if bytes.is_empty() => Value::Null,
        Body::Json(_) | Body::Bytes(_) => super::body::parse(request, "DeleteOptions")?.value,
    };
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_string);
    if let (Some(kind), Some(version)) = (text("kind"), text("apiVersion"))
        && kind != "DeleteOptions"
    {
        return Err(Status::bad_request(format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\""
        )));
    }
    let asked = |key: &str| if body.is_null() { request.param(key).map(str::to_string) } else { text(key) };
    let grace = match (body.get("gracePeriodSeconds"), request.param("gracePeriodSeconds")) {
        (Some(seconds), _) => seconds.as_i64(),
        (None, Some(text)) if body.is_null() => Some(parse_int(text)?),
        (None, _) => None,
    };
    let orphan = match body.get("orphanDependents") {
        Some(value) => value.as_bool(),
        None if body.is_null() => request.param("orphanDependents").map(says_yes),
        None => None,
    };
    let policy = asked("propagationPolicy");
    let mut errors = ErrorList::new();
    let path = Path::ROOT.child("propagationPolicy");
    if let (Some(policy), Some(_)) = (&policy, orphan) {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        errors.push(FieldError::invalid(&path, policy, detail));
    }
    let propagation = match policy.as_deref() {
        None => orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some("Orphan") => Some(Propagation::Orphan),
        Some(other) => {
            errors.push(FieldError::not_supported(&path, other, &["Foreground", "Background", "Orphan", "nil"]));
            None
        }
    };
    let dry_runs: Vec<&str> = match body.get("dryRun").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => request.params("dryRun").filter(|word| !word.is_empty()).collect(),
    };
    if dry_runs.iter().any(|word| *word != "All") {
        let list = GoValue::List(dry_runs.iter().map(|word| GoValue::from(*word)).collect());
        errors.push(FieldError::not_supported(&Path::ROOT.child("dryRun"), list, &["All"]));
    }
    if !errors.is_empty() {
        return Err(Status::invalid("DeleteOptions", "meta.k8s.io", "", &errors));
    }
    let precondition =
        |key: &str| body.pointer(&format!("/preconditions/{key}")).and_then(Value::as_str).map(str::to_string);
    Ok(DeleteOptions {
        grace_period_seconds: grace,
        propagation,
        uid: precondition("uid"),
        resource_version: precondition("resourceVersion"),
        dry_run: !dry_runs.is_empty(),
    })
}

/// # Errors
/// 400 in Go's words.
pub(super) fn parse_int(text: &str) -> Result<i64, Status> {
    text.parse().map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
}

/// # Errors
/// 500 for a resourceVersion that is no number.
fn check_version(object: &Object) -> Result<(), Status> {
    match object.meta().resource_version.as_deref() {
        Some(version) if !version.is_empty() && version.parse::<u64>().is_err() => {
            Err(Status::failure(500, "", format!("strconv.ParseUint: parsing {version:?}: invalid syntax")))
        }
        _ => Ok(()),
    }
}

/// The `managedFields` of a body; null if it names none.
fn managed_fields_of(body: &Body) -> Value {
    match body {
        Body::Json(value) => value.pointer("/metadata/managedFields").cloned().unwrap_or_default(),
        // Bodies as text pass through here too seldom with managedFields to read them twice.
        Body::Empty | Body::Bytes(_) | Body::Stream(_) => Value::Null,
    }
}
