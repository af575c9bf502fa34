//! Between JSON trees and typed objects: the one way in and the one way out for every type.
//!
//! serde writes a copy of its code for each pair of a type and a format. There are some five
//! hundred types, so there is one format, this one, and whatever does not depend on the type is
//! in plain functions. Written objects go into a [`Sink`]: a tree, JSON text, and what else is made of
//! them. JSON text is read by way of a tree.

mod read;
mod sink;
mod text;
mod tree;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::patch::Managers;
use crate::schema::{Known, Type};

pub use sink::Sink;

/// A typed object from its JSON. Fields that the type does not have are dropped.
///
/// # Errors
/// A wrong JSON type, in serde's words.
pub fn decode<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    T::deserialize(read::Reader(value))
}

/// The JSON of a typed object.
///
/// # Panics
/// A type that refuses to be written; Kubernetes has none, and enums with content are not for here.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Value {
    encode_as(None, value)
}

/// As [`encode`], with the empty fields of its type that Go writes: see [`crate::schema::fill`].
///
/// # Panics
/// As [`encode`].
pub fn encode_as<T: Serialize + ?Sized>(kind: Option<&'static Type>, value: &T) -> Value {
    tree(kind, |sink| write(value, sink))
}

/// The tree of what is written into it.
pub(crate) fn tree(kind: Option<&'static Type>, fill: impl FnOnce(&mut dyn Sink)) -> Value {
    let mut tree = tree::Tree::new(Known::of(kind));
    fill(&mut tree);
    tree.finish()
}

/// As JSON text what is written into it; of a known type with the empty fields that Go writes, in the order of
/// its structs, and with the owners of the object's fields.
pub(crate) fn text(kind: Option<&'static Type>, owners: Option<&Managers>, fill: impl FnOnce(&mut dyn Sink)) -> String {
    let mut text = text::Text::new(kind, owners);
    fill(&mut text);
    text.finish()
}

/// Writes a typed object into a sink.
///
/// # Panics
/// As [`encode`].
pub fn write<T: Serialize + ?Sized>(value: &T, sink: &mut dyn Sink) {
    match value.serialize(write::Writer(sink)) {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{Event, Pod, Secret, Service};
    use serde_json::json;

    #[test]
    fn trees_are_read_and_written_as_serde_json_does() {
        fn same<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(tree: Value) {
            let read: T = decode(tree.clone()).expect("it is well formed");
            assert_eq!(read, serde_json::from_value::<T>(tree).expect("it is well formed"));
            assert_eq!(encode(&read), serde_json::to_value(&read).expect("it can be written"));
        }
        same::<Pod>(json!({
            "apiVersion": "v1", "kind": "Pod", "unknown": [{"a": null}],
            "metadata": {
                "name": "web", "labels": {"a": "b"}, "annotations": null, "generation": 3,
                "creationTimestamp": "2026-01-02T03:04:05Z",
                "managedFields": [{"manager": "me", "fieldsV1": {"f:spec": {"f:x": {}}}}],
            },
            "spec": {
                "containers": [{"name": "web", "resources": {"limits": {"cpu": "100m", "memory": 1024}},
                    "livenessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5},
                    "readinessProbe": {"tcpSocket": {"port": 80}}}],
                "terminationGracePeriodSeconds": 30,
                "hostNetwork": true,
            },
        }));
        same::<Service>(json!({"metadata": {}, "spec": {"ports": [{"port": 80, "targetPort": "web"}]}}));
        same::<Secret>(json!({"metadata": {}, "data": {"a": "AQID"}}));
        same::<Event>(json!({"metadata": {}, "involvedObject": {}, "eventTime": "2026-01-02T03:04:05.678901Z"}));
        same::<std::collections::BTreeMap<i32, Option<f64>>>(json!({"1": 1.5, "-2": null, "3": 4}));
    }

    #[test]
    fn what_does_not_fit_is_refused_in_the_same_words() {
        for tree in [
            json!({"metadata": [], "spec": {}}),
            json!({"metadata": "no"}),
            json!({"metadata": {"name": 1}}),
            json!({"metadata": {"generation": "1"}}),
            json!({"metadata": {"generation": 1.5}}),
            json!({"metadata": {"labels": [true]}}),
            json!({"metadata": {"finalizers": {"a": 1}}}),
            json!({"metadata": {"creationTimestamp": "yesterday"}}),
            json!({"spec": {"hostNetwork": 1, "containers": []}}),
            json!({"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 99_999_999_999_i64}]}]}}),
            json!(null),
            json!([1]),
        ] {
            let ours = decode::<Pod>(tree.clone()).expect_err("it does not fit").to_string();
            assert_eq!(ours, serde_json::from_value::<Pod>(tree).expect_err("it does not fit").to_string());
        }
    }

    #[test]
    fn derived_types_are_read_too() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        enum Kind {
            Plain,
            With { n: u8 },
        }
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            #[serde(default)]
            name: String,
            kinds: Vec<Kind>,
            pair: (u8, bool),
        }
        let read = |tree| decode::<Outer>(tree).map_err(|error| error.to_string());
        assert_eq!(
            read(json!({"kinds": ["Plain", {"With": {"n": 2}}], "pair": [1, true]})),
            Ok(Outer { name: String::new(), kinds: vec![Kind::Plain, Kind::With { n: 2 }], pair: (1, true) })
        );
        assert_eq!(
            read(json!({"kind": []})),
            Err("unknown field `kind`, expected one of `name`, `kinds`, `pair`".to_owned())
        );
        assert!(read(json!({"kinds": [], "pair": [1, true, 3]})).is_err());
    }
}
