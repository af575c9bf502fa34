//! What is asked for, and whether the user may: RBAC over the roles and bindings that are stored.
//!
//! Mirrors: apiserver/pkg/endpoints/request/requestinfo.go, plugin/pkg/auth/authorizer/rbac,
//! apiserver/pkg/endpoints/handlers/responsewriters/errors.go. Everybody in `system:masters` may do everything.

use api::k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject};
use api::wire::{Method, Request};
use api::{Kind, Object, Resource, Status};

use super::authenticate::User;
use crate::apiserver::ApiServer;

/// A request, as far as permissions go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    pub verb: String,
    pub group: String,
    /// Empty for paths that are no resources.
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub path: String,
}

/// Subresources of namespaces, which look like resources inside of one.
const OF_NAMESPACES: [&str; 2] = ["status", "finalize"];

impl Attributes {
    pub fn on(resource: &Resource, verb: &str, namespace: &str, name: &str) -> Self {
        Self {
            verb: verb.into(),
            group: resource.group.into(),
            resource: resource.plural.into(),
            namespace: namespace.into(),
            name: name.into(),
            ..Self::default()
        }
    }

    pub fn of(request: &Request) -> Self {
        let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
        let (group, parts) = match segments.as_slice() {
            ["api", _, parts @ ..] if !parts.is_empty() => ("", parts),
            ["apis", group, _, parts @ ..] if !parts.is_empty() => (*group, parts),
            _ => {
                let verb = request.method.as_str().to_lowercase();
                return Self { verb, path: request.path.clone(), ..Self::default() };
            }
        };
        let mut parts = parts;
        let mut verb = match request.method {
            Method::Post => "create",
            Method::Get | Method::Head => "get",
            Method::Put => "update",
            Method::Patch => "patch",
            Method::Delete => "delete",
            Method::Options => "",
        };
        if parts[0] == "watch" {
            verb = "watch";
            parts = &parts[1..];
        }
        let mut namespace = "";
        if let ["namespaces", name, rest @ ..] = parts {
            namespace = name;
            if rest.first().is_some_and(|sub| !OF_NAMESPACES.contains(sub)) {
                parts = rest;
            }
        }
        let part = |at: usize| parts.get(at).copied().unwrap_or_default();
        let name = part(1);
        let verb = match (verb, name.is_empty()) {
            ("get", true) if request.flag("watch") => "watch",
            ("get", true) => "list",
            ("delete", true) => "deletecollection",
            (verb, _) => verb,
        };
        Self {
            verb: verb.into(),
            group: group.into(),
            resource: part(0).into(),
            subresource: part(2).into(),
            namespace: namespace.into(),
            name: name.into(),
            path: request.path.clone(),
        }
    }

    /// `pods/log`
    fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// `User "alice" cannot get resource "pods" in API group "" in the namespace "default"`
    fn refusal(&self, user: &str) -> String {
        if self.resource.is_empty() {
            return format!("User {user:?} cannot {} path {:?}", self.verb, self.path);
        }
        let place = match self.namespace.as_str() {
            "" => "at the cluster scope".to_string(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        format!(
            "User {user:?} cannot {} resource {:?} in API group {:?} {place}",
            self.verb,
            self.combined(),
            self.group
        )
    }
}

/// What the authorizer found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    pub allowed: bool,
    /// Which binding allows it; or which roles could not be found.
    pub reason: String,
}

/// A rule that applies to a user, and what gives it.
pub struct Granted {
    pub rule: PolicyRule,
    source: String,
}

impl ApiServer {
    /// # Errors
    /// 403 in upstream's words.
    pub(super) fn authorize(&self, user: &User, attributes: &Attributes) -> Result<(), Status> {
        let decision = self.decide(user, attributes);
        if decision.allowed {
            return Ok(());
        }
        let mut why = attributes.refusal(&user.name);
        if !decision.reason.is_empty() {
            why = format!("{why}: {}", decision.reason);
        }
        if attributes.resource.is_empty() {
            let mut status = Status::failure(403, "Forbidden", format!("forbidden: {why}"));
            status.details = Some(Default::default());
            return Err(status);
        }
        let subject = api::scheme::group_resource(&attributes.resource, &attributes.group);
        let subject = if attributes.name.is_empty() { subject } else { format!("{subject} {:?}", attributes.name) };
        let mut status = Status::failure(403, "Forbidden", format!("{subject} is forbidden: {why}"));
        status.details = Some(api::status::Details {
            name: attributes.name.clone(),
            group: attributes.group.clone(),
            kind: attributes.resource.clone(),
            ..Default::default()
        });
        Err(status)
    }

