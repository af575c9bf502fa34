//! Services: cluster IPs and node ports are allocated here and given back on deletion.
//!
//! Mirrors: pkg/registry/core/service/storage, pkg/registry/core/service/ipallocator.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Service, ServiceSpec, ServiceStatus};
use api::validation::field::{FieldError, Path};
use api::{Kind, Object, Status};
use imbl::OrdSet;

use super::{Strategy, standard};
use crate::apiserver::{ApiServer, DeleteOptions, Key, WriteOptions, bootstrap};
use crate::sim::Rng;

pub struct ServiceStrategy;

impl Strategy for ServiceStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        standard::create(object);
        let Object::Service(service) = object else { return };
        let service = Arc::make_mut(service);
        service.status = Some(ServiceStatus { load_balancer: Some(Default::default()), ..ServiceStatus::default() });
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
        let (Object::Service(new), Object::Service(old)) = (new, old) else { return };
        let new = Arc::make_mut(new);
        keep_allocated(new, old);
        if let (Some(new), Some(old)) = (&mut new.spec, &old.spec) {
            drop_type_dependent(new, old);
        }
    }

    fn returns_deleted_object(&self) -> bool {
        true
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Service(service) = object else { return Vec::new() };
        let spec = service.spec.as_ref();
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        vec![
            ("spec.clusterIP", text(spec.and_then(|s| s.cluster_ip.as_ref()))),
            ("spec.type", text(spec.and_then(|s| s.type_.as_ref()))),
        ]
    }
}

/// An update that leaves allocated fields out keeps them: `kubectl apply` never sends them.
fn keep_allocated(new: &mut Service, old: &Service) {
    let (Some(new), Some(old)) = (&mut new.spec, &old.spec) else { return };
    if is_external_name(new) || is_external_name(old) {
        return;
    }
    if new.cluster_ip.as_deref().unwrap_or_default().is_empty() && new.cluster_ips.as_ref().is_none_or(Vec::is_empty) {
        new.cluster_ip.clone_from(&old.cluster_ip);
        new.cluster_ips.clone_from(&old.cluster_ips);
    } else if new.cluster_ips.is_none() {
        new.cluster_ips = new.cluster_ip.clone().map(|ip| vec![ip]);
    }
    if new.ip_families.is_none() {
        new.ip_families.clone_from(&old.ip_families);
    }
    if new.ip_family_policy.is_none() {
        new.ip_family_policy.clone_from(&old.ip_family_policy);
    }
    let takes_ports = takes_node_ports(new);
    if checks_health(new) && checks_health(old) && new.health_check_node_port.unwrap_or(0) == 0 {
        new.health_check_node_port = old.health_check_node_port;
    }
    for port in new.ports.iter_mut().flatten() {
        let before = old.ports.iter().flatten().find(|p| p.port == port.port && p.protocol == port.protocol);
        if takes_ports
            && port.node_port.unwrap_or(0) == 0
            && let Some(before) = before
        {
            port.node_port = before.node_port;
        }
    }
}

fn takes_node_ports(spec: &ServiceSpec) -> bool {
    matches!(spec.type_.as_deref(), Some("NodePort" | "LoadBalancer"))
}

fn is_external_name(spec: &ServiceSpec) -> bool {
    spec.type_.as_deref() == Some("ExternalName")
}

