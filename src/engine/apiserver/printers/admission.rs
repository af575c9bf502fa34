//! Webhook configurations, and admission policies with their bindings.
//!
//! Mirrors: pkg/printers/internalversion `printMutatingWebhook`, `printValidatingAdmissionPolicy`
//! and their siblings.

use api::DynamicObject;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, at, text, text_at};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const WEBHOOK_COLUMNS: &[Column] = &[
    NAME,
    string("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration").of("integer"),
    AGE,
];

pub(super) const VALIDATING_POLICY_COLUMNS: &[Column] = &[
    NAME,
    string("Validations", "Validations indicates the number of validation rules defined in this configuration")
        .of("integer"),
    field("ParamKind", "admissionregistration/v1.ValidatingAdmissionPolicySpec", "paramKind"),
    AGE,
];

pub(super) const MUTATING_POLICY_COLUMNS: &[Column] = &[
    NAME,
    string("Mutations", "Mutation indicates the number of mutations rules defined in this configuration").of("integer"),
    field("ParamKind", "admissionregistration/v1.ValidatingAdmissionPolicySpec", "paramKind"),
    AGE,
];

pub(super) const BINDING_COLUMNS: &[Column] = &[
    NAME,
    field("PolicyName", "admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec", "policyName"),
    field("ParamRef", "admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec", "paramRef"),
    AGE,
];

pub(super) fn webhook_cells(configuration: &DynamicObject, now: Now) -> Cells {
    let webhooks = count(at(&configuration.fields, &["webhooks"]));
    vec![text(&configuration.metadata.name), webhooks, now.age(&configuration.metadata)]
}

/// `rules` is the list that says what the policy does.
pub(super) fn policy_cells(policy: &DynamicObject, rules: &str, now: Now) -> Cells {
    let kind = at(&policy.fields, &["spec", "paramKind"]);
    let shown = match kind {
        Value::Object(_) => {
            let part = |key: &str| kind[key].as_str().unwrap_or_default();
            format!("{}/{}", part("apiVersion"), part("kind"))
        }
        _ => "<unset>".into(),
    };
    vec![
        text(&policy.metadata.name),
        count(at(&policy.fields, &["spec", rules])),
        json!(shown),
        now.age(&policy.metadata),
    ]
}

pub(super) fn binding_cells(binding: &DynamicObject, now: Now) -> Cells {
    let reference = at(&binding.fields, &["spec", "paramRef"]);
    let part = |key: &str| reference[key].as_str().filter(|text| !text.is_empty());
    let shown = match (part("namespace"), part("name")) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (Some(namespace), None) => format!("{namespace}/*"),
        (None, Some(name)) => format!("*/{name}"),
        (None, None) => "<unset>".into(),
    };
    vec![
        text(&binding.metadata.name),
        text_at(&binding.fields, &["spec", "policyName"], ""),
        json!(shown),
        now.age(&binding.metadata),
    ]
}

fn count(list: &Value) -> Value {
    json!(list.as_array().map_or(0, Vec::len))
}
