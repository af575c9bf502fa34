//! From a Service's ports to the ports of a pod: numbers as they are, names looked up.
//!
//! What is written stands in the order of the ports' hashes. Upstream sorts so that equal lists look alike, and
//! hashes what Go prints of a port; since that is not the same for both kinds of endpoints, nor is the order.
//! Mirrors: pkg/api/v1/pod `FindPort`, endpointslice/util `NewPortMapKey`, pkg/api/v1/endpoints `portsByHash`.

use std::fmt::Display;

use api::k8s_openapi::api::core::v1::{EndpointPort as LegacyPort, Pod, Service, ServicePort};
use api::k8s_openapi::api::discovery::v1::EndpointPort;
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::meta::hash::fnv128a;
use api::order::Order;

/// The endpoint ports of one pod; a named port that the pod does not have is left out.
pub fn of_pod(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = service.spec.iter().filter_map(|spec| spec.ports.as_ref()).flatten();
    ports
        .filter_map(|port| {
            Some(EndpointPort {
                name: Some(port.name.clone().unwrap_or_default()),
                port: Some(number(port, pod)?),
                protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".into())),
                app_protocol: port.app_protocol.clone(),
            })
        })
        .collect()
}

/// Sorts the ports of a slice.
pub fn sort(ports: &mut [EndpointPort]) {
    ports.order_by_key(|port| {
        let (name, protocol) = (pointer("string", &port.name), pointer("v1.Protocol", &port.protocol));
        let (number, app) = (pointer("int32", &port.port), pointer("string", &port.app_protocol));
        let dump = format!("(v1.EndpointPort){{Name:{name} Protocol:{protocol} Port:{number} AppProtocol:{app}}}");
        fnv128a(dump.bytes())
    });
}

/// Sorts the ports of the legacy object.
pub fn sort_legacy(ports: &mut [LegacyPort]) {
    ports.order_by_key(|port| {
        let (name, protocol) = (port.name.as_deref().unwrap_or_default(), port.protocol.as_deref().unwrap_or_default());
        let (number, app) = (port.port, pointer("string", &port.app_protocol));
        let dump = format!(
            "(v1.EndpointPort){{Name:(string){name} Port:(int32){number} Protocol:(v1.Protocol){protocol} AppProtocol:{app}}}"
        );
        fnv128a(dump.bytes())
    });
}

/// What Go's spew prints of a pointer.
fn pointer<T: Display>(kind: &str, value: &Option<T>) -> String {
    match value {
        Some(value) => format!("(*{kind}){value}"),
        None => format!("(*{kind})<nil>"),
    }
}

fn number(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(0)) => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => pod
            .spec
            .iter()
            .flat_map(|spec| &spec.containers)
            .filter_map(|container| container.ports.as_ref())
            .flatten()
            .find(|candidate| {
                let protocol = |text: Option<&String>| text.cloned().unwrap_or_else(|| "TCP".into());
                candidate.name.as_deref() == Some(name)
                    && protocol(candidate.protocol.as_ref()) == protocol(port.protocol.as_ref())
            })
            .map(|candidate| candidate.container_port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_stand_as_they_do_in_a_real_cluster() {
        // kube-dns, as v1.35 and later show it.
        let slice = |name: &str, protocol: &str, port: i32| EndpointPort {
            name: Some(name.into()),
            protocol: Some(protocol.into()),
            port: Some(port),
            app_protocol: None,
        };
        let mut ports = vec![slice("metrics", "TCP", 9153), slice("dns-tcp", "TCP", 53), slice("dns", "UDP", 53)];
        sort(&mut ports);
        let names: Vec<&str> = ports.iter().filter_map(|port| port.name.as_deref()).collect();
        assert_eq!(names, ["dns", "dns-tcp", "metrics"]);
        let legacy = |name: &str, protocol: &str, port: i32| LegacyPort {
            name: Some(name.into()),
            protocol: Some(protocol.into()),
            port,
            app_protocol: None,
        };
        let mut ports = vec![legacy("dns", "UDP", 53), legacy("dns-tcp", "TCP", 53), legacy("metrics", "TCP", 9153)];
        sort_legacy(&mut ports);
        let names: Vec<&str> = ports.iter().filter_map(|port| port.name.as_deref()).collect();
        assert_eq!(names, ["metrics", "dns-tcp", "dns"]);
    }
}
