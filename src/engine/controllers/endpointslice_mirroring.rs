//! EndpointSlice mirroring: Endpoints that somebody wrote by hand appear as slices, too.
//!
//! Services without a selector have only what is written for them; everything that follows
//! endpoints reads slices.
//! Mirrors: pkg/controller/endpointslicemirroring. Left out: more than a thousand addresses, IPv6.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{EndpointAddress, EndpointSubset, Endpoints, Service};
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use api::meta::owner::controller_reference;
use api::{Kind, Object, Status, Typed};

use super::{Controller, Outcome};
use crate::client::{Change, Context, DeleteOptions, Key, Revision, WorkQueue};

#[derive(Clone, Default)]
pub struct EndpointSliceMirroring;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
/// Annotations that speak of the original alone.
const OWN: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time"];

impl Controller for EndpointSliceMirroring {
    fn name(&self) -> &'static str {
        "endpointslice-mirroring-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::Endpoints | Kind::Service => queue.add(format!("{}/{}", news.key.namespace, news.key.name)),
            Kind::EndpointSlice if news.change == Change::Deleted => {
                if let Some(name) = news.object.meta().labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME)) {
                    queue.add(format!("{}/{name}", news.key.namespace));
                }
            }
            // Nothing else is mirrored.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for endpoints in cx.api.list::<Endpoints>("") {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            queue.add(format!("{}/{}", part(&endpoints.metadata.namespace), part(&endpoints.metadata.name)));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let endpoints = cx.api.get::<Endpoints>(namespace, name).filter(|endpoints| is_mirrored(cx, endpoints));
        let mirrors: Vec<Arc<EndpointSlice>> = cx
            .api
            .list::<EndpointSlice>(namespace)
            .filter(|slice| {
                let label = |key| slice.metadata.labels.as_ref().and_then(|labels| labels.get(key));
                label(MANAGED_BY).is_some_and(|by| by == MANAGER) && label(SERVICE_NAME).is_some_and(|of| of == name)
            })
            .cloned()
            .collect();
        let mut mirrors = mirrors.into_iter();
        for subset in endpoints.iter().flat_map(|endpoints| endpoints.subsets.iter().flatten()) {
            let Some(original) = &endpoints else { break };
            let wanted = mirror(original, subset);
            match mirrors.next() {
                None => drop(cx.api.create(wanted)?),
                Some(known) => {
                    let same = known.endpoints == wanted.endpoints
                        && known.ports == wanted.ports
                        && known.metadata.labels == wanted.metadata.labels;
                    if !same {
                        let mut slice = (*known).clone();
                        (slice.endpoints, slice.ports) = (wanted.endpoints, wanted.ports);
                        slice.metadata.labels = wanted.metadata.labels;
                        cx.api.update(slice)?;
                    }
                }
            }
        }
        for extra in mirrors {
            cx.api.delete(&Key::of(&extra.wrap()), &DeleteOptions::default())?;
        }
        Ok(Outcome::Done)
    }
}

/// Only what belongs to a Service that selects nothing, and does not ask to be left out.
fn is_mirrored(cx: &Context, endpoints: &Endpoints) -> bool {
    let meta = &endpoints.metadata;
    let skips = meta.labels.as_ref().and_then(|labels| labels.get(SKIP)).is_some_and(|value| value == "true");
    let leads =
        meta.annotations.as_ref().is_some_and(|map| map.contains_key("control-plane.alpha.kubernetes.io/leader"));
    let (namespace, name) = (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
    let service = cx.api.get::<Service>(namespace, name);
    let selects_nothing = service.is_some_and(|service| {
        service.spec.as_ref().is_none_or(|spec| spec.selector.as_ref().is_none_or(BTreeMap::is_empty))
    });
    !skips && !leads && selects_nothing
}

fn mirror(original: &Arc<Endpoints>, subset: &EndpointSubset) -> EndpointSlice {
    let owner: Object = original.clone().wrap();
    let meta = &original.metadata;
    let mut slice = EndpointSlice { address_type: "IPv4".into(), ..EndpointSlice::default() };
    slice.metadata.generate_name = Some(format!("{}-", owner.name()));
    slice.metadata.namespace = Some(owner.namespace().into());
    slice.metadata.owner_references = Some(vec![controller_reference(&owner)]);
    let mut labels = meta.labels.clone().unwrap_or_default();
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    labels.insert(SERVICE_NAME.into(), owner.name().into());
    slice.metadata.labels = Some(labels);
    let mut annotations = meta.annotations.clone().unwrap_or_default();
    annotations.retain(|key, _| !OWN.contains(&key.as_str()));
    slice.metadata.annotations = Some(annotations).filter(|map| !map.is_empty());
    let ports = subset.ports.iter().flatten().map(|port| EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: Some(port.port),
        protocol: port.protocol.clone(),
        app_protocol: port.app_protocol.clone(),
    });
    slice.ports = Some(ports.collect());
    let ready = subset.addresses.iter().flatten().map(|address| endpoint(address, true));
    let not = subset.not_ready_addresses.iter().flatten().map(|address| endpoint(address, false));
    slice.endpoints = Some(ready.chain(not).collect());
    slice
}

fn endpoint(address: &EndpointAddress, ready: bool) -> Endpoint {
    Endpoint {
        addresses: vec![address.ip.clone()],
        conditions: Some(EndpointConditions { ready: Some(ready), ..EndpointConditions::default() }),
        hostname: address.hostname.clone().filter(|name| !name.is_empty()),
        node_name: address.node_name.clone(),
        target_ref: address.target_ref.clone(),
        ..Endpoint::default()
    }
}
