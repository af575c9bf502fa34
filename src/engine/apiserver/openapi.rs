//! OpenAPI v3: an index of groups and a document for each, made from the field schema when asked for.
//!
//! Mirrors: kube-openapi/pkg/handler3, as far as clients read it: kubectl's explain finds a kind by
//! its path, and its validation asks whether a PATCH takes `fieldValidation`. Left out:
//! default values, and responses but the kind they carry. Version 2 is made from these in [`v2`].

mod v2;

use std::collections::BTreeMap;

use api::order::Gather;
use api::schema::{self, Field, ListKind, Shape, Type};
use api::wire::Response;
use api::{Kind, Resource};
use serde_json::{Map, Value, json};

use super::ApiServer;

const SCHEMAS: &str = "#/components/schemas/";

impl ApiServer {
    /// Answers below `/openapi`.
    pub(super) fn openapi(&self, rest: &[&str]) -> Response {
        let document = match rest {
            ["v2"] => Some(self.openapi_v2()),
            ["v3"] => return Response::json(200, self.openapi_index()),
            ["v3", "api", version] => self.openapi_document("", version),
            ["v3", "apis", group, version] => self.openapi_document(group, version),
            _ => None,
        };
        match document {
            Some(document) => Response::json(200, document),
            None => Response::text(404, "404 page not found\n"),
        }
    }

