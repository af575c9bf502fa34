//! What wakes a pod that a plugin refused: one row per rule of the plugins' queueing hints.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::{Value, json};

use super::by_name;
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::{ClusterEvent, StorageEvent};
use crate::scheduler::testing::{cache_of, node};

/// Something that happens; the objects as they are written.
enum Happens {
    NodeCame(Value),
    Node(Value, Value),
    /// A pod on a node changed.
    Pod(Value, Value),
    PodGone(Value),
    /// The waiting pod itself changed.
    Own(Value, Value),
    ClaimCame(&'static str),
    ClaimChanged(&'static str),
    VolumeLabelled(&'static str),
    ClassCame(&'static str),
}

fn pod(value: &Value) -> PodInfo {
    let mut value = value.clone();
    value["metadata"]["name"] = json!("p");
    value["metadata"]["namespace"] = json!("default");
    value["metadata"]["uid"] = json!("p");
    if value["spec"]["containers"].is_null() {
        value["spec"]["containers"] = json!([{"name": "c"}]);
    }
    let pod: Pod = serde_json::from_value(value).expect("test pods are well formed");
    PodInfo::new(Arc::new(pod), 0)
}

fn wakes(plugin: &str, waiting: &Value, happens: &Happens) -> bool {
    let cache = cache_of(&[], &[]);
    let waiting = pod(waiting);
    let plugin = by_name(plugin).expect("rows name plugins");
    let hint = |event: ClusterEvent| plugin.hint(&cache, &waiting, &event);
    let read = |value: &Value| node(&value.to_string());
    let claim = |name: &str| {
        let claim = json!({"metadata": {"name": name, "namespace": "default"}});
        Arc::new(serde_json::from_value(claim).expect("test claims are well formed"))
    };
    match happens {
        Happens::NodeCame(new) => hint(ClusterEvent::Node { old: None, new: &read(new) }),
        Happens::Node(old, new) => hint(ClusterEvent::Node { old: Some(&read(old)), new: &read(new) }),
        Happens::Pod(old, new) => hint(ClusterEvent::AssignedPodUpdated { old: &pod(old), new: &pod(new) }),
        Happens::PodGone(gone) => hint(ClusterEvent::AssignedPodDeleted(&pod(gone))),
        Happens::Own(old, new) => hint(ClusterEvent::PodUpdated { old: &pod(old), new: &pod(new) }),
        Happens::ClaimCame(name) => hint(ClusterEvent::Storage(StorageEvent::Claim { old: None, new: claim(name) })),
        Happens::ClaimChanged(name) => {
            hint(ClusterEvent::Storage(StorageEvent::Claim { old: Some(claim(name)), new: claim(name) }))
        }
        Happens::VolumeLabelled(label) => {
            let volume = |labels: Value| {
                let volume = json!({"metadata": {"name": "disk", "labels": labels}});
                Arc::new(serde_json::from_value(volume).expect("test volumes are well formed"))
            };
            let (old, new) = (Some(volume(json!({}))), volume(json!({ *label: "x" })));
            hint(ClusterEvent::Storage(StorageEvent::Volume { old, new }))
        }
        Happens::ClassCame(mode) => {
            let class = json!({"metadata": {"name": "s"}, "provisioner": "p", "volumeBindingMode": mode});
            let class: StorageClass = serde_json::from_value(class).expect("test classes are well formed");
            hint(ClusterEvent::Storage(StorageEvent::Class { old: None, new: Arc::new(class) }))
        }
    }
}

fn labelled(labels: Value) -> Value {
    json!({"metadata": {"name": "n", "labels": labels}})
}

fn declaring(feature: &str) -> Value {
    json!({"metadata": {"name": "n"}, "status": {"declaredFeatures": [feature]}})
}

fn asking(resource: &str, amount: &str) -> Value {
    json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {resource: amount}}}]}})
}

fn spreading(more: Value) -> Value {
    let mut constraint = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}}});
    for (key, value) in more.as_object().into_iter().flatten() {
        constraint[key] = value.clone();
    }
    json!({"spec": {"topologySpreadConstraints": [constraint]}})
}

fn near_or_away(kind: &str) -> Value {
    let term = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}});
    json!({"spec": {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}})
}

fn mounting(claim: &str) -> Value {
    json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]}})
}

