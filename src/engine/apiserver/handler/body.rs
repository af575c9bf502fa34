//! Bodies: JSON or YAML to a typed object, with every complaint in upstream's words.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/create.go, rest.go (`transformDecodeError`,
//! `summarizeData`), apimachinery/pkg/runtime/serializer/json. Left out: protobuf and CBOR.

use api::validation::field::{FieldError, Path};
use api::wire::{Body, Request};
use api::yaml::{Data, Node};
use api::{Kind, Object, Resource, Status};
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
    /// `options` names the object that the query stands for: `CreateOptions`.
    ///
    /// # Errors
    /// 422 on another word.
    pub fn of(request: &Request, options: &str) -> Result<Self, Status> {
        match request.param("fieldValidation").unwrap_or_default() {
            "Ignore" => Ok(Self::Ignore),
            "" | "Warn" => Ok(Self::Warn),
            "Strict" => Ok(Self::Strict),
            other => {
                let path = Path::ROOT.child("fieldValidation");
                let error = FieldError::not_supported(&path, other, &["", "Ignore", "Strict", "Warn"]);
                Err(Status::invalid(options, "meta.k8s.io", "", &vec![error]))
            }
        }
    }
}

/// Larger bodies are not even read.
const LARGEST: usize = 3 * 1024 * 1024;
/// How much of a body that means nothing is shown.
const SUMMARY: usize = 30;
/// The Go type that reads a body's `apiVersion` and `kind`.
const HEADER: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
const MEDIA_TYPES: &str = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// A body that is JSON or YAML, but perhaps no object of the wanted kind.
pub(in crate::apiserver) struct Parsed {
    pub value: Value,
    /// The same in the order of the text, repeated keys included; JSON texts only.
    node: Option<Node>,
    /// What a strict reader says about repeated keys of YAML.
    duplicates: Option<String>,
}

impl Parsed {
    /// A tree that somebody has read already.
    pub fn of(value: Value) -> Self {
        Self { value, node: None, duplicates: None }
    }
}

/// Reads the request's body, for an object of `kind`.
///
/// # Errors
/// 413 for large ones, 415 for other media types, 400 for broken documents.
pub(in crate::apiserver) fn parse(request: &Request, kind: &str) -> Result<Parsed, Status> {
    parse_body(request, request.body.clone(), kind)
}

/// As [`parse`], for a body that nobody needs afterwards: a tree is not copied.
fn parse_body(request: &Request, body: Body, kind: &str) -> Result<Parsed, Status> {
    let bytes = match body {
        Body::Json(value) => {
            return match value.into_tree() {
                value @ Value::Object(_) => Ok(Parsed::of(value)),
                Value::Null => Ok(Parsed::of(Value::Object(Default::default()))),
                other => Err(no_object(kind, &other.to_string(), api::schema::json_type(&other))),
            };
        }
        Body::Empty | Body::Stream(_) => Vec::new(),
        Body::Bytes(bytes) => bytes,
    };
    check_size(&bytes)?;
    let media = request.header("content-type").unwrap_or("application/json");
    let media = media.split(';').next().unwrap_or_default().trim();
    let text = String::from_utf8_lossy(&bytes);
    let parsed = match media {
        "application/json" | "" => {
            let node = api::yaml::parse_json(&text).map_err(|error| {
                unrecognized(kind, &format!("couldn't get version/kind; json parse error: {error}"), &text)
            })?;
            Parsed { value: node.to_json(), node: Some(node), duplicates: None }
        }
        "application/yaml" | "application/x-yaml" => {
            let document =
                api::yaml::parse_document(&text).map_err(|error| unrecognized(kind, &error.to_string(), &text))?;
            Parsed { value: document.to_json(), node: None, duplicates: document.duplicate_error() }
        }
        _ => return Err(Status::unsupported_media_type(MEDIA_TYPES)),
    };
    match parsed.value {
        Value::Object(_) => Ok(parsed),
        Value::Null => Ok(Parsed::of(Value::Object(Default::default()))),
        other => Err(no_object(kind, &text, api::schema::json_type(&other))),
    }
}

/// # Errors
/// 413 when the body is larger than the server reads.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), Status> {
    if bytes.len() <= LARGEST {
        return Ok(());
    }
    let text = format!("Request entity too large: limit is {LARGEST}");
    Err(Status::failure(413, "RequestEntityTooLarge", text))
}

fn no_object(kind: &str, text: &str, found: &str) -> Status {
    let why = format!("json: cannot unmarshal {found} into Go value of type {HEADER}");
    unrecognized(kind, &format!("couldn't get version/kind; json parse error: {why}"), text)
}

/// 400 for a body whose kind nobody can tell; a little of it is shown.
fn unrecognized(kind: &str, why: &str, text: &str) -> Status {
    let shown = match text.as_bytes() {
        [] => "<empty>".to_string(),
        [b'{', ..] if text.len() > SUMMARY => {
            format!("{} ...", String::from_utf8_lossy(&text.as_bytes()[..SUMMARY]))
        }
        [b'{', ..] => text.to_string(),
        bytes => {
            let hex: String = bytes.iter().take(SUMMARY).map(|byte| format!("{byte:02x}")).collect();
            if bytes.len() > SUMMARY { format!("{hex} ...") } else { hex }
        }
    };
    Status::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})"))
}

/// The Go package of a group's internal types: `core`, `apps`, `networking`.
pub(super) fn internal_package(group: &str) -> &str {
    match group {
        "" | "events.k8s.io" => "core",
        other => other.split('.').next().unwrap_or_default(),
    }
}

