//! managedFields: who owns which field of one object, and what a write or an apply changes about it.
//!
//! Mirrors: structured-merge-diff/merge `Updater` and apimachinery/pkg/util/managedfields
//! (how entries are kept, ordered, capped and how conflicts are worded).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::Fields;
use super::fieldset::{Element, Set, path_text};
use super::structured::{Comparison, compare, merge, remove, to_set, zero};
use crate::codec::{self, Sink};
use crate::order::Order;
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
    pub name: Arc<str>,
    pub operation: Operation,
    pub subresource: Arc<str>,
    pub api_version: Arc<str>,
}

impl Manager {
    pub fn update(
        name: impl Into<Arc<str>>,
        api_version: impl Into<Arc<str>>,
        subresource: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            name: name.into(),
            operation: Operation::Update,
            subresource: subresource.into(),
            api_version: api_version.into(),
        }
    }

    pub fn apply(
        name: impl Into<Arc<str>>,
        api_version: impl Into<Arc<str>>,
        subresource: impl Into<Arc<str>>,
    ) -> Self {
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
    fields: Arc<Fields>,
    time: String,
}

impl Owner {
    /// Takes fields away. What nothing is taken from stays shared.
    fn lose(&mut self, taken: &Comparison) {
        let taken = [&taken.modified, &taken.added, &taken.removed];
        if taken.iter().all(|taken| !self.fields.set().meets(taken)) {
            return;
        }
        let mut set = self.fields.set().clone();
        taken.into_iter().for_each(|taken| set.subtract(taken));
        self.fields = Fields::of(set);
    }
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
        fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
            entry.get(key).and_then(Value::as_str).unwrap_or_default()
        }
        let entries = managed_fields.as_array().map_or(&[][..], Vec::as_slice);
        let owners = entries.iter().map(|entry| Owner {
            manager: Manager {
                name: text(entry, "manager").into(),
                operation: if text(entry, "operation") == "Apply" { Operation::Apply } else { Operation::Update },
                subresource: text(entry, "subresource").into(),
                api_version: text(entry, "apiVersion").into(),
            },
            fields: Fields::of(Set::from_json(entry.get("fieldsV1").unwrap_or(&Value::Null))),
            time: text(entry, "time").into(),
        });
        Self { owners: owners.collect() }
    }

    /// The managedFields of a new object: its creator's, if there is anything to own.
    pub fn of(manager: Manager, fields: Arc<Fields>, now: String) -> Self {
        let mut owners = Vec::new();
        if !fields.set().is_empty() {
            owners.push(Owner { manager, fields, time: now });
        }
        Self { owners }
    }

    /// `metadata.managedFields`: appliers first, then by time, then by name; null if nobody owns anything.
    pub fn write(&self) -> Value {
        if self.is_empty() {
            return Value::Null;
        }
        codec::tree(None, |sink| self.write_into(sink))
    }

    /// As [`Managers::write`]; an empty list if nobody owns anything.
    pub(crate) fn write_into(&self, sink: &mut dyn Sink) {
        let mut owners: Vec<&Owner> = self.owners.iter().collect();
        fn time(owner: &Owner) -> &str {
            if owner.manager.operation == Operation::Apply { "" } else { &owner.time }
        }
        owners.order_by(|a, b| {
            let operation = a.manager.operation.cmp(&b.manager.operation);
            operation.then_with(|| time(a).cmp(time(b))).then_with(|| a.manager.cmp(&b.manager))
        });
        sink.open_list(owners.len());
        owners.into_iter().for_each(|owner| write_entry(owner, sink));
        sink.close_list();
    }

    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    fn set_of(&self, manager: &Manager) -> Option<&Set> {
        self.owners.iter().find(|owner| owner.manager.same(manager)).map(|owner| owner.fields.set())
    }

    /// Gives a manager its set. Its time is only new if the set is.
    fn put(&mut self, manager: &Manager, set: Set, now: &str) {
        match self.owners.iter_mut().find(|owner| owner.manager.same(manager)) {
            Some(owner) => {
                let same = *owner.fields.set() == set;
                if !same || owner.manager != *manager {
                    owner.time = now.into();
                }
                if !same {
                    owner.fields = Fields::of(set);
                }
                owner.manager = manager.clone();
            }
            None => self.owners.push(Owner { manager: manager.clone(), fields: Fields::of(set), time: now.into() }),
        }
        self.owners.retain(|owner| !owner.fields.set().is_empty());
    }

    /// What the creator of an object owns: the same as [`Managers::update`] from nothing.
    ///
    /// `ignored` holds what is not the creator's to set.
    pub fn created(kind: Option<&'static Type>, new: &Value, ignored: &Set) -> Arc<Fields> {
        Fields::of(owned(Set::new(), changes(kind, &zero(kind), new, ignored), ignored))
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
        let changes = changes(kind, old, new, ignored);
        self.disown(&changes, manager);
        let mine = self.set_of(manager).cloned().unwrap_or_default();
        self.put(manager, owned(mine, changes, ignored), now);
        self.cap(now);
    }

    /// Takes from all others what `manager` has changed or removed.
    fn disown(&mut self, changes: &Comparison, manager: &Manager) {
        for owner in self.owners.iter_mut().filter(|owner| !owner.manager.same(manager)) {
            owner.lose(changes);
        }
        self.owners.retain(|owner| !owner.fields.set().is_empty());
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
        let config = if ignored.touches(&config) { Cow::Owned(remove(kind, &config, ignored)) } else { config };
        let merged = merge(kind, &live, &config);
        let mut set = to_set(kind, &config);
        set.exclude(ignored);
        set.subtract(&STRIPPED);
        let dropped = self.set_of(manager).filter(|last| !last.is_within(&set));
        let pruned = match dropped {
            // Nothing that was applied last time is missing now.
            None => merged,
            Some(last) => {
                let mut owned = set.clone();
                for owner in self.owners.iter().filter(|owner| !owner.manager.same(manager)) {
                    owned.extend(owner.fields.set().clone());
                }
                prune(kind, &merged, last, &owned)
            }
        };
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
        let mut conflicts = Vec::new();
        for owner in self.owners.iter().filter(|owner| !owner.manager.same(manager)) {
            let mut name = format!("{:?}", owner.manager.name);
            if !owner.manager.subresource.is_empty() {
                name.push_str(&format!(" with subresource {:?}", owner.manager.subresource));
            }
            if owner.manager.operation == Operation::Update {
                name.push_str(&format!(" using {}", owner.manager.api_version));
            }
            let mut taken = owner.fields.set().intersection(&changes.modified);
            taken.extend(owner.fields.set().intersection(&changes.added));
            let paths: Vec<Vec<Element>> = taken.paths();
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
            let ancient = Manager::update("ancient-changes", order[0].1.api_version.clone(), "");
            let mine = self.set_of(&ancient).cloned().unwrap_or_default();
            self.put(&ancient, mine.union(&folded), now);
        }
    }
}

