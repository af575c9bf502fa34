//! Namespaces.
//!
//! Mirrors: pkg/printers/internalversion `printNamespace`.

use k8s_openapi::api::core::v1::Namespace;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, string};

pub(super) const COLUMNS: &[Column] = &[NAME, string("Status", "The status of the namespace"), AGE];

pub(super) fn cells(namespace: &Namespace, now: Now) -> Cells {
    let phase = namespace.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    vec![text(&namespace.metadata.name), json!(phase), now.age(&namespace.metadata)]
}
