//! Subresources that are not objects of their own, reviews, and paths that are no resources.
//!
//! Mirrors: pkg/registry/*/storage, pkg/registry/authorization, apiserver/pkg/server/routes.

use std::sync::Arc;

use api::wire::{Method, Request, Response};
use api::{Kind, Object, Status};
use serde_json::{Value, json};

use super::body::tree;
use super::method_not_allowed;
use super::objects::{delete_options, write_options};
use super::route::Target;
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity};

/// Kinds that are answered at once and never stored.
pub(super) fn is_review(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Binding
            | Kind::TokenReview
            | Kind::SelfSubjectReview
            | Kind::LocalSubjectAccessReview
            | Kind::SelfSubjectAccessReview
            | Kind::SelfSubjectRulesReview
            | Kind::SubjectAccessReview
    )
}

impl ApiServer {
    pub(super) fn special(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        match (target.subresource, request.method) {
            ("status" | "resize" | "ephemeralcontainers", Method::Get) => self.get(request, target),
            ("status" | "resize" | "ephemeralcontainers", Method::Put) => self.put(who, request, target),
            ("status" | "resize" | "ephemeralcontainers", Method::Patch) => self.patch(who, request, target),
            ("scale", Method::Get | Method::Put | Method::Patch) => self.scale(who, request, target),
            ("binding", Method::Post) => {
                let body = tree(request)?;
                let text =
                    |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
                let node = text("/target/name");
                if node.is_empty() {
                    let at = api::validation::field::Path::ROOT;
                    let at = at.child("target");
                    let missing = api::validation::field::FieldError::required(&at.child("name"), "");
                    return Err(Status::invalid("Binding", "", &target.name, &vec![missing]));
                }
                self.bind(who, &target.namespace, &target.name, &text("/metadata/uid"), &node)?;
                Ok(Response::json(201, Status::success(201, None).to_value()))
            }
            ("eviction", Method::Post) => {
                let body = tree(request)?;
                let mut nested = request.clone();
                nested.body = match body.get("deleteOptions") {
                    Some(options) => api::wire::Body::Json(options.clone()),
                    None => api::wire::Body::Empty,
                };
                let options = delete_options(&nested)?;
                self.evict(who, &target.namespace, &target.name, &options)?;
                Ok(Response::json(201, Status::success(201, None).to_value()))
            }
            ("finalize", Method::Put) => {
                let body = tree(request)?;
                let keeps = body.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|l| !l.is_empty());
                if !keeps {
                    self.finalize_namespace(who, &target.name)?;
                }
                Ok(Response::json(200, body))
            }
            ("token", Method::Post) => self.token(request, target),
            _ => Err(method_not_allowed()),
        }
    }

    /// A TokenRequest: a token in shape only, which nothing in the simulation verifies.
    fn token(&mut self, request: &Request, target: &Target) -> Result<Response, Status> {
        let key = Key::new(Kind::ServiceAccount, &target.namespace, &target.name);
        self.require(&key)?;
        let mut body = tree(request)?;
        let seconds = body.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
        let subject = format!("system:serviceaccount:{}:{}", target.namespace, target.name);
        let expires = api::meta::time::rfc3339(self.unix_millis() as i64 + seconds * 1000);
        use base64::Engine as _;
        let encode = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!(
            "{}.{}.{}",
            encode(json!({"alg": "RS256", "kid": "pilothouse"})),
            encode(json!({"sub": subject, "exp": self.unix_millis() / 1000 + seconds as u64})),
            encode(json!("simulated"))
        );
        body["kind"] = "TokenRequest".into();
        body["apiVersion"] = "authentication.k8s.io/v1".into();
        body["metadata"] = json!({ "name": target.name, "namespace": target.namespace });
        body["status"] = json!({ "token": token, "expirationTimestamp": expires });
        Ok(Response::json(201, body))
    }

    fn scale(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let key = Key::new(target.resource.kind, &target.namespace, &target.name);
        let object = self.require(&key)?.clone();
        let current = scale_of(&object);
        let wanted = match request.method {
            Method::Put => tree(request)?,
            Method::Patch => self.patched_value(request, current.clone(), "autoscaling", "v1", "Scale")?,
            Method::Get | Method::Post | Method::Delete | Method::Head | Method::Options => {
                return Ok(Response::json(200, current));
            }
        };
        let version = wanted.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        if !version.is_empty() && Some(version) != object.meta().resource_version.as_deref() {
            return Err(Status::modified(&target.resource, &target.name));
        }
        let replicas = wanted.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0) as i32;
        if replicas < 0 {
            let at = api::validation::field::Path::ROOT;
            let at = at.child("spec");
            let error = api::validation::field::FieldError::invalid(
                &at.child("replicas"),
                replicas,
                "must be greater than or equal to 0",
            );
            return Err(Status::invalid("Scale", "autoscaling", &target.name, &vec![error]));
        }
        let mut options = write_options(request, who, "scale")?;
        let changed = self.modify(who, &key, &mut options, |object| {
            set_replicas(object, replicas);
            Ok(())
        })?;
        Ok(Response::json(200, scale_of(&changed)))
    }

    /// Health, version and discovery.
    pub(super) fn non_resource(&mut self, request: &Request) -> Result<Response, Status> {
        if !matches!(request.method, Method::Get | Method::Head) {
            return Err(method_not_allowed());
        }
        let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["version", ..] => Ok(Response::json(200, version())),
            ["healthz" | "livez" | "readyz", ..] => Ok(Response::text(200, "ok")),
            ["openapi", rest @ ..] => Ok(self.openapi(rest)),
            [] => Ok(Response::json(200, self.root_paths())),
            _ => self.discovery(request, &segments),
        }
    }
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.2",
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-06-09T00:00:00Z",
        "goVersion": "go1.26.4",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

fn scale_of(object: &Object) -> Value {
    let value = object.to_value();
    let meta = object.meta();
    let mut selector = value["spec"]["selector"].clone();
    // A ReplicationController's selector is a plain map.
    if object.kind() == Kind::ReplicationController {
        selector = json!({ "matchLabels": selector });
    }
    let parsed = serde_json::from_value(selector).ok();
    let text = api::meta::selector::format_label_selector(parsed.as_ref());
    let mut spec = json!({});
    if let Some(replicas) = value["spec"]["replicas"].as_i64().filter(|replicas| *replicas != 0) {
        spec["replicas"] = json!(replicas);
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
            "creationTimestamp": value["metadata"]["creationTimestamp"],
        },
        "spec": spec,
        "status": {
            "replicas": value["status"]["replicas"].as_i64().unwrap_or(0),
            "selector": text,
        },
    })
}

fn set_replicas(object: &mut Object, replicas: i32) {
    match object {
        Object::Deployment(it) => Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas),
        Object::ReplicaSet(it) => Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas),
        Object::StatefulSet(it) => Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas),
        Object::ReplicationController(it) => {
            Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas);
        }
        // Only these kinds have the subresource in discovery.
        _ => {}
    }
}