/// What a write changes that anybody can own.
fn changes(kind: Option<&'static Type>, old: &Value, new: &Value, ignored: &Set) -> Comparison {
    // managedFields, where they are there at all, are nobody's, and change with every write.
    compare(kind, old, new).without(ignored).without(&MANAGED)
}

/// The set of a manager who has owned this much before.
fn owned(mut set: Set, changes: Comparison, ignored: &Set) -> Set {
    set.extend(changes.modified);
    set.extend(changes.added);
    set.subtract(&changes.removed);
    set.subtract(&STRIPPED);
    set.exclude(ignored);
    set
}

/// One entry of managedFields.
fn write_entry(Owner { manager, fields, time }: &Owner, sink: &mut dyn Sink) {
    let operation = if manager.operation == Operation::Apply { "Apply" } else { "Update" };
    let texts = [
        ("apiVersion", &*manager.api_version),
        ("fieldsType", "FieldsV1"),
        ("manager", &manager.name),
        ("operation", operation),
        ("subresource", &manager.subresource),
        ("time", time),
    ];
    sink.open_map();
    for (name, text) in texts {
        // These two are left out where they are empty.
        if !(text.is_empty() && matches!(name, "subresource" | "time")) {
            sink.name(name);
            sink.text(text);
        }
    }
    sink.name("fieldsV1");
    sink.fields(fields);
    sink.close_map();
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
