//! What the store promises its API server.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::ConfigMap;
use api::{Kind, Object, Typed};

use super::{Change, Key, Ownership, Store, Stored};

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
