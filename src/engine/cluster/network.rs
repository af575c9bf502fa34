//! The pod network: carries what containers ask to whoever answers, through Services and DNS.
//!
//! Stands where kube-proxy, CoreDNS and the wires do. Reads the API as they would:
//! Services, EndpointSlices and Pods. Mirrors: pkg/proxy, coredns/plugin/kubernetes.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Pod, Service};
use api::k8s_openapi::api::discovery::v1::EndpointSlice;

use super::Cluster;
use super::process::{ProcessId, Program};
use crate::kubelet::runtime::{HttpRequest, NetReply, NetRequest};

/// Requests that lead to further requests are followed this often in one instant.
const ROUNDS: usize = 16;

/// Where a connection ends.
enum Destination {
    Pod {
        node: String,
        namespace: String,
        name: String,
        ip: String,
        port: u16,
    },
    Refused(String),
    /// Nobody is there to answer, not even with a refusal.
    Silent(String),
    Unknown,
}

impl Cluster {
    /// Carries the requests that wait on a node's kubelet.
    pub(super) fn carry(&mut self, node: &str) {
        for _ in 0..ROUNDS {
            let Some(kubelet) = self.kubelet_mut(node) else { return };
            let asked = kubelet.take_outbound();
            if asked.is_empty() {
                return;
            }
            let now = self.server.unix_millis();
            for (uid, outbound) in asked {
                let from = self
                    .kubelet_mut(node)
                    .and_then(|kubelet| kubelet.pod_of(&uid).map(|(ns, ip)| (ns.to_owned(), ip.to_owned())));
                let Some((namespace, ip)) = from else { continue };
                let reply = self.answer(&namespace, &ip, &outbound.request);
                if let Some(kubelet) = self.kubelet_mut(node) {
                    kubelet.deliver(&uid, outbound.token, reply, now);
                }
            }
            self.arm(&ProcessId::Kubelet(node.into()), self.timeline.now());
        }
    }

    fn answer(&mut self, namespace: &str, client: &str, request: &NetRequest) -> NetReply {
        match request {
            NetRequest::Lookup { name, .. } => match self.resolve(namespace, name) {
                Some((name, ips)) => NetReply::Found { name, ips },
                None => NetReply::NoSuchHost,
            },
            NetRequest::Ping { host } => match self.destination(namespace, host, 0) {
                Destination::Unknown => NetReply::NoSuchHost,
                Destination::Pod { ip, .. } => NetReply::Connected { ip },
                // A service's address answers no echo.
                Destination::Refused(ip) | Destination::Silent(ip) => NetReply::TimedOut { ip },
            },
            NetRequest::Connect { host, port } => self.reach(namespace, host, *port, None),
            NetRequest::Http { host, port, request } => {
                let request = HttpRequest { client: client.to_owned(), ..request.clone() };
                self.reach(namespace, host, *port, Some(&request))
            }
        }
    }

    fn reach(&mut self, namespace: &str, host: &str, port: u16, request: Option<&HttpRequest>) -> NetReply {
        let (node, pod_namespace, pod, ip, target) = match self.destination(namespace, host, port) {
            Destination::Unknown => return NetReply::NoSuchHost,
            Destination::Refused(ip) => return NetReply::Refused { ip },
            Destination::Silent(ip) => return NetReply::TimedOut { ip },
            Destination::Pod { node, namespace, name, ip, port } => (node, namespace, name, ip, port),
        };
        let now = self.server.unix_millis();
        // A cut-off machine swallows packets; a stopped kubelet's containers still answer.
        let Some(kubelet) = self.containers_mut(&node) else { return NetReply::TimedOut { ip } };
        let reply = match request {
            None if kubelet.listens(&pod_namespace, &pod, target) => NetReply::Connected { ip },
            None => NetReply::Refused { ip },
            Some(request) => match kubelet.port(&pod_namespace, &pod, target, request, now) {
                Some(response) => NetReply::Http { ip, response },
                None => NetReply::Refused { ip },
            },
        };
        self.arm(&ProcessId::Kubelet(node.as_str().into()), self.timeline.now());
        reply
    }

    fn containers_mut(&mut self, node: &str) -> Option<&mut crate::kubelet::Kubelet> {
        let process = self.processes.get_mut(&ProcessId::Kubelet(node.into()))?;
        match &mut process.program {
            Program::Kubelet(kubelet) if !process.frozen => Some(kubelet),
            _ => None,
        }
    }

