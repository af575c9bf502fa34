//! Whether what the store keeps twice agrees: indices with objects, the log with versions.

use std::collections::BTreeMap;

use super::{Index, Key, Store, controller_uid, is_adoptable, node_of};

impl Store {
    /// What disagrees, a sentence each; nothing when all is well.
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let (mut owned, mut placed, mut orphans) = (BTreeMap::new(), BTreeMap::new(), 0);
        for (key, stored) in &self.objects {
            let object = &stored.object;
            if *key != Key::of(object) {
                found.push(format!("{key:?} holds {:?}", Key::of(object)));
            }
            let version = object.meta().resource_version.as_deref().and_then(|text| text.parse::<u64>().ok());
            if version.is_none_or(|version| version > self.version) {
                found.push(format!("{key:?} is at {version:?}, the store at {}", self.version));
            }
            if let Some(uid) = controller_uid(object) {
                *owned.entry(uid).or_insert(0) += 1;
                if !same(self.owned.get(uid).and_then(|all| all.get(key)), object) {
                    found.push(format!("{key:?} is not among what {uid} controls"));
                }
            } else if is_adoptable(key.kind) {
                orphans += 1;
                if !same(self.orphans.get(key), object) {
                    found.push(format!("{key:?} is not among the orphans"));
                }
            }
            if let Some(node) = node_of(object) {
                *placed.entry(node).or_insert(0) += 1;
                if !same(self.placed.get(node).and_then(|all| all.get(key)), object) {
                    found.push(format!("{key:?} is not among what is on {node}"));
                }
            }
        }
        if self.orphans.len() != orphans {
            found.push(format!("{} orphans are indexed, {orphans} stored", self.orphans.len()));
        }
        for (name, index, counted) in [("controllers", &self.owned, &owned), ("nodes", &self.placed, &placed)] {
            if lengths(index).ne(counted.iter().map(|(value, count)| (*value, *count))) {
                found.push(format!("the index by {name} holds objects that are gone"));
            }
        }
        let versions = self.log.iter().map(|revision| revision.version);
        if !versions.eq(self.version + 1 - self.log.len() as u64..=self.version) {
            found.push(format!("the log's versions do not lead to {}", self.version));
        }
        found
    }
}

fn same(indexed: Option<&api::Object>, stored: &api::Object) -> bool {
    indexed.is_some_and(|indexed| indexed.is(stored))
}

fn lengths(index: &Index) -> impl Iterator<Item = (&str, usize)> {
    index.iter().map(|(value, objects)| (&**value, objects.len()))
}
