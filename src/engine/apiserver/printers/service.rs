//! Services: addresses inside and outside, and ports.
//!
//! Mirrors: pkg/printers/internalversion `printService`.

use std::collections::BTreeSet;

use api::order::Gather;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use serde_json::json;

use super::Cells;
use super::cell::{Now, labels, text, text_or};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Type", "core/v1.ServiceSpec", "type"),
    field("Cluster-IP", "core/v1.ServiceSpec", "clusterIP"),
    field("External-IP", "core/v1.ServiceSpec", "externalIPs"),
    field("Port(s)", "core/v1.ServiceSpec", "ports"),
    AGE,
    field("Selector", "core/v1.ServiceSpec", "selector").wide(),
];

pub(super) fn cells(service: &Service, now: Now) -> Cells {
    let empty = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&empty);
    let ports: Vec<_> = spec.ports.iter().flatten().map(port).collect();
    vec![
        text(&service.metadata.name),
        text(&spec.type_),
        json!(spec.cluster_ips.iter().flatten().next().map_or("<none>", String::as_str)),
        json!(external_ip(service, spec)),
        text_or(Some(&ports.join(",")), "<none>"),
        now.age(&service.metadata),
        labels(spec.selector.as_ref()),
    ]
}

fn port(port: &ServicePort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or_default();
    match port.node_port {
        Some(node_port) if node_port > 0 => format!("{}:{node_port}/{protocol}", port.port),
        _ => format!("{}/{protocol}", port.port),
    }
}

fn external_ip(service: &Service, spec: &ServiceSpec) -> String {
    let external: Vec<&str> = spec.external_ips.iter().flatten().map(String::as_str).collect();
    let or = |list: Vec<&str>, placeholder: &str| match list.is_empty() {
        true => placeholder.to_string(),
        false => list.join(","),
    };
    match spec.type_.as_deref().unwrap_or_default() {
        "ClusterIP" | "NodePort" => or(external, "<none>"),
        "LoadBalancer" => {
            let balancer = service.status.as_ref().and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
            let addresses: BTreeSet<&str> = balancer
                .into_iter()
                .flatten()
                .filter_map(|ingress| ingress.ip.as_deref().or(ingress.hostname.as_deref()))
                .filter(|address| !address.is_empty())
                .into_set();
            or(addresses.into_iter().chain(external).collect(), "<pending>")
        }
        "ExternalName" => spec.external_name.clone().unwrap_or_default(),
        _ => "<unknown>".into(),
    }
}
