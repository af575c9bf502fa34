//! How much room a storage system has left, as its CSI driver publishes it.
//!
//! Only for drivers whose CSIDriver says `storageCapacity: true`, and only for volumes yet to be made: there
//! must be a CSIStorageCapacity of the claim's class whose topology has the node and whose
//! `maximumVolumeSize` (or, if that is not told, `capacity`) is enough for the claim alone.
//! Mirrors: volumebinding/binder.go `hasEnoughCapacity`, `volumeLimit`, `nodeHasAccess`.

use api::DynamicObject;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use api::meta::selector::Labels;
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
        let topology: Option<LabelSelector> =
            object.fields.get("nodeTopology").and_then(|selector| api::codec::decode(selector.clone()).ok());
        let largest = text("maximumVolumeSize").or_else(|| text("capacity"));
        Self {
            class: text("storageClassName").unwrap_or_default().to_owned(),
            largest: largest.and_then(|text| text.parse().ok()),
            reach: Selector::from_label_selector(topology.as_ref()),
        }
    }

    /// Whether a volume of that class and size can be made for a node with these labels.
    pub fn holds(&self, class: &str, size: Amount, node: Option<&Labels>) -> bool {
        self.class == class && self.largest.is_some_and(|largest| largest >= size) && self.reach.matches(node)
    }
}
