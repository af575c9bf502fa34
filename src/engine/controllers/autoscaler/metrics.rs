//! Where measurements come from: metrics.k8s.io, and the adapters that are not there.
//!
//! Mirrors: pkg/controller/podautoscaler/metrics/client.go.

use api::meta::quantity::Amount;
use api::meta::time::parse_rfc3339;
use api::wire::Request;
use serde_json::Value;

use super::replicas::{Sample, Samples};
use crate::client::Context;

/// What the pods of a selector use of `cpu` or `memory`, one container of each or all of them.
///
/// # Errors
/// Why there is nothing to go by, in upstream's words.
pub fn usage(
    cx: &mut Context,
    namespace: &str,
    selector: &str,
    resource: &str,
    container: Option<&str>,
) -> Result<Samples, String> {
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
    let list = cx.api.call(Request::get(path).with_query("labelSelector", selector)).map_err(|status| {
        let why = match status.code {
            404 => "the server could not find the requested resource (get pods.metrics.k8s.io)".to_string(),
            _ => status.to_string(),
        };
        format!("unable to fetch metrics from resource metrics API: {why}")
    })?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return Err("no metrics returned from resource metrics API".into());
    }
    let mut samples = Samples::new();
    for item in items {
        let name = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let containers = item["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let chosen: Vec<&Value> =
            containers.iter().filter(|one| container.is_none_or(|name| one["name"] == name)).collect();
        if let (Some(container), true) = (container, chosen.is_empty()) {
            return Err(format!(
                "failed to get container metrics: container {container} not present in metrics for pod {namespace}/{name}"
            ));
        }
        let amounts = chosen.iter().map(|one| one["usage"][resource].as_str()?.parse::<Amount>().ok());
        // A pod counts when all its containers do.
        let Some(amounts) = amounts.collect::<Option<Vec<Amount>>>().filter(|list| !list.is_empty()) else { continue };
        let value = amounts.into_iter().map(Amount::milli_value).sum();
        let at = item["timestamp"].as_str().and_then(parse_rfc3339).unwrap_or_default();
        let window = item["window"].as_str().and_then(|text| text.strip_suffix('s')?.parse::<f64>().ok());
        let window = window.map_or(60_000, |seconds| (seconds * 1000.0) as i64);
        samples.insert(name.into(), Sample { value, at, window });
    }
    Ok(samples)
}

/// No adapter serves custom.metrics.k8s.io.
pub fn no_custom_metrics() -> String {
    "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered".into()
}

/// No adapter serves external.metrics.k8s.io.
pub fn no_external_metrics(metric: &str) -> String {
    format!(
        "unable to fetch metrics from external metrics API: the server could not find the requested resource (get {metric}.external.metrics.k8s.io)"
    )
}