/// What another type does not use goes with the type, if the client has left it as it was.
fn drop_type_dependent(new: &mut ServiceSpec, old: &ServiceSpec) {
    if is_external_name(new) && !is_external_name(old) {
        if new.cluster_ip == old.cluster_ip && new.cluster_ips == old.cluster_ips {
            new.cluster_ip = None;
            new.cluster_ips = None;
        }
        if new.ip_families == old.ip_families && new.ip_family_policy == old.ip_family_policy {
            new.ip_families = None;
            new.ip_family_policy = None;
        }
        if new.internal_traffic_policy == old.internal_traffic_policy {
            new.internal_traffic_policy = None;
        }
    }
    if takes_node_ports(old) && !takes_node_ports(new) {
        let before: Vec<Option<i32>> = old.ports.iter().flatten().map(|port| port.node_port).collect();
        let same = new.ports.iter().flatten().map(|port| port.node_port).eq(before);
        for port in new.ports.iter_mut().flatten().filter(|_| same) {
            port.node_port = None;
        }
        if new.external_traffic_policy == old.external_traffic_policy {
            new.external_traffic_policy = None;
        }
    }
    let balances = |spec: &ServiceSpec| spec.type_.as_deref() == Some("LoadBalancer");
    if balances(old) && !balances(new) {
        if new.allocate_load_balancer_node_ports == old.allocate_load_balancer_node_ports {
            new.allocate_load_balancer_node_ports = None;
        }
        if new.load_balancer_class == old.load_balancer_class {
            new.load_balancer_class = None;
        }
    }
    if checks_health(old) && !checks_health(new) && new.health_check_node_port == old.health_check_node_port {
        new.health_check_node_port = None;
    }
}

/// Whether balancers outside ask a port of its own which nodes have a pod.
fn checks_health(spec: &ServiceSpec) -> bool {
    spec.type_.as_deref() == Some("LoadBalancer") && spec.external_traffic_policy.as_deref() == Some("Local")
}

/// The service network's taken addresses and node ports.
#[derive(Debug, Clone)]
pub struct Allocations {
    rng: Rng,
    ips: OrdSet<u32>,
    ports: OrdSet<i32>,
}

/// 10.96.0.0/12, the range of kubeadm's clusters.
const NETWORK: u32 = u32::from_be_bytes([10, 96, 0, 0]);
const PREFIX: u32 = 12;
const PORTS: std::ops::RangeInclusive<i32> = 30000..=32767;

impl Allocations {
    pub fn new(rng: Rng) -> Self {
        Self { rng, ips: OrdSet::new(), ports: OrdSet::new() }
    }

    fn free_ip(&mut self) -> u32 {
        // The lowest 4096 addresses are left to people who ask for one by name, as upstream does.
        let size = 1u64 << (32 - PREFIX);
        loop {
            let ip = NETWORK + (4096 + self.rng.below(size - 4097)) as u32;
            if !self.ips.contains(&ip) {
                return ip;
            }
        }
    }

    fn free_port(&mut self) -> Option<i32> {
        let size = i64::from(*PORTS.end() - *PORTS.start() + 1) as u64;
        let start = self.rng.below(size);
        (0..size).map(|step| *PORTS.start() + ((start + step) % size) as i32).find(|port| !self.ports.contains(port))
    }
}

impl ApiServer {
    /// Gives a Service its addresses and ports; other kinds pass through. Whoever calls takes the
    /// allocations back when the write comes to nothing.
    ///
    /// # Errors
    /// 422 for an address or a port that is taken or out of range.
    pub(crate) fn allocate(&mut self, object: &mut Object, old: Option<&Object>) -> Result<(), Status> {
        let Object::Service(service) = object else { return Ok(()) };
        let old = match old {
            Some(Object::Service(old)) => Some(&**old),
            _ => None,
        };
        let mut mistakes = api::validation::ErrorList::new();
        api::validation::service::cluster_ips(&service.spec.clone().unwrap_or_default(), &mut mistakes);
        if old.is_none() && !mistakes.is_empty() {
            let name = service.metadata.name.as_deref().unwrap_or_default();
            return Err(Status::invalid("Service", "", name, &mistakes));
        }
        self.allocate_service(Arc::make_mut(service), old)
    }

