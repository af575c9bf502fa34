//! What one entry of managedFields names: a set of fields, shared by all who own the same, written out once.

use std::sync::{Arc, OnceLock};

use super::fieldset::Set;
use crate::codec;

/// A set of fields, and its `fieldsV1` as text, once somebody has read that.
#[derive(Debug, Default)]
pub struct Fields {
    set: Set,
    text: OnceLock<String>,
}

impl Fields {
    pub fn of(set: Set) -> Arc<Self> {
        Arc::new(Self { set, text: OnceLock::new() })
    }

    pub fn set(&self) -> &Set {
        &self.set
    }

    /// `fieldsV1` as text.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| codec::text(None, None, |sink| self.set.write(sink)))
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.set == other.set
    }
}
