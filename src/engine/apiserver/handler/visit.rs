//! pods/proxy and services/proxy: a request that goes on to a program in the cluster.
//!
//! Mirrors: pkg/registry/core/{pod,service} `ResourceLocation`, apimachinery/pkg/util/proxy. Left out: upgrades,
//! links in pages that would be rewritten, and nodes/proxy, of whose kubelets only logs and exec are simulated.

use api::k8s_openapi::api::core::v1::{Pod, Service};
use api::k8s_openapi::api::discovery::v1::EndpointSlice;
use api::wire::{Method, Request, Response};
use api::{Kind, Object, Status};

use super::route::Target;
use crate::apiserver::storage::Key;
use crate::apiserver::{Answer, ApiServer};

/// A checked request that a program in the cluster is to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Where it may be answered, any of these.
    pub addresses: Vec<(String, u16)>,
    /// With the query.
    pub path: String,
    pub request: Request,
}

/// `[scheme:]name[:port]`.
struct Whom<'a> {
    name: &'a str,
    port: &'a str,
}

impl<'a> Whom<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        match *text.split(':').collect::<Vec<_>>().as_slice() {
            [name] => Some(Self { name, port: "" }),
            [name, port] => Some(Self { name, port }),
            ["http" | "https" | "", name, port] => Some(Self { name, port }),
            _ => None,
        }
    }
}

impl ApiServer {
    /// # Errors
    /// `NotFound`, 400 for a name or an address that leads nowhere, 503 for a service with nobody behind it.
    pub(super) fn visit(&self, request: &Request, target: &Target) -> Result<Answer, Status> {
        let kind = target.resource.kind;
        let word = if kind == Kind::Pod { "pod" } else { "service" };
        let whom = Whom::parse(&target.name)
            .ok_or_else(|| Status::bad_request(format!("invalid {word} request {:?}", target.name)))?;
        let object = self.require(&Key::new(kind, &target.namespace, whom.name))?;
        let addresses = match (object.get::<Pod>(), object.get::<Service>()) {
            (Some(pod), _) => vec![of_pod(pod, whom.port)?],
            (_, Some(service)) => self.of_service(service, &target.namespace, whom.port)?,
            (None, None) => return Err(not_allowed()),
        };
        let path = match request.path.split_once("/proxy") {
            // What is below it is a page's own; a browser must know that it is in a folder.
            Some((_, "")) if matches!(request.method, Method::Get | Method::Head) => {
                let location = format!("{}/", request.path);
                let headers = vec![("location".to_owned(), location)];
                return Ok(Answer::Response(Response { headers, ..Response::text(301, "") }));
            }
            Some((_, rest)) => rest,
            None => "/",
        };
        let query: Vec<String> = request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let path = [path, &query.join("&")].join("?");
        Ok(Answer::Visit(Visit { addresses, path: path.trim_end_matches('?').to_owned(), request: request.clone() }))
    }

    fn of_service(&self, service: &Service, namespace: &str, port: &str) -> Result<Vec<(String, u16)>, Status> {
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let unavailable = |text: String| Status::failure(503, "ServiceUnavailable", text);
        let known: Vec<_> = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()).collect();
        let found = match port {
            "" => known.first().filter(|_| known.len() == 1),
            port => known.iter().find(|known| known.name.as_deref() == Some(port) || known.port.to_string() == port),
        };
        let wanted = match found {
            Some(found) => found.name.as_deref().unwrap_or_default(),
            None if port.is_empty() => "",
            None => return Err(unavailable(format!("no service port {port:?} found for service {name:?}"))),
        };
        let mut addresses = Vec::new();
        for slice in self.read_all(Kind::EndpointSlice, namespace).filter_map(Object::get::<EndpointSlice>) {
            let labels = slice.metadata.labels.as_ref();
            if labels.and_then(|labels| labels.get("kubernetes.io/service-name")).is_none_or(|owner| owner != name) {
                continue;
            }
            let port = slice.ports.iter().flatten().find(|port| port.name.as_deref().unwrap_or_default() == wanted);
            let Some(port) = port.and_then(|port| u16::try_from(port.port?).ok()) else { continue };
            let endpoints = slice.endpoints.iter().flatten();
            let ready = endpoints.filter(|end| end.conditions.as_ref().and_then(|is| is.ready) != Some(false));
            addresses.extend(ready.flat_map(|end| end.addresses.iter().take(1).cloned()).map(|ip| (ip, port)));
        }
        if addresses.is_empty() {
            return Err(unavailable(format!("no endpoints available for service {name:?}")));
        }
        Ok(addresses)
    }
}

/// The address of a pod, and the asked port, or the first that its containers name.
fn of_pod(pod: &Pod, port: &str) -> Result<(String, u16), Status> {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).filter(|ip| !ip.is_empty());
    let ip = ip.ok_or_else(not_allowed)?;
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut named = containers.flat_map(|container| container.ports.iter().flatten());
    let port = match port {
        "" => named.next().map_or(Some(80), |port| u16::try_from(port.container_port).ok()),
        port => port.parse().ok(),
    };
    port.map(|port| (ip, port)).ok_or_else(not_allowed)
}

/// There is no such address, or none that a client may be led to.
fn not_allowed() -> Status {
    Status::bad_request("address not allowed")
}