    fn openapi_index(&self) -> Value {
        let mut paths = Map::new();
        for resource in self.resources() {
            let root = if resource.group.is_empty() { "api" } else { "apis" };
            let path = format!("{root}/{}", resource.api_version());
            // The hash tells a cache what it holds: the kinds of this version and their definitions.
            let known = self.resources().filter(|r| r.group == resource.group && r.version == resource.version);
            let custom = matches!(resource.kind, Kind::Custom(_)).then(|| self.store.version());
            let text: Vec<&str> = known.map(|r| r.plural).collect();
            let digest = api::meta::hash::sha256(format!("{text:?}{custom:?}").as_bytes());
            let hash: String = digest[..16].iter().map(|byte| format!("{byte:02X}")).collect();
            let url = format!("/openapi/v3/{path}?hash={hash}");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
        json!({ "paths": paths })
    }

    fn openapi_document(&self, group: &str, version: &str) -> Option<Value> {
        let rows: Vec<Resource> =
            self.resources().filter(|r| r.group == group && r.version == version).copied().collect();
        if rows.is_empty() {
            return None;
        }
        let (paths, schemas) = self.described(&rows);
        Some(json!({
            "openapi": "3.0.0",
            "info": v2::document_info(),
            "paths": paths,
            "components": { "schemas": schemas },
        }))
    }

    /// The paths of some resources, and the schemas that they lead to, each made once.
    fn described(&self, rows: &[Resource]) -> (Map<String, Value>, BTreeMap<String, Value>) {
        let mut paths = Map::new();
        let mut components = Components::default();
        for row in rows {
            let name = match (row.kind, schema::for_kind(row.group, row.version, row.kind_name)) {
                (Kind::Custom(number), _) => {
                    let custom = self.custom.get(usize::from(number)).and_then(|custom| custom.version(row.version));
                    let Some(custom) = custom else { continue };
                    components.custom(row, custom.schema())
                }
                (_, Some(kind)) => components.kind(kind, row),
                // A kind without a schema is served without a description.
                (_, None) => continue,
            };
            add_paths(&mut paths, row, &name);
        }
        (paths, components.done)
    }
}

fn group_version_kind(row: &Resource) -> Value {
    json!({ "group": row.group, "version": row.version, "kind": row.kind_name })
}

/// The paths of a resource, with an operation for each verb.
fn add_paths(paths: &mut Map<String, Value>, row: &Resource, schema: &str) {
    let content = json!({ "application/json": { "schema": { "$ref": format!("{SCHEMAS}{schema}") } } });
    let query =
        |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let operation = |action: &str| {
        let mut operation = json!({
            "responses": { "200": { "description": "OK", "content": content } },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": group_version_kind(row),
        });
        if matches!(action, "post" | "put" | "patch") {
            operation["parameters"] =
                ["dryRun", "fieldManager", "fieldValidation", "force"].map(query).into_iter().collect();
            operation["requestBody"] = json!({ "content": content, "required": true });
        }
        operation
    };
    let has = |verb: &str| row.verbs.contains(&verb);
    let collection = row.path(if row.namespaced { "{namespace}" } else { "" });
    let mut entries: Vec<(String, Vec<(&str, &str)>)> = Vec::new();
    let select = |pairs: &[(&'static str, &'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        pairs.iter().filter(|(verb, ..)| has(verb)).map(|(_, method, action)| (*method, *action)).collect()
    };
    entries.push((
        collection.clone(),
        select(&[
            ("list", "get", "list"),
            ("create", "post", "post"),
            ("deletecollection", "delete", "deletecollection"),
        ]),
    ));
    entries.push((
        format!("{collection}/{{name}}"),
        select(&[
            ("get", "get", "get"),
            ("update", "put", "put"),
            ("patch", "patch", "patch"),
            ("delete", "delete", "delete"),
        ]),
    ));
    if row.namespaced {
        entries.push((row.path(""), select(&[("list", "get", "list")])));
    }
    for sub in row.subresources.iter().filter(|sub| sub.name == "status") {
        let methods = [("get", "get"), ("update", "put"), ("patch", "patch")];
        let taken =
            methods.into_iter().filter(|(verb, _)| sub.verbs.contains(verb)).map(|(_, method)| (method, method));
        entries.push((format!("{collection}/{{name}}/{}", sub.name), taken.collect()));
    }
    for (path, methods) in entries.into_iter().filter(|(_, methods)| !methods.is_empty()) {
        let operations: Map<String, Value> =
            methods.into_iter().map(|(method, action)| (method.to_string(), operation(action))).into_object();
        paths.insert(path, Value::Object(operations));
    }
}

/// The schemas of one document, each once.
#[derive(Default)]
struct Components {
    done: BTreeMap<String, Value>,
}

impl Components {
    /// The schema of a kind and of everything it is made of; its name.
    fn kind(&mut self, kind: &'static Type, row: &Resource) -> String {
        let name = self.object(kind);
        // A kind that is served in two places is described where it stands first.
        let described = "x-kubernetes-group-version-kind";
        if let Some(schema) = self.done.get_mut(&name).filter(|schema| schema.get(described).is_none()) {
            schema[described] = json!([group_version_kind(row)]);
        }
        name
    }

    fn object(&mut self, kind: &'static Type) -> String {
        let name = type_name(kind.name);
        if self.done.contains_key(&name) {
            return name;
        }
        // Types refer to themselves: the name is taken before its parts are looked at.
        self.done.insert(name.clone(), Value::Null);
        let mut properties = Map::new();
        for field in &kind.fields {
            properties.insert(field.name.into(), self.field(field));
        }
        let required: Vec<&str> = kind.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let mut schema = json!({ "description": kind.text(), "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if kind.atomic {
            schema["x-kubernetes-map-type"] = "atomic".into();
        }
        self.done.insert(name.clone(), schema);
        name
    }

    fn field(&mut self, field: &'static Field) -> Value {
        let mut schema = self.shape(&field.shape);
        if let Some(reference) = schema.get("$ref").cloned() {
            // A reference has no room for a description of its own.
            schema = json!({ "allOf": [{ "$ref": reference }] });
        }
        schema["description"] = field.text().into();
        if !field.values.is_empty() {
            schema["enum"] = json!(field.values);
        }
        if let Shape::List(_) = field.shape {
            match &field.list {
                ListKind::Atomic => schema["x-kubernetes-list-type"] = "atomic".into(),
                ListKind::Set => schema["x-kubernetes-list-type"] = "set".into(),
                ListKind::Map(keys) => {
                    schema["x-kubernetes-list-type"] = "map".into();
                    schema["x-kubernetes-list-map-keys"] = json!(keys);
                }
            }
        } else if field.atomic == Some(true) {
            schema["x-kubernetes-map-type"] = "atomic".into();
        }
        if let Some(key) = field.patch_key {
            schema["x-kubernetes-patch-strategy"] = if field.retain_keys { "merge,retainKeys" } else { "merge" }.into();
            if !key.is_empty() {
                schema["x-kubernetes-patch-merge-key"] = key.into();
            }
        }
        schema
    }

    fn shape(&mut self, shape: &'static Shape) -> Value {
        let mut refer = |name: &str, schema: Value| {
            self.done.entry(name.into()).or_insert(schema);
            json!({ "$ref": format!("{SCHEMAS}{name}") })
        };
        match shape {
            Shape::String => json!({ "type": "string" }),
            Shape::Int32 => json!({ "type": "integer", "format": "int32" }),
            Shape::Int64 => json!({ "type": "integer", "format": "int64" }),
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Float => json!({ "type": "number", "format": "double" }),
            Shape::Bytes => json!({ "type": "string", "format": "byte" }),
            Shape::Any => json!({ "type": "object" }),
            Shape::Quantity => refer(
                "io.k8s.apimachinery.pkg.api.resource.Quantity",
                json!({ "oneOf": [{ "type": "string" }, { "type": "number" }] }),
            ),
            Shape::IntOrString => refer(
                "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
                json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }] }),
            ),
            Shape::Time => {
                refer("io.k8s.apimachinery.pkg.apis.meta.v1.Time", json!({ "type": "string", "format": "date-time" }))
            }
            Shape::MicroTime => refer(
                "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
                json!({ "type": "string", "format": "date-time" }),
            ),
            Shape::List(item) => json!({ "type": "array", "items": self.shape(item) }),
            Shape::Map(value) => json!({ "type": "object", "additionalProperties": self.shape(value) }),
            Shape::Object(_) => match shape.object() {
                Some(kind) => json!({ "$ref": format!("{SCHEMAS}{}", self.object(kind)) }),
                None => json!({ "type": "object" }),
            },
        }
    }

    /// A custom kind: what its definition says, and what every object has.
    fn custom(&mut self, row: &Resource, schema: &Value) -> String {
        let reversed: Vec<&str> = row.group.split('.').rev().collect();
        let name = format!("{}.{}.{}", reversed.join("."), row.version, row.kind_name);
        let mut schema = schema.clone();
        let mut properties = schema["properties"].as_object().cloned().unwrap_or_default();
        // The three fields are described as for the kinds that are built in.
        let meta = schema::for_type("core/v1.ConfigMap");
        for field in ["apiVersion", "kind", "metadata"] {
            if let Some(field) = meta.and_then(|kind| kind.field(field)) {
                properties.insert(field.name.into(), self.field(field));
            }
        }
        schema["properties"] = Value::Object(properties);
        schema["x-kubernetes-group-version-kind"] = json!([group_version_kind(row)]);
        self.done.insert(name.clone(), schema);
        name
    }
}

