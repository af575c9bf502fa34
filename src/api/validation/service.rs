//! Services: ports, addresses, types and what each type allows.
//!
//! Mirrors: pkg/apis/core/validation `ValidateService`, `ValidateServiceUpdate`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};

use super::common::{
    cidr, immutable_as, invalid_each, ip, label_name, labels, one_of, port, port_number, required_one_of,
};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::internal::go_struct;
use crate::meta::names;

/// One day.
const MAX_SESSION_SECONDS: i32 = 86_400;

pub(super) fn create(service: &Service, errors: &mut ErrorList) {
    let spec = service.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let type_ = spec.type_.as_deref().unwrap_or_default();
    let list = spec.ports.as_deref().unwrap_or_default();
    if list.is_empty() && !is_headless(&spec) && type_ != "ExternalName" {
        errors.push(FieldError::required(&path.child("ports"), ""));
    }
    type_rules(&spec, &path, errors);
    ports(list, &path.child("ports"), errors);
    labels(spec.selector.as_ref(), &path.child("selector"), errors);
    session_affinity(&spec, &path, errors);
    cluster_ips(&spec, errors);
    for (i, address) in spec.external_ips.iter().flatten().enumerate() {
        let here = path.child("externalIPs");
        let here = here.index(i);
        ip(address, &here, errors);
        non_special_ip(address, &here, errors);
    }
    internal_traffic_policy(&spec, &path.child("internalTrafficPolicy"), errors);
    required_one_of(
        spec.type_.as_deref(),
        &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        &path.child("type"),
        errors,
    );
    if type_ == "ClusterIP" {
        for (i, _) in list.iter().enumerate().filter(|(_, port)| port.node_port.unwrap_or_default() != 0) {
            let here = path.child("ports");
            let text = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(&here.index(i).child("nodePort"), text));
        }
    }
    duplicates(list, &path.child("ports"), errors);
    load_balancer(&spec, &path, errors);
    external_traffic(&spec, &path, errors);
    if let Some(distribution) = &spec.traffic_distribution {
        let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        one_of(distribution, &known, &path.child("trafficDistribution"), errors);
    }
}

fn is_headless(spec: &ServiceSpec) -> bool {
    spec.cluster_ip.as_deref() == Some("None")
        || matches!(spec.cluster_ips.as_deref(), Some([first]) if first == "None")
}

fn type_rules(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let type_ = spec.type_.as_deref().unwrap_or_default();
    match type_ {
        "LoadBalancer" | "NodePort" => {
            if type_ == "LoadBalancer" {
                for (i, port) in spec.ports.iter().flatten().enumerate().filter(|(_, port)| port.port == 10250) {
                    let text = "may not expose port 10250 externally since it is used by kubelet";
                    errors.push(FieldError::invalid(&path.child("ports").index(i), port.port, text));
                }
            }
            if is_headless(spec) {
                let text = format!("may not be set to 'None' for {type_} services");
                errors.push(FieldError::invalid(&path.child("clusterIPs").index(0), "None", text));
            }
        }
        "ExternalName" => {
            for (field, set) in [
                ("clusterIPs", spec.cluster_ips.is_some() || spec.cluster_ip.is_some()),
                ("ipFamilies", spec.ip_families.is_some()),
                ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
            ] {
                if set {
                    let text = "may not be set for ExternalName services";
                    errors.push(FieldError::forbidden(&path.child(field), text));
                }
            }
            let name = spec.external_name.as_deref().unwrap_or_default();
            match name.strip_suffix('.').unwrap_or(name) {
                "" => errors.push(FieldError::required(&path.child("externalName"), "")),
                name => invalid_each(&path.child("externalName"), name, names::dns1123_subdomain(name), errors),
            }
        }
        _ => {}
    }
}

fn ports(list: &[ServicePort], path: &Path, errors: &mut ErrorList) {
    let mut seen = BTreeSet::new();
    for (i, item) in list.iter().enumerate() {
        let here = path.index(i);
        match item.name.as_deref().unwrap_or_default() {
            "" if list.len() > 1 => errors.push(FieldError::required(&here.child("name"), "")),
            "" => {}
            name => {
                invalid_each(&here.child("name"), name, names::dns1123_label(name), errors);
                if !seen.insert(name) {
                    errors.push(FieldError::duplicate(&here.child("name"), name));
                }
            }
        }
        port_number(item.port, &here.child("port"), errors);
        required_one_of(item.protocol.as_deref(), &["SCTP", "TCP", "UDP"], &here.child("protocol"), errors);
        if let Some(target) = &item.target_port {
            port(target, &here.child("targetPort"), errors);
        }
        if let Some(protocol) = &item.app_protocol {
            label_name(protocol, &here.child("appProtocol"), errors);
        }
    }
}

