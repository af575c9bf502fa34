//! The table of kinds that have none of their own: name and the time of creation.
//!
//! Mirrors: apiserver/pkg/registry/rest `NewDefaultTableConvertor`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::Cells;
use super::cell::text;
use super::column::{Column, NAME, field};

pub(super) const COLUMNS: &[Column] =
    &[NAME, field("Created At", "meta/v1.ObjectMeta", "creationTimestamp").of("date")];

pub(super) fn cells(meta: &ObjectMeta) -> Cells {
    // RFC 3339 in whole seconds, as times are stored.
    let created = meta.creation_timestamp.as_ref().map(|time| time.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    vec![text(&meta.name), json!(created.as_deref().unwrap_or("<unknown>"))]
}