/// `apps/v1.Deployment` as documents name it: `io.k8s.api.apps.v1.Deployment`.
fn type_name(name: &str) -> String {
    let (package, rest) = name.split_once('/').unwrap_or(("", name));
    let prefix = match package {
        "meta" => "io.k8s.apimachinery.pkg.apis.meta".to_string(),
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions".into(),
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis.apiregistration".into(),
        other => format!("io.k8s.api.{other}"),
    };
    format!("{prefix}.{rest}")
}

#[cfg(test)]
mod tests {
    use api::wire::{Body, Request};

    use super::*;
    use crate::{Cluster, ClusterConfig};

    fn get(cluster: &mut Cluster, path: &str) -> Value {
        match cluster.request(Request::get(path)).body {
            Body::Json(value) => value.into_tree(),
            other => panic!("{path} answered {other:?}"),
        }
    }

    #[test]
    fn each_group_of_the_index_has_a_document_whose_references_lead_somewhere() {
        let mut cluster = Cluster::new(ClusterConfig::default());
        let index = get(&mut cluster, "/openapi/v3");
        let paths = index["paths"].as_object().expect("a map");
        assert!(paths.contains_key("api/v1") && paths.contains_key("apis/apps/v1"));
        for path in paths.keys() {
            let document = get(&mut cluster, &format!("/openapi/v3/{path}"));
            let schemas = document["components"]["schemas"].as_object().expect("a map");
            let text = document.to_string();
            for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
                let name = reference.split('"').next().unwrap_or_default();
                assert!(schemas.contains_key(name), "{path} refers to {name}");
            }
        }
    }

    #[test]
    fn a_kind_is_found_by_its_path_and_a_patch_takes_field_validation() {
        let mut cluster = Cluster::new(ClusterConfig::default());
        let document = get(&mut cluster, "/openapi/v3/apis/apps/v1");
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
        let names: Vec<&Value> = patch["parameters"].as_array().expect("a list").iter().map(|p| &p["name"]).collect();
        assert!(names.contains(&&json!("fieldValidation")) && names.contains(&&json!("dryRun")));
        let spec = &document["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentSpec"];
        assert_eq!(spec["required"], json!(["selector", "template"]));
        assert_eq!(spec["properties"]["replicas"]["format"], "int32");
    }
}
