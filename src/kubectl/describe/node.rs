//! `kubectl describe node`: the machine, and what its pods have asked of it.

use std::collections::{BTreeMap, BTreeSet};

use api::meta::quantity::Amount;
use serde_json::Value;

use super::common::{date, metadata, since, taints};
use super::events::{self, Events};
use super::page::Page;
use super::resources::{Resources, limits, requests};
use super::value::Fields as _;

/// What belongs to a node besides itself.
pub struct Related<'a> {
    /// Its pods that are not terminated; `None` when one may not see them.
    pub pods: Option<&'a [Value]>,
    /// Its lease, or why there is none.
    pub lease: Result<&'a Value, String>,
    pub resource_slices: &'a [Value],
    pub events: Events<'a>,
}

pub fn render(node: &Value, related: &Related<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", node.name());
    page.field(0, "Roles", super::common::or_none(&roles(node)));
    metadata(&mut page, node);
    page.field(0, "CreationTimestamp", date(node.text("/metadata/creationTimestamp")));
    taints(&mut page, node.list("/spec/taints"));
    page.field(0, "Unschedulable", node.flag("/spec/unschedulable"));
    match &related.lease {
        Ok(found) => lease(&mut page, found),
        Err(error) => page.field(0, "Lease", format!("Failed to get lease: {error}")),
    }
    conditions(&mut page, node.list("/status/conditions"));
    page.line(0, "Addresses:");
    for address in node.list("/status/addresses") {
        page.field(1, address.text("/type"), address.text("/address"));
    }
    for (title, pointer) in [("Capacity", "/status/capacity"), ("Allocatable", "/status/allocatable")] {
        let resources = node.entries(pointer);
        if !resources.is_empty() {
            page.line(0, format!("{title}:"));
        }
        for (name, quantity) in resources {
            page.field(1, name, quantity.written(""));
        }
    }
    resource_slices(&mut page, related.resource_slices);
    system_info(&mut page, node);
    match related.pods {
        Some(pods) => allocation(&mut page, node, pods, now_ms),
        None => page.field(0, "Pods", "not authorized"),
    }
    events::write(&mut page, related.events, now_ms);
    page.finish()
}

/// Roles are labels; sorted, each once.
fn roles(node: &Value) -> String {
    let mut roles = BTreeSet::new();
    for (key, value) in node.entries("/metadata/labels") {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/") {
            roles.insert(role);
        } else if key == "kubernetes.io/role" {
            roles.insert(value.text(""));
        }
    }
    roles.remove("");
    roles.into_iter().collect::<Vec<_>>().join(",")
}

fn lease(page: &mut Page, lease: &Value) {
    let time = |pointer: &str| match lease.text(pointer) {
        "" => "<unset>".into(),
        time => date(time),
    };
    page.line(0, "Lease:");
    let holder = if lease.has("/spec/holderIdentity") { lease.text("/spec/holderIdentity") } else { "<unset>" };
    page.field(1, "HolderIdentity", holder);
    page.field(1, "AcquireTime", time("/spec/acquireTime"));
    page.field(1, "RenewTime", time("/spec/renewTime"));
}

fn conditions(page: &mut Page, conditions: &[Value]) {
    if conditions.is_empty() {
        return;
    }
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for condition in conditions {
        let part = |pointer| condition.text(pointer);
        let (heartbeat, transition) = (date(part("/lastHeartbeatTime")), date(part("/lastTransitionTime")));
        let line =
            [part("/type"), part("/status"), &heartbeat, &transition, part("/reason"), part("/message")].join(" \t");
        page.line(1, line);
    }
}

/// Slices of devices only this node has, summed up by pool.
fn resource_slices(page: &mut Page, slices: &[Value]) {
    const SHOWN: usize = 10;
    let mut pools: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for slice in slices {
        let (count, devices) = pools.entry((slice.text("/spec/driver"), slice.text("/spec/pool/name"))).or_default();
        *count += 1;
        *devices += slice.list("/spec/devices").len();
    }
    if pools.is_empty() {
        return;
    }
    page.line(0, "Node-Local ResourceSlices:");
    page.line(1, "Driver\tPool\tSlices\tDevices");
    page.line(1, "------\t----\t------\t-------");
    for ((driver, pool), (slices, devices)) in pools.iter().take(SHOWN) {
        page.line(1, format!("{driver}\t{pool}\t{slices}\t{devices}"));
    }
    if pools.len() > SHOWN {
        page.line(1, format!("...and {} more pools", pools.len() - SHOWN));
    }
}

fn system_info(page: &mut Page, node: &Value) {
    page.line(0, "System Info:");
    for (label, key) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        page.field(1, label, node.text(&format!("/status/nodeInfo/{key}")));
    }
    if !node.text("/spec/podCIDR").is_empty() {
        page.field(0, "PodCIDR", node.text("/spec/podCIDR"));
    }
    let ranges = node.texts("/spec/podCIDRs");
    if !ranges.is_empty() {
        page.field(0, "PodCIDRs", ranges.join(","));
    }
    if !node.text("/spec/providerID").is_empty() {
        page.field(0, "ProviderID", node.text("/spec/providerID"));
    }
}

/// The pods with what they request, and the sum against what the node can give.
fn allocation(page: &mut Page, node: &Value, pods: &[Value], now_ms: u64) {
    let allocatable: Resources = match node.entries("/status/allocatable").is_empty() {
        true => Resources::read(node.at("/status/capacity")),
        false => Resources::read(node.at("/status/allocatable")),
    };
    page.field(0, "Non-terminated Pods", format!("({} in total)", pods.len()));
    page.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    page.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let (mut all_requests, mut all_limits) = (Resources::default(), Resources::default());
    for pod in pods {
        let (request, limit) = (requests(pod), limits(pod));
        let cell = |resources: &Resources, name: &str| share(resources, name, &allocatable);
        let cells = [
            cell(&request, "cpu"),
            cell(&limit, "cpu"),
            cell(&request, "memory"),
            cell(&limit, "memory"),
            since(pod.text("/metadata/creationTimestamp"), now_ms),
        ];
        page.line(1, format!("{}\t{}\t\t{}", pod.namespace(), pod.name(), cells.join("\t")));
        all_requests.add(&request);
        all_limits.add(&limit);
    }
    page.line(0, "Allocated resources:");
    page.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
    page.line(1, "Resource\tRequests\tLimits");
    page.line(1, "--------\t--------\t------");
    let names: Vec<&str> = allocatable.names().collect();
    let huge = names.iter().copied().filter(|name| name.starts_with("hugepages-"));
    for name in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(huge) {
        let (request, limit) = (share(&all_requests, name, &allocatable), share(&all_limits, name, &allocatable));
        page.line(1, format!("{name}\t{request}\t{limit}"));
    }
    // Devices and the like are told without percentages.
    let standard =
        |name: &str| matches!(name, "cpu" | "memory" | "ephemeral-storage" | "pods") || name.starts_with("hugepages-");
    for name in names.iter().copied().filter(|name| !standard(name)) {
        page.line(1, format!("{name}\t{}\t{}", all_requests.get(name), all_limits.get(name)));
    }
}

/// An amount and how many percent of what there is it makes, rounded down.
fn share(resources: &Resources, name: &str, allocatable: &Resources) -> String {
    let amount = resources.get(name);
    let parts = |amount: Amount| if name == "cpu" { amount.milli_value() } else { amount.value() };
    let (used, whole) = (parts(amount) as f64, parts(allocatable.get(name)) as f64);
    let percent = if whole == 0.0 { 0 } else { (used / whole * 100.0) as i64 };
    format!("{amount} ({percent}%)")
}
