//! The deprecated `Endpoints` object: one per Service, ready and not-ready addresses in subsets.
//!
//! Mirrors: pkg/controller/endpoint, pkg/api/v1/endpoints `RepackSubsets`.

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

/// Addresses with the same ports share a subset; a terminating pod is in none.
fn subsets(service: &Service, members: &[Arc<Pod>]) -> Option<Vec<EndpointSubset>> {
    let publishes = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses) == Some(true);
    let mut groups: BTreeMap<String, EndpointSubset> = BTreeMap::new();
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
        let key = api::codec::encode(&ports).to_string();
        let subset = groups.entry(key).or_insert_with(|| EndpointSubset {
            ports: Some(ports).filter(|list| !list.is_empty()),
            ..EndpointSubset::default()
        });
        let address = EndpointAddress {
            ip: ip(pod).unwrap_or_default(),
            hostname: hostname(service, pod),
            node_name: Some(pods::node(pod).to_string()).filter(|node| !node.is_empty()),
            target_ref: Some(reference(pod)),
            ..EndpointAddress::default()
        };
        let list =
            if publishes || pods::is_ready(pod) { &mut subset.addresses } else { &mut subset.not_ready_addresses };
        list.get_or_insert_default().push(address);
    }
    let mut subsets: Vec<EndpointSubset> = groups.into_values().collect();
    for subset in &mut subsets {
        for list in [&mut subset.addresses, &mut subset.not_ready_addresses].into_iter().flatten() {
            list.order_by(|a, b| a.ip.cmp(&b.ip));
        }
    }
    Some(subsets).filter(|list| !list.is_empty())
}
