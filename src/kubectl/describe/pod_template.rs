//! The pod template inside a workload's page; also what `rollout history --revision` prints.

use api::order::Order;
use serde_json::Value;

use super::common::{labels, selector, tolerations};
use super::page::Page;
use super::value::Fields as _;
use super::{common, container, volume};

/// Writes `Pod Template:` and the template.
pub fn write(page: &mut Page, template: &Value) {
    page.line(0, "Pod Template:");
    if template.is_null() {
        page.raw("  <unset>");
        return;
    }
    labels(page, "  Labels", template.at("/metadata/labels"));
    if !template.entries("/metadata/annotations").is_empty() {
        common::annotations(page, "  Annotations", template.at("/metadata/annotations"));
    }
    let spec = template.at("/spec");
    if !spec.text("/serviceAccountName").is_empty() {
        page.field(1, "Service Account", spec.text("/serviceAccountName"));
    }
    if !spec.list("/initContainers").is_empty() {
        container::write(page, "Init Containers", spec.list("/initContainers"), &[], None, "  ");
    }
    container::write(page, "Containers", spec.list("/containers"), &[], None, "  ");
    volume::write(page, spec.list("/volumes"), "  ");
    topology_spread(page, spec.list("/topologySpreadConstraints"), "  ");
    if !spec.text("/priorityClassName").is_empty() {
        page.field(1, "Priority Class Name", spec.text("/priorityClassName"));
    }
    labels(page, "  Node-Selectors", spec.at("/nodeSelector"));
    tolerations(page, "  Tolerations", spec.list("/tolerations"));
    scheduling_group(page, spec.at("/schedulingGroup"), "  ");
}

/// The template alone, with tabs instead of aligned columns.
pub fn tabbed(template: &Value) -> String {
    let mut page = Page::default();
    write(&mut page, template);
    page.into_tabbed()
}

/// Topology spread constraints, sorted by key.
pub fn topology_spread(page: &mut Page, constraints: &[Value], indent: &str) {
    if constraints.is_empty() {
        return;
    }
    let mut sorted: Vec<&Value> = constraints.iter().collect();
    sorted.order_by_key(|constraint| constraint.text("/topologyKey"));
    for (index, constraint) in sorted.into_iter().enumerate() {
        let title = if index == 0 { "Topology Spread Constraints:" } else { "" };
        let of = match constraint.has("/labelSelector") {
            true => format!(" for selector {}", selector(constraint.at("/labelSelector"))),
            false => String::new(),
        };
        page.line(
            0,
            format!(
                "{indent}{title}\t{}:{} when max skew {} is exceeded{of}",
                constraint.text("/topologyKey"),
                constraint.text("/whenUnsatisfiable"),
                constraint.int("/maxSkew"),
            ),
        );
    }
}

pub fn scheduling_group(page: &mut Page, group: &Value, indent: &str) {
    if group.is_null() {
        return;
    }
    page.line(0, format!("{indent}SchedulingGroup:"));
    page.field(1, "PodGroupName", group.text("/podGroupName"));
}
