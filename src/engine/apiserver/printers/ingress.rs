//! Ingresses and IngressClasses.
//!
//! Mirrors: pkg/printers/internalversion `printIngress`, `printIngressClass`.

use std::collections::BTreeSet;

use api::order::Gather;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass, IngressRule};
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Class", "The name of the IngressClass resource that should be used for additional configuration"),
    string("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
    string("Address", "Address is a list containing ingress points for the load-balancer"),
    string("Ports", "Ports of TLS configurations that open"),
    AGE,
];

pub(super) const CLASS_COLUMNS: &[Column] = &[
    NAME,
    string("Controller", "Controller that is responsible for handling this class"),
    string("Parameters", "A reference to a resource with additional parameters"),
    AGE,
];

pub(super) fn cells(ingress: &Ingress, now: Now) -> Cells {
    let spec = ingress.spec.as_ref();
    let class = spec.and_then(|spec| spec.ingress_class_name.as_deref());
    let tls = spec.is_some_and(|spec| spec.tls.iter().flatten().next().is_some());
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
    let addresses: BTreeSet<&str> = balancer
        .into_iter()
        .flatten()
        .filter_map(|point| point.ip.as_deref().or(point.hostname.as_deref()))
        .filter(|address| !address.is_empty())
        .into_set();
    vec![
        text(&ingress.metadata.name),
        json!(class.unwrap_or("<none>")),
        json!(hosts(spec.and_then(|spec| spec.rules.as_deref()).unwrap_or_default())),
        json!(addresses.into_iter().collect::<Vec<_>>().join(",")),
        json!(if tls { "80, 443" } else { "80" }),
        now.age(&ingress.metadata),
    ]
}

pub(super) fn class_cells(class: &IngressClass, now: Now) -> Cells {
    let spec = class.spec.as_ref();
    let parameters = spec.and_then(|spec| spec.parameters.as_ref()).map(|reference| {
        let group = reference.api_group.as_ref().map(|group| format!(".{group}")).unwrap_or_default();
        format!("{}{group}/{}", reference.kind, reference.name)
    });
    vec![
        text(&class.metadata.name),
        json!(spec.and_then(|spec| spec.controller.as_deref()).unwrap_or_default()),
        json!(parameters.as_deref().unwrap_or("<none>")),
        now.age(&class.metadata),
    ]
}

/// The rules' hosts, at most three; `*` when no rule names one.
fn hosts(rules: &[IngressRule]) -> String {
    const SHOWN: usize = 3;
    let mut hosts: Vec<&str> = Vec::new();
    let mut more = false;
    for rule in rules {
        // Rules without a host count as soon as the list is full, as upstream counts.
        more |= hosts.len() == SHOWN;
        if let Some(host) = rule.host.as_deref().filter(|host| !more && !host.is_empty()) {
            hosts.push(host);
        }
    }
    match (hosts.is_empty(), more) {
        (true, _) => "*".into(),
        (false, false) => hosts.join(","),
        (false, true) => format!("{} + {} more...", hosts.join(","), rules.len() - SHOWN),
    }
}
