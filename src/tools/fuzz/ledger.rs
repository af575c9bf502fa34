//! What must hold of the store after every request, whatever was asked.

use std::collections::BTreeMap;

use api::patch::Managers;
use api::wire::{Method, Request};
use api::{Kind, Object};
use engine::{Cluster, Snapshot};
use serde_json::Value;

/// Kind, namespace, name.
type Place = (Kind, String, String);

/// What was seen of an object.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    uid: String,
    born: String,
    version: u64,
}

/// What was seen of all objects, up to a version.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    version: u64,
    seen: BTreeMap<Place, Seen>,
}

impl Ledger {
    /// Looks at everything that was written since it last looked. `Err` says what is broken.
    pub fn look(&mut self, cluster: &Cluster) -> Result<(), String> {
        let version = cluster.version();
        if version == self.version {
            return Ok(());
        }
        if version < self.version {
            return Err(format!("version: the store went from {} to {version}", self.version));
        }
        let snapshot = cluster.snapshot();
        let contradictions = snapshot.contradictions();
        if let Some(first) = contradictions.first() {
            return Err(format!("contradiction: {first}"));
        }
        let mut seen = BTreeMap::new();
        let mut new = Vec::new();
        for kind in snapshot.kinds() {
            for object in snapshot.objects(kind, "") {
                let place = (kind, object.namespace().to_owned(), object.name().to_owned());
                let now = seen_of(object);
                match self.seen.get(&place) {
                    Some(before) if *before == now => {}
                    Some(before) => {
                        changed(&place, before, &now)?;
                        new.push(object);
                    }
                    None => new.push(object),
                }
                seen.insert(place, now);
            }
        }
        (self.version, self.seen) = (version, seen);
        let mut trial = cluster.clone();
        new.into_iter().try_for_each(|object| kept(&snapshot, &mut trial, object))
    }
}

fn seen_of(object: &Object) -> Seen {
    let meta = object.meta();
    Seen {
        uid: object.uid().to_owned(),
        born: meta.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
        version: meta.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0),
    }
}

fn changed(place: &Place, before: &Seen, now: &Seen) -> Result<(), String> {
    if now.version <= before.version {
        return Err(format!("version: {place:?} went from {} to {}", before.version, now.version));
    }
    if now.uid == before.uid && now.born != before.born {
        return Err(format!("birth: {place:?} went from {} to {}", before.born, now.born));
    }
    Ok(())
}

/// What was stored can be read, shown, put back unchanged, and says who owns what.
fn kept(snapshot: &Snapshot, cluster: &mut Cluster, object: &Object) -> Result<(), String> {
    let (kind, place) = (object.kind(), format!("{:?} {}/{}", object.kind(), object.namespace(), object.name()));
    if object.uid().is_empty() || object.meta().creation_timestamp.is_none() {
        return Err(format!("unborn: {place} has no uid or no time of birth"));
    }
    let value = object.to_value();
    match Object::from_value(kind, value.clone()) {
        Ok(again) if again == *object && again.to_value() == value => {}
        Ok(_) => return Err(format!("decode: {place} is read as something else")),
        Err(why) => return Err(format!("decode: {place}: {why}")),
    }
    // Cells are made for the page, too, of whatever is stored.
    snapshot.cells(object);
    let Some(collection) = super::bodies::collection(&value) else { return Ok(()) };
    let item = format!("{collection}/{}", object.name());
    cluster.request(Request::get(&item).with_header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io"));
    let stored = cluster.request(Request::get(&item));
    if stored.status == 405 {
        return Ok(());
    }
    if stored.status != 200 {
        return Err(format!("read: {item}: {} {}", stored.status, stored.value()["message"]));
    }
    let fields = &stored.value()["metadata"]["managedFields"];
    if !fields.is_null() && Managers::read(fields).write() != *fields {
        return Err(format!("managedFields: {item} are read as something else: {fields}"));
    }
    // Kinds that nothing validates yet take in bodies that lack what must be there.
    let checked =
        matches!(kind, Kind::Custom(_) | Kind::CustomResourceDefinition) || !matches!(object, Object::Dynamic(_));
    if !checked {
        return Ok(());
    }
    let version = &stored.value()["metadata"]["resourceVersion"];
    let put = Request::new(Method::Put, &item).with_json(stored.value().clone());
    let back = cluster.request(put);
    let (now, message) = (&back.value()["metadata"]["resourceVersion"], &back.value()["message"]);
    match back.status {
        200 if now == version => Ok(()),
        200 => Err(format!(
            "put back: {item} changed from {version} to {now} though nothing did: {}",
            difference(stored.value(), back.value())
        )),
        405 => Ok(()),
        status => Err(format!("put back: {item}: {status} {message}")),
    }
}

/// The first places where two trees differ.
fn difference(before: &Value, after: &Value) -> String {
    let mut found = Vec::new();
    differ(before, after, "", &mut found);
    found.truncate(4);
    found.join("; ")
}

fn differ(before: &Value, after: &Value, path: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                differ(
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                    &format!("{path}.{key}"),
                    found,
                );
            }
        }
        (a, b) if a == b || path.ends_with("resourceVersion") => {}
        (a, b) => found.push(format!("{path}: {a} is {b}")),
    }
}
