//! PATCH: JSON patch, merge patch, strategic merge patch and apply, on the object as clients see it.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/patch.go.

use api::patch::{self, Manager, Managers, PatchError, structured};
use api::status::Details;
use api::wire::{Body, Request, Response};
use api::{Status, schema};
use serde_json::Value;

use super::body::FieldValidation;
use super::objects::write_options;
use super::route::Target;
use super::{body_text, is_true};
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity, managed};

const SUPPORTED: &str = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor";

impl ApiServer {
    pub(super) fn patch(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        if media_type(request) == "application/apply-patch+yaml" {
            return self.apply(who, request, target);
        }
        if request.param("force").is_some() {
            let text = "Forbidden: may not be specified for non-apply patch";
            return Err(invalid_options("force", text, "FieldValueForbidden"));
        }
        let mut options = write_options(request, who, target.subresource)?;
        let resource = target.resource;
        let key = Key::new(resource.kind, &target.namespace, &target.name);
        let stored = self.store.get(&key).cloned().ok_or_else(|| Status::not_found(&resource, &target.name))?;
        let current = super::negotiate::from_storage(&resource, stored.object.to_value());
        let patched = self.patched_value(request, current, resource.group, resource.version, resource.kind_name)?;
        let validation = FieldValidation::of(request)?;
        let mut object = self.decode_value(&resource, patched, validation, &mut options.warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        options.patch = true;
        let written = self.update(who, object, &mut options);
        self.answer_write(request, &resource, written, 200, &options.warnings)
    }

    /// Applies the request's patch to a value of the given kind.
    pub(super) fn patched_value(
        &self,
        request: &Request,
        current: Value,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<Value, Status> {
        let schema = schema::for_kind(group, version, kind);
        let result = match media_type(request) {
            "application/json-patch+json" => patch::json_patch(&current, &json_body(request)?),
            "application/merge-patch+json" => {
                let body = json_body(request)?;
                if !body.is_object() {
                    return Err(Status::bad_request(format!(
                        "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                        json_type(&body)
                    )));
                }
                let mut value = current;
                patch::merge_patch(&mut value, &body);
                Ok(value)
            }
            "application/strategic-merge-patch+json" if schema.is_some() => {
                patch::strategic(&current, &json_body(request)?, schema)
            }
            _ => {
                return Err(Status::unsupported_media_type(format!(
                    "the body of the request was in an unknown format - accepted media types include: {SUPPORTED}"
                )));
            }
        };
        result.map_err(refusal)
    }

    /// Server-side apply: creates what is missing, merges what is there, refuses what others own.
    fn apply(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let resource = target.resource;
        let mut options = write_options(request, who, target.subresource)?;
        let Some(manager) = request.param("fieldManager").filter(|manager| !manager.is_empty()) else {
            let text = "Required value: is required for apply patch";
            return Err(invalid_options("fieldManager", text, "FieldValueRequired"));
        };
        let mut config = match &request.body {
            Body::Json(value) => value.clone(),
            other => match api::yaml::parse_document(&body_text(other)) {
                Ok(document) => document.to_json(),
                Err(error) => {
                    return Err(Status::bad_request(format!("error decoding YAML: {}", error.converting())));
                }
            },
        };
        if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
            if metadata.get("managedFields").is_some_and(|fields| fields.as_array().is_none_or(|l| !l.is_empty())) {
                return Err(Status::bad_request("metadata.managedFields must be nil"));
            }
            metadata.remove("managedFields");
        }
        let key = Key::new(resource.kind, &target.namespace, &target.name);
        let schema = schema::for_kind(resource.group, resource.version, resource.kind_name);
        if let Some(kind) = schema
            && let Some(error) = structured::check(kind, &config).err()
        {
            return Err(Status::failure(
                500,
                "",
                format!(
                    "failed to create typed patch object ({}/{}; {}, Kind={}): {error}",
                    target.namespace,
                    target.name,
                    resource.api_version(),
                    resource.kind_name
                ),
            ));
        }
        let existing = self.store.get(&key).cloned();
        let (live, fields) = match &existing {
            Some(stored) => (
                super::negotiate::from_storage(&resource, stored.object.to_value()),
                managed::fold(self, &stored.ownership, key.kind),
            ),
            None => (structured::zero(schema), Value::Null),
        };
        let mut managers = Managers::read(&fields);
        let manager = Manager::apply(manager, &resource.api_version(), target.subresource);
        let now = api::meta::time::rfc3339(self.unix_millis() as i64);
        let ignored = managed::reset_fields(&resource, target.subresource);
        let force = is_true(request.param("force"));
        let merged = managers
            .apply(schema, &live, &config, &manager, &ignored, force, &now)
            .map_err(|conflicts| conflict_status(&conflicts))?;
        let mut value = merged;
        if existing.is_none() {
            value["metadata"]["name"] = target.name.clone().into();
        }
        let mut object = self.decode_value(&resource, value, FieldValidation::Strict, &mut options.warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        options.patch = true;
        options.ownership = Some(managers.write());
        let (written, code) = match existing {
            Some(_) => (self.update(who, object, &mut options), 200),
            None => (self.create(who, object, &mut options), 201),
        };
        self.answer_write(request, &resource, written, code, &options.warnings)
    }
}

fn media_type(request: &Request) -> &str {
    request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

fn json_body(request: &Request) -> Result<Value, Status> {
    match &request.body {
        Body::Json(value) => Ok(value.clone()),
        other => serde_json::from_str(&body_text(other))
            .map_err(|error| Status::bad_request(format!("error decoding patch: {error}"))),
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn refusal(error: PatchError) -> Status {
    match error.code {
        400 => Status::bad_request(error.message),
        422 => {
            let mut status = Status::failure(422, "Invalid", error.message);
            status.details = Some(Details::default());
            status
        }
        code => Status::failure(code, "", error.message),
    }
}

fn conflict_status(conflicts: &patch::Conflicts) -> Status {
    let mut status = Status::failure(409, "Conflict", conflicts.to_string());
    status.details = Some(Details::default());
    for conflict in &conflicts.0 {
        status =
            status.with_cause("FieldManagerConflict", &format!("conflict with {}", conflict.manager), &conflict.field);
    }
    status
}

fn invalid_options(field: &str, text: &str, reason: &str) -> Status {
    let mut status =
        Status::failure(422, "Invalid", format!("PatchOptions.meta.k8s.io \"\" is invalid: {field}: {text}"));
    status.details = Some(Details { group: "meta.k8s.io".into(), kind: "PatchOptions".into(), ..Details::default() });
    status.with_cause(reason, text, field)
}
