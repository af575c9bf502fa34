//! EndpointSlices and legacy Endpoints: which addresses stand behind a Service, and which of them serve.
//!
//! One sync writes both, as two upstream controllers would.
//! Mirrors: pkg/controller/endpointslice, pkg/controller/endpoint. Left out: topology hints, dual stack,
//! more than a hundred addresses in one slice are split by order of name.

mod legacy;
mod ports;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use api::meta::owner::controller_reference;
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use super::{Controller, Outcome, pods};
use crate::client::{Context, DeleteOptions, Key, Revision, WorkQueue};

#[derive(Clone, Default)]
pub struct Endpoints;

/// Addresses in one slice.
const MAX_PER_SLICE: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";

impl Controller for Endpoints {
    fn name(&self) -> &'static str {
        "endpointslice-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::Service => queue.add(format!("{}/{}", news.key.namespace, news.key.name)),
            Kind::Pod => {
                let labels = [Some(&news.object), news.previous.as_ref()].into_iter().flatten();
                let labels: Vec<_> = labels.map(|object| object.meta().labels.clone()).collect();
                for service in cx.api.list::<Service>(&news.key.namespace) {
                    let selector = selector_of(service);
                    if labels.iter().any(|labels| selector.matches(labels.as_ref())) {
                        queue.add(key_of(service));
                    }
                }
            }
            Kind::EndpointSlice if news.change == crate::client::Change::Deleted => {
                if let Some(service) = news.object.meta().labels.as_ref().and_then(|map| map.get(SERVICE_NAME)) {
                    queue.add(format!("{}/{service}", news.key.namespace));
                }
            }
            // Nothing else changes who serves.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for service in cx.api.list::<Service>("") {
            queue.add(key_of(service));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let Some(service) = cx.api.get::<Service>(namespace, name) else {
            legacy::delete(cx, namespace, name)?;
            return Ok(Outcome::Done);
        };
        let external = service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("ExternalName");
        // Without a selector somebody else says where the service is.
        if external || matches!(selector_of(&service), Selector::Nothing) {
            return Ok(Outcome::Done);
        }
        let members = members(cx, &service);
        legacy::sync(cx, &service, &members)?;
        sync_slices(cx, &service, &members)?;
        Ok(Outcome::Done)
    }
}

/// The pods a service selects that have an address and will not end by themselves.
fn members(cx: &Context, service: &Service) -> Vec<Arc<Pod>> {
    let selector = selector_of(service);
    let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
    cx.api
        .list::<Pod>(namespace)
        .filter(|pod| selector.matches(pod.metadata.labels.as_ref()))
        .filter(|pod| ip(pod).is_some() && !pods::is_terminal(pod))
        .cloned()
        .collect()
}