fn session_affinity(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let affinity = spec.session_affinity.as_deref();
    required_one_of(affinity, &["ClientIP", "None"], &path.child("sessionAffinity"), errors);
    let here = path.child("sessionAffinityConfig");
    match affinity {
        Some("ClientIP") => {
            let missing = "when session affinity type is ClientIP";
            let Some(config) = &spec.session_affinity_config else {
                errors.push(FieldError::required(&here, missing));
                return;
            };
            let Some(client_ip) = &config.client_ip else {
                errors.push(FieldError::required(&here.child("clientIP"), missing));
                return;
            };
            let here = here.child("clientIP");
            let here = here.child("timeoutSeconds");
            match client_ip.timeout_seconds {
                None => errors.push(FieldError::required(&here, missing)),
                Some(seconds) if !(1..=MAX_SESSION_SECONDS).contains(&seconds) => {
                    let text = format!("must be greater than 0 and less than {MAX_SESSION_SECONDS}");
                    errors.push(FieldError::invalid(&here, seconds, text));
                }
                Some(_) => {}
            }
        }
        Some("None") if spec.session_affinity_config.is_some() => {
            errors.push(FieldError::forbidden(&here, "must not be set when session affinity is None"));
        }
        _ => {}
    }
}

/// The address fields, which upstream also checks alone, before it allocates.
pub fn cluster_ips(spec: &ServiceSpec, errors: &mut ErrorList) {
    // Addresses of an ExternalName are refused elsewhere.
    if spec.type_.as_deref() == Some("ExternalName") {
        return;
    }
    let path = Path::ROOT.child("spec");
    let here = path.child("clusterIPs");
    let cluster_ip = spec.cluster_ip.as_deref().unwrap_or_default();
    let mut list = spec.cluster_ips.clone().unwrap_or_default();
    if list.is_empty() && !cluster_ip.is_empty() {
        list.push(cluster_ip.into());
    }
    match list.first() {
        Some(_) if cluster_ip.is_empty() => {
            let text = "must be empty when `clusterIP` is not specified";
            errors.push(FieldError::invalid(&here, &list, text));
        }
        Some(first) if first != cluster_ip => {
            errors.push(FieldError::invalid(&here, &list, "first value must match `clusterIP`"));
        }
        Some(_) | None => {}
    }
    let families = spec.ip_families.as_deref().unwrap_or_default();
    for (i, family) in families.iter().enumerate() {
        one_of(family, &["IPv4", "IPv6"], &path.child("ipFamilies").index(i), errors);
        if families[..i].contains(family) {
            errors.push(FieldError::duplicate(&path.child("ipFamilies").index(i), family));
        }
    }
    if let Some(policy) = spec.ip_family_policy.as_deref() {
        let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        one_of(policy, &policies, &path.child("ipFamilyPolicy"), errors);
    }
    for (i, address) in list.iter().enumerate() {
        if i == 0 && address == "None" {
            if list.len() > 1 {
                errors.push(FieldError::invalid(&here, &list, "'None' must be the first and only value"));
            }
            continue;
        }
        ip(address, &here.index(i), errors);
    }
    if list.len() > 2 {
        errors.push(FieldError::invalid(&here, &list, "may only hold up to 2 values"));
    }
}

