//! Deployments, ReplicaSets, ReplicationControllers, StatefulSets and DaemonSets.

use api::order::Order;
use serde_json::Value;

use super::common::{
    controller, date, indented_labels, metadata, one_line, plain_selector, selector, storage_class, workload_conditions,
};
use super::events::{self, Events};
use super::page::Page;
use super::pod_template;
use super::value::{Fields as _, go_list};

/// How many of a workload's pods are in which phase.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct PodCounts {
    running: usize,
    waiting: usize,
    succeeded: usize,
    failed: usize,
}

impl PodCounts {
    /// Counts the pods that `owner` controls.
    pub fn of(owner: &Value, pods: &[Value]) -> Self {
        let mut counts = Self::default();
        for pod in pods.iter().filter(|pod| super::common::is_controlled_by(pod, owner)) {
            match pod.text("/status/phase") {
                "Running" => counts.running += 1,
                "Pending" => counts.waiting += 1,
                "Succeeded" => counts.succeeded += 1,
                "Failed" => counts.failed += 1,
                _ => {}
            }
        }
        counts
    }

    fn write(self, page: &mut Page) {
        let Self { running, waiting, succeeded, failed } = self;
        let counts = format!("{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed");
        page.field(0, "Pods Status", counts);
    }
}

/// The ReplicaSets of a Deployment: all old ones, and the one that has its template.
pub fn split_replica_sets<'a>(deployment: &Value, sets: &'a [Value]) -> (Vec<&'a Value>, Option<&'a Value>) {
    let mut owned: Vec<&Value> = sets.iter().filter(|set| super::common::is_controlled_by(set, deployment)).collect();
    owned.order_by_key(|set| (set.text("/metadata/creationTimestamp"), set.name()));
    let template = without_hash(deployment.at("/spec/template"));
    // Of several with the same template the oldest counts.
    let new = owned.iter().copied().find(|set| without_hash(set.at("/spec/template")) == template);
    let old = owned.into_iter().filter(|set| new.is_none_or(|new| new.uid() != set.uid())).collect();
    (old, new)
}

/// The template as the Deployment has it: its ReplicaSet's adds a label. Nothing and empty are the same.
fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    prune(&mut template);
    template
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, value| match value {
                Value::Null => false,
                Value::Object(map) => !map.is_empty(),
                Value::Array(list) => !list.is_empty(),
                _ => true,
            });
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}

pub fn deployment(
    deployment: &Value,
    (old, new): (Vec<&Value>, Option<&Value>),
    events: Events<'_>,
    now_ms: u64,
) -> String {
    let mut page = Page::default();
    page.field(0, "Name", deployment.name());
    page.field(0, "Namespace", deployment.namespace());
    page.field(0, "CreationTimestamp", date(deployment.text("/metadata/creationTimestamp")));
    metadata(&mut page, deployment);
    page.field(0, "Selector", plain_selector(deployment.at("/spec/selector")));
    let count = |key: &str| deployment.int(&format!("/status/{key}"));
    page.field(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            deployment.int("/spec/replicas"),
            count("updatedReplicas"),
            count("replicas"),
            count("availableReplicas"),
            count("unavailableReplicas"),
        ),
    );
    page.field(0, "StrategyType", deployment.text("/spec/strategy/type"));
    page.field(0, "MinReadySeconds", deployment.int("/spec/minReadySeconds"));
    if deployment.has("/spec/strategy/rollingUpdate") {
        let rolling = deployment.at("/spec/strategy/rollingUpdate");
        let (unavailable, surge) = (rolling.written("/maxUnavailable"), rolling.written("/maxSurge"));
        page.field(0, "RollingUpdateStrategy", format!("{unavailable} max unavailable, {surge} max surge"));
    }
    pod_template::write(&mut page, deployment.at("/spec/template"));
    workload_conditions(&mut page, deployment);
    if !old.is_empty() || new.is_some() {
        page.field(0, "OldReplicaSets", replica_sets(old.into_iter()));
        page.field(0, "NewReplicaSet", replica_sets(new.into_iter()));
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn replica_sets<'a>(sets: impl Iterator<Item = &'a Value>) -> String {
    let list: Vec<_> = sets
        .map(|set| {
            let (created, wanted) = (set.int("/status/replicas"), set.int("/spec/replicas"));
            format!("{} ({created}/{wanted} replicas created)", set.name())
        })
        .collect();
    super::common::or_none(&list.join(", ")).into()
}

