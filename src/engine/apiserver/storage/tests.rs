//! What the store promises its API server.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{ConfigMap, Event};
use api::wire::Json;
use api::{Kind, Object, Typed};
use serde_json::Value;

use super::{Change, Key, Ownership, Store, Stored, WIRE_LIMIT};

fn config_map(namespace: &str, name: &str) -> Object {
    let mut map = ConfigMap::default();
    map.metadata.namespace = Some(namespace.into());
    map.metadata.name = Some(name.into());
    map.into_object()
}

fn put(store: &mut Store, object: Object) {
    store.put(Stored::new(object, Ownership::default()), 0, Arc::from("test"));
}

#[test]
fn a_watcher_sees_each_write_once_in_commit_order() {
    let mut store = Store::default();
    let start = store.version();
    put(&mut store, config_map("b", "two"));
    put(&mut store, config_map("a", "one"));
    put(&mut store, config_map("a", "one"));
    let key = Key::new(Kind::ConfigMap, "b", "two");
    store.remove(&key, config_map("b", "two"), 0, Arc::from("test"));
    let seen: Vec<_> = store.since(start).unwrap().map(|r| (r.version - start, r.change)).collect();
    assert_eq!(seen, [(1, Change::Added), (2, Change::Added), (3, Change::Modified), (4, Change::Deleted)]);
}

#[test]
fn a_kept_form_goes_when_its_own_turn_comes() {
    let mut store = Store::default();
    put(&mut store, config_map("a", "twice"));
    put(&mut store, config_map("a", "often"));
    let [twice, often] = ["twice", "often"].map(|name| Key::new(Kind::ConfigMap, "a", name));
    let (older, newer): (Json, Json) = (Value::from(1).into(), Value::from(2).into());
    store.set_wire(&twice, older);
    store.set_wire(&twice, newer.clone());
    let kept = |store: &Store| store.get(&twice).and_then(|stored| stored.wire.clone());
    (1..WIRE_LIMIT).for_each(|_| store.set_wire(&often, Value::Null.into()));
    assert_eq!(kept(&store), Some(newer), "it was the turn of the older one");
    store.set_wire(&often, Value::Null.into());
    assert_eq!(kept(&store), None);
}

#[test]
fn lists_are_ordered_and_bounded_by_namespace() {
    let mut store = Store::default();
    for (namespace, name) in [("b", "x"), ("a", "z"), ("a", "y"), ("ab", "x")] {
        put(&mut store, config_map(namespace, name));
    }
    let names = |namespace: &str| -> Vec<String> {
        store.list(Kind::ConfigMap, namespace).map(|(key, _)| format!("{}/{}", key.namespace, key.name)).collect()
    };
    assert_eq!(names("a"), ["a/y", "a/z"]);
    assert_eq!(names(""), ["a/y", "a/z", "ab/x", "b/x"]);
}

#[test]
fn the_past_can_be_read_until_it_is_compacted() {
    let mut store = Store::default();
    put(&mut store, config_map("a", "one"));
    let then = store.version();
    put(&mut store, config_map("a", "two"));
    assert_eq!(store.at(then).unwrap().list(Kind::ConfigMap, "").count(), 1);
    store.compact(store.version());
    assert!(store.at(then).is_none() && store.since(then).is_none());
}

#[test]
fn an_event_is_gone_an_hour_after_its_last_write() {
    let mut store = Store::default();
    let event = |store: &Store, name: &str| {
        let mut event = Event::default();
        event.metadata.name = Some(name.into());
        event.metadata.resource_version = Some(store.next_version().to_string());
        event.into_object()
    };
    for (name, at) in [("once", 0), ("twice", 0), ("twice", 60_000)] {
        let object = event(&store, name);
        store.put(Stored::new(object, Ownership::default()), at, Arc::from("test"));
    }
    put(&mut store, config_map("", "stays"));
    let (start, etcd) = (store.version(), Arc::from("etcd"));
    let hour = 3_600_000;
    for (now, left) in [(hour - 1, 2), (hour, 1), (hour + 59_999, 1), (hour + 60_000, 0)] {
        store.expire(now, &etcd);
        assert_eq!(store.list(Kind::Event, "").count(), left, "after {now} ms");
    }
    assert_eq!(store.list(Kind::ConfigMap, "").count(), 1);
    let seen: Vec<_> = store.since(start).unwrap().map(|r| (&*r.key.name, r.change)).collect();
    assert_eq!(seen, [("once", Change::Deleted), ("twice", Change::Deleted)]);
}