/// Addresses that mean this machine or nobody cannot be reached from outside.
pub(super) fn non_special_ip(text: &str, path: &Path, errors: &mut ErrorList) {
    let Some(address) = super::common::parse_ip(text) else { return };
    let mut refuse = |text_: &str| errors.push(FieldError::invalid(path, text, text_));
    if address.is_unspecified() {
        refuse(&format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        refuse("may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (link_local, link_local_multicast) = match address {
        std::net::IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        std::net::IpAddr::V6(v6) => (v6.segments()[0] & 0xffc0 == 0xfe80, v6.segments()[0] == 0xff02),
    };
    if link_local {
        refuse("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if link_local_multicast {
        refuse("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

fn internal_traffic_policy(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let type_ = spec.type_.as_deref().unwrap_or_default();
    match spec.internal_traffic_policy.as_deref() {
        None if matches!(type_, "ClusterIP" | "NodePort" | "LoadBalancer") => {
            errors.push(FieldError::required(path, ""));
        }
        None => {}
        Some(policy) => one_of(policy, &["Cluster", "Local"], path, errors),
    }
}

fn duplicates(list: &[ServicePort], path: &Path, errors: &mut ErrorList) {
    let protocol = |item: &'_ ServicePort| item.protocol.clone().unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (i, item) in list.iter().enumerate() {
        let node_port = item.node_port.unwrap_or_default();
        if node_port != 0 && !seen.insert((node_port, protocol(item))) {
            errors.push(FieldError::duplicate(&path.index(i).child("nodePort"), node_port));
        }
    }
    seen.clear();
    for (i, item) in list.iter().enumerate() {
        if !seen.insert((item.port, protocol(item))) {
            // The key that clashes, as a port with nothing else set.
            let key = go_struct! {
                "Name": "",
                "Protocol": GoValue::text(item.protocol.as_ref()),
                "AppProtocol": GoValue::Null,
                "Port": item.port,
                "TargetPort": 0,
                "NodePort": 0,
            };
            errors.push(FieldError::duplicate(&path.index(i), key));
        }
    }
}

fn load_balancer(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let is_load_balancer = spec.type_.as_deref() == Some("LoadBalancer");
    let only = "may only be used when `type` is 'LoadBalancer'";
    let ranges = spec.load_balancer_source_ranges.as_deref().unwrap_or_default();
    let here = path.child("loadBalancerSourceRanges");
    if !ranges.is_empty() && !is_load_balancer {
        errors.push(FieldError::forbidden(&here, only));
    } else {
        for (i, range) in ranges.iter().enumerate() {
            cidr(range.trim(), &here.index(i), errors);
        }
    }
    let here = path.child("allocateLoadBalancerNodePorts");
    match spec.allocate_load_balancer_node_ports {
        None if is_load_balancer => errors.push(FieldError::required(&here, "")),
        Some(_) if !is_load_balancer => errors.push(FieldError::forbidden(&here, only)),
        Some(_) | None => {}
    }
    if let Some(class) = &spec.load_balancer_class {
        let here = path.child("loadBalancerClass");
        if !is_load_balancer {
            errors.push(FieldError::forbidden(&here, only));
        }
        label_name(class, &here, errors);
    }
}

fn external_traffic(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let type_ = spec.type_.as_deref().unwrap_or_default();
    let reachable = matches!(type_, "LoadBalancer" | "NodePort")
        || (type_ == "ClusterIP" && spec.external_ips.as_ref().is_some_and(|list| !list.is_empty()));
    let here = path.child("externalTrafficPolicy");
    match spec.external_traffic_policy.as_deref() {
        None | Some("") if reachable => errors.push(FieldError::required(&here, "")),
        None | Some("") => {}
        Some(policy) if !reachable => {
            let text = "may only be set for externally-accessible services";
            errors.push(FieldError::invalid(&here, policy, text));
        }
        Some(policy) => one_of(policy, &["Cluster", "Local"], &here, errors),
    }
    let local = type_ == "LoadBalancer" && spec.external_traffic_policy.as_deref() == Some("Local");
    if let Some(number) = spec.health_check_node_port.filter(|number| *number != 0 && !local) {
        let text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid(&path.child("healthCheckNodePort"), number, text));
    }
}

pub(super) fn update(new_service: &Service, old_service: &Service, errors: &mut ErrorList) {
    let new = new_service.spec.clone().unwrap_or_default();
    let old = old_service.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let is_external = |spec: &ServiceSpec| spec.type_.as_deref() == Some("ExternalName");
    // Becoming or leaving ExternalName gives up or takes addresses.
    if !is_external(&new) && !is_external(&old) {
        kept_addresses(&new, &old, &path, errors);
    }
    if new.type_ == old.type_ && new.type_.as_deref() == Some("LoadBalancer") {
        immutable_as(
            &new.load_balancer_class,
            &old.load_balancer_class,
            |class| class.clone().into(),
            &path.child("loadBalancerClass"),
            errors,
        );
    }
    create(new_service, errors);
}

fn kept_addresses(new: &ServiceSpec, old: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let list = |spec: &ServiceSpec| spec.cluster_ips.clone().unwrap_or_default();
    let (now, before) = (list(new), list(old));
    let here = path.child("clusterIPs");
    match (now.first(), before.first()) {
        (None, Some(_)) => {
            errors.push(FieldError::invalid(&here.index(0), &now, "primary clusterIP can not be unset"));
        }
        (Some(after), Some(before)) if after != before => {
            errors.push(FieldError::invalid(&here.index(0), &now, "may not change once set"));
        }
        (Some(_), _) | (None, None) => {}
    }
    let (families, before) = (new.ip_families.clone().unwrap_or_default(), old.ip_families.clone().unwrap_or_default());
    if let (Some(after), Some(before)) = (families.first(), before.first())
        && after != before
    {
        let here = path.child("ipFamilies");
        errors.push(FieldError::invalid(&here.index(0), &families, "may not change once set"));
    }
}
