//! Writing: create, replace, delete one, delete many.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/{create,update,delete}.go.

use api::wire::{Body, Request, Response};
use api::{Object, Resource, Status};
use serde_json::{Value, json};

use super::list::Selection;
use super::route::Target;
use super::{is_true, with_warnings};
use crate::apiserver::delete::success_details;
use crate::apiserver::storage::{Key, Stored};
use crate::apiserver::{ApiServer, DeleteOptions, Deleted, Identity, Propagation, WriteOptions, registry};

/// What the query says about a write.
pub(super) fn write_options(
    request: &Request,
    who: &Identity,
    subresource: &'static str,
) -> Result<WriteOptions, Status> {
    let dry_run = match request.param("dryRun").unwrap_or_default() {
        "" => false,
        "All" => true,
        other => {
            let text = format!("Unsupported value: {:?}: supported values: \"All\"", [other]);
            return Err(Status::failure(
                422,
                "Invalid",
                format!("CreateOptions.meta.k8s.io \"\" is invalid: dryRun: {text}"),
            )
            .with_cause("FieldValueNotSupported", &text, "dryRun"));
        }
    };
    let manager = match request.param("fieldManager") {
        Some(manager) if !manager.is_empty() => manager.to_string(),
        // Without one, the first word of the user agent.
        _ => match request.header("user-agent") {
            Some(agent) => agent.split('/').next().unwrap_or_default().to_string(),
            None => who.manager.to_string(),
        },
    };
    Ok(WriteOptions { dry_run, manager: Some(manager.into()), subresource, ..WriteOptions::default() })
}

impl ApiServer {
    pub(super) fn post(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let mut options = write_options(request, who, "")?;
        if super::special::is_review(target.resource.kind) {
            return self.review(who, request, target);
        }
        let mut object = self.decode(request, target, &mut options.warnings)?;
        self.place(&mut object, target)?;
        let created = self.create(who, object, &mut options);
        self.answer_write(request, &target.resource, created, 201, &options.warnings)
    }

    pub(super) fn put(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let mut options = write_options(request, who, target.subresource)?;
        let mut object = self.decode(request, target, &mut options.warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        if let Some(version) = object.meta().resource_version.as_deref().filter(|version| !version.is_empty())
            && version.parse::<u64>().is_err()
        {
            let text = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
            return Err(Status::failure(500, "", text));
        }
        let missing = self.store.get(&Key::of(&object)).is_none();
        let creates = target.subresource.is_empty() && registry::strategy(object.kind()).allow_create_on_update();
        let (written, code) = if missing && creates {
            (self.create(who, object, &mut options), 201)
        } else {
            (self.update(who, object, &mut options), 200)
        };
        self.answer_write(request, &target.resource, written, code, &options.warnings)
    }

    /// What was written, or why it was not: either comes with the warnings.
    pub(super) fn answer_write(
        &self,
        request: &Request,
        resource: &Resource,
        written: Result<Object, Status>,
        code: u16,
        warnings: &[String],
    ) -> Result<Response, Status> {
        let response = match written {
            Ok(object) => self.one(request, resource, &self.stored_or(object), code)?,
            Err(status) => status.into(),
        };
        Ok(with_warnings(response, warnings))
    }

    /// The stored twin of a written object, or the object alone (dry run, gone).
    pub(super) fn stored_or(&self, object: Object) -> Stored {
        match self.store.get(&Key::of(&object)) {
            Some(stored) if stored.object == object => stored.clone(),
            Some(stored) => Stored { object, ownership: stored.ownership.clone() },
            None => Stored { object, ownership: Default::default() },
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
        if object.name() != target.name {
            return Err(Status::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                object.name(),
                target.name
            )));
        }
        Ok(())
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
            let stored = Stored { object: deleted.object, ownership };
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
        for key in keys {
            let ownership = self.store.get(&key).map(|stored| stored.ownership.clone()).unwrap_or_default();
            let deleted = self.delete(who, &key, &options)?;
            let mut value = self.to_client(&target.resource, &Stored { object: deleted.object, ownership });
            if let Value::Object(map) = &mut value {
                map.remove("kind");
                map.remove("apiVersion");
            }
            items.push(value);
        }
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
pub(super) fn delete_options(request: &Request) -> Result<DeleteOptions, Status> {
    let body = match &request.body {
        Body::Empty | Body::Stream(_) => Value::Null,
        Body::Bytes(bytes) if bytes.is_empty() => Value::Null,
        Body::Json(_) | Body::Bytes(_) => super::body::tree(request)?,
    };
    let text = |key: &str| {
        body.get(key).and_then(Value::as_str).map(str::to_string).or_else(|| request.param(key).map(str::to_string))
    };
    let orphan = body
        .get("orphanDependents")
        .and_then(Value::as_bool)
        .or_else(|| request.param("orphanDependents").map(|value| is_true(Some(value))));
    let policy = text("propagationPolicy");
    if policy.is_some() && orphan.is_some() {
        let value = policy.unwrap_or_default();
        let text = format!("Invalid value: {value:?}: orphanDependents and deletionPropagation cannot be both set");
        return Err(invalid_options(&text, "FieldValueInvalid", "propagationPolicy"));
    }
    let propagation = match policy.as_deref() {
        None => match orphan {
            Some(true) => Some(Propagation::Orphan),
            Some(false) => Some(Propagation::Background),
            None => None,
        },
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some("Orphan") => Some(Propagation::Orphan),
        Some(other) => {
            let text = format!(
                "Unsupported value: {other:?}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            );
            return Err(invalid_options(&text, "FieldValueNotSupported", "propagationPolicy"));
        }
    };
    let dry_run = body.get("dryRun").and_then(Value::as_array).is_some_and(|list| list.iter().any(|v| v == "All"))
        || request.param("dryRun") == Some("All");
    let precondition =
        |key: &str| body.pointer(&format!("/preconditions/{key}")).and_then(Value::as_str).map(str::to_string);
    Ok(DeleteOptions {
        grace_period_seconds: body
            .get("gracePeriodSeconds")
            .and_then(Value::as_i64)
            .or_else(|| request.param("gracePeriodSeconds").and_then(|seconds| seconds.parse().ok())),
        propagation,
        uid: precondition("uid"),
        resource_version: precondition("resourceVersion"),
        dry_run,
    })
}

fn invalid_options(text: &str, reason: &str, field: &str) -> Status {
    let mut status =
        Status::failure(422, "Invalid", format!("DeleteOptions.meta.k8s.io \"\" is invalid: {field}: {text}"));
    status.details =
        Some(api::status::Details { group: "meta.k8s.io".into(), kind: "DeleteOptions".into(), ..Default::default() });
    status.with_cause(reason, text, field)
}
