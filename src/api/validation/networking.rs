//! Ingress, IngressClass and NetworkPolicy.
//!
//! Mirrors: pkg/apis/networking/validation.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, IPBlock, Ingress, IngressBackend, IngressClass, NetworkPolicy, NetworkPolicyPeer,
    NetworkPolicyPort,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::common::{
    IMMUTABLE, cidr, invalid_each, is_cidr, label_selector, one_of, parse_ip, port, port_number, required,
};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use crate::meta::names;

pub(super) fn ingress(ingress: &Ingress, errors: &mut ErrorList) {
    let spec = ingress.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let rules = spec.rules.as_deref().unwrap_or_default();
    if rules.is_empty() && spec.default_backend.is_none() {
        let text = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid(&path, GoValue::Null, text));
    }
    if let Some(default) = &spec.default_backend {
        backend(default, &path.child("defaultBackend"), errors);
    }
    for (i, rule) in rules.iter().enumerate() {
        let here = path.child("rules");
        let here = here.index(i);
        if let Some(host) = &rule.host {
            host_name(host, &here.child("host"), errors);
        }
        if let Some(http) = &rule.http {
            let paths = here.child("http");
            let paths = paths.child("paths");
            if http.paths.is_empty() {
                errors.push(FieldError::required(&paths, ""));
            }
            for (j, item) in http.paths.iter().enumerate() {
                http_path(item, &paths.index(j), errors);
            }
        }
    }
    for (i, tls) in spec.tls.iter().flatten().enumerate() {
        let here = path.child("tls");
        let here = here.index(i);
        for (j, host) in tls.hosts.iter().flatten().enumerate() {
            let breaches = if host.contains('*') {
                names::wildcard_dns1123_subdomain(host)
            } else {
                names::dns1123_subdomain(host)
            };
            invalid_each(&here.child("hosts").index(j), host, breaches, errors);
        }
        if let Some(secret) = tls.secret_name.as_deref().filter(|secret| !secret.is_empty()) {
            invalid_each(&here.child("secretName"), secret, names::dns1123_subdomain(secret), errors);
        }
    }
    if let Some(class) = &spec.ingress_class_name {
        invalid_each(&path.child("ingressClassName"), class, names::dns1123_subdomain(class), errors);
    }
}

/// At creation the old annotation and the new field may not contradict each other.
pub(super) fn ingress_class_annotation(ingress: &Ingress, errors: &mut ErrorList) {
    let key = "kubernetes.io/ingress.class";
    let annotation = ingress.metadata.annotations.as_ref().and_then(|annotations| annotations.get(key));
    let class = ingress.spec.as_ref().and_then(|spec| spec.ingress_class_name.as_ref());
    if let (Some(annotation), Some(class)) = (annotation, class)
        && annotation != class
    {
        let text = "must match `ingressClassName` when both are specified";
        errors.push(FieldError::invalid(&Path::ROOT.child("annotations").child(key), annotation, text));
    }
}

fn host_name(host: &str, path: &Path, errors: &mut ErrorList) {
    if parse_ip(host).is_some() {
        errors.push(FieldError::invalid(path, host, "must be a DNS name, not an IP address"));
    }
    let breaches =
        if host.contains('*') { names::wildcard_dns1123_subdomain(host) } else { names::dns1123_subdomain(host) };
    invalid_each(path, host, breaches, errors);
}

fn http_path(item: &HTTPIngressPath, path: &Path, errors: &mut ErrorList) {
    let here = path.child("path");
    let text = item.path.as_deref().unwrap_or_default();
    match item.path_type.as_str() {
        "" => {
            errors.push(FieldError::required(&path.child("pathType"), "pathType must be specified"));
            return;
        }
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                errors.push(FieldError::invalid(&here, text, "must be an absolute path"));
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|bad| text.contains(bad)) {
                errors.push(FieldError::invalid(&here, text, format!("must not contain '{bad}'")));
            }
            for bad in ["/..", "/."].into_iter().filter(|bad| text.ends_with(bad)) {
                errors.push(FieldError::invalid(&here, text, format!("cannot end with '{bad}'")));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                errors.push(FieldError::invalid(&here, text, "must be an absolute path"));
            }
        }
        other => errors.push(FieldError::not_supported(
            &path.child("pathType"),
            other,
            &["Exact", "ImplementationSpecific", "Prefix"],
        )),
    }
    backend(&item.backend, &path.child("backend"), errors);
}

