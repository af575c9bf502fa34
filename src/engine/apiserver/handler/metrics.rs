//! metrics.k8s.io: nodes and pods with what they use.
//!
//! Mirrors: metrics-server/pkg/api.

use api::meta::quantity::{Amount, Format};
use api::meta::selector::Selector;
use api::meta::time::rfc3339;
use api::wire::{Request, Response};
use api::{Kind, Object, Status};
use serde_json::{Value, json};

use super::negotiate::{Shape, partial};
use super::route::Target;
use crate::apiserver::ApiServer;
use crate::apiserver::metrics::{Metrics, Usage};

/// From one asking of the kubelets to the next.
const WINDOW: &str = "15s";

impl ApiServer {
    /// # Errors
    /// `NotFound` for what was not measured, 400 for a selector that does not parse.
    pub(super) fn measured(&self, request: &Request, target: &Target) -> Result<Response, Status> {
        let Some(metrics) = &self.metrics else { return Err(super::no_such_resource()) };
        let kind = if target.resource.kind == Kind::PodMetrics { Kind::Pod } else { Kind::Node };
        if !target.name.is_empty() {
            let found = self.read(kind, &target.namespace, &target.name);
            let item = found.and_then(|object| measured_object(object, metrics));
            let missing = || {
                // metrics-server names its kinds in the singular here, and pods with their namespace.
                let mut resource = target.resource;
                resource.plural = if kind == Kind::Pod { "podmetrics" } else { "nodemetrics" };
                let whole = [&*target.namespace, &*target.name].join("/");
                Status::not_found(&resource, whole.trim_start_matches('/'))
            };
            let item = item.ok_or_else(missing)?;
            return Ok(Response::json(
                200,
                match Shape::of(request)? {
                    Shape::Table => table(&[item]),
                    Shape::Partial => partial(item),
                    Shape::Object => item,
                },
            ));
        }
        let labels =
            Selector::parse(request.param("labelSelector").unwrap_or_default()).map_err(Status::bad_request)?;
        let fields = fields(request.param("fieldSelector").unwrap_or_default())?;
        let items: Vec<Value> = self
            .read_all(kind, &target.namespace)
            .filter(|object| labels.matches(object.meta().labels.as_ref()))
            .filter(|object| {
                fields.iter().all(|(field, value)| match field.as_str() {
                    "metadata.name" => object.name() == value,
                    _ => object.namespace() == value,
                })
            })
            .filter_map(|object| measured_object(object, metrics))
            .collect();
        if Shape::of(request)? == Shape::Table {
            return Ok(Response::json(200, table(&items)));
        }
        let list = json!({
            "kind": format!("{}List", target.resource.kind_name),
            "apiVersion": target.resource.api_version(),
            "metadata": {},
            "items": items,
        });
        Ok(Response::json(200, list))
    }
}

/// The metrics of a pod or node, if it was measured.
fn measured_object(object: &Object, metrics: &Metrics) -> Option<Value> {
    let (name, namespace) = (object.name(), object.namespace());
    let time = rfc3339(metrics.at);
    let mut meta = json!({ "name": name, "creationTimestamp": time });
    if let Some(labels) = &object.meta().labels {
        meta["labels"] = json!(labels);
    }
    let mut value = json!({
        "kind": if object.kind() == Kind::Pod { "PodMetrics" } else { "NodeMetrics" },
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": meta,
        "timestamp": time,
        "window": WINDOW,
    });
    if object.kind() == Kind::Pod {
        let containers = metrics.pods.get(&(namespace.to_string(), name.to_string()))?;
        value["metadata"]["namespace"] = json!(namespace);
        let containers = containers.iter().map(|(name, usage)| json!({ "name": name, "usage": quantities(*usage) }));
        value["containers"] = containers.collect();
    } else {
        value["usage"] = quantities(*metrics.nodes.get(name)?);
    }
    Some(value)
}

/// What is used in all, and over how long; without rows there are no columns either.
fn table(items: &[Value]) -> Value {
    let column = |name: &str, format: &str| json!({ "name": name, "type": "string", "format": format, "description": "", "priority": 0 });
    let columns = match items {
        [] => json!([]),
        _ => json!([
            column("Name", "name"),
            column("cpu", "quantity"),
            column("memory", "quantity"),
            column("Window", "duration")
        ]),
    };
    let rows = items.iter().map(|item| {
        let parts = item["containers"].as_array().map_or_else(|| vec![item], |list| list.iter().collect());
        let sum = |resource: &str| -> String {
            let amounts = parts.iter().filter_map(|part| part["usage"][resource].as_str()?.parse::<Amount>().ok());
            amounts.sum::<Amount>().to_string()
        };
        let cells = json!([item["metadata"]["name"], sum("cpu"), sum("memory"), item["window"]]);
        json!({ "cells": cells, "object": partial(item.clone()) })
    });
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": columns,
        "rows": rows.collect::<Vec<Value>>(),
    })
}

fn quantities(usage: Usage) -> Value {
    let cpu = Amount::from_millis(usage.cpu as i64, Format::DecimalSi);
    let memory = Amount::from_units(usage.memory as i64, Format::BinarySi);
    json!({ "cpu": cpu.to_string(), "memory": memory.to_string() })
}

fn fields(text: &str) -> Result<Vec<(String, String)>, Status> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (field, value) = part.split_once('=').unwrap_or((part, ""));
            match field {
                "metadata.name" | "metadata.namespace" => {
                    Ok((field.to_string(), value.trim_start_matches('=').to_string()))
                }
                _ => Err(Status::bad_request(format!(
                    "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                ))),
            }
        })
        .collect()
}
