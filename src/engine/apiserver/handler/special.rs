//! Subresources that are not objects of their own, reviews, and paths that are no resources.
//!
//! Mirrors: pkg/registry/*/storage, pkg/registry/authorization, apiserver/pkg/server/routes.

use api::wire::{Method, Request, Response};
use api::{Kind, Status};
use serde_json::{Value, json};

use super::body::parse;
use super::method_not_allowed;
use super::objects::delete_options;
use super::route::Target;
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
    pub(super) fn special(
        &mut self,
        who: &Identity,
        request: &mut Request,
        target: &Target,
    ) -> Result<Response, Status> {
        match (target.subresource, request.method) {
            ("status" | "approval" | "resize" | "ephemeralcontainers", Method::Get) => self.get(request, target),
            ("status" | "approval" | "resize" | "ephemeralcontainers", Method::Put) => self.put(who, request, target),
            ("status" | "approval" | "resize" | "ephemeralcontainers", Method::Patch) => {
                self.patch(who, request, target)
            }
            ("scale", Method::Get | Method::Put | Method::Patch) => self.scale(who, request, target),
            ("binding", Method::Post) => self.post_binding(who, request, target, &target.name),
            ("eviction", Method::Post) => {
                let body = parse(request, "Eviction")?.value;
                let named = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or(&target.name);
                if named != target.name {
                    return Err(Status::bad_request("name in URL does not match name in Eviction object"));
                }
                let mut nested = request.clone();
                nested.body = match body.get("deleteOptions") {
                    Some(options) => api::wire::Body::Json(options.clone().into()),
                    None => api::wire::Body::Empty,
                };
                let options = delete_options(&nested)?;
                self.evict(who, &target.namespace, &target.name, &options)?;
                Ok(Response::json(201, Status::success(201, None).to_value()))
            }
            ("finalize", Method::Put) => self.put(who, request, target),
            ("token", Method::Post) => self.token(who, request, target),
            // Of a node's kubelet only logs and exec are simulated.
            ("proxy", _) => Err(Status::bad_request("address not allowed")),
            _ => Err(method_not_allowed()),
        }
    }

    /// Health, version and discovery.
    pub(super) fn non_resource(&mut self, request: &Request) -> Result<Response, Status> {
        if !matches!(request.method, Method::Get | Method::Head) {
            return Err(method_not_allowed());
        }
        let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["version", ..] => Ok(Response::json(200, version())),
            ["healthz" | "livez" | "readyz", ..] => Ok(self.health_checks(request, &segments)),
            ["metrics"] => Ok(self.telemetry()),
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
