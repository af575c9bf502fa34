//! Services, Endpoints and EndpointSlices.

use serde_json::Value;

use super::common::{heading, one_line, or_none};
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;

pub fn service(service: &Value, slices: &[Value], events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, service, true);
    let spec = service.at("/spec");
    page.field(0, "Selector", one_line(spec.at("/selector")));
    page.field(0, "Type", spec.text("/type"));
    let spoken = |page: &mut Page, label: &str, pointer: &str| {
        if !spec.text(pointer).is_empty() {
            page.field(0, label, spec.text(pointer));
        }
    };
    spoken(&mut page, "IP Family Policy", "/ipFamilyPolicy");
    page.field(0, "IP Families", or_none(&spec.texts("/ipFamilies").join(",")));
    page.field(0, "IP", spec.text("/clusterIP"));
    page.field(0, "IPs", or_none(&spec.texts("/clusterIPs").join(",")));
    if !spec.list("/externalIPs").is_empty() {
        page.field(0, "External IPs", spec.texts("/externalIPs").join(","));
    }
    spoken(&mut page, "Desired LoadBalancer IP", "/loadBalancerIP");
    spoken(&mut page, "External Name", "/externalName");
    let ingress: Vec<_> = service.list("/status/loadBalancer/ingress").iter().map(ingress_point).collect();
    if !ingress.is_empty() {
        page.field(0, "LoadBalancer Ingress", ingress.join(", "));
    }
    for port in spec.list("/ports") {
        ports(&mut page, port, slices);
    }
    page.field(0, "Session Affinity", spec.text("/sessionAffinity"));
    spoken(&mut page, "External Traffic Policy", "/externalTrafficPolicy");
    spoken(&mut page, "Internal Traffic Policy", "/internalTrafficPolicy");
    if spec.int("/healthCheckNodePort") != 0 {
        page.field(0, "HealthCheck NodePort", spec.int("/healthCheckNodePort"));
    }
    if !spec.list("/loadBalancerSourceRanges").is_empty() {
        page.field(0, "LoadBalancer Source Ranges", spec.texts("/loadBalancerSourceRanges").join(","));
    }
    spoken(&mut page, "Traffic Distribution", "/trafficDistribution");
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn ingress_point(point: &Value) -> String {
    match (point.text("/ip"), point.text("/ipMode")) {
        ("", _) => point.text("/hostname").into(),
        (ip, "") => ip.into(),
        (ip, mode) => format!("{ip} ({mode})"),
    }
}

fn ports(page: &mut Page, port: &Value, slices: &[Value]) {
    let name = port.text_or("/name", "<unset>");
    let protocol = port.text("/protocol");
    page.field(0, "Port", format!("{name}\t{}/{protocol}", port.int("/port")));
    page.field(0, "TargetPort", format!("{}/{protocol}", port.written("/targetPort")));
    if port.has("/appProtocol") {
        page.field(0, "AppProtocol", port.text("/appProtocol"));
    }
    if port.int("/nodePort") != 0 {
        page.field(0, "NodePort", format!("{name}\t{}/{protocol}", port.int("/nodePort")));
    }
    page.field(0, "Endpoints", endpoint_list(slices, port.text("/name")));
}

/// The ready addresses behind a named port: three, then how many more.
pub fn endpoint_list(slices: &[Value], port_name: &str) -> String {
    const SHOWN: usize = 3;
    if slices.is_empty() {
        return "<none>".into();
    }
    let (mut list, mut count, mut more) = (Vec::new(), 0, false);
    let mut add = |endpoint: &Value, port: Option<i64>| {
        // That there is more is noticed before the endpoint's readiness, as upstream does.
        more |= list.len() == SHOWN;
        if endpoint.at("/conditions/ready") == &Value::Bool(false) {
            return;
        }
        count += 1;
        if !more {
            let address = endpoint.text("/addresses/0");
            list.push(match port {
                Some(port) if address.contains(':') => format!("[{address}]:{port}"),
                Some(port) => format!("{address}:{port}"),
                None => address.to_string(),
            });
        }
    };
    for slice in slices {
        let (ports, endpoints) = (slice.list("/ports"), slice.list("/endpoints"));
        if ports.is_empty() {
            // A headless Service may have no ports.
            endpoints.iter().for_each(|endpoint| add(endpoint, None));
        }
        for port in ports.iter().filter(|port| port.text("/name") == port_name) {
            endpoints.iter().for_each(|endpoint| add(endpoint, Some(port.int("/port"))));
        }
    }
    let shown = list.join(",");
    if more { format!("{shown} + {} more...", count as i64 - SHOWN as i64) } else { shown }
}

pub fn endpoints(endpoints: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, endpoints, true);
    page.line(0, "Subsets:");
    for subset in endpoints.list("/subsets") {
        for (label, pointer) in [("Addresses", "/addresses"), ("NotReadyAddresses", "/notReadyAddresses")] {
            let addresses: Vec<_> = subset.list(pointer).iter().map(|address| address.text("/ip")).collect();
            page.field(1, label, or_none(&addresses.join(",")));
        }
        if !subset.list("/ports").is_empty() {
            page.line(1, "Ports:");
            port_table(&mut page, 2, subset.list("/ports"));
        }
        page.line(0, "");
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn port_table(page: &mut Page, level: usize, ports: &[Value]) {
    page.line(level, "Name\tPort\tProtocol");
    page.line(level, "----\t----\t--------");
    for port in ports {
        let number = if port.has("/port") { port.written("/port") } else { "<unset>".into() };
        page.line(level, [port.text_or("/name", "<unset>"), &number, port.text("/protocol")].join("\t"));
    }
}

pub fn endpoint_slice(slice: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, slice, true);
    page.field(0, "AddressType", slice.text("/addressType"));
    if slice.list("/ports").is_empty() {
        page.line(0, "Ports: <unset>");
    } else {
        page.line(0, "Ports:");
        port_table(&mut page, 1, slice.list("/ports"));
    }
    let endpoints = slice.list("/endpoints");
    page.line(0, if endpoints.is_empty() { "Endpoints: <none>" } else { "Endpoints:" });
    for endpoint in endpoints {
        page.field(1, "- Addresses", or_none(&endpoint.texts("/addresses").join(", ")));
        page.line(2, "Conditions:");
        let unset_or = |pointer: &str| if endpoint.has(pointer) { endpoint.written(pointer) } else { "<unset>".into() };
        page.field(3, "Ready", unset_or("/conditions/ready"));
        page.field(2, "Hostname", unset_or("/hostname"));
        if endpoint.has("/targetRef") {
            let target = endpoint.at("/targetRef");
            page.field(2, "TargetRef", format!("{}/{}", target.text("/kind"), target.text("/name")));
        }
        page.field(2, "NodeName", unset_or("/nodeName"));
        page.field(2, "Zone", unset_or("/zone"));
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}
