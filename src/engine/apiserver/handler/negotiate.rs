//! What the client gets: an object, a Table, only metadata; in the version it asked for.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/response.go.

use std::sync::Arc;

use api::order::Gather;
use api::patch::Managers;
use api::wire::{Json, Request, Response};
use api::{Kind, Object, Resource, Status};
use serde_json::{Map, Value, json};

use crate::apiserver::storage::{Key, Stored};
use crate::apiserver::{ApiServer, managed};

/// The shape a client asked for in `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::apiserver) enum Shape {
    Object,
    Table,
    Partial,
}

impl Shape {
    /// The first acceptable media type wins; one that the server cannot make is 406.
    pub fn of(request: &Request) -> Result<Self, Status> {
        let Some(accept) = request.header("accept") else { return Ok(Shape::Object) };
        for offer in accept.split(',') {
            let mut parts = offer.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*" | "application/yaml" | "") {
                continue;
            }
            let part = |key: &str| offer.split(';').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
            let version_fits =
                matches!(part("v"), None | Some("v1")) && matches!(part("g"), None | Some("meta.k8s.io"));
            match part("as") {
                None => return Ok(Shape::Object),
                Some("Table") if version_fits => return Ok(Shape::Table),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") if version_fits => {
                    return Ok(Shape::Partial);
                }
                // Another transformation: the next offer may do.
                Some(_) => {}
            }
        }
        Err(not_acceptable(
            "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        ))
    }

    /// The same for one object or a list of a resource: what learners define has no protobuf.
    ///
    /// # Errors
    /// As [`Shape::of`]; who asks for nothing but protobuf is told what cannot be written.
    pub fn of_resource(request: &Request, resource: &Resource, go_type: &str) -> Result<Self, Status> {
        Self::of(request).map_err(|status| {
            let accept = request.header("accept").unwrap_or_default();
            let custom = matches!(resource.kind, api::scheme::Kind::Custom(_));
            if !(custom && accept.contains("application/vnd.kubernetes.protobuf")) {
                return status;
            }
            not_acceptable(format!(
                "object *unstructured.{go_type} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message"
            ))
        })
    }

    /// # Errors
    /// 400 for an `includeObject` that means nothing.
    pub fn check_columns(self, request: &Request) -> Result<(), Status> {
        match request.param("includeObject").unwrap_or_default() {
            "" | "Metadata" | "Object" | "None" => Ok(()),
            _ if self != Shape::Table => Ok(()),
            other => Err(Status::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }

    /// # Errors
    /// 406 for one object in the form of a list.
    pub fn check_single(self, request: &Request, resource: &Resource) -> Result<(), Status> {
        let accept = request.header("accept").unwrap_or_default();
        if self != Shape::Partial || !accept.contains("as=PartialObjectMetadataList") {
            return Ok(());
        }
        let package = super::body::internal_package(resource.group);
        Err(not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{package}.{})",
            resource.kind_name
        )))
    }
}

pub(in crate::apiserver) fn not_acceptable(text: impl Into<String>) -> Status {
    Status::failure(406, "NotAcceptable", text)
}

impl ApiServer {
    /// The object as a client of `resource` sees it, with managedFields.
    pub(in crate::apiserver) fn to_client(&self, resource: &Resource, stored: &Stored) -> Value {
        let mut value = shown(resource, &stored.object);
        show_owners(&mut value, &managed::fold(self, &stored.ownership, stored.object.kind()));
        value
    }

    /// As [`ApiServer::to_client`], for what is stored; written once for all who read it, when somebody does.
    pub(in crate::apiserver) fn shared(&mut self, resource: &Resource, key: &Key) -> Option<Json> {
        let stored = self.store.get(key)?;
        if !is_storage(resource) {
            return Some(self.to_client(resource, stored).into());
        }
        if let Some(wire) = &stored.wire {
            return Some(wire.clone());
        }
        let owners = managed::fold(self, &stored.ownership, stored.object.kind());
        let wire = unwritten(resource, &stored.object, owners);
        self.store.set_wire(key, wire.clone());
        Some(wire)
    }

    /// Only kind, apiVersion and metadata, without writing out the rest first.
    pub(in crate::apiserver) fn metadata_to_client(&self, resource: &Resource, stored: &Stored, owners: bool) -> Value {
        let schema = api::schema::for_kind(resource.group, resource.version, resource.kind_name);
        let schema = schema.and_then(|kind| kind.field("metadata")?.shape.object());
        let mut metadata = api::codec::encode_as(schema, stored.object.meta());
        if owners {
            let fields = managed::fold(self, &stored.ownership, stored.object.kind()).write();
            if !fields.is_null() {
                metadata["managedFields"] = fields;
            }
        }
        partial_of(metadata)
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

/// Whether the client reads `managedFields`. Upstream has no way to say so; the kubectl of this
/// repository prints tables of thousands of pods without, and folding them is most of the work.
pub(in crate::apiserver) fn names_owners(request: &Request) -> bool {
    request.header(api::wire::WITHOUT_OWNERS).is_none()
}

/// Only kind, apiVersion and metadata.
pub(in crate::apiserver) fn partial(mut object: Value) -> Value {
    partial_of(object["metadata"].take())
}

fn partial_of(metadata: Value) -> Value {
    tree([("kind", "PartialObjectMetadata".into()), ("apiVersion", "meta.k8s.io/v1".into()), ("metadata", metadata)])
}

/// A map of trees that are moved into it: `json!` copies what it is given.
pub(in crate::apiserver) fn tree<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_string(), value)).into_object())
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

/// Whether objects of this row are sent in the version in which they are stored.
pub(super) fn is_storage(resource: &Resource) -> bool {
    !matches!((resource.group, resource.version), ("events.k8s.io", _) | ("autoscaling", "v1"))
        && !matches!(resource.kind, Kind::Custom(_))
}

/// A stored object in the version of the path, with the empty fields that Go writes (`status: {}`).
pub(in crate::apiserver) fn shown(resource: &Resource, object: &Object) -> Value {
    let schema = api::schema::for_kind(resource.group, resource.version, resource.kind_name);
    if is_storage(resource) {
        return object.shown(schema);
    }
    let mut value = object.to_value();
    value = match (resource.group, resource.version, resource.plural) {
        ("events.k8s.io", ..) => rename(value, "events.k8s.io/v1", EVENT_FIELDS, false),
        ("autoscaling", "v1", _) => hpa_to_v1(value),
        // Custom resources differ in nothing else between their versions.
        _ => {
            value["apiVersion"] = resource.api_version().into();
            value
        }
    };
    if let Some(schema) = schema {
        api::schema::fill(schema, &mut value);
    }
    value
}

/// As [`shown`] with the owners of the object's fields, once somebody reads it; in its storage version.
pub(in crate::apiserver) fn unwritten(resource: &Resource, object: &Object, owners: Arc<Managers>) -> Json {
    match api::schema::for_kind(resource.group, resource.version, resource.kind_name) {
        Some(kind) => Json::of(object.clone(), kind, owners),
        None => {
            let mut value = shown(resource, object);
            show_owners(&mut value, &owners);
            value.into()
        }
    }
}

/// Puts the owners of an object's fields into its metadata.
pub(in crate::apiserver) fn show_owners(value: &mut Value, owners: &Managers) {
    if !owners.is_empty() {
        value["metadata"]["managedFields"] = owners.write();
    }
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
        .into_object();
    if !to_core {
        // The newer API leaves out what the older one shows empty.
        for name in ["reportingController", "reportingInstance"] {
            if out.get(name).and_then(Value::as_str) == Some("") {
                out.remove(name);
            }
        }
    }
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
