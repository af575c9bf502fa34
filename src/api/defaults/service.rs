//! Defaults of Service and of what lists its endpoints. Addresses and node ports are the registry's to allocate.
//!
//! Mirrors: pkg/apis/core/v1/defaults.go `SetDefaults_Service`, `SetDefaults_Endpoints`; pkg/apis/discovery/v1/defaults.go.

use k8s_openapi::api::core::v1::{Endpoints, Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::fill::{drop_blank, drop_empty, drop_empty_map, drop_zero, set, set_text};

/// Three hours.
const SESSION_TIMEOUT_SECONDS: i32 = 10_800;

pub(super) fn service(service: &mut Service) {
    let spec = service.spec.get_or_insert_default();
    set_text(&mut spec.session_affinity, "None");
    if spec.session_affinity.as_deref() == Some("None") {
        spec.session_affinity_config = None;
    }
    if spec.session_affinity.as_deref() == Some("ClientIP") {
        let config = spec.session_affinity_config.get_or_insert_default();
        set(&mut config.client_ip.get_or_insert_default().timeout_seconds, SESSION_TIMEOUT_SECONDS);
    }
    set_text(&mut spec.type_, "ClusterIP");
    drop_empty(&mut spec.ports);
    spec.ports.iter_mut().flatten().for_each(port);

    let type_ = spec.type_.as_deref().unwrap_or_default();
    drop_empty(&mut spec.external_ips);
    let reaches_outside =
        matches!(type_, "NodePort" | "LoadBalancer") || (type_ == "ClusterIP" && spec.external_ips.is_some());
    if reaches_outside {
        set_text(&mut spec.external_traffic_policy, "Cluster");
    }
    if matches!(type_, "ClusterIP" | "NodePort" | "LoadBalancer") {
        set(&mut spec.internal_traffic_policy, "Cluster".into());
    }
    if type_ == "LoadBalancer" {
        set(&mut spec.allocate_load_balancer_node_ports, true);
    }
    drop_blank(&mut spec.cluster_ip);
    drop_blank(&mut spec.external_name);
    drop_blank(&mut spec.external_traffic_policy);
    drop_blank(&mut spec.load_balancer_ip);
    drop_zero(&mut spec.publish_not_ready_addresses);
    drop_zero(&mut spec.health_check_node_port);
    drop_empty_map(&mut spec.selector);
    drop_empty(&mut spec.load_balancer_source_ranges);
    drop_empty(&mut spec.cluster_ips);
    drop_empty(&mut spec.ip_families);
}

fn port(port: &mut ServicePort) {
    set_text(&mut port.protocol, "TCP");
    let unset = match &port.target_port {
        None | Some(IntOrString::Int(0)) => true,
        Some(IntOrString::Int(_)) => false,
        Some(IntOrString::String(name)) => name.is_empty(),
    };
    if unset {
        port.target_port = Some(IntOrString::Int(port.port));
    }
    drop_zero(&mut port.node_port);
    drop_blank(&mut port.name);
}

pub(super) fn endpoints(endpoints: &mut Endpoints) {
    drop_empty(&mut endpoints.subsets);
    for subset in endpoints.subsets.iter_mut().flatten() {
        drop_empty(&mut subset.addresses);
        drop_empty(&mut subset.not_ready_addresses);
        drop_empty(&mut subset.ports);
        for port in subset.ports.iter_mut().flatten() {
            set_text(&mut port.protocol, "TCP");
            drop_blank(&mut port.name);
        }
    }
}

pub(super) fn endpoint_slice(slice: &mut EndpointSlice) {
    for port in slice.ports.iter_mut().flatten() {
        set(&mut port.name, String::new());
        set(&mut port.protocol, "TCP".into());
    }
    for endpoint in slice.endpoints.iter_mut().flatten() {
        set(&mut endpoint.conditions, Default::default());
        drop_empty_map(&mut endpoint.deprecated_topology);
    }
}
