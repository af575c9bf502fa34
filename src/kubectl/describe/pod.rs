//! `kubectl describe pod`.

use serde_json::Value;

use super::common::{controller, date, labels, metadata, since, tolerations};
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;
use super::{container, pod_template, volume};

pub fn render(pod: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    head(&mut page, pod, now_ms);
    containers(&mut page, pod);
    conditions(&mut page, pod);
    volume::write(&mut page, pod.list("/spec/volumes"), "");
    page.field(0, "QoS Class", qos_class(pod));
    labels(&mut page, "Node-Selectors", pod.at("/spec/nodeSelector"));
    tolerations(&mut page, "Tolerations", pod.list("/spec/tolerations"));
    pod_template::topology_spread(&mut page, pod.list("/spec/topologySpreadConstraints"), "");
    pod_template::scheduling_group(&mut page, pod.at("/spec/schedulingGroup"), "");
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn head(page: &mut Page, pod: &Value, now_ms: u64) {
    page.field(0, "Name", pod.name());
    page.field(0, "Namespace", pod.namespace());
    if pod.has("/spec/priority") {
        page.field(0, "Priority", pod.int("/spec/priority"));
    }
    let spoken = |page: &mut Page, label: &str, pointer: &str| {
        if !pod.text(pointer).is_empty() {
            page.field(0, label, pod.text(pointer));
        }
    };
    spoken(page, "Priority Class Name", "/spec/priorityClassName");
    spoken(page, "Runtime Class Name", "/spec/runtimeClassName");
    spoken(page, "Service Account", "/spec/serviceAccountName");
    match pod.text("/spec/nodeName") {
        "" => page.field(0, "Node", "<none>"),
        node => page.field(0, "Node", format!("{node}/{}", pod.text("/status/hostIP"))),
    }
    if pod.has("/status/startTime") {
        page.field(0, "Start Time", date(pod.text("/status/startTime")));
    }
    metadata(page, pod);
    let phase = pod.text("/status/phase");
    if pod.has("/metadata/deletionTimestamp") && !matches!(phase, "Failed" | "Succeeded") {
        let lasts = since(pod.text("/metadata/deletionTimestamp"), now_ms);
        page.field(0, "Status", format!("Terminating (lasts {lasts})"));
        let grace = pod.int("/metadata/deletionGracePeriodSeconds");
        page.field(0, "Termination Grace Period", format!("{grace}s"));
    } else {
        page.field(0, "Status", phase);
    }
    spoken(page, "Reason", "/status/reason");
    spoken(page, "Message", "/status/message");
    container::seccomp(page, 0, pod.at("/spec/securityContext/seccompProfile"));
    page.field(0, "IP", pod.text("/status/podIP"));
    let addresses = pod.list("/status/podIPs");
    match addresses.is_empty() {
        true => page.field(0, "IPs", "<none>"),
        false => page.line(0, "IPs:"),
    }
    for address in addresses {
        page.field(1, "IP", address.text("/ip"));
    }
    if let Some(controller) = controller(pod) {
        page.field(0, "Controlled By", controller);
    }
    spoken(page, "NominatedNodeName", "/status/nominatedNodeName");
    if pod.has("/spec/resources") {
        page.line(0, "Resources:");
        container::resources(page, 1, pod.at("/spec/resources"));
    }
}

fn containers(page: &mut Page, pod: &Value) {
    let mut write = |title: &str, containers: &str, statuses: &str| {
        container::write(page, title, pod.list(containers), pod.list(statuses), Some(pod), "");
    };
    if !pod.list("/spec/initContainers").is_empty() {
        write("Init Containers", "/spec/initContainers", "/status/initContainerStatuses");
    }
    write("Containers", "/spec/containers", "/status/containerStatuses");
    if !pod.list("/spec/ephemeralContainers").is_empty() {
        write("Ephemeral Containers", "/spec/ephemeralContainers", "/status/ephemeralContainerStatuses");
    }
}

fn conditions(page: &mut Page, pod: &Value) {
    let conditions = pod.list("/status/conditions");
    let gates = pod.list("/spec/readinessGates");
    if !gates.is_empty() {
        page.line(0, "Readiness Gates:\n  Type\tStatus");
    }
    for gate in gates {
        let kind = gate.text("/conditionType");
        let condition = conditions.iter().find(|condition| condition.text("/type") == kind);
        let status = condition.map_or("<none>", |condition| condition.text("/status"));
        page.line(1, format!("{kind} \t{status} "));
    }
    if !conditions.is_empty() {
        page.line(0, "Conditions:\n  Type\tStatus");
    }
    for condition in conditions {
        page.line(1, format!("{} \t{} ", condition.text("/type"), condition.text("/status")));
    }
}

/// The class the server wrote down; a pod that never met a server gets it from its resources.
fn qos_class(pod: &Value) -> &str {
    if !pod.text("/status/qosClass").is_empty() {
        return pod.text("/status/qosClass");
    }
    let containers = || pod.list("/spec/containers").iter().chain(pod.list("/spec/initContainers"));
    let any = containers()
        .any(|c| !c.entries("/resources/requests").is_empty() || !c.entries("/resources/limits").is_empty());
    let same = |container: &Value, resource: &str| {
        let limit = container.written(&format!("/resources/limits/{resource}"));
        let request = container.written(&format!("/resources/requests/{resource}"));
        !limit.is_empty() && (request.is_empty() || request == limit)
    };
    match containers().all(|container| same(container, "cpu") && same(container, "memory")) {
        true => "Guaranteed",
        false if any => "Burstable",
        false => "BestEffort",
    }
}
