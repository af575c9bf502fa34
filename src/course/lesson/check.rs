//! Checks judge the cluster as it stands, never the command that was typed; and say what is still missing.

use std::collections::{BTreeMap, BTreeSet};

use api::meta::selector::Selector;
use api::order::Gather;
use api::{Kind, Object};
use engine::{ProcessId, Snapshot};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value};

use super::fields;
use super::words::Gap;

/// What a check may look at.
pub struct World<'a> {
    pub cluster: &'a Snapshot,
    pub baseline: &'a Baseline,
    /// What the last command wrote to stderr, or the message of the last refusal.
    pub last_error: &'a str,
}

/// What was there when the step began: "the same pod" and "another pod" need a before.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    uids: BTreeMap<(Kind, String, String), String>,
    labels: BTreeMap<String, BTreeMap<String, String>>,
}

impl Baseline {
    pub fn of(cluster: &Snapshot) -> Self {
        let mut baseline = Self::default();
        for kind in [Kind::Pod, Kind::ReplicaSet, Kind::Deployment, Kind::Node] {
            for object in cluster.objects(kind, "") {
                let key = (kind, object.namespace().to_string(), object.name().to_string());
                baseline.uids.insert(key, object.uid().into());
                baseline.labels.insert(object.uid().into(), object.meta().labels.clone().unwrap_or_default());
            }
        }
        baseline
    }
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// An object exists and its fields say so.
    Object {
        kind: Kind,
        word: String,
        namespace: String,
        name: String,
        fields: Vec<(String, Value)>,
    },
    Absent {
        kind: Kind,
        word: String,
        namespace: String,
        name: String,
    },
    /// So many objects match.
    Count {
        kind: Kind,
        word: String,
        selector: String,
        fields: Vec<(String, Value)>,
        equals: Value,
    },
    /// One that was there when the step began is gone.
    Gone {
        kind: Kind,
        word: String,
        selector: String,
    },
    Event {
        kind: String,
        name: String,
        reason: String,
        message: String,
    },
    /// The last answer said so.
    Response {
        message: String,
    },
    Component {
        name: String,
        running: bool,
    },
}

/// `default/web`, or `web` in the default namespace; cluster-scoped kinds have none.
fn place(kind: Kind, text: &str) -> (String, String) {
    let namespaced = kind.resource().is_some_and(|resource| resource.namespaced);
    match text.split_once('/') {
        Some((namespace, name)) => (namespace.into(), name.into()),
        None if namespaced => ("default".into(), text.into()),
        None => (String::new(), text.into()),
    }
}

impl<'de> Deserialize<'de> for Clause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::<String, Value>::deserialize(deserializer)?;
        Clause::read(map).map_err(Error::custom)
    }
}

impl Clause {
    fn read(mut map: Map<String, Value>) -> Result<Self, String> {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        if let Some(target) = map.remove("absent") {
            let target = target.as_str().unwrap_or_default().to_string();
            let (word, rest) = target.split_once('/').ok_or("absent wants KIND/NAME")?;
            let kind = fields::kind(word).ok_or_else(|| format!("unknown kind {word:?}"))?;
            let (namespace, name) = place(kind, rest);
            return Ok(Clause::Absent { kind, word: word.into(), namespace, name });
        }
        if let Some(count) = map.remove("count") {
            let mut inner = count.as_object().cloned().ok_or("count wants a map")?;
            let word = inner.remove("kind").and_then(|kind| kind.as_str().map(str::to_string)).ok_or("count.kind")?;
            let kind = fields::kind(&word).ok_or_else(|| format!("unknown kind {word:?}"))?;
            let selector = inner.remove("selector").and_then(|s| s.as_str().map(str::to_string)).unwrap_or_default();
            let equals = inner.remove("equals").ok_or("count.equals")?;
            Selector::parse(&selector).map_err(|why| format!("count.selector: {why}"))?;
            return Ok(Clause::Count { kind, word, selector, fields: inner.into_iter().collect(), equals });
        }
        if let Some(gone) = map.remove("gone") {
            let word = text(&gone, "kind");
            let kind = fields::kind(&word).ok_or_else(|| format!("unknown kind {word:?}"))?;
            let selector = text(&gone, "selector");
            Selector::parse(&selector).map_err(|why| format!("gone.selector: {why}"))?;
            return Ok(Clause::Gone { kind, word, selector });
        }
        if let Some(event) = map.remove("event") {
            // `on` is a boolean to YAML 1.1, as `kubectl` reads it: the key arrives as "true".
            let on = text(&event, if event.get("on").is_some() { "on" } else { "true" });
            let (kind, name) = on.split_once('/').ok_or("event.on wants KIND/NAME")?;
            return Ok(Clause::Event {
                kind: kind.into(),
                name: name.into(),
                reason: text(&event, "reason"),
                message: text(&event, "message"),
            });
        }
        if let Some(response) = map.remove("response") {
            return Ok(Clause::Response { message: response.as_str().unwrap_or_default().into() });
        }
        if let Some(component) = map.remove("component") {
            let running = map.get("running").and_then(Value::as_bool).unwrap_or(true);
            return Ok(Clause::Component { name: component.as_str().unwrap_or_default().into(), running });
        }
        // `node` may be the object, or where a pod is: any other kind comes first.
        let found = map
            .keys()
            .filter(|key| fields::kind(key).is_some())
            .max_by_key(|key| *key != "node")
            .and_then(|key| fields::kind(key).map(|kind| (key.clone(), kind)));
        let (word, kind) = found.ok_or_else(|| format!("no check in {map:?}"))?;
        let target = map.remove(&word).and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default();
        let (namespace, name) = place(kind, &target);
        Ok(Clause::Object { kind, word, namespace, name, fields: map.into_iter().collect() })
    }