pub fn replica_set(set: &Value, pods: PodCounts, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", set.name());
    page.field(0, "Namespace", set.namespace());
    page.field(0, "Selector", selector(set.at("/spec/selector")));
    metadata(&mut page, set);
    if let Some(controller) = controller(set) {
        page.field(0, "Controlled By", controller);
    }
    replicas(&mut page, set, pods, events, now_ms);
    page.finish()
}

pub fn replication_controller(controller: &Value, pods: PodCounts, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", controller.name());
    page.field(0, "Namespace", controller.namespace());
    page.field(0, "Selector", one_line(controller.at("/spec/selector")));
    metadata(&mut page, controller);
    replicas(&mut page, controller, pods, events, now_ms);
    page.finish()
}

/// What ReplicaSets and ReplicationControllers have in common.
fn replicas(page: &mut Page, object: &Value, pods: PodCounts, events: Events<'_>, now_ms: u64) {
    let (current, desired) = (object.int("/status/replicas"), object.int("/spec/replicas"));
    page.field(0, "Replicas", format!("{current} current / {desired} desired"));
    pods.write(page);
    pod_template::write(page, object.at("/spec/template"));
    workload_conditions(page, object);
    events::write(page, events, now_ms);
}

pub fn stateful_set(set: &Value, pods: PodCounts, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", set.name());
    page.field(0, "Namespace", set.namespace());
    page.field(0, "CreationTimestamp", date(set.text("/metadata/creationTimestamp")));
    page.field(0, "Selector", plain_selector(set.at("/spec/selector")));
    metadata(&mut page, set);
    let (desired, total) = (set.int("/spec/replicas"), set.int("/status/replicas"));
    page.field(0, "Replicas", format!("{desired} desired | {total} total"));
    page.field(0, "Update Strategy", set.text("/spec/updateStrategy/type"));
    let rolling = set.at("/spec/updateStrategy/rollingUpdate");
    if rolling.has("/partition") {
        page.field(1, "Partition", rolling.int("/partition"));
        if rolling.has("/maxUnavailable") {
            page.field(1, "MaxUnavailable", rolling.written("/maxUnavailable"));
        }
    }
    pods.write(&mut page);
    pod_template::write(&mut page, set.at("/spec/template"));
    volume_claim_templates(&mut page, set.list("/spec/volumeClaimTemplates"));
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn volume_claim_templates(page: &mut Page, templates: &[Value]) {
    if templates.is_empty() {
        page.line(0, "Volume Claims:\t<none>");
        return;
    }
    page.line(0, "Volume Claims:");
    for template in templates {
        page.field(1, "Name", template.name());
        page.field(1, "StorageClass", storage_class(template));
        indented_labels(page, "  ", "Labels", template.at("/metadata/labels"));
        indented_labels(page, "  ", "Annotations", template.at("/metadata/annotations"));
        let capacity = template.written("/spec/resources/requests/storage");
        page.field(1, "Capacity", if capacity.is_empty() { "<default>" } else { &capacity });
        // In full here, unlike in a claim's own page.
        page.field(1, "Access Modes", go_list(&template.texts("/spec/accessModes")));
    }
}

pub fn daemon_set(set: &Value, pods: PodCounts, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", set.name());
    page.field(0, "Namespace", set.namespace());
    page.field(0, "Selector", plain_selector(set.at("/spec/selector")));
    page.field(0, "Node-Selector", one_line(set.at("/spec/template/spec/nodeSelector")));
    metadata(&mut page, set);
    for (label, key) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        // These labels are too long for the column.
        page.line(0, format!("{label}: {}", set.int(&format!("/status/{key}"))));
    }
    pods.write(&mut page);
    pod_template::write(&mut page, set.at("/spec/template"));
    events::write(&mut page, events, now_ms);
    page.finish()
}
