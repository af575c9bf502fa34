//! PATCH: JSON patch, merge patch, strategic merge patch and apply, on the object as clients see it.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/patch.go.

use api::Status;
use api::wire::{Request, Response};
use serde_json::Value;

use super::body::{FieldValidation, tree};
use super::objects::write_options;
use super::route::Target;
use super::{body_text, with_warnings};
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity};

const SUPPORTED: &str = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor";

impl ApiServer {
    pub(super) fn patch(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let mut options = write_options(request, who, target.subresource)?;
        let resource = target.resource;
        let key = Key::new(resource.kind, &target.namespace, &target.name);
        let stored = self.store.get(&key).cloned().ok_or_else(|| Status::not_found(&resource, &target.name))?;
        let current = super::negotiate::from_storage(&resource, stored.object.to_value());
        let patched = self.patched_value(request, current, resource.group, resource.version, resource.kind_name)?;
        let validation = FieldValidation::of(request)?;
        let mut object = self.decode_value(&resource, patched, validation, &mut options.warnings)?;
        self.place(&mut object, target)?;
        self.check_name(&object, target)?;
        options.patch = true;
        let written = self.update(who, object, &mut options)?;
        let stored = self.stored_or(written);
        let response = self.one(request, &resource, &stored, 200)?;
        Ok(with_warnings(response, &options.warnings))
    }

    /// Applies the request's patch to a value of the given kind.
    pub(super) fn patched_value(
        &self,
        request: &Request,
        current: Value,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<Value, Status> {
        let media = request.header("content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let _ = (group, version, kind, body_text(&request.body), tree(request)?);
        match media {
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                let mut value = current;
                json_patch::merge(&mut value, &tree_as_json(request)?);
                Ok(value)
            }
            _ => Err(Status::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: {SUPPORTED}"
            ))),
        }
    }
}

fn tree_as_json(request: &Request) -> Result<Value, Status> {
    match &request.body {
        api::wire::Body::Json(value) => Ok(value.clone()),
        other => serde_json::from_str(&body_text(other)).map_err(|error| Status::bad_request(error.to_string())),
    }
}
