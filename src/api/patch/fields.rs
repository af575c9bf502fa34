//! What one entry of managedFields names: a set of fields, shared by all who own the same, written out once.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::fieldset::Set;

/// A set of fields, and its `fieldsV1` once somebody has read it.
#[derive(Debug, Default)]
pub struct Fields {
    set: Set,
    json: OnceLock<Value>,
}

impl Fields {
    pub fn of(set: Set) -> Arc<Self> {
        Arc::new(Self { set, json: OnceLock::new() })
    }

    pub fn set(&self) -> &Set {
        &self.set
    }

    /// As `fieldsV1` carries it.
    pub fn to_json(&self) -> Value {
        self.json.get_or_init(|| self.set.clone().into_json()).clone()
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.set == other.set
    }
}
