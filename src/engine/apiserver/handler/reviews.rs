//! Reviews: who am I, may I, whose token is this? Answered at once, never stored.
//!
//! Mirrors: pkg/registry/authentication, pkg/registry/authorization.

use api::patch::{Manager, Managers, structured};
use api::validation::field::{ErrorList, FieldError, Path};
use api::validation::go_value::GoValue;
use api::wire::{Request, Response};
use api::{Kind, Status, schema};
use serde_json::{Value, json};

use super::authenticate::{ISSUER, User};
use super::authorize::{Attributes, Decision};
use super::body::parse;
use super::objects::write_options;
use super::route::Target;
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity, managed};

const AUTHORIZATION: &str = "authorization.k8s.io";
/// A shorter token is refused.
const SHORTEST_TOKEN: i64 = 600;

impl ApiServer {
    pub(super) fn review(
        &mut self,
        who: &Identity,
        user: &User,
        request: &Request,
        target: &Target,
    ) -> Result<Response, Status> {
        let kind = target.resource.kind;
        if kind == Kind::Binding {
            return self.post_binding(who, request, target, "");
        }
        let mut body = self.review_body(request, target)?;
        let spec = body["spec"].clone();
        match kind {
            Kind::SelfSubjectReview => {
                let now = api::meta::time::rfc3339(self.unix_millis() as i64);
                body["metadata"] = json!({ "creationTimestamp": now });
                body["status"] = json!({ "userInfo": user.to_value() });
                return Ok(Response::json(201, body));
            }
            Kind::SelfSubjectRulesReview => {
                let namespace = spec["namespace"].as_str().unwrap_or_default();
                if namespace.is_empty() {
                    return Err(Status::bad_request("no namespace on request"));
                }
                body["status"] = self.rules_review(user, namespace);
                body["spec"] = json!({});
                return Ok(Response::json(201, body));
            }
            Kind::TokenReview => body["status"] = self.token_review(&spec),
            _ => {
                check_access_spec(kind, &spec, target)?;
                let subject = if kind == Kind::SelfSubjectAccessReview { user.clone() } else { subject_of(&spec) };
                let decision = self.decide(&subject, &asked_for(&spec));
                body["status"] = decided(&decision);
            }
        }
        self.own_review(who, request, target, &mut body, "")?;
        Ok(Response::json(201, body))
    }

    /// The body as a tree of the wanted kind, with its metadata.
    fn review_body(&self, request: &Request, target: &Target) -> Result<Value, Status> {
        let mut body = parse(request, target.resource.kind_name)?.value;
        body["kind"] = target.resource.kind_name.into();
        body["apiVersion"] = target.resource.api_version().into();
        if !body["metadata"].is_object() {
            body["metadata"] = json!({});
        }
        if !body["spec"].is_object() && target.resource.kind != Kind::SelfSubjectReview {
            body["spec"] = json!({});
        }
        Ok(body)
    }

    /// Reviews have field managers like any object.
    fn own_review(
        &self,
        who: &Identity,
        request: &Request,
        target: &Target,
        body: &mut Value,
        subresource: &'static str,
    ) -> Result<(), Status> {
        let options = write_options(request, who, subresource, "CreateOptions")?;
        let (group, version) = api::scheme::split_api_version(body["apiVersion"].as_str().unwrap_or_default());
        let kind = schema::for_kind(group, version, body["kind"].as_str().unwrap_or(target.resource.kind_name));
        let mut asked = body.clone();
        if let Value::Object(map) = &mut asked {
            map.remove("status");
        }
        let name = options.manager.as_deref().unwrap_or_default();
        let manager = Manager::update(name, body["apiVersion"].as_str().unwrap_or_default(), subresource);
        let now = api::meta::time::rfc3339(self.unix_millis() as i64);
        let mut managers = Managers::default();
        let ignored = managed::reset_fields(&target.resource, "");
        managers.update(kind, &structured::zero(kind), &asked, &manager, ignored, &now);
        if !managers.is_empty() {
            body["metadata"]["managedFields"] = managers.write();
        }
        Ok(())
    }

    fn rules_review(&self, user: &User, namespace: &str) -> Value {
        let (granted, _) = self.rules_of(user, namespace);
        let (mut resources, mut urls) = (Vec::new(), Vec::new());
        for rule in granted.into_iter().map(|granted| granted.rule) {
            if let Some(paths) = rule.non_resource_urls.as_ref().filter(|paths| !paths.is_empty()) {
                urls.push(json!({ "verbs": rule.verbs, "nonResourceURLs": paths }));
            }
            if let Some(names) = rule.resources.as_ref().filter(|names| !names.is_empty()) {
                let mut entry = json!({ "verbs": rule.verbs, "apiGroups": rule.api_groups, "resources": names });
                if let Some(names) = rule.resource_names.as_ref().filter(|names| !names.is_empty()) {
                    entry["resourceNames"] = json!(names);
                }
                resources.push(entry);
            }
        }
        json!({ "resourceRules": resources, "nonResourceRules": urls, "incomplete": false })
    }

    fn token_review(&self, spec: &Value) -> Value {
        match self.user_of_token(spec["token"].as_str().unwrap_or_default()) {
            Some(user) => json!({ "authenticated": true, "user": user.to_value(), "audiences": [ISSUER] }),
            None => json!({ "user": {}, "error": "invalid bearer token" }),
        }
    }

