//! PATCH: JSON patch, merge patch, strategic merge patch and apply, on the object as clients see it.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/patch.go.

use api::patch::{self, Manager, Managers, PatchError, structured};
use api::status::Details;
use api::validation::field::{FieldError, Path};
use api::wire::{Body, Json, Request, Response};
use api::{Kind, Object, Resource, Status, schema};
use serde_json::{Map, Value};

use super::body::{FieldValidation, Parsed, check_size, strict_error};
use super::negotiate::{is_storage, unwritten};
use super::objects::write_options;
use super::route::Target;
use super::{body_text, with_warnings};
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity, managed};

pub(super) const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

impl ApiServer {
    pub(super) fn patch(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let media = media_type(request);
        check_media(media, matches!(target.resource.kind, Kind::Custom(_)))?;
        if let Body::Bytes(bytes) = &request.body {
            check_size(bytes)?;
        }
        if media == APPLY {
            return self.apply(who, request, target);
        }
        let mut options = write_options(request, who, target.subresource, "PatchOptions")?;
        check_force(request)?;
        let resource = target.resource;
        let key = Key::new(resource.kind, &target.namespace, &target.name);
        let stored = self.store.get(&key).ok_or_else(|| Status::not_found(&resource, &target.name))?;
        // Not kept if it is made for this: what the patch makes of it will be.
        let whole = match &stored.wire {
            Some(wire) if is_storage(&resource) => wire.clone(),
            _ if !is_storage(&resource) => self.to_client(&resource, stored).into(),
            _ => unwritten(&resource, &stored.object, managed::fold(self, &stored.ownership, resource.kind)),
        };
        // Only JSON patches can look at what they do not change, and so at the owners.
        let current = if media == JSON_PATCH { &*whole } else { whole.bare() };
        let validation = FieldValidation::of(request, "PatchOptions")?;
        let patched = self.patched_value(request, current, resource.group, resource.version, resource.kind_name)?;
        let fields = &patched["metadata"]["managedFields"];
        let new_owners = *fields != current["metadata"]["managedFields"];
        if new_owners {
            options.managed_fields = fields.clone();
        }
        let warnings = &mut options.warnings;
        let mut object =
            self.decode_patched(request, &resource, (current, &whole), patched, new_owners, validation, warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        options.patch = true;
        let before = self.store.get(&key).map(|stored| stored.object.clone());
        let written = self.update(who, object, &mut options);
        if written.is_err() {
            self.settle_ownership(&key);
        }
        let before = before.as_ref().filter(|_| is_storage(&resource)).map(|before| (before, whole.bare()));
        self.answer_write(request, &resource, written, 200, &options, before)
    }

    /// The patched object, typed. What does not fit is the patch's mistake, and is shown:
    /// of JSON patches the whole outcome, of strategic ones the patch. `current` is what was patched, and the whole of it.
    fn decode_patched(
        &self,
        request: &Request,
        resource: &Resource,
        (current, whole): (&Value, &Json),
        patched: Value,
        new_owners: bool,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        let kind = schema::for_kind(resource.group, resource.version, resource.kind_name);
        let strategic = media_type(request) == STRATEGIC;
        let refuse = |why: &str| {
            // What was patched is gone or had no owners; it happens too seldom to keep a copy.
            let (group, version, kind_name) = (resource.group, resource.version, resource.kind_name);
            let shown = match (strategic, json_body(request)) {
                (true, Ok(body)) => patch::go_value(&body),
                _ => match self.patched_value(request, whole, group, version, kind_name) {
                    Ok(patched) => schema::go_json_patched(kind, whole, &patched),
                    Err(status) => return status,
                },
            };
            let error = FieldError::invalid(&Path::ROOT.child("patch"), shown, why);
            Status::invalid("", "", "", &vec![error])
        };
        if let Some(why) =
            kind.filter(|_| strategic).and_then(|kind| schema::decode::unstructured_error(kind, &patched))
        {
            return Err(refuse(&why));
        }
        let mut parsed = Parsed::of(patched);
        // What is as it was, the server has written itself: it need not be checked.
        let unchanged = kind.map(|_| take_unchanged(&mut parsed.value, current)).unwrap_or_default();
        let strict = self.strict_errors(resource, &parsed);
        if let Value::Object(map) = &mut parsed.value {
            map.extend(unchanged);
        }
        let strict = strict.map_err(|why| refuse(&why))?;
        match validation {
            FieldValidation::Strict if !strict.is_empty() => {
                return Err(refuse(&strict_error(&strict)));
            }
            FieldValidation::Warn => warnings.extend(strict),
            FieldValidation::Strict | FieldValidation::Ignore => {}
        }
        // Owners are kept elsewhere: what the client has left alone of them need not be read again.
        if let Some(Value::Object(metadata)) = parsed.value.get_mut("metadata").filter(|_| !new_owners) {
            metadata.remove("managedFields");
        }
        self.typed(resource, parsed.value).map_err(|why| refuse(&why))
    }

    /// Applies the request's patch to a value of the given kind.
    pub(super) fn patched_value(
        &self,
        request: &Request,
        current: &Value,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<Value, Status> {
        let schema = schema::for_kind(group, version, kind);
        let result = match media_type(request) {
            JSON_PATCH => patch::json_patch(current, &json_body(request)?),
            STRATEGIC => patch::strategic(current, &json_body(request)?, schema),
            _ => {
                let body = json_body(request)?;
                if !body.is_object() {
                    return Err(Status::bad_request(format!(
                        "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                        api::schema::json_type(&body)
                    )));
                }
                let mut value = current.clone();
                patch::merge_patch(&mut value, &body);
                Ok(value)
            }
        };
        result.map_err(refusal)
    }

    /// Server-side apply: creates what is missing, merges what is there, refuses what others own.
    fn apply(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let resource = target.resource;
        let mut options = write_options(request, who, target.subresource, "PatchOptions")?;
        let manager = required_manager(request)?;
        let validation = FieldValidation::of(request, "PatchOptions")?;
        let config = applied_config(request, &resource.api_version(), validation, &mut options.warnings)?;
        let key = Key::new(resource.kind, &target.namespace, &target.name);
        let schema = schema::for_kind(resource.group, resource.version, resource.kind_name);
        if let Some(kind) = schema
            && let Some(error) = structured::check(kind, &config).err()
        {
            return Err(unfit(&config, &resource, &error));
        }
        let existing = self.store.get(&key).cloned();
        let (live, mut managers) = match &existing {
            Some(stored) => (
                super::negotiate::shown(&resource, &stored.object),
                Managers::clone(&managed::fold(self, &stored.ownership, key.kind)),
            ),
            None => (structured::zero(schema), Managers::default()),
        };
        let manager = Manager::apply(manager, resource.api_version(), target.subresource);
        let now = api::meta::time::rfc3339(self.unix_millis() as i64);
        let ignored = managed::reset_fields(&resource, target.subresource);
        if existing.is_some() && managers.is_empty() {
            // Nobody has kept accounts so far: what is there belongs to nobody in particular.
            let before = Manager::update("before-first-apply", resource.api_version(), "");
            managers.update(schema, &structured::zero(schema), &live, &before, ignored, &now);
        }
        let force = request.flag("force");
        let mut value = managers
            .apply(schema, &live, &config, &manager, ignored, force, &now)
            .map_err(|conflicts| conflict_status(&conflicts))?;
        if existing.is_none() && value["metadata"]["name"].is_null() {
            value["metadata"]["name"] = target.name.clone().into();
        }
        let mut object =
            self.decode_parsed(&resource, Parsed::of(value), FieldValidation::Ignore, &mut options.warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        options.patch = true;
        options.ownership = Some(managers);
        let (written, code) = match existing {
            Some(_) => (self.update(who, object, &mut options), 200),
            None => (self.create(who, object, &mut options), 201),
        };
        let response = match written {
            Ok(object) => self.one(request, &resource, &self.stored_or(object, &options), code)?,
            Err(status) => status.into(),
        };
        Ok(with_warnings(response, &options.warnings))
    }
}

/// Takes the members out that are as they were.
fn take_unchanged(patched: &mut Value, current: &Value) -> Map<String, Value> {
    let mut unchanged = Map::new();
    if let Value::Object(map) = patched {
        map.retain(|name, value| {
            let same = current.get(name) == Some(value);
            if same {
                unchanged.insert(name.clone(), value.take());
            }
            !same
        });
    }
    unchanged
}

/// The field manager that an apply must name.
///
/// # Errors
/// 422 without one.
pub(super) fn required_manager(request: &Request) -> Result<&str, Status> {
    match request.param("fieldManager") {
        Some(manager) if !manager.is_empty() => Ok(manager),
        _ => {
            let error = FieldError::required(&Path::ROOT.child("fieldManager"), "is required for apply patch");
            Err(Status::invalid("PatchOptions", "meta.k8s.io", "", &vec![error]))
        }
    }
}

/// The configuration of an apply, as a tree.
///
/// # Errors
/// 400 for broken YAML, another version than the path's, or managedFields.
pub(super) fn applied_config(
    request: &Request,
    api_version: &str,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Result<Value, Status> {
    let mut config = match &request.body {
        Body::Json(value) => Value::clone(value),
        other => {
            let document = api::yaml::parse_document(&body_text(other))
                .map_err(|error| Status::bad_request(format!("error decoding YAML: {}", error.converting())))?;
            match (document.duplicate_error(), validation) {
                (Some(text), FieldValidation::Strict) => {
                    return Err(Status::bad_request(format!(
                        "error strict decoding YAML: error converting YAML to JSON: {text}"
                    )));
                }
                (Some(text), FieldValidation::Warn) => warnings.push(text),
                (_, FieldValidation::Ignore) | (None, _) => {}
            }
            document.to_json()
        }
    };
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version.is_empty() || kind.is_empty() {
        return Err(Status::bad_request(format!("invalid object type: {}", group_version_kind(version, kind))));
    }
    if version != api_version {
        return Err(Status::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {api_version}"
        )));
    }
    if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata.get("managedFields").is_some_and(|fields| fields.as_array().is_none_or(|l| !l.is_empty())) {
            return Err(Status::bad_request("metadata.managedFields must be nil"));
        }
        metadata.remove("managedFields");
    }
    Ok(config)
}

/// `apps/v1, Kind=Deployment`; the core group's name is empty.
fn group_version_kind(api_version: &str, kind: &str) -> String {
    let (group, version) = api::scheme::split_api_version(api_version);
    format!("{group}/{version}, Kind={kind}")
}

/// 500: the configuration does not have the shape of its kind.
pub(super) fn unfit(config: &Value, resource: &Resource, why: &str) -> Status {
    let text = |key: &str| config["metadata"][key].as_str().unwrap_or_default();
    let kind = group_version_kind(&resource.api_version(), resource.kind_name);
    let subject = format!("{}/{}; {kind}", text("namespace"), text("name"));
    Status::failure(500, "", format!("failed to create typed patch object ({subject}): {why}"))
}

fn check_media(media: &str, custom: bool) -> Result<(), Status> {
    match media {
        JSON_PATCH | "application/merge-patch+json" | APPLY => Ok(()),
        STRATEGIC if !custom => Ok(()),
        _ if custom => Err(Status::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
        // Not even routed to a handler.
        _ => {
            let mut status = Status::unsupported_media_type("415: Unsupported Media Type");
            status.details = Some(Details::default());
            Err(status)
        }
    }
}

fn check_force(request: &Request) -> Result<(), Status> {
    if request.param("force").is_none() {
        return Ok(());
    }
    let error = FieldError::forbidden(&Path::ROOT.child("force"), "may not be specified for non-apply patch");
    Err(Status::invalid("PatchOptions", "meta.k8s.io", "", &vec![error]))
}

pub(super) fn media_type(request: &Request) -> &str {
    request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

fn json_body(request: &Request) -> Result<Value, Status> {
    match &request.body {
        Body::Json(value) => Ok(Value::clone(value)),
        other => api::yaml::parse_json(&body_text(other)).map(|node| node.to_json()).map_err(|error| {
            // Strategic patches are read by another hand.
            let what = if media_type(request) == STRATEGIC { "" } else { "error decoding patch: " };
            Status::bad_request(format!("{what}{error}"))
        }),
    }
}

fn refusal(error: PatchError) -> Status {
    match error.code {
        400 => Status::bad_request(error.message),
        413 => Status::failure(413, "RequestEntityTooLarge", error.message),
        422 => {
            let mut status = Status::failure(422, "Invalid", error.message);
            status.details = Some(Details::default());
            status
        }
        code => Status::failure(code, "", error.message),
    }
}

pub(super) fn conflict_status(conflicts: &patch::Conflicts) -> Status {
    let mut status = Status::failure(409, "Conflict", conflicts.to_string());
    status.details = Some(Details::default());
    for conflict in &conflicts.0 {
        status =
            status.with_cause("FieldManagerConflict", &format!("conflict with {}", conflict.manager), &conflict.field);
    }
    status
}
