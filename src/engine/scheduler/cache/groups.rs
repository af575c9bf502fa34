//! Pods with equal namespace and labels are one group, so that counting pods for a selector
//! asks it once per group and not once per pod. Ours: upstream walks the pods.

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

    /// Which groups a selector speaks of, in one namespace.
    pub fn matcher(&self, namespace: &str, selector: &Selector) -> GroupMatcher {
        // Counting for an empty selector is counting nothing: upstream's `countPodsMatchSelector`.
        if selector.requirements().is_empty() {
            return GroupMatcher::default();
        }
        let speaks_of = |group: &Group| group.namespace == namespace && selector.matches(Some(&group.labels));
        let matching = self.all.iter().enumerate().filter(|(_, group)| speaks_of(group));
        GroupMatcher { matching: matching.map(|(id, _)| id).collect() }
    }
}

/// The groups a selector speaks of: one, as a rule, so that nodes are looked through quickly.
#[derive(Debug, Clone, Default)]
pub struct GroupMatcher {
    /// In order.
    matching: Arc<[GroupId]>,
}

impl GroupMatcher {
    pub fn groups(&self) -> &[GroupId] {
        &self.matching
    }

    pub fn matches(&self, id: GroupId) -> bool {
        match &*self.matching {
            [only] => *only == id,
            many => many.binary_search(&id).is_ok(),
        }
    }
}
