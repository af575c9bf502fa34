//! EndpointSlice mirroring: Endpoints that somebody wrote by hand appear as slices, too.
//!
//! Services without a selector have only what is written for them; everything that follows
//! endpoints reads slices. There is one slice for each set of ports and each family of addresses, with the labels and
//! annotations of the original; a slice that is there for the same ports, or for others that are gone, is used again.
//! Mirrors: pkg/controller/endpointslicemirroring. Left out: nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{EndpointAddress, Endpoints, Service};
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::meta::owner::controller_reference;
use api::{Kind, Object, Status, Typed};

use super::endpoints::legacy::repack;
use super::endpoints::ports;
use super::{Controller, Outcome};
use crate::client::{Change, Context, DeleteOptions, EventOf, EventType, Key, Recorder, Revision, WorkQueue};

#[derive(Clone)]
pub struct EndpointSliceMirroring {
    recorder: Recorder,
}

impl Default for EndpointSliceMirroring {
    fn default() -> Self {
        Self { recorder: Recorder::new("endpoint-slice-mirroring-controller", "") }
    }
}

/// Addresses of one subset that are mirrored.
const MAX_ADDRESSES: usize = 1000;

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
        let wanted = endpoints.map(|endpoints| self.mirror(cx, &endpoints)).unwrap_or_default();
        write(cx, mirrors, wanted)?;
        Ok(Outcome::Done)
    }
}

/// Makes what is there what is wanted.
fn write(cx: &mut Context, mut known: Vec<Arc<EndpointSlice>>, wanted: Vec<EndpointSlice>) -> Result<(), Status> {
    let mut missing = Vec::new();
    for slice in wanted {
        let fits = |known: &Arc<EndpointSlice>| known.address_type == slice.address_type && known.ports == slice.ports;
        match known.iter().position(fits) {
            Some(at) => adjust(cx, &known.remove(at), slice)?,
            None => missing.push(slice),
        }
    }
    for slice in missing {
        match known.iter().position(|known| known.address_type == slice.address_type) {
            Some(at) => adjust(cx, &known.remove(at), slice)?,
            None => drop(cx.api.create(slice)?),
        }
    }
    for extra in known {
        cx.api.delete(&Key::of(&extra.wrap()), &DeleteOptions::default())?;
    }
    Ok(())
}

fn adjust(cx: &mut Context, known: &Arc<EndpointSlice>, wanted: EndpointSlice) -> Result<(), Status> {
    let mut slice = (**known).clone();
    (slice.endpoints, slice.ports) = (wanted.endpoints, wanted.ports);
    (slice.metadata.labels, slice.metadata.annotations) = (wanted.metadata.labels, wanted.metadata.annotations);
    if slice != **known {
        cx.api.update(slice)?;
    }
    Ok(())
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

impl EndpointSliceMirroring {
    /// The slices that say the same.
    fn mirror(&mut self, cx: &mut Context, original: &Arc<Endpoints>) -> Vec<EndpointSlice> {
        let mut slices = Vec::new();
        let mut skipped = 0;
        for subset in repack(original.subsets.as_deref().unwrap_or_default()) {
            let ready = subset.addresses.iter().flatten().map(|address| endpoint(address, true));
            let not = subset.not_ready_addresses.iter().flatten().map(|address| endpoint(address, false));
            let all: Vec<Endpoint> = ready.chain(not).collect();
            skipped += all.len().saturating_sub(MAX_ADDRESSES);
            let ports = subset.ports.iter().flatten().map(|port| EndpointPort {
                name: Some(port.name.clone().unwrap_or_default()),
                port: Some(port.port),
                protocol: port.protocol.clone(),
                app_protocol: port.app_protocol.clone(),
            });
            let mut ports: Vec<EndpointPort> = ports.collect();
            ports::sort(&mut ports);
            let is_v6 = |endpoint: &Endpoint| endpoint.addresses.iter().any(|address| address.contains(':'));
            let (v6, v4): (Vec<_>, Vec<_>) = all.into_iter().take(MAX_ADDRESSES).partition(is_v6);
            for (family, endpoints) in [("IPv4", v4), ("IPv6", v6)] {
                if !endpoints.is_empty() {
                    let (address_type, ports) = (family.into(), Some(ports.clone()));
                    slices.push(EndpointSlice {
                        address_type,
                        ports,
                        endpoints: Some(endpoints),
                        metadata: meta(original),
                    });
                }
            }
        }
        if skipped > 0 {
            let of = EventOf::object(&original.clone().wrap());
            let message = format!(
                "A max of {MAX_ADDRESSES} addresses can be mirrored to EndpointSlices per Endpoints subset. {skipped} addresses were skipped"
            );
            self.recorder.event(cx, &of, EventType::Warning, "TooManyAddressesToMirror", message);
        }
        slices
    }
}

fn meta(original: &Arc<Endpoints>) -> ObjectMeta {
    let owner: Object = original.clone().wrap();
    let mut labels = original.metadata.labels.clone().unwrap_or_default();
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    labels.insert(SERVICE_NAME.into(), owner.name().into());
    let mut annotations = original.metadata.annotations.clone().unwrap_or_default();
    annotations.retain(|key, _| !OWN.contains(&key.as_str()));
    ObjectMeta {
        generate_name: Some(format!("{}-", owner.name())),
        namespace: Some(owner.namespace().into()),
        owner_references: Some(vec![controller_reference(&owner)]),
        labels: Some(labels),
        annotations: Some(annotations).filter(|map| !map.is_empty()),
        ..ObjectMeta::default()
    }
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
