//! Defaults of the kinds that describe the cluster and its rules: nodes, namespaces, limits, policies, roles.
//!
//! Mirrors: pkg/apis/{core,networking,rbac,scheduling,policy}/v1/defaults.go.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Event, LimitRange, LimitRangeItem, Namespace, Node, ResourceQuota, Secret};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::fill::{drop_blank, drop_empty, drop_empty_map, drop_zero, resources, set, set_text};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn node(node: &mut Node) {
    let spec = node.spec.get_or_insert_default();
    drop_zero(&mut spec.unschedulable);
    drop_blank(&mut spec.pod_cidr);
    drop_blank(&mut spec.provider_id);
    drop_empty(&mut spec.pod_cidrs);
    // One network written twice, for old clients; where the two differ the old field wins.
    if let Some(cidr) = &spec.pod_cidr
        && spec.pod_cidrs.as_ref().and_then(|all| all.first()) != Some(cidr)
    {
        spec.pod_cidrs = Some(vec![cidr.clone()]);
    } else if let Some(first) = spec.pod_cidrs.iter().flatten().next() {
        spec.pod_cidr = Some(first.clone());
    }
    drop_empty(&mut spec.taints);
    for taint in spec.taints.iter_mut().flatten() {
        drop_blank(&mut taint.value);
    }
}

pub(super) fn namespace(namespace: &mut Namespace) {
    // The label by which network policies and webhooks find a namespace; nobody may take it away.
    if let Some(name) = namespace.metadata.name.clone() {
        namespace.metadata.labels.get_or_insert_default().insert("kubernetes.io/metadata.name".into(), name);
    }
    drop_empty(&mut namespace.spec.get_or_insert_default().finalizers);
}

pub(super) fn secret(secret: &mut Secret) {
    // What is written as text is stored as data, over an equal key.
    for (key, text) in secret.string_data.take().into_iter().flatten() {
        secret.data.get_or_insert_default().insert(key, k8s_openapi::ByteString(text.into_bytes()));
    }
    set_text(&mut secret.type_, "Opaque");
    drop_empty_map(&mut secret.data);
}

pub(super) fn event(event: &mut Event) {
    set(&mut event.source, Default::default());
    set(&mut event.reporting_component, String::new());
    set(&mut event.reporting_instance, String::new());
    drop_zero(&mut event.count);
    drop_blank(&mut event.message);
    drop_blank(&mut event.reason);
    drop_blank(&mut event.type_);
    drop_blank(&mut event.action);
}

pub(super) fn limit_range(range: &mut LimitRange) {
    for item in &mut range.spec.get_or_insert_default().limits {
        for list in [
            &mut item.max,
            &mut item.min,
            &mut item.default,
            &mut item.default_request,
            &mut item.max_limit_request_ratio,
        ] {
            resources(list);
        }
        if item.type_ == "Container" {
            container_limits(item);
        }
    }
}

/// A container's default limit is the maximum; its default request that limit, or the minimum.
fn container_limits(item: &mut LimitRangeItem) {
    fill_missing(&mut item.default, item.max.as_ref());
    fill_missing(&mut item.default_request, item.default.as_ref());
    fill_missing(&mut item.default_request, item.min.as_ref());
    drop_empty_map(&mut item.default);
    drop_empty_map(&mut item.default_request);
}

fn fill_missing(target: &mut Option<BTreeMap<String, Quantity>>, source: Option<&BTreeMap<String, Quantity>>) {
    for (resource, value) in source.into_iter().flatten() {
        target.get_or_insert_default().entry(resource.clone()).or_insert_with(|| value.clone());
    }
}

pub(super) fn resource_quota(quota: &mut ResourceQuota) {
    resources(&mut quota.spec.get_or_insert_default().hard);
}

pub(super) fn priority_class(class: &mut PriorityClass) {
    set(&mut class.preemption_policy, "PreemptLowerPriority".into());
    set(&mut class.value, 0);
    drop_zero(&mut class.global_default);
    drop_blank(&mut class.description);
}

pub(super) fn disruption_budget(budget: &mut PodDisruptionBudget) {
    set(&mut budget.spec, Default::default());
}

pub(super) fn network_policy(policy: &mut NetworkPolicy) {
    let spec = policy.spec.get_or_insert_default();
    set(&mut spec.pod_selector, Default::default());
    drop_empty(&mut spec.policy_types);
    if spec.policy_types.is_none() {
        let mut types = vec!["Ingress".to_string()];
        if spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
            types.push("Egress".into());
        }
        spec.policy_types = Some(types);
    }
    drop_empty(&mut spec.ingress);
    drop_empty(&mut spec.egress);
    let ingress = spec.ingress.iter_mut().flatten().flat_map(|rule| rule.ports.iter_mut().flatten());
    let egress = spec.egress.iter_mut().flatten().flat_map(|rule| rule.ports.iter_mut().flatten());
    for port in ingress.chain(egress) {
        set(&mut port.protocol, "TCP".into());
    }
}

pub(super) fn ingress(ingress: &mut Ingress) {
    let spec = ingress.spec.get_or_insert_default();
    drop_empty(&mut spec.rules);
    drop_empty(&mut spec.tls);
    for rule in spec.rules.iter_mut().flatten() {
        drop_blank(&mut rule.host);
        for path in rule.http.iter_mut().flat_map(|http| &mut http.paths) {
            drop_blank(&mut path.path);
        }
    }
}

pub(super) fn policy_rules(rules: &mut Option<Vec<PolicyRule>>) {
    for rule in rules.iter_mut().flatten() {
        drop_empty(&mut rule.api_groups);
        drop_empty(&mut rule.resources);
        drop_empty(&mut rule.resource_names);
        drop_empty(&mut rule.non_resource_urls);
    }
}

pub(super) fn role_binding(role: &mut RoleRef, subjects: &mut Option<Vec<Subject>>) {
    set_text(&mut role.api_group, RBAC);
    drop_empty(subjects);
    for subject in subjects.iter_mut().flatten() {
        match subject.kind.as_str() {
            "User" | "Group" => set_text(&mut subject.api_group, RBAC),
            _ => drop_blank(&mut subject.api_group),
        }
        drop_blank(&mut subject.namespace);
    }
}
