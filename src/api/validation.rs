//! Validation: is this object allowed? One file per kind; texts, paths and order are upstream's.
//!
//! Mirrors: pkg/apis/*/validation. Objects are validated after defaulting.

pub mod field;

use crate::Object;
pub use field::{ErrorKind, ErrorList, FieldError, Path};

/// Everything that forbids creating `object`, in upstream's order.
pub fn create(object: &Object) -> ErrorList {
    let _ = object;
    Vec::new()
}

/// Everything that forbids replacing `old` by `new`: the rules of creation and the immutable fields.
pub fn update(new: &Object, old: &Object) -> ErrorList {
    let _ = (new, old);
    Vec::new()
}

/// Everything that forbids replacing the status of `old` by that of `new`.
pub fn update_status(new: &Object, old: &Object) -> ErrorList {
    let _ = (new, old);
    Vec::new()
}

/// What is allowed but ill-advised: the texts of `Warning` headers.
pub fn warnings(object: &Object, old: Option<&Object>) -> Vec<String> {
    let _ = (object, old);
    Vec::new()
}