    /// The address a host name means to a pod of this namespace, then who has it.
    fn destination(&mut self, namespace: &str, host: &str, port: u16) -> Destination {
        let ip = if host.chars().all(|c| c.is_ascii_digit() || c == '.') {
            host.to_owned()
        } else {
            match self.resolve(namespace, host) {
                Some((_, ips)) => ips.into_iter().next().unwrap_or_default(),
                None => return Destination::Unknown,
            }
        };
        let snapshot = self.snapshot();
        let service = snapshot.list::<Service>("").find(|service| cluster_ip(service) == Some(&ip)).cloned();
        if let Some(service) = service {
            return self.balance(&service, &ip, port);
        }
        let pod = snapshot
            .list::<Pod>("")
            .find(|pod| pod.status.as_ref().and_then(|status| status.pod_ip.as_deref()) == Some(&ip));
        match pod {
            Some(pod) => Destination::Pod {
                node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default(),
                namespace: pod.metadata.namespace.clone().unwrap_or_default(),
                name: pod.metadata.name.clone().unwrap_or_default(),
                ip,
                port,
            },
            None => Destination::Silent(ip),
        }
    }

    /// Picks one of a service's ready endpoints, in turn.
    fn balance(&mut self, service: &Arc<Service>, ip: &str, port: u16) -> Destination {
        let namespace = service.metadata.namespace.clone().unwrap_or_default();
        let name = service.metadata.name.clone().unwrap_or_default();
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.clone()).unwrap_or_default();
        let Some(wanted) = ports.iter().find(|known| known.port == i32::from(port)) else {
            // kube-proxy rejects what no rule names.
            return Destination::Refused(ip.to_owned());
        };
        let snapshot = self.snapshot();
        let mut endpoints = Vec::new();
        for slice in snapshot.list::<EndpointSlice>(&namespace).filter(|slice| owner_service(slice) == Some(&name)) {
            let target = slice
                .ports
                .iter()
                .flatten()
                .find(|known| known.name.as_deref().unwrap_or("") == wanted.name.as_deref().unwrap_or(""));
            let Some(target) = target.and_then(|target| target.port).and_then(|port| u16::try_from(port).ok()) else {
                continue;
            };
            for endpoint in slice.endpoints.iter().flatten() {
                if endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) != Some(false) {
                    endpoints.extend(endpoint.addresses.first().map(|address| (address.clone(), target)));
                }
            }
        }
        if endpoints.is_empty() {
            return Destination::Refused(ip.to_owned());
        }
        self.connections = self.connections.wrapping_add(1);
        let (address, target) = endpoints[self.connections % endpoints.len()].clone();
        match self.destination(&namespace, &address, target) {
            // The client sees the address it asked for.
            Destination::Pod { node, namespace, name, port, .. } => {
                Destination::Pod { node, namespace, name, ip: ip.to_owned(), port }
            }
            _ => Destination::Silent(ip.to_owned()),
        }
    }

    /// DNS as the pod's resolver does it: the search path first, then the name itself.
    fn resolve(&self, namespace: &str, name: &str) -> Option<(String, Vec<String>)> {
        let name = name.trim_end_matches('.');
        if name == "localhost" {
            return Some((name.to_owned(), vec!["127.0.0.1".to_owned()]));
        }
        let candidates = [
            format!("{name}.{namespace}.svc.cluster.local"),
            format!("{name}.svc.cluster.local"),
            format!("{name}.cluster.local"),
            name.to_owned(),
        ];
        candidates.into_iter().find_map(|full| self.lookup(&full).map(|ips| (full, ips)))
    }

    fn lookup(&self, full: &str) -> Option<Vec<String>> {
        let inner = full.strip_suffix(".svc.cluster.local")?;
        let parts: Vec<&str> = inner.split('.').collect();
        let (host, service, namespace) = match parts.as_slice() {
            [service, namespace] => (None, *service, *namespace),
            [host, service, namespace] => (Some(*host), *service, *namespace),
            _ => return None,
        };
        let snapshot = self.snapshot();
        let object = snapshot.get::<Service>(namespace, service)?;
        let ip = object.spec.as_ref().and_then(|spec| spec.cluster_ip.clone()).unwrap_or_default();
        if ip != "None" && host.is_none() {
            return Some(vec![ip]).filter(|ips| !ips[0].is_empty());
        }
        // Headless: the addresses themselves, or that of one named pod.
        let slices = snapshot.list::<EndpointSlice>(namespace).filter(|slice| owner_service(slice) == Some(service));
        let ready = slices.flat_map(|slice| slice.endpoints.iter().flatten()).filter(|endpoint| {
            let ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) != Some(false);
            ready && host.is_none_or(|host| endpoint.hostname.as_deref() == Some(host))
        });
        let ips: Vec<String> = ready.filter_map(|endpoint| endpoint.addresses.first().cloned()).collect();
        (!ips.is_empty()).then_some(ips)
    }
}

fn cluster_ip(service: &Service) -> Option<&str> {
    service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()).filter(|ip| !ip.is_empty() && *ip != "None")
}

fn owner_service(slice: &EndpointSlice) -> Option<&str> {
    slice.metadata.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/service-name")).map(String::as_str)
}