fn sync_slices(cx: &mut Context, service: &Arc<Service>, members: &[Arc<Pod>]) -> Result<(), Status> {
    let namespace = service.metadata.namespace.clone().unwrap_or_default();
    let name = service.metadata.name.clone().unwrap_or_default();
    let owner = service.clone().wrap();
    // Pods whose named ports differ do not share a slice.
    let mut groups: BTreeMap<String, (Vec<EndpointPort>, Vec<Endpoint>)> = BTreeMap::new();
    for pod in members {
        let ports = ports::of_pod(service, pod);
        let key = api::codec::encode(&ports).to_string();
        groups.entry(key).or_insert_with(|| (ports, Vec::new())).1.push(endpoint(cx, service, pod));
    }
    if groups.is_empty() {
        groups.insert(String::new(), (Vec::new(), Vec::new()));
    }
    let mut wanted: Vec<(Vec<EndpointPort>, Vec<Endpoint>)> = Vec::new();
    for (ports, endpoints) in groups.into_values() {
        if endpoints.is_empty() {
            wanted.push((ports, endpoints));
            continue;
        }
        for chunk in endpoints.chunks(MAX_PER_SLICE) {
            wanted.push((ports.clone(), chunk.to_vec()));
        }
    }
    let existing: Vec<Arc<EndpointSlice>> = cx.api.owned_by::<EndpointSlice>(owner.uid()).cloned().collect();
    let mut existing = existing.into_iter();
    for (ports, endpoints) in wanted {
        let (ports, endpoints) = (Some(ports).filter(|p| !p.is_empty()), Some(endpoints).filter(|e| !e.is_empty()));
        match existing.next() {
            Some(slice) => {
                let labels = labels(service);
                let same = slice.endpoints.clone().filter(|list| !list.is_empty()) == endpoints
                    && slice.ports.clone().filter(|list| !list.is_empty()) == ports
                    && slice.metadata.labels.as_ref() == Some(&labels);
                if !same {
                    let mut slice = (*slice).clone();
                    slice.endpoints = endpoints;
                    slice.ports = ports;
                    slice.metadata.labels = Some(labels);
                    cx.api.update(slice)?;
                }
            }
            None => {
                let mut slice =
                    EndpointSlice { address_type: "IPv4".into(), endpoints, ports, ..EndpointSlice::default() };
                slice.metadata.generate_name = Some(format!("{name}-"));
                slice.metadata.namespace = Some(namespace.clone());
                slice.metadata.labels = Some(labels(service));
                slice.metadata.owner_references = Some(vec![controller_reference(&owner)]);
                slice.metadata.annotations = trigger_time(cx, members);
                cx.api.create(slice)?;
            }
        }
    }
    for extra in existing {
        let key = Key::of(&extra.wrap());
        cx.api.delete(&key, &DeleteOptions::default())?;
    }
    Ok(())
}

/// When the last change of a member happened, for those who measure how fast it spread.
fn trigger_time(_cx: &Context, members: &[Arc<Pod>]) -> Option<BTreeMap<String, String>> {
    let since = members.iter().filter_map(|pod| pods::ready_since(pod)).max()?;
    let text = api::meta::time::rfc3339(since);
    Some([("endpoints.kubernetes.io/last-change-trigger-time".to_string(), text)].into())
}

fn labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.into(), service.metadata.name.clone().unwrap_or_default());
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    if service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None") {
        labels.insert("service.kubernetes.io/headless".into(), String::new());
    }
    labels
}

fn endpoint(cx: &Context, service: &Service, pod: &Arc<Pod>) -> Endpoint {
    let publishes = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses) == Some(true);
    let (ready, terminating) = (pods::is_ready(pod), pods::is_terminating(pod));
    let node = cx.api.get::<Node>("", pods::node(pod));
    let zone =
        node.as_ref().and_then(|node| node.metadata.labels.as_ref()?.get("topology.kubernetes.io/zone").cloned());
    let hostname = pod.spec.as_ref().and_then(|spec| {
        let same = spec.subdomain.as_deref() == service.metadata.name.as_deref();
        spec.hostname.clone().filter(|_| same)
    });
    Endpoint {
        addresses: ip(pod).into_iter().collect(),
        conditions: Some(EndpointConditions {
            ready: Some(publishes || ready && !terminating),
            serving: Some(ready),
            terminating: Some(terminating),
        }),
        hostname,
        node_name: Some(pods::node(pod).to_string()).filter(|node| !node.is_empty()),
        target_ref: Some(reference(pod)),
        zone,
        ..Endpoint::default()
    }
}

fn reference(pod: &Arc<Pod>) -> ObjectReference {
    let object: Object = pod.clone().wrap();
    ObjectReference {
        kind: Some("Pod".into()),
        namespace: Some(object.namespace().into()),
        name: Some(object.name().into()),
        uid: Some(object.uid().into()),
        ..ObjectReference::default()
    }
}

fn ip(pod: &Pod) -> Option<String> {
    pod.status.as_ref().and_then(|status| status.pod_ip.clone()).filter(|ip| !ip.is_empty())
}

fn selector_of(service: &Service) -> Selector {
    Selector::from_set(service.spec.as_ref().and_then(|spec| spec.selector.as_ref()))
}

fn key_of(service: &Service) -> String {
    let meta = &service.metadata;
    format!("{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}
