//! HorizontalPodAutoscalers (autoscaling/v2).

use serde_json::Value;

use super::common::{date, heading};
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;

pub fn render(autoscaler: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, autoscaler, true);
    page.field(0, "CreationTimestamp", date(autoscaler.text("/metadata/creationTimestamp")));
    let (spec, status) = (autoscaler.at("/spec"), autoscaler.at("/status"));
    let kind = spec.text("/scaleTargetRef/kind");
    page.field(0, "Reference", format!("{kind}/{}", spec.text("/scaleTargetRef/name")));
    page.field(0, "Metrics", "( current / target )");
    for (index, metric) in spec.list("/metrics").iter().enumerate() {
        let current = status.list("/currentMetrics").get(index).unwrap_or(&Value::Null);
        page.line(1, self::metric(metric, current));
    }
    let min = if spec.has("/minReplicas") { spec.written("/minReplicas") } else { "<unset>".into() };
    page.field(0, "Min replicas", min);
    page.field(0, "Max replicas", spec.int("/maxReplicas"));
    if spec.has("/behavior") {
        page.line(0, "Behavior:");
        for (title, pointer) in [("Scale Up", "/behavior/scaleUp"), ("Scale Down", "/behavior/scaleDown")] {
            behavior(&mut page, title, spec.at(pointer));
        }
    }
    let (current, desired) = (status.int("/currentReplicas"), status.int("/desiredReplicas"));
    page.field(0, &format!("{kind} pods"), format!("{current} current / {desired} desired"));
    conditions(&mut page, status.list("/conditions"));
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn metric(metric: &Value, current: &Value) -> String {
    match metric.text("/type") {
        "External" => {
            let (of, now) = (metric.at("/external"), current.at("/external/current"));
            let average = of.has("/target/averageValue");
            let (words, key) = value_kind(average);
            format!(
                "{:?} ({words}):\t{} / {}",
                of.text("/metric/name"),
                known(now, key),
                amount(of, &format!("/target{key}"))
            )
        }
        "Pods" => {
            let (of, now) = (metric.at("/pods"), current.at("/pods/current"));
            let (current, target) = (known(now, "/averageValue"), amount(of, "/target/averageValue"));
            format!("{:?} on pods:\t{current} / {target}", of.text("/metric/name"))
        }
        "Object" => {
            let (of, now) = (metric.at("/object"), current.at("/object/current"));
            let (words, key) = value_kind(of.text("/target/type") == "AverageValue");
            let object = of.at("/describedObject");
            format!(
                "\"{}\" on {}/{} ({words}):\t{} / {}",
                of.text("/metric/name"),
                object.text("/kind"),
                object.text("/name"),
                known(now, key),
                amount(of, &format!("/target{key}")),
            )
        }
        "Resource" => {
            let of = metric.at("/resource");
            resource(&format!("resource {} on pods", of.text("/name")), of, current.at("/resource/current"))
        }
        "ContainerResource" => {
            let of = metric.at("/containerResource");
            let title = format!("resource {} of container \"{}\" on pods", of.text("/name"), of.text("/container"));
            resource(&title, of, current.at("/containerResource/current"))
        }
        other => format!("<unknown metric type {other:?}>"),
    }
}

fn value_kind(average: bool) -> (&'static str, &'static str) {
    match average {
        true => ("target average value", "/averageValue"),
        false => ("target value", "/value"),
    }
}

fn resource(title: &str, metric: &Value, current: &Value) -> String {
    if metric.has("/target/averageValue") {
        return format!("{title}:\t{} / {}", known(current, "/averageValue"), amount(metric, "/target/averageValue"));
    }
    let now = match current.has("/averageUtilization") {
        true => format!("{}% ({})", current.int("/averageUtilization"), amount(current, "/averageValue")),
        false => "<unknown>".into(),
    };
    let target = match metric.has("/target/averageUtilization") {
        true => format!("{}%", metric.int("/target/averageUtilization")),
        false => "<auto>".into(),
    };
    // Two blanks: the words stand at a level of their own.
    format!("{title}  (as a percentage of request):\t{now} / {target}")
}

fn known(current: &Value, pointer: &str) -> String {
    if current.has(pointer) { current.written(pointer) } else { "<unknown>".into() }
}

fn amount(value: &Value, pointer: &str) -> String {
    match value.written(pointer) {
        none if none.is_empty() => "0".into(),
        amount => amount,
    }
}

fn behavior(page: &mut Page, title: &str, rules: &Value) {
    if rules.is_null() {
        return;
    }
    page.line(1, format!("{title}:"));
    if rules.has("/stabilizationWindowSeconds") {
        page.line(2, format!("Stabilization Window: {} seconds", rules.int("/stabilizationWindowSeconds")));
    }
    let policies = rules.list("/policies");
    if policies.is_empty() {
        return;
    }
    page.line(2, format!("Select Policy: {}", rules.text_or("/selectPolicy", "Max")));
    page.line(2, "Policies:");
    for policy in policies {
        let (kind, value, period) = (policy.text("/type"), policy.int("/value"), policy.int("/periodSeconds"));
        page.line(3, format!("- Type: {kind}\tValue: {value}\tPeriod: {period} seconds"));
    }
}

fn conditions(page: &mut Page, conditions: &[Value]) {
    if conditions.is_empty() {
        return;
    }
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tReason\tMessage");
    page.line(1, "----\t------\t------\t-------");
    for condition in conditions {
        let part = |pointer| condition.text(pointer);
        page.line(1, [part("/type"), part("/status"), part("/reason"), part("/message")].join("\t"));
    }
}
