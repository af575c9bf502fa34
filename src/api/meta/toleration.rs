//! Whether a toleration covers a taint: one rule for the scheduler, the DaemonSets and the evictions.
//!
//! Mirrors: staging/src/k8s.io/component-helpers/scheduling/corev1 `ToleratesTaint`.

use k8s_openapi::api::core::v1::{Taint, Toleration};

/// Without an effect a toleration speaks of every effect, without a key of every taint.
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    if !(effect.is_empty() || effect == taint.effect) || !(key.is_empty() || key == taint.key) {
        return false;
    }
    match toleration.operator.as_deref() {
        None | Some("" | "Equal") => {
            toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default()
        }
        Some(operator) => operator == "Exists",
    }
}
