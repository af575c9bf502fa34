//! PriorityClasses.
//!
//! Mirrors: pkg/printers/internalversion `printPriorityClass`.

use k8s_openapi::api::scheduling::v1::PriorityClass;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Value", "scheduling/v1.PriorityClass", "value").of("integer"),
    field("Global-Default", "scheduling/v1.PriorityClass", "globalDefault").of("boolean"),
    AGE,
    field("PreemptionPolicy", "scheduling/v1.PriorityClass", "preemptionPolicy"),
];

pub(super) fn cells(class: &PriorityClass, now: Now) -> Cells {
    vec![
        text(&class.metadata.name),
        json!(class.value),
        json!(class.global_default.unwrap_or_default()),
        now.age(&class.metadata),
        text(&class.preemption_policy),
    ]
}
