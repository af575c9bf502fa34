//! PersistentVolumes and claims on them, storage and attributes classes, CSI nodes.

use api::order::Order;
use serde_json::Value;

use super::common::{
    access_modes, annotations, date, heading, labels, one_line, optional_boolean, since, storage_class,
    under_each_other,
};
use super::events::{self, Events};
use super::page::Page;
use super::value::{Fields as _, go_list};
use super::volume;

pub fn persistent_volume(volume: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, volume, false);
    page.field(0, "Finalizers", go_list(&volume.texts("/metadata/finalizers")));
    page.field(0, "StorageClass", storage_class(volume));
    status(&mut page, volume, now_ms);
    let spec = volume.at("/spec");
    let claim = match spec.has("/claimRef") {
        true => format!("{}/{}", spec.text("/claimRef/namespace"), spec.text("/claimRef/name")),
        false => String::new(),
    };
    page.field(0, "Claim", claim);
    page.field(0, "Reclaim Policy", spec.text("/persistentVolumeReclaimPolicy"));
    page.field(0, "Access Modes", access_modes(&spec.texts("/accessModes")));
    if spec.has("/volumeMode") {
        page.field(0, "VolumeMode", spec.text("/volumeMode"));
    }
    page.field(0, "Capacity", amount(spec, "/capacity/storage"));
    node_affinity(&mut page, spec.at("/nodeAffinity/required"));
    page.field(0, "Message", volume.text("/status/message"));
    page.line(0, "Source:");
    volume::source(&mut page, spec);
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn amount(value: &Value, pointer: &str) -> String {
    match value.written(pointer) {
        none if none.is_empty() => "0".into(),
        amount => amount,
    }
}

fn status(page: &mut Page, object: &Value, now_ms: u64) {
    match object.text("/metadata/deletionTimestamp") {
        "" => page.field(0, "Status", object.text("/status/phase")),
        time => page.field(0, "Status", format!("Terminating (lasts {})", since(time, now_ms))),
    }
}

fn node_affinity(page: &mut Page, required: &Value) {
    if required.is_null() {
        page.field(0, "Node Affinity", "<none>");
        return;
    }
    page.field(0, "Node Affinity", "");
    let terms = required.list("/nodeSelectorTerms");
    page.field(1, "Required Terms", if terms.is_empty() { "<none>" } else { "" });
    for (index, term) in terms.iter().enumerate() {
        let lines: Vec<_> = term
            .list("/matchExpressions")
            .iter()
            .map(|requirement| {
                let operator = requirement.text("/operator").to_lowercase();
                expression(requirement.text("/key"), &operator, &requirement.texts("/values"))
            })
            .collect();
        numbered_term(page, 2, index, &lines);
    }
}

fn expression(key: &str, operator: &str, values: &[&str]) -> String {
    match values.is_empty() {
        true => format!("{key} {operator}"),
        false => format!("{key} {operator} [{}]", values.join(", ")),
    }
}

fn numbered_term(page: &mut Page, level: usize, index: usize, lines: &[String]) {
    under_each_other(page, &"  ".repeat(level), &format!("Term {index}"), lines);
}

pub fn claim(claim: &Value, pods: &[Value], events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", claim.name());
    page.field(0, "Namespace", claim.namespace());
    page.field(0, "StorageClass", storage_class(claim));
    status(&mut page, claim, now_ms);
    page.field(0, "Volume", claim.text("/spec/volumeName"));
    labels(&mut page, "Labels", claim.at("/metadata/labels"));
    annotations(&mut page, "Annotations", claim.at("/metadata/annotations"));
    page.field(0, "Finalizers", go_list(&claim.texts("/metadata/finalizers")));
    let bound = !claim.text("/spec/volumeName").is_empty();
    page.field(0, "Capacity", if bound { amount(claim, "/status/capacity/storage") } else { String::new() });
    page.field(
        0,
        "Access Modes",
        if bound { access_modes(&claim.texts("/status/accessModes")) } else { String::new() },
    );
    if claim.has("/spec/volumeMode") {
        page.field(0, "VolumeMode", claim.text("/spec/volumeMode"));
    }
    let source = claim.at("/spec/dataSource");
    if !source.is_null() {
        page.line(0, "DataSource:");
        if source.has("/apiGroup") {
            page.field(1, "APIGroup", source.text("/apiGroup"));
        }
        page.field(1, "Kind", source.text("/kind"));
        page.field(1, "Name", source.text("/name"));
    }
    under_each_other(&mut page, "", "Used By", &users(claim, pods));
    claim_conditions(&mut page, claim.list("/status/conditions"));
    events::write(&mut page, events, now_ms);
    page.finish()
}

