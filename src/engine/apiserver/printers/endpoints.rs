//! Endpoints and EndpointSlices: three addresses, then how many more.
//!
//! Mirrors: pkg/printers/internalversion `printEndpoints`, `printEndpointSlice`.

use k8s_openapi::api::core::v1::Endpoints;
use k8s_openapi::api::discovery::v1::{EndpointPort, EndpointSlice};
use serde_json::json;

use super::Cells;
use super::cell::{Now, list_with_more, text, text_or};
use super::column::{AGE, Column, NAME, field};

const SHOWN: usize = 3;

pub(super) const COLUMNS: &[Column] = &[NAME, field("Endpoints", "core/v1.Endpoints", "subsets"), AGE];

pub(super) const SLICE_COLUMNS: &[Column] = &[
    NAME,
    field("AddressType", "discovery/v1.EndpointSlice", "addressType"),
    field("Ports", "discovery/v1.EndpointSlice", "ports"),
    field("Endpoints", "discovery/v1.EndpointSlice", "endpoints"),
    AGE,
];

pub(super) fn cells(endpoints: &Endpoints, now: Now) -> Cells {
    let subsets = endpoints.subsets.as_deref().unwrap_or_default();
    let mut list = Vec::new();
    for subset in subsets {
        let addresses = || subset.addresses.iter().flatten().map(|address| address.ip.as_str());
        let ports = subset.ports.as_deref().unwrap_or_default();
        if ports.is_empty() {
            // A headless Service may have no ports.
            list.extend(addresses().map(str::to_string));
        }
        for port in ports {
            list.extend(addresses().map(|ip| host_port(ip, port.port)));
        }
    }
    let shown = match subsets.is_empty() {
        true => "<none>".into(),
        false => list_with_more(&list, SHOWN, ","),
    };
    vec![text(&endpoints.metadata.name), json!(shown), now.age(&endpoints.metadata)]
}

pub(super) fn slice_cells(slice: &EndpointSlice, now: Now) -> Cells {
    let ports: Vec<String> = slice.ports.iter().flatten().map(slice_port).collect();
    let addresses: Vec<String> = slice.endpoints.iter().flatten().flat_map(|e| e.addresses.iter().cloned()).collect();
    vec![
        text(&slice.metadata.name),
        json!(slice.address_type),
        text_or(Some(&list_with_more(&ports, SHOWN, ",")), "<unset>"),
        text_or(Some(&list_with_more(&addresses, SHOWN, ",")), "<unset>"),
        now.age(&slice.metadata),
    ]
}

/// A port without a number stands for all ports.
fn slice_port(port: &EndpointPort) -> String {
    match (port.port, port.name.as_deref()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) if !name.is_empty() => name.into(),
        (None, _) => "*".into(),
    }
}

fn host_port(ip: &str, port: i32) -> String {
    match ip.contains(':') {
        true => format!("[{ip}]:{port}"),
        false => format!("{ip}:{port}"),
    }
}