fn backend(backend: &IngressBackend, path: &Path, errors: &mut ErrorList) {
    match (&backend.resource, &backend.service) {
        (Some(_), Some(_)) => {
            errors.push(FieldError::invalid(path, "", "cannot set both resource and service backends"));
        }
        (Some(resource), None) => {
            let here = path.child("resource");
            required(&resource.kind, &here.child("kind"), errors);
            required(&resource.name, &here.child("name"), errors);
        }
        (None, Some(service)) => {
            let here = path.child("service");
            if service.name.is_empty() {
                errors.push(FieldError::required(&here.child("name"), ""));
            } else {
                invalid_each(&here.child("name"), &service.name, names::dns1123_label(&service.name), errors);
            }
            let port = service.port.clone().unwrap_or_default();
            let name = port.name.filter(|name| !name.is_empty());
            let number = port.number.filter(|number| *number != 0);
            let here = here.child("port");
            match (name, number) {
                (Some(_), Some(_)) => {
                    errors.push(FieldError::invalid(path, "", "cannot set both port name & port number"));
                }
                (Some(name), None) => invalid_each(&here.child("name"), &name, names::port_name(&name), errors),
                (None, Some(number)) => port_number(number, &here.child("number"), errors),
                (None, None) => errors.push(FieldError::required(path, "port name or number is required")),
            }
        }
        (None, None) => errors.push(FieldError::invalid(path, "", "resource or service backend is required")),
    }
}

pub(super) fn ingress_class(class: &IngressClass, errors: &mut ErrorList) {
    let spec = class.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    let here = path.child("controller");
    let controller = spec.controller.as_deref().unwrap_or_default();
    if controller.len() > 250 {
        errors.push(FieldError::too_long(&here, 250));
    }
    match controller.split_once('/') {
        _ if controller.is_empty() => errors.push(FieldError::required(&here, "")),
        Some((domain, rest)) if !domain.is_empty() && !rest.is_empty() => {
            invalid_each(&here, domain, names::dns1123_subdomain(domain), errors);
        }
        Some(_) | None => {
            let text = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            errors.push(FieldError::invalid(&here, controller, text));
        }
    }
    if let Some(parameters) = &spec.parameters {
        let here = path.child("parameters");
        required(&parameters.kind, &here.child("kind"), errors);
        required(&parameters.name, &here.child("name"), errors);
        match parameters.scope.as_deref() {
            None | Some("") => errors.push(FieldError::required(&here.child("scope"), "")),
            Some(scope) => one_of(scope, &["Cluster", "Namespace"], &here.child("scope"), errors),
        }
        let namespace = parameters.namespace.as_deref().unwrap_or_default();
        if parameters.scope.as_deref() == Some("Namespace") && namespace.is_empty() {
            let text = "`parameters.scope` is set to 'Namespace'";
            errors.push(FieldError::required(&here.child("namespace"), text));
        }
        if parameters.scope.as_deref() == Some("Cluster") && parameters.namespace.is_some() {
            let text = "`parameters.scope` is set to 'Cluster'";
            errors.push(FieldError::forbidden(&here.child("namespace"), text));
        }
    }
}

pub(super) fn ingress_class_update(new: &IngressClass, old: &IngressClass, errors: &mut ErrorList) {
    let controller = |class: &IngressClass| class.spec.as_ref().and_then(|spec| spec.controller.clone());
    if controller(new) != controller(old) {
        let path = Path::ROOT.child("spec");
        let value = controller(new).unwrap_or_default();
        errors.push(FieldError::invalid(&path.child("controller"), value, IMMUTABLE));
    }
    ingress_class(new, errors);
}

