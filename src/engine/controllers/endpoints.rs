//! EndpointSlices and legacy Endpoints: which addresses stand behind a Service, and which of them serve.
//!
//! Every pod that the selector matches, has an address and has not ended is an endpoint. It is `ready` when the pod
//! is, and not on its way out; `serving` when the pod is ready though it may be on its way out; `terminating` then.
//! With `publishNotReadyAddresses` all are ready. A pod whose node is not there is left out, and an event says so.
//! A Service without a selector is somebody else's to fill.
//! One sync writes both, as two upstream controllers would.
//! Mirrors: pkg/controller/endpointslice, pkg/controller/endpoint, endpointslice/trafficdist. Left out: shares of the
//! endpoints for each zone (`service.kubernetes.io/topology-mode: Auto`), dual stack.

pub(super) mod legacy;
pub(super) mod ports;
mod slices;
mod trigger;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointHints, ForNode, ForZone};
use api::meta::selector::Selector;
use api::{Kind, Object, Status, Typed};

use self::slices::Group;
use self::trigger::Triggers;
use super::{Controller, Outcome, pods};
use crate::client::{Context, EventOf, EventType, Recorder, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};

#[derive(Clone)]
pub struct Endpoints {
    recorder: Recorder,
    triggers: Triggers,
    /// How often in a row a service had a pod whose node is not there.
    failures: BTreeMap<String, u32>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            recorder: Recorder::new("endpoint-slice-controller", ""),
            triggers: Triggers::default(),
            failures: BTreeMap::new(),
        }
    }
}

/// A sync that failed is tried again so often, after 1 s, 2 s, 4 s, …
const MAX_RETRIES: u32 = 15;
/// … and never later than this.
const MAX_WAIT: Millis = 1000 * SECOND;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Annotations that ask for a share of endpoints for each zone, the newer one first.
const TOPOLOGY_MODE: [&str; 2] = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"];
/// The annotation that says of what moment a slice, or the Endpoints, tell.
const CHANGED: &str = "endpoints.kubernetes.io/last-change-trigger-time";

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
            self.triggers.forget(key);
            self.failures.remove(key);
            legacy::delete(cx, namespace, name)?;
            return Ok(Outcome::Done);
        };
        let external = service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("ExternalName");
        // Without a selector somebody else says where the service is.
        if external || matches!(selector_of(&service), Selector::Nothing) {
            return Ok(Outcome::Done);
        }
        let selector = selector_of(&service);
        let selected = cx.api.list::<Pod>(namespace).filter(|pod| selector.matches(pod.metadata.labels.as_ref()));
        let changed = self.triggers.next(key, &service, selected);
        let members = members(cx, &service);
        legacy::sync(cx, &service, &members, changed.as_deref())?;
        let (groups, homeless) = groups(cx, &service, &members);
        slices::sync(cx, &service, groups, changed)?;
        Ok(self.complain(cx, key, &service, &homeless))
    }
}

impl Endpoints {
    /// Tells of pods that were left out; their node may come, or the garbage collector for them.
    fn complain(&mut self, cx: &mut Context, key: &str, service: &Arc<Service>, homeless: &[Arc<Pod>]) -> Outcome {
        let skipped: Vec<String> = homeless
            .iter()
            .map(|pod| {
                format!("skipping Pod {} for Service {key}: Node {} Not Found", pods::name(pod), pods::node(pod))
            })
            .collect();
        let why = match skipped.as_slice() {
            [] => {
                self.failures.remove(key);
                return Outcome::Done;
            }
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let of = EventOf::object(&service.clone().wrap());
        let message = format!("Error updating Endpoint Slices for Service {key}: {why}");
        self.recorder.event(cx, &of, EventType::Warning, "FailedToUpdateEndpointSlices", message);
        let failures = self.failures.entry(key.into()).or_default();
        if *failures == MAX_RETRIES {
            self.failures.remove(key);
            return Outcome::Done;
        }
        let wait = (SECOND << *failures).min(MAX_WAIT);
        *failures += 1;
        Outcome::At(cx.now + wait)
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

/// The endpoints of a service by their ports; and the pods that are left out because their node is not there.
fn groups(cx: &Context, service: &Service, members: &[Arc<Pod>]) -> (Vec<Group>, Vec<Arc<Pod>>) {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut homeless = Vec::new();
    for pod in members {
        if !publishes(service) && cx.api.get::<Node>("", pods::node(pod)).is_none() {
            homeless.push(pod.clone());
            continue;
        }
        let mut ports = ports::of_pod(service, pod);
        ports::sort(&mut ports);
        let key = api::codec::encode(&ports).to_string();
        groups.entry(key).or_insert_with(|| (ports, Vec::new())).1.push(endpoint(cx, service, pod));
    }
    (groups.into_values().collect(), homeless)
}

fn endpoint(cx: &Context, service: &Service, pod: &Arc<Pod>) -> Endpoint {
    let publishes = publishes(service);
    let (ready, terminating) = (pods::is_ready(pod), pods::is_terminating(pod));
    let node = cx.api.get::<Node>("", pods::node(pod));
    let zone =
        node.as_ref().and_then(|node| node.metadata.labels.as_ref()?.get("topology.kubernetes.io/zone").cloned());
    let serves = publishes || ready && !terminating;
    Endpoint {
        addresses: ip(pod).into_iter().collect(),
        conditions: Some(EndpointConditions {
            ready: Some(serves),
            serving: Some(ready),
            terminating: Some(terminating),
        }),
        hostname: hostname(service, pod),
        node_name: Some(pods::node(pod).to_string()).filter(|node| !node.is_empty()),
        target_ref: Some(reference(pod)),
        hints: if serves { hints(service, zone.as_ref(), pod) } else { None },
        zone,
        ..Endpoint::default()
    }
}

/// For whom a ready endpoint is meant, where the Service prefers what is near.
fn hints(service: &Service, zone: Option<&String>, pod: &Pod) -> Option<EndpointHints> {
    let annotations = service.metadata.annotations.as_ref();
    let mode = annotations.and_then(|map| TOPOLOGY_MODE.iter().find_map(|key| map.get(*key)));
    // Then somebody else shares out the endpoints among the zones.
    if matches!(mode.map(String::as_str), Some("Auto" | "auto")) {
        return None;
    }
    let same_node = match service.spec.as_ref()?.traffic_distribution.as_deref()? {
        "PreferClose" | "PreferSameZone" => false,
        "PreferSameNode" => true,
        _ => return None,
    };
    let node = Some(pods::node(pod)).filter(|node| same_node && !node.is_empty());
    let for_zones = zone.map(|zone| vec![ForZone { name: zone.clone() }]);
    let for_nodes = node.map(|node| vec![ForNode { name: node.into() }]);
    (for_zones.is_some() || for_nodes.is_some()).then_some(EndpointHints { for_nodes, for_zones })
}

/// The name under which DNS knows a pod of this very service.
fn hostname(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let same = spec.subdomain.as_deref() == service.metadata.name.as_deref();
    spec.hostname.clone().filter(|name| same && !name.is_empty())
}

fn publishes(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses) == Some(true)
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
