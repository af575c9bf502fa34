//! Custom resources: kinds that a CustomResourceDefinition adds at run time, served like any other.
//!
//! Mirrors: apiextensions-apiserver/pkg/apiserver (customresource_handler.go),
//! pkg/registry/customresource{,definition}, pkg/controller/{status,establish,finalizer}. What
//! upstream's controllers do moments later happens here right after the write.
//! Left out: conversion webhooks; all versions share one content, as with strategy `None`.

use std::sync::Arc;

use api::order::Order;
use api::scheme::Subresource;
use api::validation::field::ErrorList;
use api::{DynamicObject, Kind, Object, Resource, structural};
use serde_json::{Map, Value, json};

use super::Strategy as _;
use super::standard::PlainCustom;
use crate::apiserver::delete::DeleteOptions;
use crate::apiserver::operations::WriteOptions;
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity, bootstrap, operations, printers};

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// One custom kind: all versions of its definition.
#[derive(Debug, Clone)]
pub struct CustomResource {
    /// The definition's name, `widgets.example.com`.
    pub definition: String,
    /// Served versions, the storage version first; empty once the definition is gone.
    pub versions: Vec<Version>,
    /// The row of the storage version, served or not.
    pub resource: Resource,
}

/// One version of a custom kind.
#[derive(Debug, Clone)]
pub struct Version {
    pub resource: Resource,
    schema: Value,
    /// `subresources.scale` of the definition.
    scale: Value,
    /// The additionalPrinterColumns, and how discovery of a Table spells them.
    pub columns: Vec<printers::CustomColumn>,
    pub column_definitions: Vec<Value>,
}

/// Where a version keeps what the scale subresource shows.
pub struct ScalePaths<'a> {
    pub replicas: &'a str,
    pub status_replicas: &'a str,
    pub selector: &'a str,
}

impl Version {
    pub fn scale_paths(&self) -> ScalePaths<'_> {
        let text = |key: &str| self.scale.get(key).and_then(Value::as_str).unwrap_or_default();
        ScalePaths {
            replicas: text("specReplicasPath"),
            status_replicas: text("statusReplicasPath"),
            selector: text("labelSelectorPath"),
        }
    }

    /// `openAPIV3Schema`
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    pub fn has(&self, subresource: &str) -> bool {
        self.resource.subresources.iter().any(|sub| sub.name == subresource)
    }
}

impl CustomResource {
    /// The version an object or a path names; the storage version if there is none such.
    pub fn version(&self, version: &str) -> Option<&Version> {
        self.versions.iter().find(|known| known.resource.version == version).or_else(|| self.versions.first())
    }

    fn version_of(&self, value: &Value) -> Option<&Version> {
        let api_version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        self.version(api::scheme::split_api_version(api_version).1)
    }

    /// Paths that the schema does not know.
    pub fn unknown_fields(&self, value: &Value) -> Vec<String> {
        let mut copy = value.clone();
        let mut unknown =
            self.version_of(value).map(|version| structural::prune(&version.schema, &mut copy)).unwrap_or_default();
        if let (Some(meta), Some(Value::Object(found))) =
            (api::schema::for_type("meta/v1.ObjectMeta"), value.get("metadata"))
        {
            let strange = found.keys().filter(|name| meta.field(name).is_none());
            unknown.extend(strange.map(|name| format!("metadata.{name}")));
        }
        unknown.order();
        unknown.into_iter().map(|path| format!("unknown field {path:?}")).collect()
    }

    /// The stored form: pruned, in the storage version.
    pub fn to_storage(&self, mut value: Value) -> Value {
        if let Some(version) = self.version_of(&value) {
            structural::prune(&version.schema, &mut value);
        }
        if let Value::Object(map) = &mut value {
            map.insert("apiVersion".into(), self.resource.api_version().into());
        }
        value
    }
}

impl ApiServer {
    fn custom_of(&self, object: &Object) -> Option<&Arc<CustomResource>> {
        match object.kind() {
            Kind::Custom(number) => self.custom.get(usize::from(number)),
            _ => None,
        }
    }

    /// Sets the defaults of a custom object's schema; nothing for built-in kinds.
    pub(crate) fn default_custom(&self, object: &mut Object) {
        let Some(version) = self.custom_of(object).and_then(|custom| custom.versions.first().cloned()) else { return };
        let Object::Dynamic(inner) = object else { return };
        let inner = Arc::make_mut(inner);
        let mut fields = Value::Object(std::mem::take(&mut inner.fields));
        structural::default(&version.schema, &mut fields);
        if let Value::Object(fields) = fields {
            inner.fields = fields;
        }
    }