pub(super) fn network_policy(policy: &NetworkPolicy, errors: &mut ErrorList) {
    let spec = policy.spec.clone().unwrap_or_default();
    let path = Path::ROOT.child("spec");
    label_selector(spec.pod_selector.as_ref(), &path.child("podSelector"), errors);
    for (i, rule) in spec.ingress.iter().flatten().enumerate() {
        let here = path.child("ingress");
        rule_parts(rule.ports.as_deref(), rule.from.as_deref(), "from", &here.index(i), errors);
    }
    for (i, rule) in spec.egress.iter().flatten().enumerate() {
        let here = path.child("egress");
        rule_parts(rule.ports.as_deref(), rule.to.as_deref(), "to", &here.index(i), errors);
    }
    let types = spec.policy_types.as_deref().unwrap_or_default();
    let here = path.child("policyTypes");
    if types.len() > 2 {
        errors.push(FieldError::invalid(&here, &types.to_vec(), "may not specify more than two policyTypes"));
        return;
    }
    for (i, type_) in types.iter().enumerate() {
        one_of(type_, &["Ingress", "Egress"], &here.index(i), errors);
    }
}

fn rule_parts(
    ports: Option<&[NetworkPolicyPort]>,
    peers: Option<&[NetworkPolicyPeer]>,
    peers_field: &str,
    path: &Path,
    errors: &mut ErrorList,
) {
    for (i, item) in ports.unwrap_or_default().iter().enumerate() {
        policy_port(item, &path.child("ports").index(i), errors);
    }
    for (i, item) in peers.unwrap_or_default().iter().enumerate() {
        peer(item, &path.child(peers_field).index(i), errors);
    }
}

fn policy_port(item: &NetworkPolicyPort, path: &Path, errors: &mut ErrorList) {
    if let Some(protocol) = item.protocol.as_deref() {
        one_of(protocol, &["TCP", "UDP", "SCTP"], &path.child("protocol"), errors);
    }
    let here = path.child("endPort");
    match (&item.port, item.end_port) {
        (Some(number @ IntOrString::Int(start)), end) => {
            port(number, &path.child("port"), errors);
            if let Some(end) = end {
                if end < *start {
                    errors.push(FieldError::invalid(&here, end, "must be greater than or equal to `port`"));
                }
                port_number(end, &here, errors);
            }
        }
        (Some(name @ IntOrString::String(_)), end) => {
            if let Some(end) = end {
                errors.push(FieldError::invalid(&here, end, "may not be specified when `port` is non-numeric"));
            }
            port(name, &path.child("port"), errors);
        }
        (None, Some(end)) => {
            errors.push(FieldError::invalid(&here, end, "may not be specified when `port` is not specified"));
        }
        (None, None) => {}
    }
}

fn peer(peer: &NetworkPolicyPeer, path: &Path, errors: &mut ErrorList) {
    label_selector(peer.pod_selector.as_ref(), &path.child("podSelector"), errors);
    label_selector(peer.namespace_selector.as_ref(), &path.child("namespaceSelector"), errors);
    if let Some(block) = &peer.ip_block {
        ip_block(block, &path.child("ipBlock"), errors);
    }
    let selects = peer.pod_selector.is_some() || peer.namespace_selector.is_some();
    match (&peer.ip_block, selects) {
        (None, false) => errors.push(FieldError::required(path, "must specify a peer")),
        (Some(_), true) => {
            errors.push(FieldError::forbidden(path, "may not specify both ipBlock and another peer"));
        }
        (Some(_), false) | (None, true) => {}
    }
}

fn ip_block(block: &IPBlock, path: &Path, errors: &mut ErrorList) {
    if block.cidr.is_empty() {
        errors.push(FieldError::required(&path.child("cidr"), ""));
        return;
    }
    cidr(&block.cidr, &path.child("cidr"), errors);
    if !is_cidr(&block.cidr) {
        return;
    }
    for (i, except) in block.except.iter().flatten().enumerate() {
        let here = path.child("except");
        let here = here.index(i);
        cidr(except, &here, errors);
        if is_cidr(except) && !is_strict_subset(except, &block.cidr) {
            errors.push(FieldError::invalid(&here, except, "must be a strict subset of `cidr`"));
        }
    }
}

fn is_strict_subset(inner: &str, outer: &str) -> bool {
    let read = |text: &str| {
        let (address, bits) = text.split_once('/')?;
        let (value, width) = match parse_ip(address)? {
            std::net::IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            std::net::IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        Some((value, width, bits.parse::<u32>().ok()?))
    };
    let (Some((inner, width, inner_bits)), Some((outer, outer_width, outer_bits))) = (read(inner), read(outer)) else {
        return false;
    };
    let shift = width - outer_bits.min(width);
    width == outer_width && outer_bits < inner_bits && inner.checked_shr(shift) == outer.checked_shr(shift)
}
