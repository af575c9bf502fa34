//! CertificateSigningRequests.
//!
//! Mirrors: pkg/printers/internalversion `printCertificateSigningRequest`.

use api::DynamicObject;
use api::meta::time::human_duration;
use serde_json::json;

use super::Cells;
use super::cell::{Now, at, text, text_at};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    AGE,
    field("SignerName", "certificates/v1.CertificateSigningRequestSpec", "signerName"),
    field("Requestor", "certificates/v1.CertificateSigningRequestSpec", "request"),
    field("RequestedDuration", "certificates/v1.CertificateSigningRequestSpec", "expirationSeconds"),
    field("Condition", "certificates/v1.CertificateSigningRequestStatus", "conditions"),
];

pub(super) fn cells(request: &DynamicObject, now: Now) -> Cells {
    let expiration = at(&request.fields, &["spec", "expirationSeconds"]).as_i64();
    vec![
        text(&request.metadata.name),
        now.age(&request.metadata),
        text_at(&request.fields, &["spec", "signerName"], "<none>"),
        text_at(&request.fields, &["spec", "username"], ""),
        json!(expiration.map_or("<none>".into(), |seconds| human_duration(seconds.saturating_mul(1000)))),
        json!(condition(request)),
    ]
}

/// A denial outweighs an approval; failure and the certificate are added.
fn condition(request: &DynamicObject) -> String {
    let conditions = at(&request.fields, &["status", "conditions"]).as_array();
    let has = |kind: &str| conditions.into_iter().flatten().any(|condition| condition["type"] == kind);
    let mut text = if has("Denied") {
        "Denied".to_string()
    } else if has("Approved") {
        "Approved".to_string()
    } else {
        "Pending".to_string()
    };
    if has("Failed") {
        text.push_str(",Failed");
    }
    if at(&request.fields, &["status", "certificate"]).as_str().is_some_and(|certificate| !certificate.is_empty()) {
        text.push_str(",Issued");
    }
    text
}