#[test]
fn resources_and_places() {
    use Happens::{Node, NodeCame, Own, Pod};
    let plain = || json!({"metadata": {}});
    let tainted = |key: &str| json!({"metadata": {"labels": {"zone": "a"}}, "spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}});
    let has = |labels: Value| json!({"metadata": {"labels": labels}});
    let tolerant = |mut pod: Value| {
        pod["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
        pod
    };
    let rows = [
        // plugin, waiting pod, what happens, whether it is woken
        ("NodeResourcesFit", asking("cpu", "1"), Pod(asking("cpu", "2"), asking("cpu", "1")), true),
        ("NodeResourcesFit", asking("cpu", "1"), Pod(asking("memory", "2"), asking("memory", "1")), false),
        ("NodeResourcesFit", asking("example.com/a", "1"), Pod(asking("example.com/a", "2"), plain()), true),
        ("NodeResourcesFit", asking("cpu", "1"), Own(asking("memory", "2"), asking("memory", "1")), true),
        (
            "PodTopologySpread",
            spreading(json!({})),
            Node(labelled(json!({"zone": "a"})), labelled(json!({"zone": "b"}))),
            true,
        ),
        (
            "PodTopologySpread",
            spreading(json!({})),
            Node(labelled(json!({"zone": "a"})), labelled(json!({"zone": "a", "x": "y"}))),
            false,
        ),
        ("PodTopologySpread", spreading(json!({})), Node(tainted("a"), tainted("b")), true),
        ("PodTopologySpread", spreading(json!({})), NodeCame(labelled(json!({"rack": "1"}))), false),
        ("PodTopologySpread", spreading(json!({})), Pod(has(json!({"app": "web"})), has(json!({}))), true),
        ("PodTopologySpread", spreading(json!({})), Own(has(json!({"app": "web"})), has(json!({"app": "db"}))), true),
        (
            "PodTopologySpread",
            spreading(json!({})),
            Own(has(json!({"app": "web"})), has(json!({"app": "web", "x": "y"}))),
            false,
        ),
        ("PodTopologySpread", spreading(json!({})), Own(plain(), tolerant(plain())), false),
        ("PodTopologySpread", spreading(json!({"nodeTaintsPolicy": "Honor"})), Own(plain(), tolerant(plain())), true),
        ("InterPodAffinity", near_or_away("podAffinity"), NodeCame(labelled(json!({"rack": "1"}))), false),
        (
            "InterPodAffinity",
            near_or_away("podAffinity"),
            Node(labelled(json!({})), labelled(json!({"zone": "a"}))),
            true,
        ),
        (
            "InterPodAffinity",
            near_or_away("podAffinity"),
            Node(labelled(json!({"zone": "a"})), labelled(json!({}))),
            false,
        ),
        (
            "InterPodAffinity",
            near_or_away("podAntiAffinity"),
            Node(labelled(json!({"zone": "a"})), labelled(json!({}))),
            true,
        ),
        (
            "InterPodAffinity",
            near_or_away("podAntiAffinity"),
            Node(labelled(json!({})), labelled(json!({"zone": "a"}))),
            false,
        ),
        ("NodeUnschedulable", plain(), Own(plain(), tolerant(plain())), true),
        ("NodeDeclaredFeatures", plain(), NodeCame(declaring("A")), true),
        ("NodeDeclaredFeatures", plain(), Node(declaring("A"), declaring("B")), true),
        ("NodeDeclaredFeatures", plain(), Node(declaring("A"), declaring("A")), false),
    ];
    for (at, (plugin, waiting, happens, want)) in rows.iter().enumerate() {
        assert_eq!(wakes(plugin, waiting, happens), *want, "row {at}: {plugin}");
    }
}

#[test]
fn volumes() {
    use Happens::{ClaimCame, ClaimChanged, ClassCame, NodeCame, Own, PodGone, VolumeLabelled};
    let data = || mounting("data");
    let other = || mounting("other");
    let rows = [
        ("VolumeRestrictions", ClaimCame("data"), true),
        ("VolumeRestrictions", ClaimCame("other"), false),
        ("VolumeRestrictions", ClaimChanged("data"), false),
        ("VolumeRestrictions", PodGone(data()), true),
        ("VolumeRestrictions", PodGone(other()), false),
        ("VolumeRestrictions", ClassCame("Immediate"), false),
        ("NodeVolumeLimits", ClaimCame("data"), true),
        ("NodeVolumeLimits", ClaimChanged("data"), false),
        ("NodeVolumeLimits", PodGone(other()), true),
        ("NodeVolumeLimits", PodGone(json!({"metadata": {}})), false),
        ("VolumeBinding", ClaimChanged("data"), true),
        ("VolumeBinding", ClaimChanged("other"), false),
        ("VolumeBinding", VolumeLabelled("any"), true),
        ("VolumeBinding", ClassCame("Immediate"), true),
        ("VolumeBinding", PodGone(data()), false),
        ("VolumeZone", ClaimChanged("data"), true),
        ("VolumeZone", VolumeLabelled("any"), false),
        ("VolumeZone", VolumeLabelled("topology.kubernetes.io/zone"), true),
        ("VolumeZone", ClassCame("Immediate"), false),
        ("VolumeZone", ClassCame("WaitForFirstConsumer"), true),
        ("VolumeZone", NodeCame(labelled(json!({}))), true),
        ("VolumeZone", Own(data(), data()), false),
    ];
    for (at, (plugin, happens, want)) in rows.iter().enumerate() {
        assert_eq!(wakes(plugin, &data(), happens), *want, "row {at}: {plugin}");
    }
}
