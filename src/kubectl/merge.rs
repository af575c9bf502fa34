//! What `apply`, `set` and their kind send: strategic patches for built-in kinds, JSON merge patches for others.

use api::patch;
use api::schema;
use serde_json::Value;

use crate::client::PatchType;
use crate::discovery::Mapping;
use crate::failure::{Failure, Result};

/// The patch that turns `current` into `modified` and removes what `original` had and `modified` has not.
///
/// # Errors
/// A list item without its merge key.
pub fn three_way(original: &Value, modified: &Value, current: &Value, mapping: &Mapping) -> Result<(PatchType, Value)> {
    match schema::for_kind(&mapping.group, &mapping.version, &mapping.kind) {
        Some(kind) => patch::three_way_strategic(original, modified, current, Some(kind))
            .map(|patch| (PatchType::Strategic, patch))
            .map_err(|why| Failure::plain(why.to_string())),
        None => Ok((PatchType::Merge, patch::three_way_merge(original, modified, current))),
    }
}

/// The patch that turns `before` into `after`.
///
/// # Errors
/// A list item without its merge key.
pub fn two_way(before: &Value, after: &Value, mapping: &Mapping) -> Result<(PatchType, Value)> {
    match schema::for_kind(&mapping.group, &mapping.version, &mapping.kind) {
        Some(kind) => patch::two_way_strategic(before, after, Some(kind))
            .map(|patch| (PatchType::Strategic, patch))
            .map_err(|why| Failure::plain(why.to_string())),
        None => Ok((PatchType::Merge, patch::two_way_merge(before, after))),
    }
}
