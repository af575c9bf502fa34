//! One look of one autoscaler: its target's size, what the metrics want, what it may do, and what it says of it.
//!
//! A target of size 0 is switched off (`ScalingDisabled`); one outside the bounds is brought inside without a look at
//! the metrics. If some metrics fail, the others may only add pods. `AbleToScale`, `ScalingActive` and
//! `ScalingLimited` tell, in this order, whether the target can be reached, measured, and had its way.
//! Mirrors: pkg/controller/podautoscaler/horizontal.go `reconcileAutoscaler`, `computeReplicasForMetrics`.

use std::sync::Arc;

use api::k8s_openapi::api::autoscaling::v2::{
    ContainerResourceMetricStatus, CrossVersionObjectReference, HPAScalingRules, HorizontalPodAutoscaler,
    HorizontalPodAutoscalerCondition, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus, ResourceMetricStatus,
};
use api::k8s_openapi::api::core::v1::Pod;
use api::meta::quantity::{Amount, Format, amount};
use api::meta::selector::Selector;
use api::meta::selector::go_string;
use api::wire::{Method, Request};
use api::{Object, Status, Typed};
use serde_json::Value;

use super::behavior::{Memory, Wish};
use super::metrics;
use super::replicas::{Question, Target, Tolerance};
use crate::client::{Context, EventOf, EventType, Recorder};

/// Ratios within a tenth of one change nothing, unless a behaviour says otherwise.
const TOLERANCE: f64 = 0.1;

pub(super) struct Sync<'a, 'c> {
    cx: &'a mut Context<'c>,
    recorder: &'a mut Recorder,
    memory: &'a mut Memory,
    /// As it was read, and as it will be.
    old: Arc<HorizontalPodAutoscaler>,
    new: HorizontalPodAutoscaler,
    namespace: String,
}

/// So many replicas, and the name of the metric that wants them.
type Wanted = (i32, String);

/// Why nobody knows what a metric wants.
struct Failure {
    reason: &'static str,
    /// For the condition and its event.
    why: String,
    /// For the sum of all metrics.
    whole: String,
}

/// The target's size.
struct Scale {
    path: String,
    value: Value,
}

impl Scale {
    fn replicas(&self) -> i32 {
        self.value.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0) as i32
    }

    fn selector(&self) -> &str {
        self.value.pointer("/status/selector").and_then(Value::as_str).unwrap_or_default()
    }
}

impl<'a, 'c> Sync<'a, 'c> {
    pub fn new(
        cx: &'a mut Context<'c>,
        recorder: &'a mut Recorder,
        memory: &'a mut Memory,
        autoscaler: &Arc<HorizontalPodAutoscaler>,
    ) -> Self {
        let namespace = autoscaler.metadata.namespace.clone().unwrap_or_default();
        Self { cx, recorder, memory, old: autoscaler.clone(), new: (**autoscaler).clone(), namespace }
    }

