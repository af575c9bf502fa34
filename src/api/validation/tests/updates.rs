//! What may not change once an object exists.

use super::*;

const MAY_CHANGE: &str = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

/// A pod as admission leaves it.
fn admitted(container: Value, spec: Value) -> Value {
    let mut all = json!({
        "serviceAccountName": "default", "priority": 0, "preemptionPolicy": "PreemptLowerPriority",
        "volumes": [{"name": "kube-api-access-abcde", "projected": {"sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}}]}}],
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]});
    let mut inner = json!({"name": "nginx", "image": "nginx:1.27",
        "volumeMounts": [{"name": "kube-api-access-abcde", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]});
    inner.as_object_mut().expect("an object").extend(container.as_object().expect("an object").clone());
    all["containers"] = json!([inner]);
    all.as_object_mut().expect("an object").extend(spec.as_object().expect("an object").clone());
    json!({"metadata": {"name": "web"}, "spec": all})
}

#[test]
fn the_diff_of_a_pod_shows_the_internal_names() {
    let before = admitted(json!({}), json!({}));
    assert_eq!(
        update(Kind::Pod, admitted(json!({"command": ["sleep"]}), json!({})), before.clone()),
        [format!(
            "{MAY_CHANGE}@@ -93,7 +93,9 @@\n   {{\n    \"Name\": \"nginx\",\n    \"Image\": \"nginx:1.27\",\n-   \"Command\": null,\n+   \"Command\": [\n+    \"sleep\"\n+   ],\n    \"Args\": null,\n    \"WorkingDir\": \"\",\n    \"Ports\": null,\n"
        )]
    );
    assert_eq!(
        update(Kind::Pod, admitted(json!({}), json!({"nodeName": "worker-9"})), before),
        [format!(
            "{MAY_CHANGE}@@ -140,7 +140,7 @@\n  \"NodeSelector\": null,\n  \"ServiceAccountName\": \"default\",\n  \"AutomountServiceAccountToken\": null,\n- \"NodeName\": \"\",\n+ \"NodeName\": \"worker-9\",\n  \"SecurityContext\": {{\n   \"HostNetwork\": false,\n   \"HostPID\": false,\n"
        )]
    );
}

#[test]
fn what_may_change_in_a_pod_does() {
    let before = admitted(json!({}), json!({}));
    for after in
        [admitted(json!({"image": "nginx:1.28"}), json!({})), admitted(json!({}), json!({"activeDeadlineSeconds": 5}))]
    {
        assert_eq!(update(Kind::Pod, after, before.clone()), [""; 0]);
    }
    assert_eq!(
        update(Kind::Pod, admitted(json!({}), json!({"tolerations": []})), before.clone()),
        ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"]
    );
    let more = admitted(json!({}), json!({"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]}));
    assert_eq!(
        update(Kind::Pod, more, before),
        ["spec.containers: Forbidden: pod updates may not add or remove containers"]
    );
}

#[test]
fn gates_may_only_be_taken_away() {
    let with = |gates: Value| admitted(json!({}), json!({"schedulingGates": gates}));
    let two = with(json!([{"name": "example.com/one"}, {"name": "example.com/two"}]));
    assert_eq!(update(Kind::Pod, with(json!([{"name": "example.com/two"}])), two.clone()), [""; 0]);
    assert_eq!(
        update(Kind::Pod, with(json!([{"name": "example.com/one"}, {"name": "example.com/three"}])), two),
        [
            "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/three'"
        ]
    );
}

#[test]
fn identity_is_for_ever() {
    let config = |uid: &str| json!({"metadata": {"name": "c", "uid": uid}});
    let mut new = stored(Kind::ConfigMap, config("u"));
    new.meta_mut().uid = Some("00000000-0000-4000-8000-000000000000".into());
    // The metadata is judged twice: a Status has the cause twice, its message once.
    let text = "metadata.uid: Invalid value: \"00000000-0000-4000-8000-000000000000\": field is immutable";
    assert_eq!(texts(&validation::update(&new, &stored(Kind::ConfigMap, config("u")))), [text, text]);
}

#[test]
fn claims_change_only_in_size() {
    let claim = |class: &str| {
        json!({"metadata": {"name": "lost"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
            "resources": {"requests": {"storage": "1Gi"}}}})
    };
    assert_eq!(
        update(Kind::PersistentVolumeClaim, claim("standard"), claim("fast")),
        [
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n@@ -10,7 +10,7 @@\n   }\n  },\n  \"VolumeName\": \"\",\n- \"StorageClassName\": \"fast\",\n+ \"StorageClassName\": \"standard\",\n  \"VolumeMode\": \"Filesystem\",\n  \"DataSource\": null,\n  \"DataSourceRef\": null,\n"
        ]
    );
}

#[test]
fn taints_and_ranges_of_nodes() {
    expect(
        Kind::Node,
        json!({"metadata": {"name": "n"}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "value": "b", "effect": "NoSchedule"}]}}),
        &[
            "spec.taints[1]: Duplicate value: {\"Key\":\"a\",\"Value\":\"b\",\"Effect\":\"NoSchedule\",\"TimeAdded\":null}: taints must be unique by key and effect pair",
        ],
    );
    let node = |range: &str| json!({"metadata": {"name": "n"}, "spec": {"podCIDR": range, "podCIDRs": [range]}});
    assert_eq!(
        update(Kind::Node, node("10.1.0.0/24"), node("10.0.0.0/24")),
        ["spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid"]
    );
}
