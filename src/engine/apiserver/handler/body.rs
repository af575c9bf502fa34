//! Bodies: JSON or YAML to a typed object, with every complaint in upstream's words.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/create.go, rest.go, apimachinery/pkg/runtime/serializer.

use api::wire::{Body, Request};
use api::{Object, Resource, Status};
use serde_json::Value;

use super::negotiate::to_storage;
use super::route::Target;
use crate::apiserver::ApiServer;

/// What to do about fields the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::apiserver) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    /// # Errors
    /// 422 on another word.
    pub fn of(request: &Request) -> Result<Self, Status> {
        match request.param("fieldValidation").unwrap_or_default() {
            "Ignore" => Ok(Self::Ignore),
            "" | "Warn" => Ok(Self::Warn),
            "Strict" => Ok(Self::Strict),
            other => {
                let text =
                    format!("Unsupported value: {other:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"");
                Err(Status::failure(
                    422,
                    "Invalid",
                    format!("CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: {text}"),
                )
                .with_cause("FieldValueNotSupported", &text, "fieldValidation"))
            }
        }
    }
}

/// The body as a JSON tree, with the YAML gates passed.
///
/// # Errors
/// 415 for other media types, 400 for broken documents.
pub(in crate::apiserver) fn tree(request: &Request) -> Result<Value, Status> {
    match &request.body {
        Body::Json(value) => Ok(value.clone()),
        Body::Empty | Body::Stream(_) => Err(Status::bad_request("EOF")),
        Body::Bytes(bytes) => {
            let media = request.header("content-type").unwrap_or("application/json");
            let media = media.split(';').next().unwrap_or_default().trim();
            let text = String::from_utf8_lossy(bytes);
            match media {
                "application/json" | "" => {
                    serde_json::from_str(&text).map_err(|error| Status::bad_request(error.to_string()))
                }
                "application/yaml" | "application/x-yaml" => match api::yaml::parse_document(&text) {
                    Ok(document) => Ok(document.to_json()),
                    Err(error) => Err(Status::bad_request(error.converting())),
                },
                _ => Err(Status::unsupported_media_type(
                    "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
                )),
            }
        }
    }
}

impl ApiServer {
    /// Decodes a body into the resource's stored kind. Unknown fields become errors or warnings.
    ///
    /// # Errors
    /// 400 with upstream's texts.
    pub(in crate::apiserver) fn decode(
        &self,
        request: &Request,
        target: &Target,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        let validation = FieldValidation::of(request)?;
        let value = tree(request)?;
        self.decode_value(&target.resource, value, validation, warnings)
    }

    pub(in crate::apiserver) fn decode_value(
        &self,
        resource: &Resource,
        mut value: Value,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        let (kind_name, version) = (resource.kind_name, resource.version);
        if let Value::Object(map) = &mut value {
            // A body without them takes both from the path.
            map.entry("kind").or_insert_with(|| kind_name.into());
            map.entry("apiVersion").or_insert_with(|| resource.api_version().into());
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let (asked_kind, asked_version) = (text("kind"), text("apiVersion"));
        if asked_version != resource.api_version() {
            return Err(Status::bad_request(format!(
                "the API version in the data ({asked_version}) does not match the expected API version ({})",
                resource.api_version()
            )));
        }
        if asked_kind != kind_name {
            let group_version = resource.api_version();
            let why = match self.kind_of(&group_version, &asked_kind) {
                Some(_) => format!(
                    "converting ({group_version}, Kind={asked_kind}) to ({group_version}, Kind={kind_name}): unknown conversion"
                ),
                None => format!(
                    "no kind {asked_kind:?} is registered for version {group_version:?} in scheme \"pkg/api/legacyscheme/scheme.go:30\""
                ),
            };
            return Err(Status::bad_request(format!(
                "{asked_kind} in version {version:?} cannot be handled as a {kind_name}: {why}"
            )));
        }
        let refuse = |why: &str| -> Result<Object, Status> {
            Err(Status::bad_request(format!(
                "{kind_name} in version {version:?} cannot be handled as a {kind_name}: {why}"
            )))
        };
        if let Some(schema) = api::schema::for_kind(resource.group, version, kind_name) {
            let checked = api::schema::decode::check(schema, &value);
            match validation {
                FieldValidation::Strict => {
                    if let Some(error) = checked.any_error() {
                        return refuse(&error);
                    }
                }
                FieldValidation::Warn | FieldValidation::Ignore => {
                    if let Some(error) = &checked.error {
                        return refuse(error);
                    }
                    if validation == FieldValidation::Warn {
                        warnings.extend(checked.strict);
                    }
                }
            }
        }
        let value = to_storage(resource, value);
        match Object::from_value(resource.kind, value) {
            Ok(object) => Ok(object),
            Err(error) => refuse(&error.to_string()),
        }
    }
}