    fn allocate_service(&mut self, service: &mut Service, old: Option<&Service>) -> Result<(), Status> {
        let name = service.metadata.name.clone().unwrap_or_default();
        let invalid = |error: FieldError| Status::invalid("Service", "", &name, &vec![error]);
        let Some(spec) = &mut service.spec else { return Ok(()) };
        let kept =
            |ip: &str| old.and_then(|old| old.spec.as_ref()).and_then(|old| old.cluster_ip.as_deref()) == Some(ip);
        let at = Path::ROOT;
        let at = at.child("spec");
        if spec.type_.as_deref() == Some("ExternalName") {
            spec.cluster_ip = None;
            spec.cluster_ips = None;
        } else {
            match spec.cluster_ip.as_deref() {
                None | Some("") => {
                    let ip = self.allocations.free_ip();
                    self.allocations.ips.insert(ip);
                    spec.cluster_ip = Some(Ipv4Addr::from(ip).to_string());
                }
                Some(ip) if ip == "None" || kept(ip) => {}
                Some(ip) => {
                    let asked: u32 = ip.parse::<Ipv4Addr>().map(u32::from).unwrap_or(0);
                    let why = if asked >> (32 - PREFIX) != NETWORK >> (32 - PREFIX) {
                        "the provided network does not match the current range".to_string()
                    } else if self.allocations.ips.contains(&asked) {
                        "provided IP is already allocated".into()
                    } else {
                        self.allocations.ips.insert(asked);
                        String::new()
                    };
                    if !why.is_empty() {
                        return Err(invalid(FieldError::invalid(
                            &at.child("clusterIPs"),
                            serde_json::json!([ip]),
                            format!("failed to allocate IP {ip}: {why}"),
                        )));
                    }
                }
            }
            spec.cluster_ips = spec.cluster_ip.clone().map(|ip| vec![ip]);
            // Nobody knows which families the endpoints of a headless service without selector have.
            let any = spec.cluster_ip.as_deref() == Some("None") && spec.selector.as_ref().is_none_or(|s| s.is_empty());
            if any && spec.ip_families.is_none() && spec.ip_family_policy.is_none() {
                spec.ip_families = Some(vec!["IPv4".into(), "IPv6".into()]);
                spec.ip_family_policy = Some("RequireDualStack".into());
            }
            spec.ip_families.get_or_insert_with(|| vec!["IPv4".into()]);
            spec.ip_family_policy.get_or_insert_with(|| "SingleStack".into());
        }
        let held = |ip: Option<&str>| ip.and_then(|ip| ip.parse::<Ipv4Addr>().ok()).map(u32::from);
        let before = held(old.and_then(|old| old.spec.as_ref()).and_then(|old| old.cluster_ip.as_deref()));
        if let Some(given_up) = before.filter(|before| held(spec.cluster_ip.as_deref()) != Some(*before)) {
            self.allocations.ips.remove(&given_up);
        }
        self.allocate_ports(spec, old).map_err(invalid)
    }

