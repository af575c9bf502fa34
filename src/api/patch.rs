//! Patches and field ownership as pure functions on JSON values. No storage, no requests.
//!
//! Mirrors: evanphx/json-patch, apimachinery/pkg/util/{strategicpatch,jsonmergepatch},
//! sigs.k8s.io/structured-merge-diff and apimachinery/pkg/util/managedfields.
//!
//! ```text
//! json_patch(&value, &ops)                      RFC 6902, with Go's leniency
//! merge_patch(&mut value, &patch)               RFC 7386
//! strategic(value, patch, type)                 with $patch, $retainKeys, $setElementOrder, …
//! two_way / three_way_strategic / three_way_merge   the patches that kubectl sends
//! Managers::{read, write, update, apply}        managedFields of one object
//! fieldset::Set, Fields                         FieldsV1
//! structured::{to_set, compare, merge, remove, check, zero, outline}
//! ```

mod apply;
mod diff;
mod fields;
pub mod fieldset;
mod json;
mod places;
mod strategic;
pub mod structured;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::schema::{Field, ListKind, Shape, Type};

pub use apply::{Conflict, Conflicts, Manager, Managers, Operation};
pub use diff::{three_way_merge, three_way_strategic, two_way_merge, two_way_strategic};
pub use fields::Fields;
pub use json::{json_patch, merge_patch};
pub use strategic::strategic;

/// Why a patch cannot be applied, and the HTTP status the API server answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchError {
    /// 400 malformed, 413 too many operations, 422 does not fit the object, 500 strategic merge gave up.
    pub code: u16,
    pub message: String,
}

impl std::fmt::Display for PatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl PatchError {
    fn malformed(message: impl Into<String>) -> Self {
        Self { code: 400, message: message.into() }
    }

    /// What the generic 422 of a patch says, whatever did not fit.
    fn rejected() -> Self {
        Self { code: 422, message: "the server rejected our request due to an error in our request".into() }
    }

    fn internal(message: impl Into<String>) -> Self {
        Self { code: 500, message: message.into() }
    }
}

/// What is known about a value while a patch walks down: the type of a map's keys or a list's items.
#[derive(Debug, Clone, Copy)]
enum Place {
    Struct(&'static Type),
    /// A map or list of this; and the field it belongs to.
    Inside(&'static Shape),
    Unknown,
}

impl Place {
    fn of(kind: Option<&'static Type>) -> Self {
        kind.map_or(Place::Unknown, Place::Struct)
    }

    fn field(self, name: &str) -> Option<&'static Field> {
        if let Place::Struct(kind) = self { kind.field(name) } else { None }
    }

    fn shape(shape: &'static Shape) -> Self {
        match shape {
            Shape::Object(_) => shape.object().map_or(Place::Unknown, Place::Struct),
            Shape::List(inner) | Shape::Map(inner) => Place::Inside(inner),
            _ => Place::Unknown,
        }
    }

    /// Where a key of this map leads.
    fn child(self, name: &str) -> Self {
        match self {
            Place::Struct(kind) => kind.field(name).map_or(Place::Unknown, |field| Place::shape(&field.shape)),
            Place::Inside(shape) => Place::shape(shape),
            Place::Unknown => Place::Unknown,
        }
    }

    /// Where an item of this list leads.
    fn item(self) -> Self {
        if let Place::Inside(shape) = self { Place::shape(shape) } else { Place::Unknown }
    }

    /// The list's merge key, empty for plain values; `None` if the list is replaced.
    fn patch_key(self, name: &str) -> Option<&'static str> {
        self.field(name).and_then(|field| field.patch_key)
    }
}

/// A value as Go's `%v` prints it.
pub fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", go_value(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// How server-side apply owns an item of a list.
fn list_of(field: &'static Field) -> Option<(&'static ListKind, &'static Shape)> {
    match &field.shape {
        Shape::List(item) if field.list != ListKind::Atomic => Some((&field.list, item)),
        _ => None,
    }
}
