//! managedFields: who owns which field of one object, and what a write or an apply changes about it.
//!
//! Mirrors: structured-merge-diff/merge `Updater` and apimachinery/pkg/util/managedfields
//! (how entries are kept, ordered, capped and how conflicts are worded).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::fieldset::{Element, Set, path_text};
use super::structured::{Comparison, born, compare, merge, remove, to_set};
use crate::order::{Gather, Order};
use crate::schema::Type;

/// More managers than this that only update are folded into one, oldest first.
const MOST_UPDATE_MANAGERS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

/// Who writes: everything that makes entries of managedFields distinct.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    pub name: String,
    pub operation: Operation,
    pub subresource: String,
    pub api_version: String,
}

impl Manager {
    pub fn update(name: &str, api_version: &str, subresource: &str) -> Self {
        Self {
            name: name.into(),
            operation: Operation::Update,
            subresource: subresource.into(),
            api_version: api_version.into(),
        }
    }

    pub fn apply(name: &str, api_version: &str, subresource: &str) -> Self {
        Self { operation: Operation::Apply, ..Self::update(name, api_version, subresource) }
    }

    /// Appliers keep one entry across versions.
    fn same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }
}

/// One entry: a manager, what it owns and since when (RFC 3339).
#[derive(Debug, Clone, PartialEq)]
struct Owner {
    manager: Manager,
    set: Set,
    time: String,
}

/// The managedFields of one object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Managers {
    owners: Vec<Owner>,
}

/// A field that somebody else owns with another value.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// `"one"`, or `"editor" using v1`, as it stands behind `conflict with `.
    pub manager: String,
    /// `.spec.replicas`
    pub field: String,
}

/// Why an apply is refused: 409 with a cause for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflicts(pub Vec<Conflict>);

impl std::fmt::Display for Conflicts {
    /// `Apply failed with 1 conflict: conflict with "one": .data.k`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(f, "Apply failed with 1 conflict: conflict with {}: {}", only.manager, only.field);
        }
        let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for conflict in &self.0 {
            by_manager.entry(&conflict.manager).or_default().push(&conflict.field);
        }
        let lines = by_manager.iter().flat_map(|(manager, fields)| {
            std::iter::once(format!("conflicts with {manager}:")).chain(fields.iter().map(|field| format!("- {field}")))
        });
        write!(f, "Apply failed with {} conflicts: {}", self.0.len(), lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Fields that belong to the server or name the object: nobody owns them.
static STRIPPED: LazyLock<Set> = LazyLock::new(|| {
    Set::of(&[
        "apiVersion",
        "kind",
        "metadata",
        "metadata.name",
        "metadata.namespace",
        "metadata.creationTimestamp",
        "metadata.selfLink",
        "metadata.uid",
        "metadata.clusterName",
        "metadata.generation",
        "metadata.managedFields",
        "metadata.resourceVersion",
    ])
});

static MANAGED: LazyLock<Set> = LazyLock::new(|| Set::of(&["metadata.managedFields"]));

fn without_managed_fields(value: &Value) -> Cow<'_, Value> {
    if value.pointer("/metadata/managedFields").is_none() {
        return Cow::Borrowed(value);
    }
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    Cow::Owned(value)
}

impl Managers {
    /// Reads `metadata.managedFields`; entries that are none are left out.
    pub fn read(managed_fields: &Value) -> Self {
        let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let entries = managed_fields.as_array().map_or(&[][..], Vec::as_slice);
        let owners = entries.iter().map(|entry| Owner {
            manager: Manager {
                name: text(entry, "manager"),
                operation: if text(entry, "operation") == "Apply" { Operation::Apply } else { Operation::Update },
                subresource: text(entry, "subresource"),
                api_version: text(entry, "apiVersion"),
            },
            set: Set::from_json(entry.get("fieldsV1").unwrap_or(&Value::Null)),
            time: text(entry, "time"),
        });
        Self { owners: owners.collect() }
    }

