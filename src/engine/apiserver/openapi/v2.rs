//! OpenAPI v2: one document for all groups, rewritten from those of version 3.
//!
//! Mirrors: kube-openapi/pkg/handler and openapiconv, the other way round. kubectl reads it before it
//! says that it does not know a kind; kubectl before 1.27 reads nothing else.

use api::Resource;
use api::order::{Gather, Order};
use serde_json::{Map, Value, json};

use crate::apiserver::ApiServer;

impl ApiServer {
    pub(super) fn openapi_v2(&self) -> Value {
        let mut rows: Vec<Resource> = self.resources().copied().collect();
        rows.order_by_key(|row| (row.group, row.version));
        let (paths, mut definitions) = self.described(&rows);
        definitions.values_mut().for_each(rewrite);
        let paths: Map<String, Value> = paths.into_iter().map(|(name, item)| (name, path(item))).into_object();
        json!({
            "swagger": "2.0",
            "info": document_info(),
            "paths": paths,
            "definitions": definitions,
        })
    }
}

pub(super) fn document_info() -> Value {
    json!({ "title": "Kubernetes", "version": "v1.36.2" })
}

/// The operations of a path.
fn path(item: Value) -> Value {
    let Value::Object(operations) = item else { return item };
    operations.into_iter().map(|(method, operation)| (method, self::operation(operation))).collect()
}

fn operation(mut operation: Value) -> Value {
    let schema = |content: &Value| {
        let mut schema = content["application/json"]["schema"].clone();
        rewrite(&mut schema);
        schema
    };
    let response = operation["responses"]["200"].take();
    let answer = json!({ "description": response["description"], "schema": schema(&response["content"]) });
    operation["responses"] = json!({ "200": answer });
    let body = operation.as_object_mut().and_then(|map| map.remove("requestBody"));
    let body = body.map(|body| {
        json!({ "name": "body", "in": "body", "required": body["required"], "schema": schema(&body["content"]) })
    });
    let query =
        operation["parameters"].as_array().into_iter().flatten().map(
            |parameter| json!({ "name": parameter["name"], "in": "query", "type": "string", "uniqueItems": true }),
        );
    let parameters: Vec<Value> = body.into_iter().chain(query).collect();
    if let Some(map) = operation.as_object_mut() {
        map.remove("parameters");
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    operation
}

/// References lead elsewhere, may have a description beside them, and alternatives are unknown.
fn rewrite(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(Value::Array(all)) = map.remove("allOf") {
        map.extend(all.into_iter().filter_map(|part| Some(("$ref".to_owned(), part.get("$ref")?.clone()))));
    }
    if let Some(Value::String(reference)) = map.get_mut("$ref") {
        *reference = reference.replace(super::SCHEMAS, "#/definitions/");
    }
    if map.remove("oneOf").is_some() {
        map.insert("type".into(), "string".into());
    }
    for part in ["items", "additionalProperties"] {
        map.get_mut(part).map(rewrite);
    }
    // The names of properties may be those of keywords.
    map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut).for_each(rewrite);
}

#[cfg(test)]
mod tests {
    use api::wire::{Body, Request};
    use serde_json::Value;

    use crate::{Cluster, ClusterConfig};

    #[test]
    fn one_document_holds_every_kind_and_its_references_lead_somewhere() {
        let mut cluster = Cluster::new(ClusterConfig::default());
        let Body::Json(document) = cluster.request(Request::get("/openapi/v2")).body else { panic!("it is JSON") };
        let text = document.to_string();
        assert!(!text.contains("#/components/schemas/"));
        let schema = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
        assert!(document["definitions"][schema]["properties"]["allOf"].is_object(), "a property, no keyword");
        assert_eq!(document["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["oneOf"], Value::Null);
        let mut references = text.split("\"#/definitions/").skip(1).map(|rest| rest.split('"').next().unwrap_or(""));
        assert!(references.all(|name| !document["definitions"][name].is_null()));
        let pod = &document["definitions"]["io.k8s.api.core.v1.Pod"];
        assert_eq!(pod["properties"]["spec"]["$ref"], "#/definitions/io.k8s.api.core.v1.PodSpec");
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        let parameters = patch["parameters"].as_array().expect("a patch takes parameters");
        assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
        assert_eq!(patch["requestBody"], Value::Null);
    }
}
