//! The deprecated `Endpoints` object: one per Service, ready and not-ready addresses in subsets.
//!
//! A subset is all addresses that have the same ports, so a port that only some pods have is in a subset of its own.
//! Which subset comes first is a matter of hashes, of UIDs among other things: here it is the one whose ports do.
//! Mirrors: pkg/controller/endpoint, pkg/api/v1/endpoints `RepackSubsets`. Left out: that no more than a thousand
//! addresses are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::order::Order;
use api::{Kind, Status};

use super::{CHANGED, hostname, ip, ports, reference};
use crate::client::{Context, DeleteOptions, Key};
use crate::controllers::pods;

/// Writes the Endpoints of a service if they changed; `changed` is when the last change happened that they tell of.
///
/// # Errors
/// The API server's refusal.
pub fn sync(cx: &mut Context, service: &Service, members: &[Arc<Pod>], changed: Option<&str>) -> Result<(), Status> {
    let namespace = service.metadata.namespace.clone().unwrap_or_default();
    let name = service.metadata.name.clone().unwrap_or_default();
    let subsets = subsets(service, members);
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert("endpoints.kubernetes.io/managed-by".into(), "endpoint-controller".into());
    if service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None") {
        labels.insert("service.kubernetes.io/headless".into(), String::new());
    }
    match cx.api.get::<Endpoints>(&namespace, &name) {
        None => {
            let mut object = Endpoints { subsets, ..Endpoints::default() };
            object.metadata.name = Some(name);
            object.metadata.namespace = Some(namespace);
            object.metadata.labels = Some(labels);
            note_change(&mut object.metadata, changed);
            cx.api.create(object)?;
        }
        Some(old) => {
            let same = old.subsets.clone().filter(|list| !list.is_empty()) == subsets
                && old.metadata.labels.as_ref() == Some(&labels);
            if !same {
                let mut object = (*old).clone();
                object.subsets = subsets;
                object.metadata.labels = Some(labels);
                note_change(&mut object.metadata, changed);
                cx.api.update(object)?;
            }
        }
    }
    Ok(())
}

fn note_change(meta: &mut ObjectMeta, changed: Option<&str>) {
    let mut annotations = meta.annotations.take().unwrap_or_default();
    annotations.remove(CHANGED);
    annotations.extend(changed.map(|changed| (CHANGED.to_owned(), changed.to_owned())));
    meta.annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
}

/// Removes the Endpoints of a service that is gone.
///
/// # Errors
/// The API server's refusal; a missing object is none.
pub fn delete(cx: &mut Context, namespace: &str, name: &str) -> Result<(), Status> {
    if cx.api.get::<Endpoints>(namespace, name).is_none() {
        return Ok(());
    }
    cx.api.delete(&Key::new(Kind::Endpoints, namespace, name), &DeleteOptions::default()).map(|_| ())
}

/// The subsets of a service; a terminating pod is in none.
fn subsets(service: &Service, members: &[Arc<Pod>]) -> Option<Vec<EndpointSubset>> {
    let publishes = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses) == Some(true);
    let mut subsets: Vec<EndpointSubset> = Vec::new();
    let portless = service.spec.as_ref().is_none_or(|spec| spec.ports.as_ref().is_none_or(Vec::is_empty));
    for pod in members.iter().filter(|pod| publishes || !pods::is_terminating(pod)) {
        let ports: Vec<EndpointPort> = ports::of_pod(service, pod)
            .into_iter()
            .map(|port| EndpointPort {
                name: port.name.filter(|name| !name.is_empty()),
                port: port.port.unwrap_or_default(),
                protocol: port.protocol,
                app_protocol: port.app_protocol,
            })
            .collect();
        // A pod with none of the ports that are asked for by name is no help.
        if ports.is_empty() && !portless {
            continue;
        }
        let address = EndpointAddress {
            ip: ip(pod).unwrap_or_default(),
            hostname: hostname(service, pod),
            node_name: Some(pods::node(pod).to_string()).filter(|node| !node.is_empty()),
            target_ref: Some(reference(pod)),
        };
        let mut subset = EndpointSubset { ports: Some(ports), ..EndpointSubset::default() };
        let list =
            if publishes || pods::is_ready(pod) { &mut subset.addresses } else { &mut subset.not_ready_addresses };
        list.get_or_insert_default().push(address);
        subsets.push(subset);
    }
    Some(repack(&subsets)).filter(|list| !list.is_empty())
}

/// An address by its IP, and the pod that has it.
type Identity = (String, Option<String>);

/// The same addresses and ports in as few subsets as can be. What is not ready anywhere is not ready.
pub fn repack(subsets: &[EndpointSubset]) -> Vec<EndpointSubset> {
    let mut addresses: BTreeMap<Identity, &EndpointAddress> = BTreeMap::new();
    let mut by_port: BTreeMap<String, (Option<&EndpointPort>, BTreeMap<Identity, bool>)> = BTreeMap::new();
    for subset in subsets {
        let ports = subset.ports.as_deref().unwrap_or_default();
        // Without any port the addresses stand for themselves.
        let ports = ports.iter().map(Some).chain(ports.is_empty().then_some(None));
        for port in ports {
            let key = port.map(|port| api::codec::encode(port).to_string()).unwrap_or_default();
            let (_, members) = by_port.entry(key).or_insert_with(|| (port, BTreeMap::new()));
            let ready = subset.addresses.iter().flatten().map(|address| (address, true));
            let not = subset.not_ready_addresses.iter().flatten().map(|address| (address, false));
            for (address, ready) in ready.chain(not) {
                let uid = address.target_ref.as_ref().and_then(|target| target.uid.clone());
                let identity = (address.ip.clone(), uid);
                addresses.entry(identity.clone()).or_insert(address);
                *members.entry(identity).or_insert(true) &= ready;
            }
        }
    }
    let mut groups: BTreeMap<Vec<(Identity, bool)>, Vec<EndpointPort>> = BTreeMap::new();
    for (port, members) in by_port.into_values().filter(|(_, members)| !members.is_empty()) {
        groups.entry(members.into_iter().collect()).or_default().extend(port.cloned());
    }
    let mut packed: Vec<EndpointSubset> = groups
        .into_iter()
        .map(|(members, mut ports)| {
            ports::sort_legacy(&mut ports);
            let of = |wanted: bool| -> Option<Vec<EndpointAddress>> {
                let those = members.iter().filter(|(_, ready)| *ready == wanted);
                let list: Vec<_> = those.map(|(identity, _)| addresses[identity].clone()).collect();
                Some(list).filter(|list| !list.is_empty())
            };
            let ports = Some(ports).filter(|list| !list.is_empty());
            EndpointSubset { addresses: of(true), not_ready_addresses: of(false), ports }
        })
        .collect();
    packed.order_by_key(|subset| api::codec::encode(&subset.ports).to_string());
    packed
}
