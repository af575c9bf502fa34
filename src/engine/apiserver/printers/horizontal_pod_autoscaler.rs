//! HorizontalPodAutoscalers: what each metric is and should be.
//!
//! Mirrors: pkg/printers/internalversion `printHorizontalPodAutoscaler`, `formatHPAMetrics`.

use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::json;

use super::Cells;
use super::cell::{Now, list_with_more, text};
use super::column::{AGE, Column, NAME, field};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    field("Reference", "autoscaling/v2.HorizontalPodAutoscalerSpec", "scaleTargetRef"),
    field("Targets", "autoscaling/v2.HorizontalPodAutoscalerSpec", "metrics"),
    field("MinPods", "autoscaling/v2.HorizontalPodAutoscalerSpec", "minReplicas"),
    field("MaxPods", "autoscaling/v2.HorizontalPodAutoscalerSpec", "maxReplicas"),
    field("Replicas", "autoscaling/v2.HorizontalPodAutoscalerStatus", "currentReplicas"),
    AGE,
];

pub(super) fn cells(autoscaler: &HorizontalPodAutoscaler, now: Now) -> Cells {
    let spec = &autoscaler.spec;
    let status = autoscaler.status.clone().unwrap_or_default();
    vec![
        text(&autoscaler.metadata.name),
        json!(format!("{}/{}", spec.scale_target_ref.kind, spec.scale_target_ref.name)),
        json!(metrics(
            spec.metrics.as_deref().unwrap_or_default(),
            status.current_metrics.as_deref().unwrap_or_default(),
        )),
        json!(spec.min_replicas.map_or("<unset>".into(), |min| min.to_string())),
        json!(spec.max_replicas),
        json!(status.current_replicas.unwrap_or_default()),
        now.age(&autoscaler.metadata),
    ]
}

fn metrics(specs: &[MetricSpec], statuses: &[MetricStatus]) -> String {
    if specs.is_empty() {
        return "<none>".into();
    }
    let list: Vec<_> = specs.iter().enumerate().map(|(index, spec)| metric(spec, statuses.get(index))).collect();
    list_with_more(&list, 2, ", ")
}

fn metric(spec: &MetricSpec, status: Option<&MetricStatus>) -> String {
    match spec.type_.as_str() {
        "External" => {
            let current = status.and_then(|s| s.external.as_ref()).map(|s| &s.current);
            spec.external.as_ref().map(|s| of_value(&s.target, current))
        }
        "Object" => {
            let current = status.and_then(|s| s.object.as_ref()).map(|s| &s.current);
            spec.object.as_ref().map(|s| of_value(&s.target, current))
        }
        "Pods" => spec.pods.as_ref().map(|s| {
            let current = status.and_then(|s| s.pods.as_ref()).and_then(|s| s.current.average_value.as_ref());
            format!("{}/{}", known(current), plain(s.target.average_value.as_ref()))
        }),
        "Resource" => spec.resource.as_ref().map(|s| {
            let current = status.and_then(|s| s.resource.as_ref()).map(|s| &s.current);
            of_resource(&s.name, &s.target, current)
        }),
        "ContainerResource" => spec.container_resource.as_ref().map(|s| {
            let current = status.and_then(|s| s.container_resource.as_ref()).map(|s| &s.current);
            of_resource(&s.name, &s.target, current)
        }),
        _ => None,
    }
    .unwrap_or_else(|| "<unknown type>".into())
}

/// A metric with an average per pod, or one value for all.
fn of_value(target: &MetricTarget, current: Option<&MetricValueStatus>) -> String {
    match &target.average_value {
        Some(average) => {
            let current = current.and_then(|current| current.average_value.as_ref());
            format!("{}/{} (avg)", known(current), average.0)
        }
        None => {
            let current = current.and_then(|current| current.value.as_ref());
            format!("{}/{}", known(current), plain(target.value.as_ref()))
        }
    }
}

/// `cpu: 12%/50%`, or amounts when the target is one.
fn of_resource(name: &str, target: &MetricTarget, current: Option<&MetricValueStatus>) -> String {
    match &target.average_value {
        Some(average) => {
            let current = current.and_then(|current| current.average_value.as_ref());
            format!("{name}: {}/{}", known(current), average.0)
        }
        None => {
            let percent = |value: Option<i32>, absent: &str| value.map_or(absent.into(), |v| format!("{v}%"));
            let current = percent(current.and_then(|current| current.average_utilization), "<unknown>");
            format!("{name}: {current}/{}", percent(target.average_utilization, "<auto>"))
        }
    }
}

fn known(quantity: Option<&Quantity>) -> &str {
    quantity.map_or("<unknown>", |quantity| &quantity.0)
}

fn plain(quantity: Option<&Quantity>) -> &str {
    quantity.map_or("0", |quantity| &quantity.0)
}
