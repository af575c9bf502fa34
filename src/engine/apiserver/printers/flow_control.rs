//! FlowSchemas and PriorityLevelConfigurations.
//!
//! Mirrors: pkg/printers/internalversion `printFlowSchema`, `printPriorityLevelConfiguration`.

use api::DynamicObject;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, at, text, text_at};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const SCHEMA_COLUMNS: &[Column] = &[
    NAME,
    field("PriorityLevel", "flowcontrol/v1.PriorityLevelConfigurationReference", "name"),
    field("MatchingPrecedence", "flowcontrol/v1.FlowSchemaSpec", "matchingPrecedence"),
    field("DistinguisherMethod", "flowcontrol/v1.FlowSchemaSpec", "distinguisherMethod"),
    AGE,
    string("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
];

pub(super) const LEVEL_COLUMNS: &[Column] = &[
    NAME,
    field("Type", "flowcontrol/v1.PriorityLevelConfigurationSpec", "type"),
    field("NominalConcurrencyShares", "flowcontrol/v1.LimitedPriorityLevelConfiguration", "nominalConcurrencyShares"),
    field("Queues", "flowcontrol/v1.QueuingConfiguration", "queues"),
    field("HandSize", "flowcontrol/v1.QueuingConfiguration", "handSize"),
    field("QueueLengthLimit", "flowcontrol/v1.QueuingConfiguration", "queueLengthLimit"),
    AGE,
];

pub(super) fn schema_cells(schema: &DynamicObject, now: Now) -> Cells {
    let conditions = at(&schema.fields, &["status", "conditions"]).as_array();
    let dangling = conditions.into_iter().flatten().find(|condition| condition["type"] == "Dangling");
    vec![
        text(&schema.metadata.name),
        text_at(&schema.fields, &["spec", "priorityLevelConfiguration", "name"], ""),
        json!(at(&schema.fields, &["spec", "matchingPrecedence"]).as_i64().unwrap_or_default()),
        text_at(&schema.fields, &["spec", "distinguisherMethod", "type"], "<none>"),
        now.age(&schema.metadata),
        json!(dangling.and_then(|condition| condition["status"].as_str()).unwrap_or("?")),
    ]
}

pub(super) fn level_cells(level: &DynamicObject, now: Now) -> Cells {
    let number = |path: &[&str]| match at(&level.fields, path) {
        Value::Null => json!("<none>"),
        number => number.clone(),
    };
    let queuing = |key| number(&["spec", "limited", "limitResponse", "queuing", key]);
    vec![
        text(&level.metadata.name),
        text_at(&level.fields, &["spec", "type"], ""),
        number(&["spec", "limited", "nominalConcurrencyShares"]),
        queuing("queues"),
        queuing("handSize"),
        queuing("queueLengthLimit"),
        now.age(&level.metadata),
    ]
}
