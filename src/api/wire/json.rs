//! JSON in a body: a tree, or a stored object that is written out when somebody reads it, and then once.
//!
//! Who reads is what decides the form: a kubectl in the same process wants a tree, a socket wants text,
//! and whoever only looks at the status wants neither.
//! Mirrors: apiserver/pkg/storage/cacher/caching_object.go.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, OnceLock, Weak};

use serde_json::Value;

use crate::codec;
use crate::object::Object;
use crate::order::Gather;
use crate::patch::Managers;
use crate::schema::{Type, go_json};

/// Shared, however it is written.
#[derive(Clone)]
pub struct Json(Arc<Content>);

struct Content {
    source: Source,
    /// The tree of an object without its owners.
    bare: OnceLock<Value>,
    tree: OnceLock<Value>,
    text: OnceLock<String>,
}

/// What is written out.
enum Source {
    /// The tree itself.
    Tree,
    Object(Object, &'static Type, Arc<Managers>),
    /// Kind and apiVersion of the items, metadata of the list, items.
    List(&'static str, String, Value, Vec<Json>),
}

impl Source {
    /// `bare` is the tree without owners, where there is one already.
    fn tree(&self, bare: Option<Value>) -> Value {
        match self {
            Source::Tree => Value::Null,
            Source::Object(object, kind, owners) => {
                let mut tree = bare.unwrap_or_else(|| object.shown(Some(kind)));
                if !owners.is_empty() {
                    tree["metadata"]["managedFields"] = owners.write();
                }
                tree
            }
            Source::List(kind, api_version, metadata, items) => {
                let bare = |item: &Json| {
                    let mut item =
                        item.0.tree.get().cloned().unwrap_or_else(|| item.0.source.tree(item.0.bare.get().cloned()));
                    if let Value::Object(map) = &mut item {
                        map.remove("kind");
                        map.remove("apiVersion");
                    }
                    item
                };
                let members = [
                    ("kind", format!("{kind}List").into()),
                    ("apiVersion", api_version.as_str().into()),
                    ("metadata", metadata.clone()),
                    ("items", Value::Array(items.iter().map(bare).collect())),
                ];
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).into_object())
            }
        }
    }

    fn text(&self, tree: impl FnOnce() -> String) -> String {
        match self {
            Source::Tree => tree(),
            Source::Object(object, kind, owners) => codec::text(Some(kind), Some(owners), |sink| object.write(sink)),
            Source::List(kind, api_version, metadata, items) => {
                let mut text =
                    format!(r#"{{"kind":"{kind}List","apiVersion":"{api_version}","metadata":{metadata},"items":["#);
                let head = format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}""#);
                for (at, item) in items.iter().enumerate() {
                    text.push_str(if at == 0 { "{" } else { ",{" });
                    let item =
                        item.0.text.get().map_or_else(|| Cow::Owned(item.write()), |text| Cow::Borrowed(&**text));
                    text.push_str(item.strip_prefix(&*head).unwrap_or(&item).trim_start_matches([',', '{']));
                }
                text.push_str("]}");
                text
            }
        }
    }
}

/// Knows a [`Json`] without keeping it.
#[derive(Debug, Clone)]
pub struct WeakJson(Weak<Content>);

impl Json {
    /// An object as its clients read it: with the empty fields of its type that Go writes, and its owners.
    pub fn of(object: Object, kind: &'static Type, owners: Arc<Managers>) -> Self {
        Self::made(Source::Object(object, kind, owners), OnceLock::new())
    }

    /// As [`Json::of`], where somebody has needed the tree without owners before.
    #[must_use]
    pub fn with_bare(self, tree: Value) -> Self {
        // Who has made another in the meantime has made the same.
        let _ = self.0.bare.set(tree);
        self
    }

    /// The tree without owners, which are half of it and seldom of interest; of what [`Json::of`] made.
    pub fn bare(&self) -> &Value {
        match &self.0.source {
            Source::Object(object, kind, _) => self.0.bare.get_or_init(|| object.shown(Some(kind))),
            Source::Tree | Source::List(..) => self,
        }
    }