/// The names of the pods that mount the claim or own it.
fn users(claim: &Value, pods: &[Value]) -> Vec<String> {
    let owners: Vec<_> = claim
        .list("/metadata/ownerReferences")
        .iter()
        .filter(|owner| owner.text("/kind") == "Pod")
        .map(|owner| owner.text("/uid"))
        .collect();
    let mut names: Vec<String> = Vec::new();
    for pod in pods {
        let volumes = pod.list("/spec/volumes").iter();
        let mounts = volumes.filter(|v| v.text("/persistentVolumeClaim/claimName") == claim.name()).count();
        // A pod that has the claim in two volumes is named twice.
        let times = if mounts == 0 && owners.contains(&pod.uid()) { 1 } else { mounts };
        names.extend(std::iter::repeat_n(pod.name().to_string(), times));
    }
    names.order();
    names
}

fn claim_conditions(page: &mut Page, conditions: &[Value]) {
    if conditions.is_empty() {
        return;
    }
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for condition in conditions {
        let part = |pointer| condition.text(pointer);
        let (probe, transition) = (date(part("/lastProbeTime")), date(part("/lastTransitionTime")));
        let cells = [part("/type"), part("/status"), &probe, &transition, part("/reason"), part("/message")];
        page.line(1, cells.join(" \t"));
    }
}

pub fn class(class: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", class.name());
    let is_default =
        ["storageclass.kubernetes.io~1is-default-class", "storageclass.beta.kubernetes.io~1is-default-class"]
            .iter()
            .any(|key| class.text(&format!("/metadata/annotations/{key}")) == "true");
    page.field(0, "IsDefaultClass", if is_default { "Yes" } else { "No" });
    page.field(0, "Annotations", one_line(class.at("/metadata/annotations")));
    page.field(0, "Provisioner", class.text("/provisioner"));
    page.field(0, "Parameters", one_line(class.at("/parameters")));
    page.field(0, "AllowVolumeExpansion", optional_boolean(class.at("/allowVolumeExpansion")));
    let options = class.texts("/mountOptions");
    match options.is_empty() {
        true => page.field(0, "MountOptions", "<none>"),
        false => page.line(0, "MountOptions:"),
    }
    for option in options {
        page.line(1, option);
    }
    for (label, pointer) in [("ReclaimPolicy", "/reclaimPolicy"), ("VolumeBindingMode", "/volumeBindingMode")] {
        if class.has(pointer) {
            page.field(0, label, class.text(pointer));
        }
    }
    if class.has("/allowedTopologies") {
        let terms = class.list("/allowedTopologies");
        page.field(0, "AllowedTopologies", if terms.is_empty() { "<none>" } else { "" });
        for (index, term) in terms.iter().enumerate() {
            let requirements = term.list("/matchLabelExpressions").iter();
            let lines: Vec<_> = requirements.map(|r| expression(r.text("/key"), "in", &r.texts("/values"))).collect();
            numbered_term(&mut page, 1, index, &lines);
        }
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

pub fn attributes_class(class: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", class.name());
    page.field(0, "Annotations", one_line(class.at("/metadata/annotations")));
    page.field(0, "DriverName", class.text("/driverName"));
    page.field(0, "Parameters", one_line(class.at("/parameters")));
    events::write(&mut page, events, now_ms);
    page.finish()
}

pub fn csi_node(node: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, node, false);
    page.field(0, "CreationTimestamp", date(node.text("/metadata/creationTimestamp")));
    page.line(0, "Spec:");
    if node.has("/spec/drivers") {
        page.line(1, "Drivers:");
    }
    for driver in node.list("/spec/drivers") {
        page.line(2, format!("{}:", driver.text("/name")));
        page.field(3, "Node ID", driver.text("/nodeID"));
        if driver.has("/allocatable/count") {
            page.line(3, "Allocatables:");
            page.field(4, "Count", driver.int("/allocatable/count"));
        }
        if driver.has("/topologyKeys") {
            page.field(3, "Topology Keys", go_list(&driver.texts("/topologyKeys")));
        }
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}