impl ApiServer {
    /// Decodes the request's body into the resource's stored kind. Unknown fields become errors or warnings.
    ///
    /// # Errors
    /// 400 with upstream's texts.
    pub(in crate::apiserver) fn decode(
        &self,
        request: &Request,
        body: Body,
        target: &Target,
        options: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        let validation = FieldValidation::of(request, options)?;
        let parsed = parse_body(request, body, target.resource.kind_name)?;
        self.decode_parsed(&target.resource, parsed, validation, warnings)
    }

    /// # Errors
    /// 400 with upstream's texts.
    pub(in crate::apiserver) fn decode_parsed(
        &self,
        resource: &Resource,
        mut parsed: Parsed,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> Result<Object, Status> {
        self.check_kind(resource, &mut parsed.value)?;
        let strict = self.strict_errors(resource, &parsed).map_err(|why| cannot_handle(resource, &why))?;
        match validation {
            FieldValidation::Strict if !strict.is_empty() => {
                return Err(cannot_handle(resource, &strict_error(&strict)));
            }
            FieldValidation::Warn => warnings.extend(strict),
            FieldValidation::Strict | FieldValidation::Ignore => {}
        }
        self.typed(resource, parsed.value).map_err(|why| cannot_handle(resource, &why))
    }

    /// What a strict reader holds against the body.
    ///
    /// # Errors
    /// A value of the wrong type, which no reader takes, in Go's words.
    pub(in crate::apiserver) fn strict_errors(
        &self,
        resource: &Resource,
        parsed: &Parsed,
    ) -> Result<Vec<String>, String> {
        let mut strict: Vec<String> = parsed.duplicates.iter().cloned().collect();
        if let Kind::Custom(number) = resource.kind {
            strict.extend(self.custom[usize::from(number)].unknown_fields(&parsed.value));
            return Ok(strict);
        }
        let Some(schema) = api::schema::for_kind(resource.group, resource.version, resource.kind_name) else {
            return Ok(strict);
        };
        let checked = match &parsed.node {
            Some(node) if matches!(node.value, Data::Map(_)) => api::schema::decode::check_node(schema, node),
            _ => api::schema::decode::check(schema, &parsed.value),
        };
        match checked.error {
            Some(error) => Err(error),
            None => {
                strict.extend(checked.strict);
                Ok(strict)
            }
        }
    }

    /// The stored form of a checked value.
    ///
    /// # Errors
    /// What the schema walk has let through, in serde's words.
    pub(in crate::apiserver) fn typed(&self, resource: &Resource, value: Value) -> Result<Object, String> {
        let value = match resource.kind {
            Kind::Custom(number) => self.custom[usize::from(number)].to_storage(value),
            _ => to_storage(resource, value),
        };
        Object::from_value(resource.kind, value).map_err(|error| error.to_string())
    }

    /// A body without kind or version takes them from the path; another kind is refused.
    fn check_kind(&self, resource: &Resource, value: &mut Value) -> Result<(), Status> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind_name, expected) = (resource.kind_name, resource.api_version());
        if matches!(resource.kind, Kind::Custom(_)) && text("kind").is_empty() {
            let body = value.to_string();
            let why = format!("Object 'Kind' is missing in '{body}'");
            return Err(unrecognized(kind_name, &why, &body));
        }
        let kind = Some(text("kind")).filter(|kind| !kind.is_empty()).unwrap_or(kind_name);
        let version = Some(text("apiVersion")).filter(|v| !v.is_empty()).unwrap_or(&expected);
        if kind != kind_name || version != expected {
            let short = version.rsplit('/').next().unwrap_or_default();
            let cannot = |why: String| {
                Err(Status::bad_request(format!(
                    "{kind} in version {short:?} cannot be handled as a {kind_name}: {why}"
                )))
            };
            let custom = matches!(resource.kind, Kind::Custom(_));
            if self.kind_of(version, kind).is_none() && !custom && !is_retired(version, kind) {
                return cannot(format!(
                    "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/api/legacyscheme/scheme.go:30\""
                ));
            }
            if version != expected {
                return Err(Status::bad_request(format!(
                    "the API version in the data ({version}) does not match the expected API version ({expected})"
                )));
            }
            if custom {
                return Err(Status::bad_request(format!(
                    "the kind in the data ({kind}) does not match the expected kind ({kind_name})"
                )));
            }
            let package = internal_package(resource.group);
            return cannot(format!("converting ({short}.{kind}) to ({package}.{kind_name}): unknown conversion"));
        }
        let said = [text("kind"), text("apiVersion")].map(|said| !said.is_empty());
        if let (Value::Object(map), true) = (value, said != [true, true]) {
            map.insert("kind".into(), kind_name.into());
            map.insert("apiVersion".into(), expected.into());
        }
        Ok(())
    }
}

/// Versions that are served no more but still known.
fn is_retired(api_version: &str, kind: &str) -> bool {
    let (group, version) = api::scheme::split_api_version(api_version);
    let retired =
        matches!(version, "v1alpha1" | "v1alpha2" | "v1beta1" | "v1beta2" | "v1beta3" | "v2beta1" | "v2beta2");
    let known = |row: &&Resource| row.kind_name == kind && (row.group == group || group == "extensions");
    retired && api::scheme::RESOURCES.iter().any(|row| known(&row))
}

/// `strict decoding error: unknown field "spec.foo", unknown field "spec.bar"`
pub(super) fn strict_error(strict: &[String]) -> String {
    format!("strict decoding error: {}", strict.join(", "))
}

fn cannot_handle(resource: &Resource, why: &str) -> Status {
    let (kind, version) = (resource.kind_name, resource.version);
    Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}
