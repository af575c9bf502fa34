//! What the client gets: an object, a Table, only metadata; in the version it asked for.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/response.go.

use api::wire::{Request, Response};
use api::{Resource, Status};
use serde_json::{Map, Value, json};

use crate::apiserver::storage::Stored;
use crate::apiserver::{ApiServer, managed};

/// The shape a client asked for in `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::apiserver) enum Shape {
    Object,
    Table,
    Partial,
}

impl Shape {
    /// The first acceptable media type wins; an unknown one is 406.
    pub fn of(request: &Request) -> Result<Self, Status> {
        let accept = request.header("accept").unwrap_or("application/json");
        for offer in accept.split(',') {
            let mut parts = offer.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*" | "application/yaml" | "") {
                continue;
            }
            match parts.find_map(|part| part.strip_prefix("as=")) {
                None => return Ok(Shape::Object),
                Some("Table") => return Ok(Shape::Table),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Shape::Partial),
                // Another transformation: the next offer may do.
                Some(_) => {}
            }
        }
        Err(Status::failure(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/cbor",
        ))
    }
}

impl ApiServer {
    /// The object as a client of `resource` sees it, with managedFields.
    pub(in crate::apiserver) fn to_client(&self, resource: &Resource, stored: &Stored) -> Value {
        let mut value = from_storage(resource, stored.object.to_value());
        let fields = managed::fold(self, &stored.ownership, stored.object.kind());
        if !fields.is_null() {
            value["metadata"]["managedFields"] = fields;
        }
        value
    }

    /// Answers with one object in the asked shape.
    pub(in crate::apiserver) fn one(
        &self,
        request: &Request,
        resource: &Resource,
        stored: &Stored,
        code: u16,
    ) -> Result<Response, Status> {
        let body = match Shape::of(request)? {
            Shape::Object => self.to_client(resource, stored),
            Shape::Partial => partial(self.to_client(resource, stored)),
            Shape::Table => {
                let version = stored.object.meta().resource_version.clone().unwrap_or_default();
                self.table(request, resource, std::iter::once(stored), json!({ "resourceVersion": version }), true)
            }
        };
        Ok(Response::json(code, body))
    }
}

/// Only kind, apiVersion and metadata.
pub(in crate::apiserver) fn partial(mut object: Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"].take(),
    })
}

/// An object in a non-storage version, in the version it is stored in.
pub(in crate::apiserver) fn to_storage(resource: &Resource, value: Value) -> Value {
    match (resource.group, resource.version, resource.plural) {
        ("events.k8s.io", ..) => rename(value, "v1", EVENT_FIELDS, true),
        ("autoscaling", "v1", _) => hpa_from_v1(value),
        // Every other row is its own storage version.
        _ => value,
    }
}

/// The stored form in the version of the path, with the empty fields that Go writes (`status: {}`).
pub(in crate::apiserver) fn from_storage(resource: &Resource, value: Value) -> Value {
    let mut value = match (resource.group, resource.version, resource.plural) {
        ("events.k8s.io", ..) => rename(value, "events.k8s.io/v1", EVENT_FIELDS, false),
        ("autoscaling", "v1", _) => hpa_to_v1(value),
        // Every other row is its own storage version.
        _ => value,
    };
    if let Some(schema) = api::schema::for_kind(resource.group, resource.version, resource.kind_name) {
        api::schema::fill(schema, &mut value);
    }
    value
}

/// events.k8s.io name, core name.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("deprecatedCount", "count"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedSource", "source"),
    ("reportingController", "reportingComponent"),
];

fn rename(value: Value, api_version: &str, names: &[(&str, &str)], to_core: bool) -> Value {
    let Value::Object(map) = value else { return value };
    let mut out: Map<String, Value> = map
        .into_iter()
        .map(|(key, value)| {
            let renamed = names
                .iter()
                .find(|(new, core)| key == if to_core { *new } else { *core })
                .map(|(new, core)| if to_core { *core } else { *new });
            (renamed.map_or(key, str::to_string), value)
        })
        .collect();
    out.insert("apiVersion".into(), api_version.into());
    Value::Object(out)
}

fn hpa_from_v1(mut value: Value) -> Value {
    value["apiVersion"] = "autoscaling/v2".into();
    if let Some(target) = value["spec"]["targetCPUUtilizationPercentage"].as_i64() {
        if let Some(spec) = value["spec"].as_object_mut() {
            spec.remove("targetCPUUtilizationPercentage");
        }
        value["spec"]["metrics"] = json!([{
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
        }]);
    }
    value
}

fn hpa_to_v1(mut value: Value) -> Value {
    value["apiVersion"] = "autoscaling/v1".into();
    let target = value["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"].clone();
    if let Some(spec) = value["spec"].as_object_mut() {
        spec.remove("metrics");
        if !target.is_null() {
            spec.insert("targetCPUUtilizationPercentage".into(), target);
        }
    }
    value
}
