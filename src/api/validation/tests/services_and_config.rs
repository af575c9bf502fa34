//! What is invalid in Services, ConfigMaps and Secrets.

use super::*;

fn service(spec: Value) -> Value {
    json!({"metadata": {"name": "web"}, "spec": spec})
}

#[test]
fn service_ports_are_distinct_and_named() {
    for (spec, errors) in [
        (
            json!({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}),
            vec![
                "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}",
            ],
        ),
        (
            json!({"ports": [{"port": 80}, {"port": 443}]}),
            vec!["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
        ),
        (json!({"selector": {"app": "web"}}), vec!["spec.ports: Required value"]),
        (
            json!({"type": "Public", "ports": [{"port": 0, "targetPort": "web_port"}]}),
            vec![
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: \"web_port\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "spec.type: Unsupported value: \"Public\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"",
            ],
        ),
        (
            json!({"ports": [{"port": 80, "nodePort": 30000}]}),
            vec!["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
        ),
        (json!({"type": "ExternalName"}), vec!["spec.externalName: Required value"]),
        (
            json!({"clusterIP": "1.2.3", "ports": [{"port": 80}]}),
            vec![
                "spec.clusterIPs[0]: Invalid value: \"1.2.3\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ],
        ),
    ] {
        expect(Kind::Service, service(spec), &errors);
    }
}

#[test]
fn service_names_are_labels() {
    assert_eq!(
        create(Kind::Service, json!({"metadata": {"name": "1web"}, "spec": {"ports": [{"port": 80}]}})),
        [""; 0]
    );
    let long = "a".repeat(72);
    expect(
        Kind::Service,
        json!({"metadata": {"name": long, "labels": {"app": long}}, "spec": {"ports": [{"port": 80}], "selector": {"app": long}}}),
        &[
            &format!("metadata.name: Invalid value: \"{long}\": must be no more than 63 characters"),
            &format!("metadata.labels: Invalid value: \"{long}\": must be no more than 63 bytes"),
            &format!("spec.selector: Invalid value: \"{long}\": must be no more than 63 bytes"),
        ],
    );
    expect(
        Kind::Service,
        json!({"metadata": {"name": "web.example"}, "spec": {"ports": [{"port": 80}]}}),
        &["metadata.name: Invalid value: \"web.example\": must not contain dots"],
    );
}

#[test]
fn metadata_is_checked_in_order() {
    expect(
        Kind::ConfigMap,
        json!({"metadata": {"name": "c", "annotations": {"-bad": "x"}, "finalizers": ["nodomain"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]}, "data": {"a/b": "x"}}),
        &[
            &format!("metadata.annotations: Invalid value: \"-bad\": {KEY}"),
            "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
            "metadata.finalizers[0]: Invalid value: \"nodomain\": name is neither a standard finalizer name nor is it fully qualified",
            "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
        ],
    );
    expect(
        Kind::ConfigMap,
        json!({"metadata": {"name": "c", "annotations": {"free text/ok": "{json}"}}}),
        &[&format!("metadata.annotations: Invalid value: \"free text/ok\": prefix part {SUBDOMAIN}")],
    );
    expect(Kind::Namespace, json!({"metadata": {"name": "team"}}), &[]);
}

#[test]
fn config_maps_are_limited_and_can_be_sealed() {
    let big = validation::create(&prepared(
        Kind::ConfigMap,
        json!({"metadata": {"name": "c"}, "data": {"a": "x".repeat(1_048_577)}}),
    ));
    assert_eq!((big[0].field.as_str(), big[0].body().as_str()), ("[]", "Too long: may not be more than 1048576 bytes"));
    let sealed = json!({"metadata": {"name": "c"}, "immutable": true, "data": {"a": "1"}});
    let changed = json!({"metadata": {"name": "c"}, "immutable": true, "data": {"a": "2"}});
    let opened = json!({"metadata": {"name": "c"}, "data": {"a": "1"}});
    assert_eq!(
        update(Kind::ConfigMap, changed, sealed.clone()),
        ["data: Forbidden: field is immutable when `immutable` is set"]
    );
    assert_eq!(
        update(Kind::ConfigMap, opened, sealed),
        ["immutable: Forbidden: field is immutable when `immutable` is set"]
    );
}

#[test]
fn secret_types_want_their_keys() {
    expect(
        Kind::Secret,
        json!({"metadata": {"name": "tls"}, "type": "kubernetes.io/tls", "stringData": {"tls.crt": "x"}}),
        &["data[tls.key]: Required value"],
    );
    assert_eq!(
        update(
            Kind::Secret,
            json!({"metadata": {"name": "s"}, "type": "kubernetes.io/tls", "stringData": {"p": "x"}}),
            json!({"metadata": {"name": "s"}, "stringData": {"p": "x"}}),
        ),
        [
            "type: Invalid value: \"kubernetes.io/tls\": field is immutable",
            "data[tls.crt]: Required value",
            "data[tls.key]: Required value"
        ]
    );
}

#[test]
fn claims_say_how_much_and_how() {
    expect(
        Kind::PersistentVolumeClaim,
        json!({"metadata": {"name": "c"}, "spec": {"accessModes": ["Sometimes"], "resources": {"requests": {"storage": "0"}}}}),
        &[
            "spec.accessModes: Unsupported value: \"Sometimes\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"",
            "spec.resources[storage]: Invalid value: \"0\": must be greater than zero",
        ],
    );
}
