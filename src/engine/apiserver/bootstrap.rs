//! What every cluster holds before anybody writes: namespaces, priority classes, the `kubernetes` Service.
//!
//! Mirrors: pkg/controlplane, pkg/registry/*/rest/storage_*.go post-start hooks.

mod policy;

use api::k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Namespace, Service, ServicePort, ServiceSpec,
};
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort as SlicePort, EndpointSlice};
use api::k8s_openapi::api::scheduling::v1::PriorityClass;
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::{Object, Typed};

use super::{ApiServer, Identity, WriteOptions};
use crate::sim::Rng;

/// The API server as its own client.
pub fn identity() -> Identity {
    Identity::new("apiserver", "system:apiserver", "kube-apiserver")
}

impl ApiServer {
    /// Creates the objects the API server itself owns.
    pub fn bootstrap(&mut self) {
        let who = identity();
        for object in objects() {
            self.create(&who, object, &mut WriteOptions::default()).expect("bootstrap objects are valid and new");
        }
        // Roles have a stream of their own: how many there are changes nobody else's identity.
        let others = std::mem::replace(&mut self.uids, Rng::stream(self.epoch, "apiserver/uid/roles"));
        for object in policy::objects() {
            self.create(&who, object, &mut WriteOptions::default()).expect("bootstrap objects are valid and new");
        }
        self.uids = others;
    }

    /// Makes anew what clients find the API server by, should somebody have deleted it.
    ///
    /// Mirrors: pkg/controlplane/controller/kubernetesservice.
    pub(super) fn repair(&mut self) {
        for make in [kubernetes_service, kubernetes_endpoints, kubernetes_slice] {
            let object = make();
            if self.read(object.kind(), object.namespace(), object.name()).is_none() {
                // Not before its namespace is there; then the next look makes it.
                let _ = self.create(&identity(), object, &mut WriteOptions::default());
            }
        }
    }
}

fn objects() -> Vec<Object> {
    let mut list: Vec<Object> =
        ["default", "kube-node-lease", "kube-public", "kube-system"].into_iter().map(namespace).collect();
    list.push(priority_class(
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ));
    list.push(priority_class(
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ));
    list.push(kubernetes_service());
    list.push(kubernetes_endpoints());
    list.push(kubernetes_slice());
    list
}

fn namespace(name: &str) -> Object {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.into());
    namespace.into_object()
}

fn priority_class(name: &str, value: i32, description: &str) -> Object {
    let mut class =
        PriorityClass { value: Some(value), description: Some(description.into()), ..PriorityClass::default() };
    class.metadata.name = Some(name.into());
    class.into_object()
}

/// Where the API server itself listens: the first machine's address.
const ADDRESS: &str = "10.0.0.10";
const PORT: i32 = 6443;

/// Mirrors: pkg/controlplane/reconcilers. Several API servers would take turns writing here.
fn kubernetes_endpoints() -> Object {
    let address = EndpointAddress { ip: ADDRESS.into(), ..EndpointAddress::default() };
    let port = EndpointPort {
        name: Some("https".into()),
        port: PORT,
        protocol: Some("TCP".into()),
        ..EndpointPort::default()
    };
    let subset = EndpointSubset { addresses: Some(vec![address]), ports: Some(vec![port]), not_ready_addresses: None };
    let mut endpoints = Endpoints { subsets: Some(vec![subset]), ..Endpoints::default() };
    endpoints.metadata.name = Some("kubernetes".into());
    endpoints.metadata.namespace = Some("default".into());
    endpoints.metadata.labels = Some([("endpointslice.kubernetes.io/skip-mirror".into(), "true".into())].into());
    endpoints.into_object()
}

fn kubernetes_slice() -> Object {
    let endpoint = Endpoint {
        addresses: vec![ADDRESS.into()],
        conditions: Some(EndpointConditions { ready: Some(true), ..EndpointConditions::default() }),
        ..Endpoint::default()
    };
    let port = SlicePort {
        name: Some("https".into()),
        port: Some(PORT),
        protocol: Some("TCP".into()),
        ..SlicePort::default()
    };
    let mut slice = EndpointSlice {
        address_type: "IPv4".into(),
        endpoints: Some(vec![endpoint]),
        ports: Some(vec![port]),
        ..EndpointSlice::default()
    };
    slice.metadata.name = Some("kubernetes".into());
    slice.metadata.namespace = Some("default".into());
    slice.metadata.labels = Some([("kubernetes.io/service-name".into(), "kubernetes".into())].into());
    slice.into_object()
}

fn kubernetes_service() -> Object {
    let mut service = Service {
        spec: Some(ServiceSpec {
            cluster_ip: Some("10.96.0.1".into()),
            ports: Some(vec![ServicePort {
                name: Some("https".into()),
                port: 443,
                protocol: Some("TCP".into()),
                target_port: Some(IntOrString::Int(6443)),
                ..ServicePort::default()
            }]),
            session_affinity: Some("None".into()),
            type_: Some("ClusterIP".into()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    service.metadata.name = Some("kubernetes".into());
    service.metadata.namespace = Some("default".into());
    service.metadata.labels =
        Some([("component", "apiserver"), ("provider", "kubernetes")].map(|(k, v)| (k.into(), v.into())).into());
    service.into_object()
}
