//! What a field means, for the field under the cursor.

use super::complete::context;

/// The description of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Hover {
    /// UTF-16 offsets of the word it belongs to.
    pub start: usize,
    pub end: usize,
    /// `spec.template.spec.containers.image`
    pub path: String,
    /// As `kubectl explain` writes it.
    pub type_name: String,
    pub text: String,
    pub values: Vec<&'static str>,
}

/// Describes the field on whose line a UTF-16 offset stands; `None` where no known field is.
pub fn hover(text: &str, offset: usize) -> Option<Hover> {
    let context = context(text, offset);
    let names: Vec<&str> = context.path.iter().map(String::as_str).chain([context.key.as_str()]).collect();
    let place = context.kind?.walk(names.iter().copied()).ok()??;
    Some(Hover {
        start: context.start,
        end: context.end,
        path: names.join("."),
        type_name: place.field.shape.explain_type(),
        text: place.field.text(),
        values: place.field.values.clone(),
    })
}