    /// A list of what [`Json::of`] made, of one kind; the items leave out what the list says already.
    pub fn list(kind: &'static str, api_version: String, metadata: Value, items: Vec<Json>) -> Self {
        Self::made(Source::List(kind, api_version, metadata, items), OnceLock::new())
    }

    fn made(source: Source, tree: OnceLock<Value>) -> Self {
        Self(Arc::new(Content { source, bare: OnceLock::new(), tree, text: OnceLock::new() }))
    }

    /// One line, fields in the order of the Go structs.
    pub fn text(&self) -> &str {
        self.0.text.get_or_init(|| self.write())
    }

    fn write(&self) -> String {
        self.0.source.text(|| go_json(self))
    }

    /// The tree, not copied where nobody else has it.
    pub fn into_tree(self) -> Value {
        match Arc::try_unwrap(self.0) {
            Ok(Content { source, bare, tree, .. }) => {
                tree.into_inner().unwrap_or_else(|| source.tree(bare.into_inner()))
            }
            Err(shared) => Value::clone(&Self(shared)),
        }
    }

    /// Whether both are one in memory.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub fn downgrade(&self) -> WeakJson {
        WeakJson(Arc::downgrade(&self.0))
    }
}

impl WeakJson {
    /// Whether this is what it knows.
    pub fn knows(&self, json: &Json) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(&json.0))
    }
}

impl Deref for Json {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.0.tree.get_or_init(|| self.0.source.tree(self.0.bare.get().cloned()))
    }
}

impl From<Value> for Json {
    fn from(tree: Value) -> Self {
        Self::made(Source::Tree, tree.into())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || **self == **other
    }
}

