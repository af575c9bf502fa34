//! Defaults of the HorizontalPodAutoscaler.
//!
//! Mirrors: pkg/apis/autoscaling/v2/defaults.go.

use k8s_openapi::api::autoscaling::v2::{
    HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler, MetricSpec, MetricTarget, ResourceMetricSource,
};

use super::fill::{canonical, set};

pub(super) fn autoscaler(autoscaler: &mut HorizontalPodAutoscaler) {
    let spec = &mut autoscaler.spec;
    set(&mut spec.min_replicas, 1);
    if spec.metrics.as_ref().is_none_or(Vec::is_empty) {
        spec.metrics = Some(vec![cpu_at_80_percent()]);
    }
    for target in spec.metrics.iter_mut().flatten().filter_map(target) {
        canonical(&mut target.average_value);
        canonical(&mut target.value);
    }
    // Behaviour has defaults only where it is given at all.
    if let Some(behavior) = &mut spec.behavior {
        let up = behavior.scale_up.get_or_insert_default();
        rules(up, Some(0), &[policy("Pods", 4), policy("Percent", 100)]);
        let down = behavior.scale_down.get_or_insert_default();
        rules(down, None, &[policy("Percent", 100)]);
    }
}

fn cpu_at_80_percent() -> MetricSpec {
    MetricSpec {
        type_: "Resource".into(),
        resource: Some(ResourceMetricSource {
            name: "cpu".into(),
            target: MetricTarget {
                type_: "Utilization".into(),
                average_utilization: Some(80),
                ..MetricTarget::default()
            },
        }),
        ..MetricSpec::default()
    }
}

fn target(metric: &mut MetricSpec) -> Option<&mut MetricTarget> {
    if let Some(source) = &mut metric.resource {
        return Some(&mut source.target);
    }
    if let Some(source) = &mut metric.container_resource {
        return Some(&mut source.target);
    }
    if let Some(source) = &mut metric.pods {
        return Some(&mut source.target);
    }
    if let Some(source) = &mut metric.object {
        return Some(&mut source.target);
    }
    metric.external.as_mut().map(|source| &mut source.target)
}

fn policy(type_: &str, value: i32) -> HPAScalingPolicy {
    HPAScalingPolicy { type_: type_.into(), value, period_seconds: 15 }
}

fn rules(rules: &mut HPAScalingRules, window_seconds: Option<i32>, policies: &[HPAScalingPolicy]) {
    set(&mut rules.select_policy, "Max".into());
    if let Some(seconds) = window_seconds {
        set(&mut rules.stabilization_window_seconds, seconds);
    }
    set(&mut rules.policies, policies.to_vec());
    canonical(&mut rules.tolerance);
}
