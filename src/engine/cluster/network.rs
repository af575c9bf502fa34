//! The pod network: carries what containers ask to whoever answers, through Services and DNS.
//!
//! Stands where kube-proxy, CoreDNS and the wires do, and reads the API as they would: Services,
//! EndpointSlices, Pods. A connection to a Service's address goes to one of its ready endpoints, in turn
//! (with `ClientIP` affinity always to the same one); without any, to one that is leaving but still
//! serves; without that it is refused. `internalTrafficPolicy: Local` knows only endpoints on the client's
//! node, and drops a connection when they are all elsewhere; where every endpoint is hinted at some node or
//! zone, those meant for the client's are taken. An address nobody has is silence, a pod's
//! port without a listener a refusal: that difference is what a learner looks for. A name means the first
//! of the search path that exists; a Service's is its address, a headless one's are those of its ready
//! endpoints, and a pod has one under its Service (its hostname, or its address with dashes).
//! Mirrors: pkg/proxy/{topology,endpointschangetracker}.go, pkg/proxy/iptables/proxier.go,
//! coredns/plugin/kubernetes. Left out: names of external Services, SRV records, UDP, affinity's timeout,
//! `externalTrafficPolicy` and source ranges.

mod policy;

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service, ServicePort};
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use api::meta::hash::fnv32a;

use super::Cluster;
use super::process::{ProcessId, Program};
use crate::kubelet::runtime::{HttpRequest, NetReply, NetRequest};
use policy::{End, Policies};

/// Requests that lead to further requests are followed this often in one instant.
const ROUNDS: usize = 16;

/// Where pods ask for names.
const DNS: &str = "10.96.0.10";

/// Who opens a connection.
pub(super) struct Client {
    node: String,
    namespace: String,
    ip: String,
    pod: Option<Arc<Pod>>,
}

impl Client {
    /// Somebody outside the cluster, who reads its DNS as a pod of `namespace` does.
    pub(super) fn outside(namespace: &str) -> Self {
        Self { node: String::new(), namespace: namespace.to_owned(), ip: OUTSIDE.to_owned(), pod: None }
    }
}

impl Client {
    pub(super) fn ip(&self) -> &str {
        &self.ip
    }
}

