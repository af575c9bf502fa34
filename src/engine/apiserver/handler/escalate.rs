//! Nobody grants what they do not have: roles and bindings are held to the rights of who writes them.
//!
//! Mirrors: pkg/registry/rbac/{role,rolebinding}/policybased, pkg/registry/rbac/validation
//! `ConfirmNoEscalation`. Left out: patches, and aggregation rules.

use std::collections::BTreeMap;

use api::k8s_openapi::api::rbac::v1::PolicyRule;
use api::wire::Request;
use api::{Kind, Status};

use super::authenticate::User;
use super::authorize::{Attributes, covers};
use super::body::parse;
use super::route::Target;
use crate::apiserver::ApiServer;

impl ApiServer {
    /// # Errors
    /// 403 for a role with rules, or a binding to a role with rules, that the user does not hold.
    pub(super) fn check_escalation(&self, user: &User, request: &Request, target: &Target) -> Result<(), Status> {
        let kind = target.resource.kind;
        if !matches!(kind, Kind::Role | Kind::ClusterRole | Kind::RoleBinding | Kind::ClusterRoleBinding) {
            return Ok(());
        }
        let body = parse(request, target.resource.kind_name)?.value;
        let (verb, granted) = match kind {
            Kind::Role | Kind::ClusterRole => {
                ("escalate", api::codec::decode(body["rules"].clone()).unwrap_or_default())
            }
            _ => {
                let Ok(role) = api::codec::decode(body["roleRef"].clone()) else { return Ok(()) };
                // A role that is not there grants nothing yet.
                ("bind", self.role_rules(&role, &target.namespace).unwrap_or_default())
            }
        };
        let may = Attributes::on(&target.resource, verb, &target.namespace, &target.name);
        if self.decide(user, &may).allowed {
            return Ok(());
        }
        let held = self.rules_of(user, &target.namespace).0;
        let holds = |asked: &Attributes| held.iter().any(|granted| covers(&granted.rule, asked));
        let missing = lacking(&granted, holds);
        if missing.is_empty() {
            return Ok(());
        }
        let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
        let why = format!(
            "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            groups.join(" "),
            missing.join("\n")
        );
        let name = body.pointer("/metadata/name").and_then(serde_json::Value::as_str).unwrap_or(&target.name);
        Err(Status::forbidden(&target.resource, name, &why))
    }
}

/// What is granted and not held, verbs of the same resource together.
fn lacking(granted: &[PolicyRule], holds: impl Fn(&Attributes) -> bool) -> Vec<String> {
    let mut resources: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    let mut urls: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in granted {
        for verb in &rule.verbs {
            for (group, resource, name) in parts(rule) {
                let (plural, sub) = resource.split_once('/').unwrap_or((resource, ""));
                let asked = Attributes {
                    verb: verb.clone(),
                    group: group.into(),
                    resource: plural.into(),
                    subresource: sub.into(),
                    name: name.into(),
                    ..Attributes::default()
                };
                if !holds(&asked) {
                    resources
                        .entry((group.into(), resource.into(), name.into()))
                        .or_default()
                        .push(format!("{verb:?}"));
                }
            }
            for url in rule.non_resource_urls.iter().flatten() {
                let asked = Attributes { verb: verb.clone(), path: url.clone(), ..Attributes::default() };
                if !holds(&asked) {
                    urls.entry(url.clone()).or_default().push(format!("{verb:?}"));
                }
            }
        }
    }
    let resources = resources.into_iter().map(|((group, resource, name), verbs)| {
        let names = if name.is_empty() { String::new() } else { format!(", ResourceNames:[{name:?}]") };
        format!("{{APIGroups:[{group:?}], Resources:[{resource:?}]{names}, Verbs:[{}]}}", verbs.join(" "))
    });
    let urls =
        urls.into_iter().map(|(url, verbs)| format!("{{NonResourceURLs:[{url:?}], Verbs:[{}]}}", verbs.join(" ")));
    resources.chain(urls).collect()
}

/// Every group, resource and name of a rule; an empty name where it names none.
fn parts(rule: &PolicyRule) -> Vec<(&str, &str, &str)> {
    let names: Vec<&str> = rule.resource_names.iter().flatten().map(String::as_str).collect();
    let names = if names.is_empty() { vec![""] } else { names };
    let groups = rule.api_groups.iter().flatten();
    let pairs = groups.flat_map(|group| rule.resources.iter().flatten().map(move |resource| (group, resource)));
    pairs
        .flat_map(|(group, resource)| names.iter().map(move |name| (group.as_str(), resource.as_str(), *name)))
        .collect()
}
