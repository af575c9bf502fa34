//! One row per case: what a manifest leaves out, and what the API server fills in.

use serde_json::{Value, json};

use crate::{Kind, Object, defaults};

fn defaulted(kind: Kind, value: Value) -> Value {
    let mut object = Object::from_value(kind, value).expect("decodes");
    defaults::apply(&mut object);
    let once = object.to_value();
    defaults::apply(&mut object);
    assert_eq!(object.to_value(), once, "defaulting twice changes nothing");
    once
}

#[test]
fn a_pod_gets_what_every_pod_gets() {
    let pod = defaulted(
        Kind::Pod,
        json!({"metadata": {"name": "a", "annotations": {}}, "spec": {"containers": [{"name": "c", "image": "x:1",
            "resources": {"limits": {"cpu": "0.5", "memory": "1024Ki"}, "requests": {"cpu": 0.25}},
            "livenessProbe": {"httpGet": {"port": 80}}, "ports": [{"containerPort": 80}]}]}}),
    );
    assert_eq!(
        pod,
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
            "containers": [{"name": "c", "image": "x:1", "imagePullPolicy": "IfNotPresent",
                "resources": {"limits": {"cpu": "500m", "memory": "1Mi"}, "requests": {"cpu": "250m", "memory": "1Mi"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "timeoutSeconds": 1,
                    "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
            "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "restartPolicy": "Always",
            "schedulerName": "default-scheduler", "securityContext": {}, "terminationGracePeriodSeconds": 30},
            "status": {"phase": "Pending"}})
    );
}

#[test]
fn a_template_takes_no_requests_from_limits() {
    let job = defaulted(
        Kind::Job,
        json!({"metadata": {"name": "j"}, "spec": {"parallelism": 3, "template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "c", "image": "x", "resources": {"limits": {"cpu": "1000m"}}}]}}}}),
    );
    assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["resources"], json!({"limits": {"cpu": "1"}}));
    assert_eq!(job["spec"]["completions"], Value::Null);
    assert_eq!(job["spec"]["backoffLimit"], json!(6));
}

#[test]
fn services_are_cluster_internal_unless_told_otherwise() {
    let service = defaulted(Kind::Service, json!({"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}));
    assert_eq!(
        service["spec"],
        json!({"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}], "type": "ClusterIP",
            "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"})
    );
    let external = defaulted(
        Kind::Service,
        json!({"metadata": {"name": "a"}, "spec": {"type": "ExternalName", "externalName": "x.y"}}),
    );
    assert_eq!(external["spec"], json!({"type": "ExternalName", "externalName": "x.y", "sessionAffinity": "None"}));
}

#[test]
fn limit_ranges_fill_their_defaults_downwards() {
    let range = defaulted(
        Kind::LimitRange,
        json!({"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"},
            "defaultRequest": {"cpu": "100m"}, "max": {"cpu": "1"}, "min": {"memory": "16Mi"}}]}}),
    );
    assert_eq!(range["spec"]["limits"][0]["defaultRequest"], json!({"cpu": "100m", "memory": "256Mi"}));
    assert_eq!(range["spec"]["limits"][0]["default"], json!({"cpu": "500m", "memory": "256Mi"}));
}

#[test]
fn every_kind_survives_its_defaults_with_nothing_given() {
    for kind in Object::TYPED {
        defaulted(*kind, json!({"metadata": {"name": "a"}}));
    }
}

#[test]
fn text_in_secrets_becomes_data() {
    let secret = defaulted(
        Kind::Secret,
        json!({"metadata": {"name": "s"}, "data": {"a": "MQ=="}, "stringData": {"a": "2", "b": "three"}}),
    );
    assert_eq!(secret["data"], json!({"a": "Mg==", "b": "dGhyZWU="}));
    assert_eq!(secret["type"], json!("Opaque"));
    assert_eq!(secret.get("stringData"), None);
}