    /// # Errors
    /// The API server's refusal of the status.
    pub fn run(&mut self) -> Result<(), Status> {
        let mut scale = match self.scale() {
            Ok(scale) => scale,
            Err(why) => {
                self.event(EventType::Warning, "FailedGetScale", &why);
                let message = format!("the HPA controller was unable to get the target's current scale: {why}");
                self.set("AbleToScale", false, "FailedGetScale", &message);
                return self.write();
            }
        };
        let message = "the HPA controller was able to get the target's current scale";
        self.set("AbleToScale", true, "SucceededGetScale", message);
        let current = scale.replicas();
        self.memory.begin(self.cx.now, current);
        let (min, max) = (self.new.spec.min_replicas.unwrap_or(1), self.new.spec.max_replicas);
        let mut statuses = None;
        let (mut desired, mut reason) = (current, String::new());
        if current == 0 && min != 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            self.set("ScalingActive", false, "ScalingDisabled", message);
        } else if current > max {
            (desired, reason) = (max, "Current number of replicas above Spec.MaxReplicas".into());
        } else if current < min {
            (desired, reason) = (min, "Current number of replicas below Spec.MinReplicas".into());
        } else {
            let (found, wanted) = self.metrics(&scale);
            statuses = found;
            let (wanted, metric) = match wanted {
                Ok(wanted) => wanted,
                Err(why) => {
                    self.sizes(current, None, statuses);
                    let written = self.write();
                    self.event(EventType::Warning, "FailedComputeMetricsReplicas", &why);
                    return written;
                }
            };
            reason = match wanted.cmp(&current) {
                std::cmp::Ordering::Greater => format!("{metric} above target"),
                std::cmp::Ordering::Less => "All metrics below target".into(),
                std::cmp::Ordering::Equal => reason,
            };
            desired = self.decide(Wish { now: self.cx.now, current, desired: wanted, min, max });
        }
        if desired != current {
            if let Err(status) = self.rescale(&mut scale, desired) {
                let message = format!("New size: {desired}; reason: {reason}; error: {status}");
                self.event(EventType::Warning, "FailedRescale", &message);
                let message = format!("the HPA controller was unable to update the target scale: {status}");
                self.set("AbleToScale", false, "FailedUpdateScale", &message);
                self.sizes(current, None, statuses);
                return self.write();
            }
            let message = format!("the HPA controller was able to update the target scale to {desired}");
            self.set("AbleToScale", true, "SucceededRescale", &message);
            self.event(EventType::Normal, "SuccessfulRescale", &format!("New size: {desired}; reason: {reason}"));
            self.memory.changed(self.new.spec.behavior.as_ref(), self.cx.now, current, desired);
            self.new.status.get_or_insert_default().last_scale_time = Some(self.cx.time());
        }
        self.sizes(current, Some(desired), statuses);
        self.write()
    }

    fn decide(&mut self, wish: Wish) -> i32 {
        let decision = self.memory.decide(self.new.spec.behavior.as_ref(), wish);
        self.set("AbleToScale", true, decision.able.0, decision.able.1);
        self.set("ScalingLimited", decision.limited, decision.limit.0, decision.limit.1);
        decision.replicas
    }

    /// What the metrics want, and which of them wants most.
    ///
    /// Those that fail do not matter while the others want no less than there is.
    fn metrics(&mut self, scale: &Scale) -> (Option<Vec<MetricStatus>>, Result<Wanted, String>) {
        let pods = match self.pods(scale.selector()) {
            Ok(pods) => pods,
            Err(why) => return (None, Err(why)),
        };
        let specs = self.new.spec.metrics.clone().unwrap_or_default();
        let mut statuses = vec![MetricStatus::default(); specs.len()];
        let mut best: Option<Wanted> = None;
        let mut failures = Vec::new();
        for (spec, status) in specs.iter().zip(&mut statuses) {
            match self.metric(spec, scale, &pods, status) {
                Ok((replicas, name)) => {
                    if best.as_ref().is_none_or(|(known, _)| replicas > *known) {
                        best = Some((replicas, name));
                    }
                }
                Err(failure) => {
                    self.event(EventType::Warning, failure.reason, &failure.why);
                    failures.push(failure);
                }
            }
        }
        let count = failures.len();
        let result = match (failures.into_iter().next(), best) {
            (None, Some(best)) => Ok(best),
            (Some(_), Some(best)) if best.0 >= scale.replicas() => Ok(best),
            (Some(failure), _) => {
                let message = format!("the HPA was unable to compute the replica count: {}", failure.why);
                self.set("ScalingActive", false, failure.reason, &message);
                Err(format!(
                    "invalid metrics ({count} invalid out of {}), first error is: {}",
                    specs.len(),
                    failure.whole
                ))
            }
            // No metrics at all: the API server fills in one.
            (None, None) => Ok((0, String::new())),
        };
        if let Ok((_, metric)) = &result {
            let message = format!("the HPA was able to successfully calculate a replica count from {metric}");
            self.set("ScalingActive", true, "ValidMetricFound", &message);
        }
        (Some(statuses), result)
    }

    fn metric(
        &mut self,
        spec: &MetricSpec,
        scale: &Scale,
        pods: &[Arc<Pod>],
        status: &mut MetricStatus,
    ) -> Result<Wanted, Failure> {
        let failure = |reason: &'static str, what: &str, why: String| {
            let whole = format!("failed to get {what} metric value: {why}");
            Failure { reason, why, whole }
        };
        if let Some(source) = &spec.resource {
            let (replicas, value) = self
                .resource(&source.target, &source.name, None, scale, pods)
                .map_err(|why| failure("FailedGetResourceMetric", &format!("{} resource", source.name), why))?;
            status.type_ = "Resource".into();
            status.resource = Some(ResourceMetricStatus { name: source.name.clone(), current: value });
            return Ok((replicas, metric_name(&source.target, &source.name, "resource")));
        }
        if let Some(source) = &spec.container_resource {
            let (name, container) = (&source.name, &source.container);
            let (replicas, value) = self
                .resource(&source.target, name, Some(container), scale, pods)
                .map_err(|why| failure("FailedGetContainerResourceMetric", &format!("{container} container"), why))?;
            status.type_ = "ContainerResource".into();
            let (name, container) = (name.clone(), container.clone());
            status.container_resource = Some(ContainerResourceMetricStatus { name, container, current: value });
            return Ok((replicas, metric_name(&source.target, &source.name, "container resource")));
        }
        if let Some(source) = &spec.pods {
            let why = format!("unable to get metric {}: {}", source.metric.name, metrics::no_custom_metrics());
            return Err(failure("FailedGetPodsMetric", "pods", why));
        }
        if let Some(source) = &spec.object {
            let CrossVersionObjectReference { kind, name, .. } = &source.described_object;
            // Upstream's words are in this order.
            let (metric, namespace, cause) = (&source.metric.name, &self.namespace, metrics::no_custom_metrics());
            let why = format!("unable to get metric {metric}: {kind} on {namespace} {name}/{cause}");
            return Err(failure("FailedGetObjectMetric", "object", why));
        }
        let metric = spec.external.as_ref().map(|source| source.metric.clone()).unwrap_or_default();
        let (name, selector) = (&metric.name, go_string(metric.selector.as_ref()));
        let cause = metrics::no_external_metrics(name);
        let why = format!("unable to get external metric {}/{name}/{selector}: {cause}", self.namespace);
        Err(failure("FailedGetExternalMetric", &format!("{name} external"), why))
    }

    fn resource(
        &mut self,
        target: &MetricTarget,
        resource: &str,
        container: Option<&str>,
        scale: &Scale,
        pods: &[Arc<Pod>],
    ) -> Result<(i32, MetricValueStatus), String> {
        let (wanted, what) = match (&target.average_value, target.average_utilization) {
            (Some(average), _) => (Target::Average(amount(average).milli_value()), "usage"),
            (None, Some(percent)) => (Target::Utilization(percent), "utilization"),
            (None, None) => {
                let why = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
                return Err(why.into());
            }
        };
        let samples = metrics::usage(self.cx, &self.namespace, scale.selector(), resource, container);
        let samples = samples.map_err(|why| format!("unable to get metrics for resource {resource}: {why}"));
        let question = Question {
            current: scale.replicas(),
            target: wanted,
            resource,
            container,
            pods,
            tolerance: self.tolerance(),
            unix_now: self.cx.api.unix_millis() as i64,
        };
        let proposal = samples
            .and_then(|samples| question.answer(samples))
            .map_err(|why| format!("failed to get {resource} {what}: {why}"))?;
        let value = MetricValueStatus {
            average_utilization: proposal.utilization,
            average_value: Some(Amount::from_millis(proposal.average, Format::DecimalSi).to_quantity()),
            value: None,
        };
        Ok((proposal.replicas, value))
    }

    fn tolerance(&self) -> Tolerance {
        let of = |rules: Option<&HPAScalingRules>| {
            let tolerance = rules.and_then(|rules| rules.tolerance.as_ref());
            tolerance.map_or(TOLERANCE, |tolerance| amount(tolerance).milli_value() as f64 / 1000.0)
        };
        let behavior = self.new.spec.behavior.as_ref();
        Tolerance {
            up: of(behavior.and_then(|behavior| behavior.scale_up.as_ref())),
            down: of(behavior.and_then(|behavior| behavior.scale_down.as_ref())),
        }
    }

    /// The pods a target selects; no other autoscaler may want them.
    fn pods(&mut self, selector: &str) -> Result<Vec<Arc<Pod>>, String> {
        if selector.is_empty() {
            let why = "selector is required";
            self.event(EventType::Warning, "SelectorRequired", why);
            let message = "the HPA target's scale is missing a selector";
            self.set("ScalingActive", false, "InvalidSelector", message);
            return Err(why.into());
        }
        let parsed = Selector::parse(selector).map_err(|why| {
            let why = format!("couldn't convert selector into a corresponding internal selector object: {why}");
            self.event(EventType::Warning, "InvalidSelector", &why);
            self.set("ScalingActive", false, "InvalidSelector", &why);
            why
        })?;
        let pods: Vec<Arc<Pod>> = self
            .cx
            .api
            .list::<Pod>(&self.namespace)
            .filter(|pod| parsed.matches(pod.metadata.labels.as_ref()))
            .cloned()
            .collect();
        let rivals = self.rivals(&pods);
        if rivals.len() > 1 {
            let names: Vec<String> = rivals.iter().map(|name| format!("{{{name} {}}}", self.namespace)).collect();
            let why = format!("pods by selector {selector} are controlled by multiple HPAs: [{}]", names.join(" "));
            self.event(EventType::Warning, "AmbiguousSelector", &why);
            self.set("ScalingActive", false, "AmbiguousSelector", &why);
            return Err(why);
        }
        Ok(pods)
    }

    /// Names of the autoscalers that select any of these pods.
    fn rivals(&mut self, pods: &[Arc<Pod>]) -> Vec<String> {
        let all: Vec<Arc<HorizontalPodAutoscaler>> =
            self.cx.api.list::<HorizontalPodAutoscaler>(&self.namespace).cloned().collect();
        if all.len() < 2 {
            return Vec::new();
        }
        let selects = |autoscaler: &Arc<HorizontalPodAutoscaler>| {
            let scale = self.scale_of(&autoscaler.spec.scale_target_ref).ok()?;
            let selector = Selector::parse(scale.selector()).ok().filter(|_| !scale.selector().is_empty())?;
            let any = pods.iter().any(|pod| selector.matches(pod.metadata.labels.as_ref()));
            any.then(|| autoscaler.metadata.name.clone().unwrap_or_default())
        };
        all.iter().filter_map(selects).collect()
    }

    fn scale(&mut self) -> Result<Scale, String> {
        let target = self.new.spec.scale_target_ref.clone();
        self.scale_of(&target)
    }

    fn scale_of(&mut self, target: &CrossVersionObjectReference) -> Result<Scale, String> {
        let version = target.api_version.as_deref().unwrap_or_default();
        let Some(kind) = self.cx.api.kind_of(version, &target.kind) else {
            let group = api::scheme::split_api_version(version).0;
            return Err(format!("no matches for kind {:?} in group {group:?}", target.kind));
        };
        let resource = self.cx.api.resource_of(kind);
        let path = format!("{}/{}/scale", resource.path(&self.namespace), target.name);
        let value = self.cx.api.call(Request::get(&*path)).map_err(|status| status.to_string())?;
        Ok(Scale { path, value })
    }

    fn rescale(&mut self, scale: &mut Scale, replicas: i32) -> Result<(), Status> {
        scale.value["spec"]["replicas"] = replicas.into();
        let request = Request::new(Method::Put, &*scale.path).with_json(scale.value.clone());
        self.cx.api.call(request).map(|_| ())
    }

    /// What the status says of sizes. Without a new one, what was wanted before stands.
    fn sizes(&mut self, current: i32, desired: Option<i32>, metrics: Option<Vec<MetricStatus>>) {
        let status = self.new.status.get_or_insert_default();
        status.current_replicas = Some(current).filter(|current| *current != 0);
        status.desired_replicas = desired.unwrap_or(status.desired_replicas);
        status.current_metrics = metrics;
    }

    fn set(&mut self, kind: &str, holds: bool, reason: &str, message: &str) {
        let now = self.cx.time();
        let conditions = self.new.status.get_or_insert_default().conditions.get_or_insert_default();
        let at = conditions.iter().position(|condition| condition.type_ == kind).unwrap_or_else(|| {
            conditions.push(HorizontalPodAutoscalerCondition { type_: kind.into(), ..Default::default() });
            conditions.len() - 1
        });
        let condition = &mut conditions[at];
        let word = if holds { "True" } else { "False" };
        if condition.status != word {
            condition.last_transition_time = Some(now);
        }
        condition.status = word.into();
        condition.reason = Some(reason.into());
        condition.message = Some(message.into());
    }

    fn write(&mut self) -> Result<(), Status> {
        if self.new.status != self.old.status {
            self.cx.api.update_status(self.new.clone())?;
        }
        Ok(())
    }

    fn event(&mut self, kind: EventType, reason: &str, message: &str) {
        let object: Object = self.old.clone().wrap();
        self.recorder.event(self.cx, &EventOf::object(&object), kind, reason, message);
    }
}

/// What a rescale names as its reason.
fn metric_name(target: &MetricTarget, resource: &str, what: &str) -> String {
    match target.average_value {
        Some(_) => format!("{resource} {what}"),
        None => format!("{resource} {what} utilization (percentage of request)"),
    }
}
