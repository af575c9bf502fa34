//! Claims that bind, wait, or keep a pod off a node.

use api::Object;
use serde_json::json;

use super::*;
use crate::scheduler::testing::{cache_of, node, pod, verdicts};

/// Two nodes, a class that waits, and what the case adds.
fn cache(objects: Vec<(api::Kind, serde_json::Value)>) -> Cache {
    let nodes = ["n1", "n2"].map(|name| {
        node(&format!(r#"{{"metadata": {{"name": "{name}", "labels": {{"kubernetes.io/hostname": "{name}"}}}}}}"#))
    });
    let mut cache = cache_of(&nodes, &[]);
    let class = json!({"metadata": {"name": "local"}, "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer"});
    for (kind, value) in [vec![(api::Kind::StorageClass, class)], objects].concat() {
        cache.listers.set(&Object::from_value(kind, value).expect("test objects are well formed"));
    }
    cache
}

fn claim(class: &str) -> (api::Kind, serde_json::Value) {
    let value = json!({"metadata": {"name": "data", "namespace": "default"},
        "spec": {"storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    (api::Kind::PersistentVolumeClaim, value)
}

fn volume(size: &str, node: &str) -> (api::Kind, serde_json::Value) {
    let value = json!({"metadata": {"name": format!("on-{node}")}, "status": {"phase": "Available"},
        "spec": {"storageClassName": "local", "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"],
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]}}}});
    (api::Kind::PersistentVolume, value)
}

#[test]
fn a_pod_goes_where_its_claims_find_volumes() {
    const NONE: &str = "node(s) didn't find available persistent volumes to bind";
    let cases = [
        ("no such claim", vec![], vec![r#"persistentvolumeclaim "data" not found"#]),
        (
            "the controller has not bound it",
            vec![claim("manual")],
            vec!["pod has unbound immediate PersistentVolumeClaims"],
        ),
        ("no volume", vec![claim("local")], vec![NONE, NONE]),
        ("a volume on one node", vec![claim("local"), volume("5Gi", "n2")], vec![NONE, ""]),
        ("too small", vec![claim("local"), volume("500Mi", "n2")], vec![NONE, NONE]),
    ];
    for (case, objects, want) in cases {
        let cache = cache(objects);
        let incoming = pod(r#"{"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}"#);
        assert_eq!(verdicts(&VolumeBinding, &cache, &incoming), want, "{case}");
    }
}
