//! RuntimeClasses.
//!
//! Mirrors: pkg/printers/internalversion `printRuntimeClass`.

use api::DynamicObject;

use super::Cells;
use super::cell::{Now, text, text_at};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[NAME, field("Handler", "meta/v1.ObjectMeta", "handler"), AGE];

pub(super) fn cells(class: &DynamicObject, now: Now) -> Cells {
    vec![text(&class.metadata.name), text_at(&class.fields, &["handler"], ""), now.age(&class.metadata)]
}