    pub(super) fn decide(&self, user: &User, attributes: &Attributes) -> Decision {
        if user.is_master() {
            return Decision { allowed: true, reason: String::new() };
        }
        let (granted, missing) = self.rules_of(user, &attributes.namespace);
        match granted.iter().find(|granted| covers(&granted.rule, attributes)) {
            Some(granted) => Decision { allowed: true, reason: format!("RBAC: allowed by {}", granted.source) },
            None if missing.is_empty() => Decision::default(),
            None => {
                let list =
                    if let [one] = missing.as_slice() { one.clone() } else { format!("[{}]", missing.join(", ")) };
                Decision { allowed: false, reason: format!("RBAC: {list}") }
            }
        }
    }

    /// Every rule that applies to a user in a namespace, and the roles that bindings name in vain.
    pub(super) fn rules_of(&self, user: &User, namespace: &str) -> (Vec<Granted>, Vec<String>) {
        let (mut granted, mut missing) = (Vec::new(), Vec::new());
        let mut bind = |subjects: Option<&[Subject]>, role: &RoleRef, within: &str, binding: String| {
            let Some(subject) = subjects.unwrap_or_default().iter().find(|subject| applies(subject, user, within))
            else {
                return;
            };
            let source = format!("{binding} of {} {:?} to {}", role.kind, role.name, describe(subject));
            match self.role_rules(role, within) {
                Some(rules) => granted.extend(rules.into_iter().map(|rule| Granted { rule, source: source.clone() })),
                None => missing.push(format!(
                    "{}.rbac.authorization.k8s.io {:?} not found",
                    role.kind.to_lowercase(),
                    role.name
                )),
            }
        };
        for object in self.read_all(Kind::ClusterRoleBinding, "") {
            if let Object::ClusterRoleBinding(it) = object {
                let binding = format!("ClusterRoleBinding {:?}", object.name());
                bind(it.subjects.as_deref(), &it.role_ref, "", binding);
            }
        }
        if !namespace.is_empty() {
            for object in self.read_all(Kind::RoleBinding, namespace) {
                if let Object::RoleBinding(it) = object {
                    let binding = format!("RoleBinding {:?}", format!("{}/{namespace}", object.name()));
                    bind(it.subjects.as_deref(), &it.role_ref, namespace, binding);
                }
            }
        }
        (granted, missing)
    }

    pub(super) fn role_rules(&self, role: &RoleRef, namespace: &str) -> Option<Vec<PolicyRule>> {
        let found = match role.kind.as_str() {
            "Role" => self.read(Kind::Role, namespace, &role.name),
            _ => self.read(Kind::ClusterRole, "", &role.name),
        };
        match found? {
            Object::Role(role) => Some(role.rules.clone().unwrap_or_default()),
            Object::ClusterRole(role) => Some(role.rules.clone().unwrap_or_default()),
            _ => None,
        }
    }
}

fn applies(subject: &Subject, user: &User, within: &str) -> bool {
    match subject.kind.as_str() {
        "User" => user.name == subject.name,
        "Group" => user.groups.contains(&subject.name),
        "ServiceAccount" => {
            let namespace = subject.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(within);
            user.name == format!("system:serviceaccount:{namespace}:{}", subject.name)
        }
        _ => false,
    }
}

fn describe(subject: &Subject) -> String {
    match subject.namespace.as_deref() {
        Some(namespace) if subject.kind == "ServiceAccount" => {
            format!("{} {:?}", subject.kind, format!("{}/{namespace}", subject.name))
        }
        _ => format!("{} {:?}", subject.kind, subject.name),
    }
}

/// Whether a rule allows what is asked.
pub fn covers(rule: &PolicyRule, attributes: &Attributes) -> bool {
    let has = |list: Option<&Vec<String>>, word: &str| {
        list.is_some_and(|list| list.iter().any(|known| known == "*" || known == word))
    };
    if !has(Some(&rule.verbs), &attributes.verb) {
        return false;
    }
    if attributes.resource.is_empty() {
        return rule.non_resource_urls.iter().flatten().any(|url| match url.strip_suffix('*') {
            Some(start) => attributes.path.starts_with(start),
            None => *url == attributes.path,
        });
    }
    let combined = attributes.combined();
    let any_with = format!("*/{}", attributes.subresource);
    let resource =
        rule.resources.iter().flatten().any(|known| {
            known == "*" || *known == combined || (!attributes.subresource.is_empty() && *known == any_with)
        });
    let named = rule.resource_names.as_ref().is_none_or(|names| names.is_empty() || names.contains(&attributes.name));
    has(rule.api_groups.as_ref(), &attributes.group) && resource && named
}
