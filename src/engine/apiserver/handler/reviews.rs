//! Reviews: who am I, may I? Everybody who types here is the cluster's administrator.
//!
//! Mirrors: pkg/registry/authentication, pkg/registry/authorization.

use api::wire::{Request, Response};
use api::{Kind, Status};
use serde_json::{Value, json};

use super::body::tree;
use super::route::Target;
use crate::apiserver::{ApiServer, Identity};

impl ApiServer {
    pub(super) fn review(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let mut body = tree(request)?;
        body["kind"] = target.resource.kind_name.into();
        body["apiVersion"] = target.resource.api_version().into();
        if body.get("metadata").is_none() {
            body["metadata"] = json!({});
        }
        match target.resource.kind {
            Kind::Binding => {
                let text =
                    |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
                let (pod, node) = (text("/metadata/name"), text("/target/name"));
                self.bind(who, &target.namespace, &pod, "", &node)?;
                return Ok(Response::json(201, Status::success(201, None).to_value()));
            }
            Kind::SelfSubjectReview => {
                body["status"] = json!({ "userInfo": {
                    "username": "kubernetes-admin", "uid": "1", "groups": ["system:masters", "system:authenticated"],
                }});
            }
            Kind::SelfSubjectRulesReview => {
                body["status"] = json!({
                    "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
                    "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
                    "incomplete": false,
                });
            }
            // Access reviews: the administrator may do everything.
            _ => body["status"] = json!({ "allowed": true }),
        }
        Ok(Response::json(201, body))
    }
}
