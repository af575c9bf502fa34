//! The scale subresource: how many replicas an object wants and has, whatever its kind.
//!
//! Mirrors: pkg/registry/apps/*/storage `ScaleREST`, apiextensions-apiserver/pkg/registry/customresource.

use std::sync::Arc;

use api::patch::{Manager, Managers, structured};
use api::validation::field::{FieldError, Path};
use api::wire::{Method, Request, Response};
use api::{Kind, Object, Status, schema};
use serde_json::{Value, json};

use super::body::{FieldValidation, parse};
use super::objects::write_options;
use super::patch::{APPLY, applied_config, conflict_status, media_type, required_manager, unfit};
use super::route::Target;
use crate::apiserver::storage::{Key, Stored};
use crate::apiserver::{ApiServer, Identity, managed};

const VERSION: &str = "autoscaling/v1";

impl ApiServer {
    pub(super) fn scale(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let key = Key::new(target.resource.kind, &target.namespace, &target.name);
        let object = self.require(&key)?.clone();
        let current = self.scale_of(&object, target);
        let wanted = match request.method {
            Method::Put => {
                let body = parse(request, "Scale")?.value;
                check_kind(&body)?;
                body
            }
            Method::Patch if media_type(request) == APPLY => self.applied_scale(request, target, &key, &current)?,
            Method::Patch => self.patched_value(request, &current, "autoscaling", "v1", "Scale")?,
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
            let path = Path::ROOT.child("spec");
            let error = FieldError::invalid(&path.child("replicas"), replicas, "must be greater than or equal to 0");
            return Err(Status::invalid("Scale", "autoscaling", &target.name, &vec![error]));
        }
        let mut options = write_options(request, who, "scale", "UpdateOptions")?;
        options.patch = request.method == Method::Patch;
        let path = self.replicas_path(target);
        let changed = self.modify(who, &key, &mut options, |object| {
            set_replicas(object, replicas, path.as_deref());
            Ok(())
        })?;
        Ok(Response::json(200, self.scale_of(&changed, target)))
    }

    /// An applied Scale: only the replicas can be in somebody else's hands.
    fn applied_scale(&self, request: &Request, target: &Target, key: &Key, current: &Value) -> Result<Value, Status> {
        let manager = required_manager(request)?;
        let config = applied_config(request, VERSION, FieldValidation::Ignore, &mut Vec::new())?;
        let scale = schema::for_kind("autoscaling", "v1", "Scale");
        if let Some(why) = scale.and_then(|kind| structured::check(kind, &config).err()) {
            return Err(unfit(&config, &target.resource, &why));
        }
        let replicas = json!({ "spec": { "replicas": config["spec"]["replicas"] } });
        let fields =
            self.store.get(key).map(|stored: &Stored| managed::fold(self, &stored.ownership, key.kind).write());
        // Owners of the object's replicas own the scale's, under the scale's own version.
        let mut fields = fields.unwrap_or_default();
        for entry in fields.as_array_mut().into_iter().flatten() {
            if entry["subresource"] == "scale" {
                entry["apiVersion"] = VERSION.into();
            }
        }
        let manager = Manager::apply(manager, VERSION, "scale");
        let now = api::meta::time::rfc3339(self.unix_millis() as i64);
        let force = request.flag("force");
        let live = json!({ "spec": { "replicas": current["spec"]["replicas"].as_i64().unwrap_or(0) } });
        let applied =
            Managers::read(&fields).apply(scale, &live, &replicas, &manager, &Default::default(), force, &now);
        applied.map_err(|conflicts| conflict_status(&conflicts))?;
        Ok(config)
    }

    /// Where a custom kind keeps its replicas; built-in kinds have a place of their own.
    fn replicas_path(&self, target: &Target) -> Option<String> {
        let Kind::Custom(number) = target.resource.kind else { return None };
        let version = self.custom.get(usize::from(number))?.version(target.resource.version)?;
        Some(version.scale_paths().replicas.to_string())
    }

    fn scale_of(&self, object: &Object, target: &Target) -> Value {
        let value = object.to_value();
        let meta = object.meta();
        let (wanted, found, selector) = match (object, object.kind()) {
            (Object::Dynamic(inner), Kind::Custom(number)) => {
                let version = self.custom.get(usize::from(number)).and_then(|c| c.version(target.resource.version));
                let number = |path: &str| api::structural::at(&inner.fields, path).and_then(Value::as_i64);
                version.map_or((None, None, String::new()), |version| {
                    let paths = version.scale_paths();
                    let selector = api::structural::at(&inner.fields, paths.selector).and_then(Value::as_str);
                    (number(paths.replicas), number(paths.status_replicas), selector.unwrap_or_default().to_string())
                })
            }
            _ => {
                let mut selector = value["spec"]["selector"].clone();
                // A ReplicationController's selector is a plain map.
                if object.kind() == Kind::ReplicationController {
                    selector = json!({ "matchLabels": selector });
                }
                let parsed = api::codec::decode(selector).ok();
                let text = api::meta::selector::format_label_selector(parsed.as_ref());
                (value["spec"]["replicas"].as_i64(), value["status"]["replicas"].as_i64(), text)
            }
        };
        let mut spec = json!({});
        if let Some(replicas) = wanted.filter(|replicas| *replicas != 0) {
            spec["replicas"] = json!(replicas);
        }
        let mut status = json!({ "replicas": found.unwrap_or(0) });
        if !selector.is_empty() {
            status["selector"] = json!(selector);
        }
        json!({
            "kind": "Scale",
            "apiVersion": VERSION,
            "metadata": {
                "name": meta.name,
                "namespace": meta.namespace,
                "uid": meta.uid,
                "resourceVersion": meta.resource_version,
                "creationTimestamp": value["metadata"]["creationTimestamp"],
            },
            "spec": spec,
            "status": status,
        })
    }
}

/// # Errors
/// 400 for a body of another kind.
fn check_kind(body: &Value) -> Result<(), Status> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    if matches!(kind, "" | "Scale") && matches!(api_version, "" | VERSION) {
        return Ok(());
    }
    let version = api_version.rsplit('/').next().unwrap_or_default();
    Err(Status::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a Scale: converting ({version}.{kind}) to (autoscaling.Scale): unknown conversion"
    )))
}

fn set_replicas(object: &mut Object, replicas: i32, path: Option<&str>) {
    match object {
        Object::Deployment(it) => Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas),
        Object::ReplicaSet(it) => Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas),
        Object::StatefulSet(it) => Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas),
        Object::ReplicationController(it) => {
            Arc::make_mut(it).spec.get_or_insert_default().replicas = Some(replicas);
        }
        Object::Dynamic(it) => {
            let pointer = path.unwrap_or_default().replace('.', "/");
            let Some((parent, last)) = pointer.rsplit_once('/') else { return };
            let mut fields = Value::Object(std::mem::take(&mut Arc::make_mut(it).fields));
            if let Some(Value::Object(map)) = fields.pointer_mut(parent) {
                map.insert(last.into(), replicas.into());
            }
            if let Value::Object(fields) = fields {
                Arc::make_mut(it).fields = fields;
            }
        }
        // Only these kinds have the subresource in discovery.
        _ => {}
    }
}
