//! PodDisruptionBudgets and PriorityClasses.

use serde_json::Value;

use super::common::{one_line, selector};
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;

pub fn disruption_budget(budget: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", budget.name());
    page.field(0, "Namespace", budget.namespace());
    if budget.has("/spec/minAvailable") {
        page.field(0, "Min available", budget.written("/spec/minAvailable"));
    } else if budget.has("/spec/maxUnavailable") {
        page.field(0, "Max unavailable", budget.written("/spec/maxUnavailable"));
    }
    let pods = match budget.has("/spec/selector") {
        true => selector(budget.at("/spec/selector")),
        false => "<unset>".into(),
    };
    page.field(0, "Selector", pods);
    page.line(0, "Status:");
    for (label, key) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        page.field(2, label, budget.int(&format!("/status/{key}")));
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

pub fn priority_class(class: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", class.name());
    page.field(0, "Value", class.int("/value"));
    page.field(0, "GlobalDefault", class.flag("/globalDefault"));
    page.field(0, "PreemptionPolicy", class.text("/preemptionPolicy"));
    page.field(0, "Description", class.text("/description"));
    page.field(0, "Annotations", one_line(class.at("/metadata/annotations")));
    events::write(&mut page, events, now_ms);
    page.finish()
}