    /// `metadata.managedFields`: appliers first, then by time, then by name.
    pub fn write(self) -> Value {
        let mut owners = self.owners;
        fn time(owner: &Owner) -> &str {
            if owner.manager.operation == Operation::Apply { "" } else { &owner.time }
        }
        owners.order_by(|a, b| {
            let operation = a.manager.operation.cmp(&b.manager.operation);
            operation.then_with(|| time(a).cmp(time(b))).then_with(|| a.manager.cmp(&b.manager))
        });
        let entry = |Owner { manager, set, time }: Owner| entry(manager, set.into_json(), time);
        Value::Array(owners.into_iter().map(entry).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    fn set_of(&self, manager: &Manager) -> Option<&Set> {
        self.owners.iter().find(|owner| owner.manager.same(manager)).map(|owner| &owner.set)
    }

    /// Gives a manager its set. Its time is only new if the set is.
    fn put(&mut self, manager: &Manager, set: Set, now: &str) {
        match self.owners.iter_mut().find(|owner| owner.manager.same(manager)) {
            Some(owner) => {
                if owner.set != set || owner.manager != *manager {
                    owner.time = now.into();
                }
                owner.set = set;
                owner.manager = manager.clone();
            }
            None => self.owners.push(Owner { manager: manager.clone(), set, time: now.into() }),
        }
        self.owners.retain(|owner| !owner.set.is_empty());
    }

    /// `metadata.managedFields` of a new object, which are its creator's; null if there is nothing to own.
    /// The same as [`Managers::update`] from nothing, without a set on the way.
    pub fn created(kind: Option<&'static Type>, new: &Value, manager: Manager, ignored: &Set, now: String) -> Value {
        let mut fields = born(kind, new);
        ignored.exclude_from(&mut fields);
        MANAGED.exclude_from(&mut fields);
        STRIPPED.subtract_from(&mut fields);
        if fields.is_empty() { Value::Null } else { Value::Array(vec![entry(manager, Value::Object(fields), now)]) }
    }

    /// Records a create, update or patch. For a create, `old` is [`super::structured::zero`] and
    /// `new` the object as decoded and defaulted: what admission and the strategy's
    /// preparation fill in afterwards (service account, cluster IP, job labels) is nobody's.
    /// `ignored` holds what this endpoint resets: `status` for an object, `spec` for its status.
    pub fn update(
        &mut self,
        kind: Option<&'static Type>,
        old: &Value,
        new: &Value,
        manager: &Manager,
        ignored: &Set,
        now: &str,
    ) {
        // managedFields, where they are there at all, are nobody's, and change with every write.
        let changes = compare(kind, old, new).without(ignored).without(&MANAGED);
        self.disown(&changes, manager);
        let mut set = self.set_of(manager).cloned().unwrap_or_default();
        set.extend(changes.modified);
        set.extend(changes.added);
        set.subtract(&changes.removed);
        set.subtract(&STRIPPED);
        set.exclude(ignored);
        self.put(manager, set, now);
        self.cap(now);
    }

    /// Takes from all others what `manager` has changed or removed.
    fn disown(&mut self, changes: &Comparison, manager: &Manager) {
        for owner in self.owners.iter_mut().filter(|owner| !owner.manager.same(manager)) {
            for taken in [&changes.modified, &changes.added, &changes.removed] {
                owner.set.subtract(taken);
            }
        }
        self.owners.retain(|owner| !owner.set.is_empty());
    }

    /// Applies a configuration to the live object and returns the new object, without managedFields.
    /// For an object that does not exist, `live` is [`super::structured::zero`].
    ///
    /// # Errors
    /// The fields others own with other values, unless `force` is set.
    pub fn apply(
        &mut self,
        kind: Option<&'static Type>,
        live: &Value,
        config: &Value,
        manager: &Manager,
        ignored: &Set,
        force: bool,
        now: &str,
    ) -> Result<Value, Conflicts> {
        let live = without_managed_fields(live);
        let config = without_managed_fields(config);
        // What the endpoint resets is not even merged.
        let config = remove(kind, &config, ignored);
        let merged = merge(kind, &live, &config);
        let last = self.set_of(manager).cloned();
        let set = to_set(kind, &config).without(ignored).difference(&STRIPPED);
        let mut owned = set.clone();
        for owner in self.owners.iter().filter(|owner| !owner.manager.same(manager)) {
            owned = owned.union(&owner.set);
        }
        let pruned = last.map_or_else(|| merged.clone(), |last| prune(kind, &merged, &last, &owned));
        let changes = compare(kind, &live, &pruned).without(ignored);
        let conflicts = self.conflicts(&changes, manager);
        if !force && !conflicts.is_empty() {
            return Err(Conflicts(conflicts));
        }
        self.disown(&changes, manager);
        self.put(manager, set, now);
        Ok(pruned)
    }

    fn conflicts(&self, changes: &Comparison, manager: &Manager) -> Vec<Conflict> {
        let changed = changes.modified.union(&changes.added);
        let mut conflicts = Vec::new();
        for owner in self.owners.iter().filter(|owner| !owner.manager.same(manager)) {
            let mut name = format!("{:?}", owner.manager.name);
            if !owner.manager.subresource.is_empty() {
                name.push_str(&format!(" with subresource {:?}", owner.manager.subresource));
            }
            if owner.manager.operation == Operation::Update {
                name.push_str(&format!(" using {}", owner.manager.api_version));
            }
            let paths: Vec<Vec<Element>> = owner.set.intersection(&changed).paths();
            conflicts.extend(paths.iter().map(|path| Conflict { manager: name.clone(), field: path_text(path) }));
        }
        conflicts.order_by(|a, b| a.manager.cmp(&b.manager));
        conflicts
    }

    /// Folds the oldest updating managers into one when there are too many.
    fn cap(&mut self, now: &str) {
        let updating = |owner: &&Owner| owner.manager.operation == Operation::Update;
        while self.owners.iter().filter(updating).count() > MOST_UPDATE_MANAGERS {
            let mut order: Vec<(String, Manager)> =
                self.owners.iter().filter(updating).map(|o| (o.time.clone(), o.manager.clone())).collect();
            order.order();
            let mut folded = Set::new();
            for (_, manager) in &order[..2] {
                folded = folded.union(self.set_of(manager).unwrap_or(&Set::new()));
                self.owners.retain(|owner| !owner.manager.same(manager));
            }
            let ancient = Manager::update("ancient-changes", &order[0].1.api_version, "");
            let mine = self.set_of(&ancient).cloned().unwrap_or_default();
            self.put(&ancient, mine.union(&folded), now);
        }
    }
}

/// One entry of managedFields.
fn entry(manager: Manager, fields: Value, time: String) -> Value {
    let operation = if manager.operation == Operation::Apply { "Apply" } else { "Update" };
    let optional = |text: String| (!text.is_empty()).then_some(Value::String(text));
    let fields = [
        ("apiVersion", Some(Value::String(manager.api_version))),
        ("fieldsType", Some("FieldsV1".into())),
        ("fieldsV1", Some(fields)),
        ("manager", Some(Value::String(manager.name))),
        ("operation", Some(operation.into())),
        ("subresource", optional(manager.subresource)),
        ("time", optional(time)),
    ];
    Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).into_object())
}

/// Removes what the manager applied last time and does not name now, unless somebody owns it.
fn prune(kind: Option<&'static Type>, merged: &Value, last: &Set, owned: &Set) -> Value {
    let all = to_set(kind, merged).with_parents();
    let dropped = remove(kind, merged, &last.with_parents());
    let kept = to_set(kind, &dropped).with_parents().union(&owned.with_parents());
    // Items that the last configuration never named come back as well.
    let gone = all.difference(&kept).intersection(last);
    remove(kind, merged, &gone)
}
