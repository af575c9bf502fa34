//! `Status`: how the API server says no, in Kubernetes' words. One constructor per reason.
//!
//! Mirrors: apimachinery/pkg/api/errors. Texts are compared byte for byte.

use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value, json};

use crate::order::once;
use crate::scheme::Resource;
use crate::validation::field::{ErrorList, FieldError};

/// A `metav1.Status`. Boxed, so that results stay small.
#[derive(Debug, Clone, PartialEq)]
pub struct Status(Box<StatusFields>);

#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatusFields {
    /// HTTP status code.
    pub code: u16,
    /// `NotFound`, `Invalid`, … Empty where upstream sends none.
    pub reason: String,
    pub message: String,
    pub details: Option<Details>,
    /// `Success` instead of `Failure`.
    pub success: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    pub name: String,
    pub group: String,
    /// The plural resource, but the Kind for `Invalid`.
    pub kind: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

impl Deref for Status {
    type Target = StatusFields;
    fn deref(&self) -> &StatusFields {
        &self.0
    }
}

impl DerefMut for Status {
    fn deref_mut(&mut self) -> &mut StatusFields {
        &mut self.0
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Status {
    /// A failure with free text.
    pub fn failure(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self(Box::new(StatusFields {
            code,
            reason: reason.into(),
            message: message.into(),
            details: None,
            success: false,
        }))
    }

    /// The answer to a delete that removed the object, and to evictions.
    pub fn success(code: u16, details: Option<Details>) -> Self {
        Self(Box::new(StatusFields { code, success: true, details, ..StatusFields::default() }))
    }

    fn on(mut self, resource: &Resource, name: &str) -> Self {
        self.details = Some(Details {
            name: name.into(),
            group: resource.group.into(),
            kind: resource.plural.into(),
            ..Details::default()
        });
        self
    }

    /// Nothing listens: not an answer at all, hence no code. Mirrors: net.OpError of a refused dial.
    pub fn unreachable() -> Self {
        Self(Box::new(StatusFields { message: "connect: connection refused".into(), ..StatusFields::default() }))
    }

    /// The request never arrived, so it is worth sending again.
    pub fn is_unreachable(&self) -> bool {
        self.code == 0 && !self.success
    }

    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self::failure(404, "NotFound", format!("{} {name:?} not found", resource.group_resource())).on(resource, name)
    }

    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::failure(409, "AlreadyExists", format!("{} {name:?} already exists", resource.group_resource()))
            .on(resource, name)
    }

    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        Self::failure(
            409,
            "Conflict",
            format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.group_resource()),
        )
        .on(resource, name)
    }

    /// The optimistic lock: somebody wrote in between.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 403. An empty `name` leaves the name out of the text.
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let subject = resource.group_resource();
        let message = if name.is_empty() {
            format!("{subject} is forbidden: {why}")
        } else {
            format!("{subject} {name:?} is forbidden: {why}")
        };
        Self::failure(403, "Forbidden", message).on(resource, name)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::failure(400, "BadRequest", message)
    }

    /// 422 with every cause at once. `kind` is the Kind, not the resource.
    pub fn invalid(kind: &str, group: &str, name: &str, errors: &ErrorList) -> Self {
        let subject = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
        let mut status = Self::failure(422, "Invalid", format!("{subject} {name:?} is invalid: {}", aggregate(errors)));
        status.details = Some(Details {
            name: name.into(),
            group: group.into(),
            kind: kind.into(),
            causes: errors
                .iter()
                .map(|error| Cause {
                    reason: error.kind.reason().into(),
                    message: error.body(),
                    field: error.field.clone(),
                })
                .collect(),
            ..Details::default()
        });
        status
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::failure(410, "Expired", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        let mut status = Self::failure(500, "InternalError", format!("Internal error occurred: {message}"));
        status.details = Some(Details { causes: vec![Cause { message, ..Cause::default() }], ..Details::default() });
        status
    }

    pub fn method_not_allowed(resource: &Resource, action: &str) -> Self {
        Self::failure(
            405,
            "MethodNotAllowed",
            format!("{action} is not supported on resources of kind {:?}", resource.group_resource()),
        )
        .on(resource, "")
    }

    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut status = Self::failure(429, "TooManyRequests", message);
        if retry_after_seconds > 0 {
            status.details = Some(Details { retry_after_seconds, ..Details::default() });
        }
        status
    }

    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::failure(415, "UnsupportedMediaType", message)
    }

    /// Adds a cause to the details.
    #[must_use]
    pub fn with_cause(mut self, reason: &str, message: &str, field: &str) -> Self {
        let cause = Cause { reason: reason.into(), message: message.into(), field: field.into() };
        self.details.get_or_insert_default().causes.push(cause);
        self
    }

    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("kind".into(), json!("Status"));
        map.insert("apiVersion".into(), json!("v1"));
        map.insert("metadata".into(), json!({}));
        map.insert("status".into(), json!(if self.success { "Success" } else { "Failure" }));
        for (key, text) in [("message", &self.message), ("reason", &self.reason)] {
            if !text.is_empty() {
                map.insert(key.into(), json!(text));
            }
        }
        if let Some(details) = &self.details {
            map.insert("details".into(), details.to_value());
        }
        if !self.success || self.code != 200 {
            map.insert("code".into(), json!(self.code));
        }
        Value::Object(map)
    }

    /// Reads a Status back, as a client does. `None` if the value is no Status.
    pub fn from_value(value: &Value) -> Option<Self> {
        if value.get("kind")?.as_str()? != "Status" {
            return None;
        }
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let details = value.get("details").map(|d| Details {
            name: text(d, "name"),
            group: text(d, "group"),
            kind: text(d, "kind"),
            uid: text(d, "uid"),
            causes: d
                .get("causes")
                .and_then(Value::as_array)
                .map(|causes| {
                    causes
                        .iter()
                        .map(|c| Cause {
                            reason: text(c, "reason"),
                            message: text(c, "message"),
                            field: text(c, "field"),
                        })
                        .collect()
                })
                .unwrap_or_default(),
            retry_after_seconds: d.get("retryAfterSeconds").and_then(Value::as_u64).unwrap_or(0) as u32,
        });
        Some(Self(Box::new(StatusFields {
            code: value.get("code").and_then(Value::as_u64).unwrap_or(0) as u16,
            reason: text(value, "reason"),
            message: text(value, "message"),
            details,
            success: value.get("status").and_then(Value::as_str) == Some("Success"),
        })))
    }
}

impl Details {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                map.insert(key.into(), json!(text));
            }
        }
        if !self.causes.is_empty() {
            map.insert("causes".into(), Value::Array(self.causes.iter().map(Cause::to_value).collect()));
        }
        if self.retry_after_seconds > 0 {
            map.insert("retryAfterSeconds".into(), json!(self.retry_after_seconds));
        }
        Value::Object(map)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                map.insert(key.into(), json!(text));
            }
        }
        Value::Object(map)
    }
}

/// One error alone, several in brackets; texts that repeat are said once.
fn aggregate(errors: &[FieldError]) -> String {
    let texts = once(errors.iter().map(ToString::to_string));
    match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}
