//! Leases.
//!
//! Mirrors: pkg/printers/internalversion `printLease`.

use k8s_openapi::api::coordination::v1::Lease;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[NAME, field("Holder", "coordination/v1.LeaseSpec", "holderIdentity"), AGE];

pub(super) fn cells(lease: &Lease, now: Now) -> Cells {
    let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
    vec![text(&lease.metadata.name), json!(holder.unwrap_or_default()), now.age(&lease.metadata)]
}