    /// `POST pods/NAME/binding` and `POST bindings`.
    pub(super) fn post_binding(
        &mut self,
        who: &Identity,
        request: &Request,
        target: &Target,
        pod: &str,
    ) -> Result<Response, Status> {
        let body = parse(request, "Binding")?.value;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        let (kind, node) = (text("/target/kind"), text("/target/name"));
        let path = Path::ROOT.child("target");
        let mut errors = ErrorList::new();
        if !matches!(kind.as_str(), "" | "Node") {
            errors.push(FieldError::not_supported(&path.child("kind"), kind, &["Node", "<empty>"]));
        }
        if node.is_empty() {
            errors.push(FieldError::required(&path.child("name"), ""));
        }
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        match texts.as_slice() {
            [] => {}
            [one] => return Err(Status::failure(500, "", one.clone())),
            many => return Err(Status::failure(500, "", format!("[{}]", many.join(", ")))),
        }
        let pod = if pod.is_empty() { text("/metadata/name") } else { pod.to_string() };
        self.bind(who, &target.namespace, &pod, &text("/metadata/uid"), &node)?;
        Ok(Response::json(201, Status::success(201, None).to_value()))
    }

    /// `POST serviceaccounts/NAME/token`: a token for a while.
    pub(super) fn token(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Response, Status> {
        let key = Key::new(Kind::ServiceAccount, &target.namespace, &target.name);
        let uid = self.require(&key)?.uid().to_string();
        let mut body = parse(request, "TokenRequest")?.value;
        let seconds = body.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
        if seconds < SHORTEST_TOKEN {
            let path = Path::ROOT.child("spec");
            let text = "may not specify a duration less than 10 minutes";
            let error = FieldError::invalid(&path.child("expirationSeconds"), seconds, text);
            return Err(Status::invalid("TokenRequest", "authentication.k8s.io", "", &vec![error]));
        }
        let asked = body.pointer("/spec/audiences").filter(|list| list.as_array().is_some_and(|l| !l.is_empty()));
        let audiences = asked.cloned().unwrap_or_else(|| json!([ISSUER]));
        let bound = body.pointer("/spec/boundObjectRef").cloned().unwrap_or_default();
        let now = self.unix_millis() as i64;
        body["kind"] = "TokenRequest".into();
        body["apiVersion"] = "authentication.k8s.io/v1".into();
        body["metadata"] = json!({});
        self.own_review(who, request, target, &mut body, "token")?;
        for (name, value) in [
            ("name", json!(target.name)),
            ("namespace", json!(target.namespace)),
            ("uid", json!(uid)),
            ("creationTimestamp", json!(api::meta::time::rfc3339(now))),
        ] {
            body["metadata"][name] = value;
        }
        let token = self.issue_token(&key, &uid, seconds.unsigned_abs(), &audiences);
        body["spec"] = json!({ "audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound });
        body["status"] = json!({
            "token": token,
            "expirationTimestamp": api::meta::time::rfc3339(now + seconds * 1000),
        });
        Ok(Response::json(201, body))
    }
}

fn decided(decision: &Decision) -> Value {
    let mut status = json!({ "allowed": decision.allowed });
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    status
}

fn subject_of(spec: &Value) -> User {
    let text = |key: &str| spec[key].as_str().unwrap_or_default().to_string();
    let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string);
    User { name: text("user"), uid: text("uid"), groups: groups.collect(), ..User::default() }
}

fn asked_for(spec: &Value) -> Attributes {
    let (resource, other) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
    if resource.is_object() {
        return Attributes {
            verb: text(resource, "verb"),
            group: text(resource, "group"),
            resource: text(resource, "resource"),
            subresource: text(resource, "subresource"),
            namespace: text(resource, "namespace"),
            name: text(resource, "name"),
            path: String::new(),
        };
    }
    Attributes { verb: text(other, "verb"), path: text(other, "path"), ..Attributes::default() }
}

/// # Errors
/// 422 for a review that asks for nothing or for two things at once.
fn check_access_spec(kind: Kind, spec: &Value, target: &Target) -> Result<(), Status> {
    let path = Path::ROOT.child("spec");
    let mut errors = ErrorList::new();
    let (resource, other) = (spec["resourceAttributes"].is_object(), spec["nonResourceAttributes"].is_object());
    let one = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    if resource && other {
        let here = path.child("nonResourceAttributes");
        let detail = "cannot be specified in combination with resourceAttributes";
        errors.push(FieldError::invalid(&here, spec["nonResourceAttributes"].clone(), detail));
    } else if !resource && !other {
        errors.push(FieldError::invalid(&path.child("resourceAttributes"), GoValue::Null, one));
    }
    let groups = spec["groups"].as_array().is_some_and(|groups| !groups.is_empty());
    if kind != Kind::SelfSubjectAccessReview && spec["user"].as_str().unwrap_or_default().is_empty() && !groups {
        let text = "at least one of user or group must be specified";
        errors.push(FieldError::invalid(&path.child("user"), "", text));
    }
    if kind == Kind::LocalSubjectAccessReview
        && spec["resourceAttributes"]["namespace"].as_str().unwrap_or_default() != target.namespace
    {
        let here = path.child("resourceAttributes");
        let text = "must match metadata.namespace";
        errors.push(FieldError::invalid(
            &here.child("namespace"),
            spec["resourceAttributes"]["namespace"].clone(),
            text,
        ));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("", AUTHORIZATION, "", &errors)) }
}
