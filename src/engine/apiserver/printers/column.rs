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

/// A column of text that shows `field` of the API type `owner`, `core/v1.PodStatus`.
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

    pub fn description(&self) -> String {
        match self.description {
            Doc::Text(text) => text.into(),
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

pub(super) const NAME: Column = field("Name", "meta/v1.ObjectMeta", "name").format("name");
pub(super) const AGE: Column = field("Age", "meta/v1.ObjectMeta", "creationTimestamp");
pub(super) const CONTAINERS: Column = string("Containers", "Names of each container in the template.");
pub(super) const IMAGES: Column = string("Images", "Images referenced by each container in the template.");

/// For kinds of which nothing else is worth a column.
pub(super) const NAME_AND_AGE: &[Column] = &[NAME, AGE];

pub(super) fn name_and_age(meta: &ObjectMeta, now: Now) -> Cells {
    vec![text(&meta.name), now.age(meta)]
}

/// The API documentation of a field; empty if the schema does not know it.
fn documentation(owner: &str, field: &str) -> String {
    let field = api::schema::for_type(owner).and_then(|owner| owner.field(field));
    field.map(api::schema::Field::text).unwrap_or_default()
}