    /// What the strategy of a custom kind resets, which only its definition knows.
    pub(crate) fn prepare_custom(&self, object: &mut Object, old: Option<&Object>, subresource: &str) {
        let Some(custom) = self.custom_of(object) else { return };
        let has_status = custom.versions.first().is_some_and(|version| version.has("status"));
        match old {
            None => PlainCustom { has_status }.prepare_for_create(object),
            Some(old) if subresource == "status" => PlainCustom { has_status }.prepare_for_status_update(object, old),
            Some(old) => PlainCustom { has_status }.prepare_for_update(object, old),
        }
    }

    /// Validates a custom object against its definition's schema; nothing for built-in kinds.
    pub(crate) fn validate_custom(&self, object: &Object, old: Option<&Object>, _subresource: &str) -> ErrorList {
        let Some(version) = self.custom_of(object).and_then(|custom| custom.versions.first()) else {
            return ErrorList::new();
        };
        let value = object.to_value();
        match old {
            None => structural::validate(&version.schema, &value, None),
            Some(old) => structural::validate_update(&version.schema, &value, &old.to_value()),
        }
    }

    /// What the server itself does after a write: a definition is served, and says so.
    pub(in crate::apiserver) fn after_write(&mut self, object: &Object, old: Option<&Object>) {
        let Object::Dynamic(definition) = object else { return };
        if definition.kind != Kind::CustomResourceDefinition {
            return;
        }
        let same = |old: &Object| matches!(old, Object::Dynamic(old) if old.fields.get("spec") == definition.fields.get("spec"));
        if old.is_some_and(same) {
            return;
        }
        self.serve_definition(definition);
        self.accept_names(object);
    }

    /// What the server itself does after a removal: the last object of a leaving kind takes the
    /// definition along.
    pub(in crate::apiserver) fn after_removal(&mut self, key: &Key) {
        match key.kind {
            Kind::Custom(number) => {
                let name = self.custom[usize::from(number)].definition.clone();
                self.finish_definition(&name);
            }
            Kind::CustomResourceDefinition => {
                for custom in &mut self.custom {
                    if *custom.definition == *key.name {
                        Arc::make_mut(custom).versions.clear();
                    }
                }
            }
            _ => {}
        }
    }

    fn serve_definition(&mut self, definition: &DynamicObject) {
        let name = definition.metadata.name.clone().unwrap_or_default();
        let number = self.custom.iter().position(|custom| custom.definition == name).unwrap_or(self.custom.len());
        let Ok(kind) = u16::try_from(number).map(Kind::Custom) else { return };
        let spec = definition.fields.get("spec").cloned().unwrap_or_default();
        let listed = spec["versions"].as_array().cloned().unwrap_or_default();
        let is = |version: &Value, key: &str| version[key].as_bool().unwrap_or(false);
        let Some(stored) = listed.iter().find(|version| is(version, "storage")) else { return };
        let resource = row(kind, &spec, stored);
        let mut versions: Vec<Version> = listed
            .iter()
            .filter(|version| is(version, "served"))
            .map(|version| self::version(kind, &spec, version))
            .collect();
        versions.order_by_key(|version| version.resource.version != resource.version);
        let custom = Arc::new(CustomResource { definition: name, versions, resource });
        match self.custom.get_mut(number) {
            Some(known) => *known = custom,
            None => self.custom.push(custom),
        }
    }

    /// The conditions that upstream's naming and establishing controllers write.
    fn accept_names(&mut self, object: &Object) {
        let now = api::meta::time::rfc3339(self.unix_millis() as i64);
        let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
        let conditions = json!([
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ]);
        let who = bootstrap::identity();
        // A failure would be a definition that was removed meanwhile, which cannot be.
        let _ = self.modify(&who, &Key::of(object), &mut WriteOptions::on("status"), |object| {
            if let Object::Dynamic(inner) = object {
                let fields = &mut Arc::make_mut(inner).fields;
                let names = fields.get("spec").map(|spec| spec["names"].clone()).unwrap_or_default();
                let status = fields.entry("status").or_insert_with(|| json!({}));
                status["acceptedNames"] = names;
                if status["conditions"].as_array().is_none_or(Vec::is_empty) {
                    status["conditions"] = conditions;
                }
            }
            Ok(())
        });
    }