    /// What is still missing; `None` when the clause holds.
    pub fn gap(&self, world: &World) -> Option<Gap> {
        match self {
            Clause::Object { kind, namespace, name, fields, .. } => {
                let Some(object) = find(world.cluster, *kind, namespace, name) else { return Some(Gap::Missing) };
                let value = object.to_value();
                for (field, expected) in fields {
                    if field == "uid" && matches!(expected.as_str(), Some("unchanged" | "changed")) {
                        let key = (*kind, namespace.clone(), name.clone());
                        let before = world.baseline.uids.get(&key);
                        let same = before.is_none_or(|uid| uid == object.uid());
                        if same != (expected == "unchanged") {
                            return Some(if same { Gap::SameUid } else { Gap::OtherUid });
                        }
                        continue;
                    }
                    let values = super::fields::read(*kind, &value, field);
                    if !super::fields::holds(&values, expected) {
                        return Some(Gap::Field { name: field.clone(), found: values.join(", ") });
                    }
                }
                None
            }
            Clause::Absent { kind, namespace, name, .. } => {
                find(world.cluster, *kind, namespace, name).map(|_| Gap::StillThere)
            }
            Clause::Count { kind, selector, fields, equals, .. } => {
                let selector = Selector::parse(selector).ok()?;
                let matching = world.cluster.objects(*kind, "").filter(|object| {
                    selector.matches(object.meta().labels.as_ref()) && {
                        let value = object.to_value();
                        fields.iter().all(|(field, expected)| {
                            super::fields::holds(&super::fields::read(*kind, &value, field), expected)
                        })
                    }
                });
                let count = matching.count().to_string();
                (!super::fields::holds(std::slice::from_ref(&count), equals)).then_some(Gap::Counted(count))
            }
            Clause::Gone { kind, selector, .. } => {
                let selector = Selector::parse(selector).ok()?;
                let alive: BTreeSet<String> =
                    world.cluster.objects(*kind, "").map(|object| object.uid().to_string()).into_set();
                let lost = world.baseline.uids.iter().any(|((known, ..), uid)| {
                    known == kind && selector.matches(world.baseline.labels.get(uid)) && !alive.contains(uid)
                });
                (!lost).then_some(Gap::AllThere)
            }
            Clause::Event { kind, name, reason, message } => {
                let seen = world.cluster.objects(Kind::Event, "").any(|object| {
                    let Object::Event(event) = object else { return false };
                    let about = &event.involved_object;
                    let is = |value: &Option<String>, wanted: &str| {
                        wanted.is_empty() || value.as_deref().unwrap_or_default().eq_ignore_ascii_case(wanted)
                    };
                    is(&about.kind, kind)
                        && is(&about.name, name)
                        && is(&event.reason, reason)
                        && event.message.as_deref().unwrap_or_default().contains(message.as_str())
                });
                (!seen).then_some(Gap::NoEvent)
            }
            Clause::Response { message } => (!world.last_error.contains(message.as_str())).then_some(Gap::NoAnswer),
            Clause::Component { name, running } => {
                let id = match name.as_str() {
                    "apiserver" => ProcessId::ApiServer,
                    "scheduler" => ProcessId::Scheduler,
                    "controller-manager" => ProcessId::ControllerManager,
                    node => ProcessId::Kubelet(node.into()),
                };
                let state = world.cluster.processes.get(&id).is_some_and(|process| process.running);
                (state != *running).then_some(if state { Gap::Runs } else { Gap::Stands })
            }
        }
    }
}

fn find<'a>(cluster: &'a Snapshot, kind: Kind, namespace: &str, name: &str) -> Option<&'a Object> {
    cluster.objects(kind, namespace).find(|object| object.name() == name)
}
