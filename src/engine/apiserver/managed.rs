//! Field ownership: each write is remembered; `managedFields` is folded from that when somebody looks.
//!
//! Mirrors: apimachinery/pkg/util/managedfields.

use std::sync::Arc;

use api::Object;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use super::ApiServer;
use super::storage::{FieldWrite, Ownership};

/// Remembers a write. Writes by one manager in a row share an entry, so that a status
/// updated a thousand times costs one.
pub(super) fn record(
    ownership: &mut Ownership,
    server: &ApiServer,
    manager: &Arc<str>,
    subresource: &'static str,
    before: Option<&Object>,
    after: &Object,
) {
    let merged = ownership.pending.back().filter(|last| {
        last.manager == *manager && last.subresource == subresource && last.before.is_some() == before.is_some()
    });
    let before = match merged {
        Some(last) => last.before.clone(),
        None => before.cloned(),
    };
    if merged.is_some() {
        ownership.pending.pop_back();
    }
    ownership.pending.push_back(Arc::new(FieldWrite {
        manager: manager.clone(),
        subresource,
        api_version: server.resource_of(after.kind()).api_version().into(),
        at: server.now(),
        before,
        after: after.clone(),
    }));
}

/// The `managedFields` a client sees.
pub(super) fn fold(_server: &ApiServer, stored: &super::storage::Stored) -> Vec<ManagedFieldsEntry> {
    stored.ownership.folded.to_vec()
}
