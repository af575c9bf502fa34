//! Namespaces, and the quotas and limit ranges in them.

use std::collections::BTreeSet;

use api::meta::quantity::Amount;
use api::order::{Gather, Order};
use serde_json::Value;

use super::common::{heading, timed_conditions};
use super::page::Page;
use super::value::Fields as _;

pub fn namespace(namespace: &Value, quotas: &[Value], limit_ranges: &[Value]) -> String {
    let mut page = Page::default();
    heading(&mut page, namespace, false);
    page.field(0, "Status", namespace.text("/status/phase"));
    let conditions = namespace.list("/status/conditions");
    if !conditions.is_empty() {
        timed_conditions(&mut page, conditions);
    }
    page.line(0, "");
    all_quotas(&mut page, quotas);
    page.line(0, "");
    all_limit_ranges(&mut page, limit_ranges);
    page.finish()
}

fn all_quotas(page: &mut Page, quotas: &[Value]) {
    if quotas.is_empty() {
        page.line(0, "No resource quota.");
        return;
    }
    let mut sorted: Vec<&Value> = quotas.iter().collect();
    sorted.order_by_key(|quota| quota.name());
    page.line(0, "Resource Quotas");
    for quota in sorted {
        page.field(1, "Name", quota.name());
        scopes(page, 1, "", quota);
        page.line(1, "Resource\tUsed\tHard");
        // One dash short, as upstream has it.
        page.line(1, "--------\t---\t---");
        for (resource, hard) in quota.entries("/status/hard") {
            page.line(1, format!("{resource}\t{}\t{}", used(quota, resource), hard.written("")));
        }
    }
}

fn all_limit_ranges(page: &mut Page, limit_ranges: &[Value]) {
    if limit_ranges.is_empty() {
        page.line(0, "No LimitRange resource.");
        return;
    }
    page.line(0, "Resource Limits");
    limit_head(page, " ");
    for limit_range in limit_ranges {
        limits(page, " ", limit_range);
    }
}

pub fn quota(quota: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", quota.name());
    page.field(0, "Namespace", quota.namespace());
    scopes(&mut page, 0, " ", quota);
    page.line(0, "Resource\tUsed\tHard");
    page.line(0, "--------\t----\t----");
    for (resource, hard) in quota.entries("/status/hard") {
        let hard = hard.written("");
        let shown = in_format_of(&hard, &used(quota, resource));
        page.line(0, format!("{resource}\t{shown}\t{hard}"));
    }
    page.finish()
}

fn used(quota: &Value, resource: &str) -> String {
    match quota.at("/status/used").get(resource) {
        Some(used) => used.written(""),
        None => "0".into(),
    }
}

/// The used amount with the kind of suffix the hard one has.
fn in_format_of(hard: &str, used: &str) -> String {
    match (hard.parse::<Amount>(), used.parse::<Amount>()) {
        (Ok(hard), Ok(amount)) if hard.format() != amount.format() => {
            Amount::from_units(amount.value(), hard.format()).to_string()
        }
        _ => used.into(),
    }
}

fn scopes(page: &mut Page, level: usize, bullet_indent: &str, quota: &Value) {
    let mut scopes = quota.texts("/spec/scopes");
    if scopes.is_empty() {
        return;
    }
    scopes.order();
    page.field(level, "Scopes", scopes.join(", "));
    for scope in scopes {
        let help = match scope {
            "Terminating" => {
                "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system."
            }
            "NotTerminating" => {
                "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate."
            }
            "BestEffort" => {
                "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service."
            }
            "NotBestEffort" => {
                "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service."
            }
            _ => continue,
        };
        page.line(level, format!("{bullet_indent}* {help}"));
    }
}

pub fn limit_range(limit_range: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", limit_range.name());
    page.field(0, "Namespace", limit_range.namespace());
    limit_head(&mut page, "");
    limits(&mut page, "", limit_range);
    page.finish()
}

fn limit_head(page: &mut Page, indent: &str) {
    page.line(0, format!("{indent}Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio"));
    page.line(0, format!("{indent}----\t--------\t---\t---\t---------------\t-------------\t-----------------------"));
}

/// A line for each type and resource. kubectl's own order is that of a Go map: ours is by name.
fn limits(page: &mut Page, indent: &str, limit_range: &Value) {
    const PARTS: [&str; 5] = ["/min", "/max", "/defaultRequest", "/default", "/maxLimitRequestRatio"];
    for item in limit_range.list("/spec/limits") {
        let resources: BTreeSet<&str> =
            PARTS.iter().flat_map(|part| item.entries(part)).map(|(resource, _)| resource).into_set();
        for resource in resources {
            let cells = PARTS.map(|part| match item.at(part).get(resource) {
                Some(quantity) => quantity.written(""),
                None => "-".into(),
            });
            page.line(0, format!("{indent}{}\t{resource}\t{}", item.text("/type"), cells.join("\t")));
        }
    }
}
