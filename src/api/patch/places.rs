//! Where the items of a list stand, by their merge key: asked for once for each item of another list.

use std::collections::BTreeMap;

use serde_json::Value;

/// The first place of each key; the items themselves are the keys where the merge key is empty.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, usize>);

impl Places {
    pub fn of(list: &[Value], key: &str) -> Self {
        let mut places = Self::default();
        for (at, item) in list.iter().enumerate() {
            places.add(item, key, at);
        }
        places
    }

    /// Enters an item that has come to stand here, unless its key stands further in front.
    pub fn add(&mut self, item: &Value, key: &str, at: usize) {
        if let Some(name) = name(item, key) {
            self.0.entry(name).or_insert(at);
        }
    }

    /// The place of the item's twin; nothing for an item without the key.
    pub fn get(&self, item: &Value, key: &str) -> Option<usize> {
        // Equal values are written equally.
        self.0.get(&name(item, key)?).copied()
    }

    pub fn has(&self, item: &Value, key: &str) -> bool {
        self.get(item, key).is_some()
    }
}

fn name(item: &Value, key: &str) -> Option<String> {
    if key.is_empty() { Some(item.to_string()) } else { item.get(key).map(Value::to_string) }
}