    /// Deleting a definition marks it, deletes its objects, and lets it go with the last of them.
    pub(in crate::apiserver) fn delete_definition(&mut self, who: &Identity, key: &Key, old: &Object) -> Object {
        let mut object = old.clone();
        let now = self.unix_millis();
        if let Object::Dynamic(inner) = &mut object
            && inner.metadata.deletion_timestamp.is_none()
        {
            let inner = Arc::make_mut(inner);
            let stamp = operations::seconds(now);
            inner.metadata.deletion_timestamp = Some(api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(stamp));
            let finalizers = inner.metadata.finalizers.get_or_insert_default();
            if !finalizers.iter().any(|known| known == CLEANUP) {
                finalizers.push(CLEANUP.into());
            }
            let status = inner.fields.entry("status").or_insert_with(|| json!({}));
            if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
                conditions.retain(|condition| condition["type"] != "Terminating");
                conditions.push(json!({
                    "type": "Terminating", "status": "True",
                    "lastTransitionTime": api::meta::time::rfc3339(now as i64),
                    "reason": "InstanceDeletionPending",
                    "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
                }));
            }
            self.store_marked(who, &mut object);
        }
        let number = self.custom.iter().position(|custom| *custom.definition == *key.name);
        let kind = number.and_then(|number| u16::try_from(number).ok()).map(Kind::Custom);
        let server = bootstrap::identity();
        let objects: Vec<Key> =
            kind.map(|kind| self.store.list(kind, "").map(|(key, _)| key.clone()).collect()).unwrap_or_default();
        for key in objects {
            // Objects that are gone already, or wait for their own finalizers, need no word.
            let _ = self.delete(&server, &key, &DeleteOptions::default());
        }
        self.finish_definition(&key.name);
        object
    }

    /// Takes the finalizer off a leaving definition that has no objects left.
    fn finish_definition(&mut self, name: &str) {
        let key = Key::new(Kind::CustomResourceDefinition, "", name);
        let Some(stored) = self.store.get(&key) else { return };
        if stored.object.meta().deletion_timestamp.is_none() {
            return;
        }
        let number = self.custom.iter().position(|custom| custom.definition == name);
        let kind = number.and_then(|number| u16::try_from(number).ok()).map(Kind::Custom);
        if kind.is_some_and(|kind| self.store.list(kind, "").next().is_some()) {
            return;
        }
        let mut last = stored.object.clone();
        let finalizers = last.meta_mut().finalizers.get_or_insert_default();
        finalizers.retain(|known| known != CLEANUP);
        if finalizers.is_empty() {
            last.meta_mut().finalizers = None;
            self.remove(&bootstrap::identity(), &key, last);
        }
    }
}

fn version(kind: Kind, spec: &Value, version: &Value) -> Version {
    let (column_definitions, columns) = printers::custom_columns(version);
    Version {
        resource: row(kind, spec, version),
        schema: version["schema"]["openAPIV3Schema"].clone(),
        scale: version["subresources"]["scale"].clone(),
        columns,
        column_definitions,
    }
}

/// The scheme's rows are static; a definition's words live as long as the program, like theirs.
fn lasting(text: &str) -> &'static str {
    Box::leak(text.to_string().into_boxed_str())
}

fn row(kind: Kind, spec: &Value, version: &Value) -> Resource {
    let text = |value: &Value| lasting(value.as_str().unwrap_or_default());
    let words = |value: &Value| -> &'static [&'static str] {
        Box::leak(value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().into_boxed_slice())
    };
    let names = &spec["names"];
    let kind_name = text(&names["kind"]);
    let (group, name) = (text(&spec["group"]), text(&version["name"]));
    let has = |sub: &str| version["subresources"].get(sub).is_some_and(|sub| !sub.is_null());
    let mut subresources = Vec::new();
    if has("status") {
        subresources.push(Subresource {
            name: "status",
            group: "",
            version: "",
            kind: kind_name,
            verbs: &["get", "patch", "update"],
        });
    }
    if has("scale") {
        subresources.push(Subresource {
            name: "scale",
            group: "autoscaling",
            version: "v1",
            kind: "Scale",
            verbs: &["get", "patch", "update"],
        });
    }
    Resource {
        kind,
        group,
        version: name,
        plural: text(&names["plural"]),
        singular: text(&names["singular"]),
        kind_name,
        namespaced: spec["scope"] == "Namespaced",
        short_names: words(&names["shortNames"]),
        categories: words(&names["categories"]),
        verbs: &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        subresources: Box::leak(subresources.into_boxed_slice()),
    }
}

/// The status of a definition at birth and after a change of its versions: what is stored where.
pub(super) fn stored_versions(definition: &mut Map<String, Value>, old: Option<&Map<String, Value>>) {
    let listed = definition.get("spec").and_then(|spec| spec["versions"].as_array()).cloned().unwrap_or_default();
    let storage = listed.iter().find(|version| version["storage"] == true).map(|version| version["name"].clone());
    let mut status = old.and_then(|old| old.get("status")).cloned().unwrap_or_else(|| json!({}));
    let mut stored = status["storedVersions"].as_array().cloned().unwrap_or_default();
    stored.extend(storage.filter(|name| !stored.contains(name)));
    status["storedVersions"] = Value::Array(stored);
    definition.insert("status".into(), status);
}
