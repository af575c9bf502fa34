//! Pods with equal namespace and labels are one group, so that counting pods for a selector
//! asks it once per group and not once per pod. Ours: upstream walks the pods.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::meta::Selector;
use api::meta::selector::Labels;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub type GroupId = usize;

#[derive(Debug, Clone, Default)]
pub struct Groups {
    ids: BTreeMap<Arc<Group>, GroupId>,
    all: Vec<Arc<Group>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    namespace: String,
    labels: Labels,
}

impl Groups {
    /// The group of a pod, new if it is the first of its kind.
    pub fn id_of(&mut self, meta: &ObjectMeta) -> GroupId {
        let group = Group {
            namespace: meta.namespace.clone().unwrap_or_default(),
            labels: meta.labels.clone().unwrap_or_default(),
        };
        if let Some(id) = self.ids.get(&group) {
            return *id;
        }
        let (id, group) = (self.all.len(), Arc::new(group));
        self.all.push(group.clone());
        self.ids.insert(group, id);
        id
    }

    pub fn matcher<'a>(&'a self, namespace: &'a str, selector: &Arc<Selector>) -> GroupMatcher<'a> {
        // Counting for an empty selector is counting nothing: upstream's `countPodsMatchSelector`.
        let none = selector.requirements().is_empty();
        GroupMatcher {
            groups: &self.all,
            namespace,
            selector: selector.clone(),
            known: vec![Cell::new(None); self.all.len()],
            none,
        }
    }
}

/// A selector in one namespace, with its answers remembered.
#[derive(Debug, Clone)]
pub struct GroupMatcher<'a> {
    groups: &'a [Arc<Group>],
    namespace: &'a str,
    selector: Arc<Selector>,
    known: Vec<Cell<Option<bool>>>,
    none: bool,
}

impl GroupMatcher<'_> {
    pub fn matches(&self, id: GroupId) -> bool {
        if self.none {
            return false;
        }
        let known = &self.known[id];
        known.get().unwrap_or_else(|| {
            let group = &self.groups[id];
            let matches = group.namespace == self.namespace && self.selector.matches(Some(&group.labels));
            known.set(Some(matches));
            matches
        })
    }
}
