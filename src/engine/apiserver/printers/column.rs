//! What a column is, and the few that many kinds share.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, text};

/// One column definition of a `Table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `integer`, `boolean` or `date`.
    pub kind: &'static str,
    /// `name` for the column that names the object, else empty.
    pub format: &'static str,
    description: Doc,
    /// 0: always shown; 1: only in wide output.
    pub priority: i32,
}

/// Where a column's description comes from: most are the API documentation of the field shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doc {
    Text(&'static str),
    Field(&'static str, &'static str),
}

/// A column of text with a description of its own.
pub(super) const fn string(name: &'static str, description: &'static str) -> Column {
    Column { name, kind: "string", format: "", description: Doc::Text(description), priority: 0 }
}

/// A column of text that shows `field` of the API type `owner`.
pub(super) const fn field(name: &'static str, owner: &'static str, field: &'static str) -> Column {
    Column { name, kind: "string", format: "", description: Doc::Field(owner, field), priority: 0 }
}

impl Column {
    pub(super) const fn wide(self) -> Self {
        Column { priority: 1, ..self }
    }

    pub(super) const fn of(self, kind: &'static str) -> Self {
        Column { kind, ..self }
    }

    pub(super) const fn format(self, format: &'static str) -> Self {
        Column { format, ..self }
    }

    pub fn description(&self) -> &'static str {
        match self.description {
            Doc::Text(text) => text,
            Doc::Field(owner, field) => documentation(owner, field),
        }
    }

    /// The definition as it stands in a `Table`.
    pub fn to_value(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.kind,
            "format": self.format,
            "description": self.description(),
            "priority": self.priority,
        })
    }
}

pub(super) const NAME: Column = field("Name", "ObjectMeta", "name").format("name");
pub(super) const AGE: Column = field("Age", "ObjectMeta", "creationTimestamp");
pub(super) const CONTAINERS: Column = string("Containers", "Names of each container in the template.");
pub(super) const IMAGES: Column = string("Images", "Images referenced by each container in the template.");

/// For kinds of which nothing else is worth a column.
pub(super) const NAME_AND_AGE: &[Column] = &[NAME, AGE];

pub(super) fn name_and_age(meta: &ObjectMeta, now: Now) -> Cells {
    vec![text(&meta.name), now.age(meta)]
}

/// The API documentation of a field. The two that stand in every table are kept here.
fn documentation(owner: &str, field: &str) -> &'static str {
    match (owner, field) {
        ("ObjectMeta", "name") => NAME_DOC,
        ("ObjectMeta", "creationTimestamp") => CREATION_TIMESTAMP_DOC,
        ("Secret", "type") => SECRET_TYPE_DOC,
        ("Secret", "data") => SECRET_DATA_DOC,
        _ => "",
    }
}

pub(super) const NAME_DOC: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
pub(super) const CREATION_TIMESTAMP_DOC: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const SECRET_TYPE_DOC: &str = "Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types";
const SECRET_DATA_DOC: &str = "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'. The serialized form of the secret data is a base64 encoded string, representing the arbitrary (possibly non-string) data value here. Described in https://tools.ietf.org/html/rfc4648#section-4";
