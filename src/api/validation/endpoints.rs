//! EndpointSlice and its predecessor Endpoints.
//!
//! Mirrors: pkg/apis/discovery/validation, pkg/apis/core/validation `ValidateEndpoints`.

use std::collections::BTreeSet;

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{EndpointAddress, Endpoints};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use super::common::{
    IMMUTABLE, invalid_each, ip, label_name, one_of, parse_ip, port_number, required, required_one_of,
};
use super::field::{ErrorList, FieldError, Path};
use super::service::non_special_ip;
use crate::meta::names;

pub(super) fn slice(slice: &EndpointSlice, errors: &mut ErrorList) {
    required_one_of(Some(&slice.address_type), &["FQDN", "IPv4", "IPv6"], &Path::ROOT.child("addressType"), errors);
    let path = Path::ROOT.child("endpoints");
    let list = slice.endpoints.as_deref().unwrap_or_default();
    if list.len() > 1000 {
        errors.push(FieldError::too_many(&path, list.len(), 1000));
    }
    for (i, item) in list.iter().enumerate().take(1000) {
        endpoint(item, &slice.address_type, &path.index(i), errors);
    }
    ports(slice, errors);
}

fn endpoint(endpoint: &Endpoint, type_: &str, path: &Path, errors: &mut ErrorList) {
    let here = path.child("addresses");
    match endpoint.addresses.len() {
        0 => errors.push(FieldError::required(&here, "must contain at least 1 address")),
        count if count > 100 => errors.push(FieldError::too_many(&here, count, 100)),
        _ => {}
    }
    for (i, address) in endpoint.addresses.iter().enumerate() {
        let here = here.index(i);
        match type_ {
            "IPv4" | "IPv6" => {
                let fits = match parse_ip(address) {
                    Some(IpAddr::V4(_)) => type_ == "IPv4",
                    Some(IpAddr::V6(_)) => type_ == "IPv6",
                    None => false,
                };
                if fits {
                    non_special_ip(address, &here, errors);
                } else {
                    let text = format!("must be an {type_} address");
                    errors.push(FieldError::invalid(&here, address, text));
                }
            }
            "FQDN" => {
                let name = address.strip_suffix('.').unwrap_or(address);
                let breaches = names::dns1123_subdomain(name);
                if !breaches.is_empty() {
                    errors.push(FieldError::invalid(&here, address, breaches.join(",")));
                } else if !name.contains('.') {
                    let text = "should be a domain with at least two segments separated by dots";
                    errors.push(FieldError::invalid(&here, name, text));
                }
            }
            _ => {}
        }
    }
    if let Some(node) = &endpoint.node_name {
        invalid_each(&path.child("nodeName"), node, names::dns1123_subdomain(node), errors);
    }
    for key in endpoint.deprecated_topology.iter().flatten().map(|(key, _)| key) {
        label_name(key, &path.child("deprecatedTopology"), errors);
    }
    if let Some(name) = &endpoint.hostname {
        invalid_each(&path.child("hostname"), name, names::dns1123_label(name), errors);
    }
}

fn ports(slice: &EndpointSlice, errors: &mut ErrorList) {
    let path = Path::ROOT.child("ports");
    let list = slice.ports.as_deref().unwrap_or_default();
    if list.len() > 20_000 {
        errors.push(FieldError::too_many(&path, list.len(), 20_000));
    }
    let mut seen = BTreeSet::new();
    for (i, item) in list.iter().enumerate() {
        let here = path.index(i);
        let name = item.name.as_deref().unwrap_or_default();
        if !name.is_empty() {
            invalid_each(&here.child("name"), name, names::dns1123_label(name), errors);
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&here.child("name"), name));
        }
        required_one_of(item.protocol.as_deref(), &["SCTP", "TCP", "UDP"], &here.child("protocol"), errors);
        if let Some(protocol) = &item.app_protocol {
            label_name(protocol, &here.child("appProtocol"), errors);
        }
    }
}

pub(super) fn slice_update(new: &EndpointSlice, old: &EndpointSlice, errors: &mut ErrorList) {
    slice(new, errors);
    if new.address_type != old.address_type {
        let path = Path::ROOT.child("addressType");
        errors.push(FieldError::invalid(&path, &new.address_type, IMMUTABLE));
    }
}

pub(super) fn endpoints(endpoints: &Endpoints, errors: &mut ErrorList) {
    let path = Path::ROOT.child("subsets");
    for (i, subset) in endpoints.subsets.iter().flatten().enumerate() {
        let here = path.index(i);
        if subset.addresses.is_none() && subset.not_ready_addresses.is_none() {
            errors.push(FieldError::required(&here, "must specify `addresses` or `notReadyAddresses`"));
        }
        for (field, list) in [("addresses", &subset.addresses), ("notReadyAddresses", &subset.not_ready_addresses)] {
            for (j, item) in list.iter().flatten().enumerate() {
                address(item, &here.child(field).index(j), errors);
            }
        }
        let ports = subset.ports.as_deref().unwrap_or_default();
        for (j, item) in ports.iter().enumerate() {
            let here = here.child("ports");
            let here = here.index(j);
            match item.name.as_deref().unwrap_or_default() {
                "" if ports.len() > 1 => required("", &here.child("name"), errors),
                "" => {}
                name => invalid_each(&here.child("name"), name, names::dns1123_label(name), errors),
            }
            port_number(item.port, &here.child("port"), errors);
            match item.protocol.as_deref().unwrap_or_default() {
                "" => required("", &here.child("protocol"), errors),
                protocol => one_of(protocol, &["SCTP", "TCP", "UDP"], &here.child("protocol"), errors),
            }
        }
    }
}

fn address(address: &EndpointAddress, path: &Path, errors: &mut ErrorList) {
    ip(&address.ip, &path.child("ip"), errors);
    non_special_ip(&address.ip, &path.child("ip"), errors);
    if let Some(name) = address.hostname.as_deref().filter(|name| !name.is_empty()) {
        invalid_each(&path.child("hostname"), name, names::dns1123_label(name), errors);
    }
    if let Some(node) = address.node_name.as_deref() {
        invalid_each(&path.child("nodeName"), node, names::dns1123_subdomain(node), errors);
    }
}