/// The address of whoever is no pod and no machine of the cluster.
pub(super) const OUTSIDE: &str = "192.0.2.1";

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
                let pods = self.snapshot();
                let pod = pods.list::<Pod>(&namespace).find(|pod| pod.metadata.uid.as_deref() == Some(&uid)).cloned();
                let client = Client { node: node.to_owned(), namespace, ip, pod };
                let reply = self.answer(&client, &outbound.request);
                if let Some(kubelet) = self.kubelet_mut(node) {
                    kubelet.deliver(&uid, outbound.token, reply, now);
                }
            }
            self.arm(&ProcessId::Kubelet(node.into()), self.timeline.now());
        }
    }

    fn answer(&mut self, client: &Client, request: &NetRequest) -> NetReply {
        match request {
            NetRequest::Lookup { name, .. } if self.may_ask_dns(client) => {
                match self.resolve(&client.namespace, name) {
                    Some((name, ips)) => NetReply::Found { name, ips },
                    None => NetReply::NoSuchHost,
                }
            }
            NetRequest::Lookup { .. } => NetReply::TimedOut { ip: DNS.to_owned() },
            NetRequest::Ping { host } => match self.destination(client, host, 0) {
                Destination::Unknown => NetReply::NoSuchHost,
                Destination::Pod { ip, namespace, name, .. } if self.permits(client, &namespace, &name, None) => {
                    NetReply::Connected { ip }
                }
                // A service's address answers no echo.
                Destination::Pod { ip, .. } | Destination::Refused(ip) | Destination::Silent(ip) => {
                    NetReply::TimedOut { ip }
                }
            },
            NetRequest::Connect { host, port } => self.reach(client, host, *port, None),
            NetRequest::Http { host, port, request } => {
                let request = HttpRequest { client: client.ip.clone(), ..request.clone() };
                self.reach(client, host, *port, Some(&request))
            }
        }
    }

    pub(super) fn reach(&mut self, client: &Client, host: &str, port: u16, request: Option<&HttpRequest>) -> NetReply {
        let (node, pod_namespace, pod, ip, target) = match self.destination(client, host, port) {
            Destination::Unknown => return NetReply::NoSuchHost,
            Destination::Refused(ip) => return NetReply::Refused { ip },
            Destination::Silent(ip) => return NetReply::TimedOut { ip },
            Destination::Pod { node, namespace, name, ip, port } => (node, namespace, name, ip, port),
        };
        // What a policy forbids is dropped without a word.
        if !self.permits(client, &pod_namespace, &pod, Some(target)) {
            return NetReply::TimedOut { ip };
        }
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

    /// Whether the policies let the client speak to a pod.
    fn permits(&self, client: &Client, namespace: &str, name: &str, port: Option<u16>) -> bool {
        let snapshot = self.snapshot();
        let Some(pod) = snapshot.get::<Pod>(namespace, name) else { return true };
        let Some(to) = End::of(pod) else { return true };
        // A machine always reaches its own pods: whoever is on a node's own network is the node.
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        let from = client.pod.as_deref().and_then(End::of);
        if from.is_none() && node == Some(&client.node) {
            return true;
        }
        let from = from.unwrap_or_else(|| End::machine(&client.ip));
        let policies = Policies { policies: snapshot.list("").collect(), namespaces: snapshot.list("").collect() };
        policies.allow(from, to, port.map(|port| ("TCP", port)))
    }

    /// Names are asked of pods in kube-system that no cluster here has to run.
    fn may_ask_dns(&self, client: &Client) -> bool {
        let snapshot = self.snapshot();
        let Some(from) = client.pod.as_deref().and_then(End::of) else { return true };
        let labels = [("k8s-app".to_owned(), "kube-dns".to_owned())].into();
        let to = End { namespace: "kube-system", labels: Some(&labels), ip: DNS, pod: None };
        let policies = Policies { policies: snapshot.list("").collect(), namespaces: snapshot.list("").collect() };
        policies.allow(from, to, Some(("UDP", 53)))
    }

    fn containers_mut(&mut self, node: &str) -> Option<&mut crate::kubelet::Kubelet> {
        let process = self.processes.get_mut(&ProcessId::Kubelet(node.into()))?;
        match &mut process.program {
            Program::Kubelet(kubelet) if !process.frozen => Some(kubelet),
            _ => None,
        }
    }

    /// The address a host name means to the client, then who has it.
    fn destination(&mut self, client: &Client, host: &str, port: u16) -> Destination {
        let ip = if host.chars().all(|c| c.is_ascii_digit() || c == '.') {
            host.to_owned()
        } else {
            match self.resolve(&client.namespace, host).filter(|_| self.may_ask_dns(client)) {
                Some((_, ips)) => ips.into_iter().next().unwrap_or_default(),
                None => return Destination::Unknown,
            }
        };
        let snapshot = self.snapshot();
        let service = snapshot.list::<Service>("").find(|service| cluster_ip(service) == Some(&ip)).cloned();
        if let Some(service) = service {
            return self.balance(client, &service, &ip, |known| known.port == i32::from(port));
        }
        if let Some(node) = snapshot.list::<Node>("").find(|node| has_address(node, &ip)).cloned() {
            return self.on_node(client, &node, &ip, port);
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

    /// A port of a machine: a Service's node port, or a pod's port on its node.
    fn on_node(&mut self, client: &Client, node: &Node, ip: &str, port: u16) -> Destination {
        let snapshot = self.snapshot();
        let wanted = Some(i32::from(port));
        let opens = |service: &&Arc<Service>| {
            let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
            ports.into_iter().any(|known| known.node_port == wanted)
        };
        if let Some(service) = snapshot.list::<Service>("").find(opens).cloned() {
            return self.balance(client, &service, ip, |known| known.node_port == wanted);
        }
        let name = node.metadata.name.clone().unwrap_or_default();
        let found = snapshot.list::<Pod>("").find_map(|pod| {
            let spec = pod.spec.as_ref().filter(|spec| spec.node_name.as_ref() == Some(&name))?;
            let mut ports = spec.containers.iter().flat_map(|container| container.ports.iter().flatten());
            let mapped = ports.find(|known| known.host_port == wanted).map(|known| known.container_port);
            let (namespace, pod) = (pod.metadata.namespace.clone()?, pod.metadata.name.clone()?);
            // On the node's own network every port a process opens is the node's.
            let own = spec.host_network == Some(true)
                && self.containers_mut(&name).is_some_and(|kubelet| kubelet.listens(&namespace, &pod, port));
            let target = mapped.and_then(|port| u16::try_from(port).ok()).or(own.then_some(port))?;
            Some((namespace, pod, target))
        });
        match found {
            Some((namespace, pod, port)) => {
                Destination::Pod { node: name, namespace, name: pod, ip: ip.to_owned(), port }
            }
            // The machine itself answers: nobody listens there.
            None => Destination::Refused(ip.to_owned()),
        }
    }

    /// Picks one of a service's endpoints, in turn.
    fn balance(
        &mut self,
        client: &Client,
        service: &Arc<Service>,
        ip: &str,
        is_wanted: impl Fn(&ServicePort) -> bool,
    ) -> Destination {
        let namespace = service.metadata.namespace.clone().unwrap_or_default();
        let name = service.metadata.name.clone().unwrap_or_default();
        let spec = service.spec.clone().unwrap_or_default();
        let Some(wanted) = spec.ports.iter().flatten().find(|known| is_wanted(known)) else {
            // kube-proxy rejects what no rule names.
            return Destination::Refused(ip.to_owned());
        };
        let snapshot = self.snapshot();
        let mut endpoints: Vec<(Endpoint, u16)> = Vec::new();
        for slice in snapshot.list::<EndpointSlice>(&namespace).filter(|slice| owner_service(slice) == Some(&name)) {
            let target = slice
                .ports
                .iter()
                .flatten()
                .find(|known| known.name.as_deref().unwrap_or("") == wanted.name.as_deref().unwrap_or(""));
            let Some(target) = target.and_then(|target| target.port).and_then(|port| u16::try_from(port).ok()) else {
                continue;
            };
            endpoints.extend(slice.endpoints.iter().flatten().map(|endpoint| (endpoint.clone(), target)));
        }
        let all = !endpoints.is_empty();
        // Without one that is ready, those that are on their way out but still serve are better than none.
        let ready = |endpoint: &Endpoint| endpoint.conditions.as_ref().and_then(|is| is.ready) != Some(false);
        let leaving = |endpoint: &Endpoint| {
            endpoint.conditions.as_ref().is_some_and(|is| is.serving == Some(true) && is.terminating == Some(true))
        };
        if endpoints.iter().any(|(endpoint, _)| ready(endpoint)) {
            endpoints.retain(|(endpoint, _)| ready(endpoint));
        } else {
            endpoints.retain(|(endpoint, _)| leaving(endpoint));
        }
        let anywhere = !endpoints.is_empty();
        if spec.internal_traffic_policy.as_deref() == Some("Local") && spec.cluster_ip.as_deref() == Some(ip) {
            endpoints.retain(|(endpoint, _)| endpoint.node_name.as_deref() == Some(&client.node));
        } else if endpoints.iter().all(|(endpoint, _)| ready(endpoint)) {
            let node = snapshot.get::<Node>("", &client.node);
            let zone = node.and_then(|node| node.metadata.labels.as_ref()?.get("topology.kubernetes.io/zone"));
            stay_near(&mut endpoints, &client.node, zone.map(String::as_str).unwrap_or_default());
        }
        if endpoints.is_empty() {
            let here = ip.to_owned();
            // Endpoints elsewhere only: dropped. None at all: rejected.
            return if all && anywhere { Destination::Silent(here) } else { Destination::Refused(here) };
        }
        let address = |endpoint: &Endpoint| endpoint.addresses.first().cloned().unwrap_or_default();
        let index = if spec.session_affinity.as_deref() == Some("ClientIP") {
            // The same client meets the same endpoint as long as it is there.
            let score = |at: &usize| fnv32a(format!("{} {}", client.ip, address(&endpoints[*at].0)).bytes());
            (0..endpoints.len()).max_by_key(score).unwrap_or(0)
        } else {
            self.connections = self.connections.wrapping_add(1);
            self.connections % endpoints.len()
        };
        let (endpoint, target) = &endpoints[index];
        match self.destination(client, &address(endpoint), *target) {
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
        // Every address of a pod has a name, whoever has the address: `10-244-1-2.NAMESPACE.pod`.
        if let Some(inner) = full.strip_suffix(".pod.cluster.local") {
            let (dashed, namespace) = inner.split_once('.')?;
            self.snapshot().get::<Namespace>("", namespace)?;
            let ip: Ipv4Addr = dashed.replace('-', ".").parse().ok()?;
            return Some(vec![ip.to_string()]);
        }
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
            ready && host.is_none_or(|host| host == name_of(endpoint))
        });
        let ips: Vec<String> = ready.filter_map(|endpoint| endpoint.addresses.first().cloned()).collect();
        (!ips.is_empty()).then_some(ips)
    }
}

/// An endpoint's name under its Service: its pod's hostname, or else its address with dashes.
fn name_of(endpoint: &Endpoint) -> String {
    let dashed = || endpoint.addresses.first().map(|ip| ip.replace('.', "-")).unwrap_or_default();
    endpoint.hostname.clone().unwrap_or_else(dashed)
}

/// Keeps those that are meant for this node, or else for this zone: where all are meant for somebody, and one is for us.
fn stay_near(endpoints: &mut Vec<(Endpoint, u16)>, node: &str, zone: &str) {
    let nodes = |endpoint: &Endpoint| -> Vec<String> {
        let nodes = endpoint.hints.iter().flat_map(|hints| hints.for_nodes.iter().flatten());
        nodes.map(|node| node.name.clone()).collect()
    };
    let zones = |endpoint: &Endpoint| -> Vec<String> {
        let zones = endpoint.hints.iter().flat_map(|hints| hints.for_zones.iter().flatten());
        zones.map(|zone| zone.name.clone()).collect()
    };
    let ours = |names: &[String], own: &str| !own.is_empty() && names.iter().any(|name| name == own);
    for (of, own) in [(&nodes as &dyn Fn(&Endpoint) -> Vec<String>, node), (&zones, zone)] {
        let hints: Vec<Vec<String>> = endpoints.iter().map(|(endpoint, _)| of(endpoint)).collect();
        if hints.iter().all(|names| !names.is_empty()) && hints.iter().any(|names| ours(names, own)) {
            return endpoints.retain(|(endpoint, _)| ours(&of(endpoint), own));
        }
    }
}

fn cluster_ip(service: &Service) -> Option<&str> {
    service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()).filter(|ip| !ip.is_empty() && *ip != "None")
}

fn has_address(node: &Node, ip: &str) -> bool {
    let addresses = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    addresses.into_iter().any(|address| address.type_ == "InternalIP" && address.address == ip)
}

fn owner_service(slice: &EndpointSlice) -> Option<&str> {
    slice.metadata.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/service-name")).map(String::as_str)
}