    fn allocate_ports(&mut self, spec: &mut ServiceSpec, old: Option<&Service>) -> Result<(), FieldError> {
        let held: Vec<i32> = node_ports(old.and_then(|old| old.spec.as_ref()));
        let takes = matches!(spec.type_.as_deref(), Some("NodePort" | "LoadBalancer"));
        let mut used = Vec::new();
        let at = Path::ROOT;
        let at = at.child("spec");
        let at = at.child("ports");
        for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
            let asked = port.node_port.unwrap_or(0);
            if !takes {
                if asked == 0 {
                    port.node_port = None;
                }
                continue;
            }
            let here = at.index(index);
            let here = here.child("nodePort");
            let number = if asked == 0 {
                self.allocations
                    .free_port()
                    .ok_or_else(|| FieldError::internal(&here, "failed to allocate a nodePort: range is full"))?
            } else if held.contains(&asked) || used.contains(&asked) {
                asked
            } else if !PORTS.contains(&asked) {
                let why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                return Err(FieldError::invalid(&here, asked, why));
            } else if self.allocations.ports.contains(&asked) {
                return Err(FieldError::invalid(&here, asked, "provided port is already allocated"));
            } else {
                asked
            };
            self.allocations.ports.insert(number);
            used.push(number);
            port.node_port = Some(number);
        }
        if checks_health(spec) && spec.health_check_node_port.unwrap_or(0) == 0 {
            let here = Path::ROOT.child("spec");
            let here = here.child("healthCheckNodePort");
            let port = self.allocations.free_port().ok_or_else(|| FieldError::internal(&here, "range is full"))?;
            spec.health_check_node_port = Some(port);
        }
        used.extend(spec.health_check_node_port.filter(|port| *port != 0));
        self.allocations.ports.extend(spec.health_check_node_port.filter(|port| *port != 0));
        for port in held.into_iter().filter(|port| !used.contains(port)) {
            self.allocations.ports.remove(&port);
        }
        Ok(())
    }

    /// Every address that a Service holds is an object of its own, which names the holder.
    ///
    /// Mirrors: pkg/registry/core/service/ipallocator/ipallocator.go.
    pub(crate) fn follow_address(&mut self, old: Option<&Object>, new: Option<&Object>) {
        let (before, after) = (old.and_then(address), new.and_then(address));
        if before == after {
            return;
        }
        let who = bootstrap::identity();
        if let Some(ip) = before {
            // It is gone already if somebody removed it by hand.
            let _ = self.delete(&who, &Key::new(Kind::IPAddress, "", &ip), &DeleteOptions::default());
        }
        if let (Some(ip), Some(service)) = (after, new) {
            let object = serde_json::json!({
                "metadata": {"name": ip, "labels": {
                    "ipaddress.kubernetes.io/ip-family": "IPv4",
                    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
                }},
                "spec": {"parentRef": {
                    "group": "", "resource": "services", "namespace": service.namespace(), "name": service.name(),
                }},
            });
            if let Ok(object) = Object::from_value(Kind::IPAddress, object) {
                // One that a person has made under this name stands.
                let _ = self.create(&who, object, &mut WriteOptions::default());
            }
        }
    }

    /// Gives back what a deleted Service held.
    pub(crate) fn release(&mut self, object: &Object) {
        let Object::Service(service) = object else { return };
        if let Some(ip) = service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref())
            && let Ok(ip) = ip.parse::<Ipv4Addr>()
        {
            self.allocations.ips.remove(&u32::from(ip));
        }
        for port in node_ports(service.spec.as_ref()) {
            self.allocations.ports.remove(&port);
        }
    }
}

impl ApiServer {
    /// What is given out and not held, or held and not given out; a sentence each.
    pub(crate) fn lost_allocations(&self) -> Vec<String> {
        let (mut ips, mut ports) = (OrdSet::new(), OrdSet::new());
        for object in self.read_all(Kind::Service, "") {
            let Object::Service(service) = object else { continue };
            ips.extend(address(object).and_then(|ip| ip.parse::<Ipv4Addr>().ok()).map(u32::from));
            ports.extend(node_ports(service.spec.as_ref()));
        }
        let addresses = |ips: &OrdSet<u32>| ips.iter().map(|ip| Ipv4Addr::from(*ip).to_string()).collect::<Vec<_>>();
        let mut found = Vec::new();
        if ips != self.allocations.ips {
            let (held, given) = (addresses(&ips), addresses(&self.allocations.ips));
            found.push(format!("Services hold the addresses {held:?}, {given:?} are given out"));
        }
        if ports != self.allocations.ports {
            found.push(format!("Services hold the node ports {ports:?}, {:?} are given out", self.allocations.ports));
        }
        found
    }
}

/// The address in the service network that an object holds.
fn address(object: &Object) -> Option<String> {
    let Object::Service(service) = object else { return None };
    let ip = service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone())?;
    ip.parse::<Ipv4Addr>().is_ok().then_some(ip)
}

fn node_ports(spec: Option<&ServiceSpec>) -> Vec<i32> {
    let health = spec.and_then(|spec| spec.health_check_node_port).filter(|port| *port != 0);
    let ports = spec.and_then(|spec| spec.ports.as_ref()).into_iter().flatten().filter_map(|port| port.node_port);
    ports.chain(health).collect()
}
