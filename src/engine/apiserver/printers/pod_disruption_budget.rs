//! PodDisruptionBudgets.
//!
//! Mirrors: pkg/printers/internalversion `printPodDisruptionBudget`.

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, number, text};
use super::column::{AGE, Column, NAME, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Min Available", "The minimum number of pods that must be available."),
    string("Max Unavailable", "The maximum number of pods that may be unavailable."),
    string("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time.").of("integer"),
    AGE,
];

pub(super) fn cells(budget: &PodDisruptionBudget, now: Now) -> Cells {
    let spec = budget.spec.as_ref();
    vec![
        text(&budget.metadata.name),
        amount(spec.and_then(|spec| spec.min_available.as_ref())),
        amount(spec.and_then(|spec| spec.max_unavailable.as_ref())),
        number(budget.status.as_ref().and_then(|status| status.disruptions_allowed)),
        now.age(&budget.metadata),
    ]
}

/// A number or a percentage, both as text.
fn amount(value: Option<&IntOrString>) -> Value {
    match value {
        None => json!("N/A"),
        Some(IntOrString::Int(number)) => json!(number.to_string()),
        Some(IntOrString::String(percentage)) => json!(percentage),
    }
}
