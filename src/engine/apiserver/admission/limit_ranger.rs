//! LimitRanger: fills in the requests and limits a namespace prescribes, and holds pods and claims to its bounds.
//!
//! Pods are judged when they are made, and when they are resized in place; claims at every write.
//! Mirrors: plugin/pkg/admission/limitranger. Left out: a resize is not filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Container, LimitRange, LimitRangeItem};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::quantity::{Amount, amount};
use api::quota::{self, Amounts};
use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Fills in what containers leave open, and says so in an annotation.
pub fn admit(server: &ApiServer, object: &mut Object, attributes: &Attributes) {
    if attributes.operation != Operation::Create || !matches!(object, Object::Pod(_)) {
        return;
    }
    let items = items(server, object.namespace());
    let Object::Pod(pod) = object else { return };
    let defaults = items.iter().filter(|item| item.type_ == "Container");
    let (mut limits, mut requests) = (BTreeMap::new(), BTreeMap::new());
    for item in defaults {
        limits.extend(item.default.clone().unwrap_or_default());
        requests.extend(item.default_request.clone().unwrap_or_default());
    }
    if limits.is_empty() && requests.is_empty() {
        return;
    }
    let pod = Arc::make_mut(pod);
    let Some(spec) = &mut pod.spec else { return };
    let mut notes = Vec::new();
    for container in &mut spec.containers {
        fill(container, "container", &requests, &limits, &mut notes);
    }
    for container in spec.init_containers.iter_mut().flatten() {
        fill(container, "init container", &requests, &limits, &mut notes);
    }
    if !notes.is_empty() {
        let note = format!("LimitRanger plugin set: {}", notes.join("; "));
        pod.metadata.annotations.get_or_insert_default().insert(ANNOTATION.into(), note);
    }
}

type Quantities = BTreeMap<String, Quantity>;

fn fill(container: &mut Container, title: &str, requests: &Quantities, limits: &Quantities, notes: &mut Vec<String>) {
    let resources = container.resources.get_or_insert_default();
    for (word, list, defaults) in
        [("request", &mut resources.requests, requests), ("limit", &mut resources.limits, limits)]
    {
        let known = list.get_or_insert_default();
        let missing: Vec<&String> = defaults.keys().filter(|name| !known.contains_key(*name)).collect();
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
            notes.push(format!("{} {word} for {title} {}", names.join(", "), container.name));
        }
        for name in missing {
            known.insert(name.clone(), defaults[name].clone());
        }
        list.take_if(|list| list.is_empty());
    }
}

/// Refuses what lies outside the bounds, every breach at once.
pub fn validate(server: &ApiServer, object: &Object, attributes: &Attributes) -> Result<(), Status> {
    let mut breaches = Vec::new();
    match object {
        Object::Pod(pod)
            if (attributes.operation == Operation::Create && attributes.subresource.is_empty())
                || attributes.subresource == "resize" =>
        {
            for item in items(server, object.namespace()) {
                match item.type_.as_str() {
                    "Container" => {
                        let spec = pod.spec.as_ref();
                        let init = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
                        for container in spec.iter().flat_map(|spec| &spec.containers).chain(init) {
                            let resources = container.resources.clone().unwrap_or_default();
                            let read = |list: Option<&Quantities>| quota::read(list);
                            let (requests, limits) =
                                (read(resources.requests.as_ref()), read(resources.limits.as_ref()));
                            bounds(&item, &requests, &limits, &mut breaches);
                        }
                    }
                    "Pod" => bounds(&item, &quota::total(pod, false), &quota::total(pod, true), &mut breaches),
                    // Claims are bounded elsewhere.
                    _ => {}
                }
            }
        }
        Object::PersistentVolumeClaim(claim) if attributes.operation != Operation::Delete => {
            let requests = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
            let requests = quota::read(requests);
            for item in items(server, object.namespace()).iter().filter(|item| item.type_ == object.kind().name()) {
                request_bounds(item, &requests, &mut breaches);
            }
        }
        // Nothing else has limits.
        _ => {}
    }
    // What two containers have in common is said once.
    let mut said = BTreeSet::new();
    breaches.retain(|breach| said.insert(breach.clone()));
    let why = match breaches.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    Err(Status::forbidden(&server.resource_of(object.kind()), object.name(), &why))
}

fn items(server: &ApiServer, namespace: &str) -> Vec<LimitRangeItem> {
    let ranges = server.read_all(Kind::LimitRange, namespace).filter_map(|object| object.get::<LimitRange>());
    ranges.filter_map(|range| range.spec.as_ref()).flat_map(|spec| spec.limits.clone()).collect()
}

fn bounds(item: &LimitRangeItem, requests: &Amounts, limits: &Amounts, breaches: &mut Vec<String>) {
    let kind = &item.type_;
    for (name, least) in item.min.iter().flatten() {
        let (bound, what) = (amount(least), format!("minimum {name} usage per {kind} is {}", least.0));
        match (requests.get(name), limits.get(name)) {
            (None, _) => breaches.push(format!("{what}.  No request is specified")),
            (Some(request), _) if *request < bound => breaches.push(format!("{what}, but request is {request}")),
            (_, Some(limit)) if *limit < bound => breaches.push(format!("{what}, but limit is {limit}")),
            _ => {}
        }
    }
    for (name, most) in item.max.iter().flatten() {
        let (bound, what) = (amount(most), format!("maximum {name} usage per {kind} is {}", most.0));
        match (requests.get(name), limits.get(name)) {
            (_, None) => breaches.push(format!("{what}.  No limit is specified")),
            (_, Some(limit)) if *limit > bound => breaches.push(format!("{what}, but limit is {limit}")),
            (Some(request), _) if *request > bound => breaches.push(format!("{what}, but request is {request}")),
            _ => {}
        }
    }
    for (name, most) in item.max_limit_request_ratio.iter().flatten() {
        let what = format!("{name} max limit to request ratio per {kind} is {}", most.0);
        let of = |amounts: &Amounts| amounts.get(name).copied().filter(|amount| !amount.is_zero());
        match (of(requests), of(limits)) {
            (None, _) => breaches.push(format!("{what}, but no request is specified or request is 0")),
            (_, None) => breaches.push(format!("{what}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let ratio = limit.ratio(request);
                if ratio > amount(most).ratio(Amount::from_units(1, request.format())) {
                    breaches.push(format!("{what}, but provided ratio is {ratio:.6}"));
                }
            }
        }
    }
}

/// Claims have requests only.
fn request_bounds(item: &LimitRangeItem, requests: &Amounts, breaches: &mut Vec<String>) {
    let kind = &item.type_;
    for (word, list) in [("minimum", &item.min), ("maximum", &item.max)] {
        for (name, bound) in list.iter().flatten() {
            let what = format!("{word} {name} usage per {kind} is {}", bound.0);
            match requests.get(name) {
                None => breaches.push(format!("{what}.  No request is specified")),
                Some(request) => {
                    let outside = if word == "minimum" { *request < amount(bound) } else { *request > amount(bound) };
                    if outside {
                        breaches.push(format!("{what}, but request is {request}"));
                    }
                }
            }
        }
    }
}
