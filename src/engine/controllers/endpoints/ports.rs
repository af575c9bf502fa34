//! From a Service's ports to the ports of a pod: numbers as they are, names looked up.
//!
//! Mirrors: pkg/api/v1/pod `FindPort`.

use api::k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use api::k8s_openapi::api::discovery::v1::EndpointPort;
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

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
