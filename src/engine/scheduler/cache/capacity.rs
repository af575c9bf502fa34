//! How much room a storage system has left, as its CSI driver publishes it.
//!
//! Only for drivers whose CSIDriver says `storageCapacity: true`, and only for volumes yet to be made: there
//! must be a CSIStorageCapacity of the claim's class whose topology has the node and whose
//! `maximumVolumeSize` (or, if that is not told, `capacity`) is enough for the claim alone.
//! Mirrors: volumebinding/binder.go `hasEnoughCapacity`, `volumeLimit`, `nodeHasAccess`.

use api::DynamicObject;
use api::meta::selector::{Labels, Operator, Requirement};
use api::meta::{Amount, Selector};
use serde_json::Value;

/// A CSIStorageCapacity: for one class, on the nodes that a selector names.
#[derive(Debug, Clone)]
pub struct Capacity {
    pub class: String,
    /// The largest volume that can still be made; nothing can where it is not said.
    pub largest: Option<Amount>,
    /// Which nodes reach the storage; none where it is not said.
    reach: Selector,
}

impl Capacity {
    pub fn read(object: &DynamicObject) -> Self {
        let text = |name: &str| object.fields.get(name).and_then(Value::as_str);
        let largest = text("maximumVolumeSize").or_else(|| text("capacity"));
        Self {
            class: text("storageClassName").unwrap_or_default().to_owned(),
            largest: largest.and_then(|text| text.parse().ok()),
            reach: object.fields.get("nodeTopology").map_or(Selector::Nothing, selector),
        }
    }

    /// Whether a volume of that class and size can be made for a node with these labels.
    pub fn holds(&self, class: &str, size: Amount, node: Option<&Labels>) -> bool {
        self.class == class && self.largest.is_some_and(|largest| largest >= size) && self.reach.matches(node)
    }
}

/// A label selector of an object that has no type of its own here.
fn selector(value: &Value) -> Selector {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let equal = value["matchLabels"].as_object().into_iter().flatten().map(|(key, value)| Requirement {
        key: key.clone(),
        operator: Operator::In,
        values: vec![text(value)],
    });
    let expressions = value["matchExpressions"].as_array().into_iter().flatten().map(|expression| Requirement {
        key: text(&expression["key"]),
        operator: match expression["operator"].as_str() {
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            Some("DoesNotExist") => Operator::DoesNotExist,
            _ => Operator::In,
        },
        values: expression["values"].as_array().into_iter().flatten().map(text).collect(),
    });
    Selector::All(equal.chain(expressions).collect())
}