/// The tree's text, sorted by names.
impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::patch::{Manager, structured};
    use crate::scheme::Kind;

    /// An object of each sort that is written in its own way: by value, without `omitempty`, with free keys,
    /// with text that JSON escapes, without a Rust type of its own.
    fn objects() -> Vec<(Kind, Value)> {
        vec![
            (
                Kind::Pod,
                json!({
                    "metadata": {"name": "web", "namespace": "default", "generation": 1, "uid": "u", "resourceVersion": "7",
                        "labels": {"z": "1", "a": "\"quoted\"\n\u{1}/é"}, "annotations": {}, "finalizers": ["a/b", "c/d"],
                        "creationTimestamp": "2026-01-02T03:04:05Z"},
                    "spec": {"nodeName": "n", "tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": -3}],
                        "containers": [{"name": "b", "image": "nginx", "ports": [{"containerPort": 80}, {"containerPort": 81, "name": "p"}],
                            "readinessProbe": {"httpGet": {"port": "http"}},
                            "env": [{"name": "A", "value": "\\"}, {"name": "B"}]}, {"name": "a"}],
                        "volumes": [{"name": "v", "emptyDir": {}}, {"name": "t", "projected": {"sources": [{"configMap": {"name": "c"}}]}}]},
                    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": null}],
                        "containerStatuses": [{"name": "b", "image": "nginx", "imageID": "", "ready": true, "restartCount": 0,
                            "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}}}]},
                }),
            ),
            (Kind::Pod, json!({"metadata": {"name": "bare"}})),
            (Kind::Pod, json!({"metadata": {"name": "empty"}, "spec": {"containers": []}, "status": {}})),
            (
                Kind::Deployment,
                json!({"metadata": {"name": "d"}, "spec": {"replicas": 0, "selector": {}, "template": {}}}),
            ),
            (Kind::Service, json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, "targetPort": "web"}]}})),
            (Kind::Secret, json!({"metadata": {"name": "s"}, "type": "Opaque", "data": {"b": "AQID", "a": ""}})),
            (
                Kind::Event,
                json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod"}, "eventTime": "2026-01-02T03:04:05.678901Z"}),
            ),
            (
                Kind::ControllerRevision,
                json!({"metadata": {"name": "r"}, "revision": 2, "data": {"spec": {"z": 1.5, "a": [null, true, {}]}}}),
            ),
            (
                Kind::HorizontalPodAutoscaler,
                json!({"metadata": {"name": "h"}, "status": {"currentMetrics": null, "desiredReplicas": 1}}),
            ),
            (
                Kind::CustomResourceDefinition,
                json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "c"},
                    "spec": {"group": "g", "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object",
                        "properties": {"z": {"type": "string", "default": {"b": 1, "a": 2}}, "a": {"type": "integer"}}}}}]}}),
            ),
        ]
    }

    fn written(kind: Kind, value: Value) -> Json {
        let row = kind.resource().expect("it is built in");
        let kind = crate::schema::for_kind(row.group, row.version, row.kind_name).expect("it has a schema");
        let object = Object::from_value(row.kind, value).expect("it is well formed");
        let fields = Managers::created(Some(kind), &object.shown(Some(kind)), &Default::default());
        let manager = Manager::update("\"me\"", row.api_version(), "");
        let mut owners = Managers::of(manager, fields, "2026-01-02T03:04:05Z".into());
        let manager = Manager::apply("you", row.api_version(), "status");
        let (live, config) = (structured::zero(Some(kind)), json!({"metadata": {"labels": {"b": "c"}}}));
        owners.apply(Some(kind), &live, &config, &manager, &Default::default(), true, "").expect("it is forced");
        Json::of(object, kind, Arc::new(owners))
    }

    #[test]
    fn items_leave_out_what_the_list_says() {
        let (metadata, api_version) = (json!({"resourceVersion": "9", "continue": "a\"b"}), "v1".to_owned());
        let pods =
            || objects().into_iter().filter(|(kind, _)| *kind == Kind::Pod).map(|(kind, value)| written(kind, value));
        let items: Vec<Json> = pods().collect();
        // Written, and read, before the list is.
        assert!(items[0].text().starts_with(r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web""#));
        assert_eq!(items[1]["kind"], "Pod");
        let list = Json::list("Pod", api_version, metadata.clone(), items);
        let trees: Vec<Value> = pods().map(|pod| pod.into_tree()).collect();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(trees.len()));
        for (mut tree, item) in trees.into_iter().zip(list["items"].as_array().into_iter().flatten()) {
            tree.as_object_mut().expect("it is an object").retain(|name, _| name != "kind" && name != "apiVersion");
            assert_eq!(*item, tree);
        }
        assert_eq!(list.text(), go_json(&list));
        let none = Json::list("Pod", "v1".into(), metadata, Vec::new());
        assert_eq!(none.text(), go_json(&none));
    }

    #[test]
    fn text_is_what_go_makes_of_the_tree() {
        for (kind, value) in objects() {
            let json = written(kind, value);
            assert_eq!(json.text(), go_json(&json), "{kind:?}");
            assert!(json.text().contains(r#""managedFields":[{"manager":"you""#), "{}", json.text());
        }
    }

    #[test]
    fn text_without_owners_has_none() {
        let (kind, value) = objects().swap_remove(0);
        let Source::Object(object, kind, _) = &written(kind, value).0.source else { panic!("it is an object") };
        let json = Json::of(object.clone(), kind, Default::default());
        assert_eq!(json.text(), go_json(&json));
        assert!(!json.text().contains("managedFields"));
    }

    #[test]
    fn a_tree_is_made_once_and_copied_only_where_it_is_shared() {
        let json = written(Kind::Pod, json!({"metadata": {"name": "web"}}));
        let (other, known) = (json.clone(), json.downgrade());
        assert!(std::ptr::eq::<Value>(&*json, &*other) && known.knows(&other));
        assert_eq!(other.into_tree(), *json);
        let name = json["metadata"]["name"].as_str().map(str::as_ptr);
        assert_eq!(json.into_tree()["metadata"]["name"].as_str().map(str::as_ptr), name);
        assert_eq!(Json::from(json!([1])).into_tree(), json!([1]));
    }

    #[test]
    fn what_is_bare_has_all_but_the_owners() {
        let [json, other] = [(); 2].map(|()| written(Kind::Pod, json!({"metadata": {"name": "web"}})));
        let mut tree = Value::clone(&json);
        tree["metadata"].as_object_mut().expect("it is an object").remove("managedFields").expect("it has owners");
        assert_eq!(*json.bare(), tree);
        assert_eq!(*other.clone().with_bare(tree), *json);
        assert_eq!(other.into_tree(), *json);
    }
}
