//! What is invalid in a pod, in upstream's words and order.

use super::*;

fn pod(spec: Value) -> Value {
    json!({"metadata": {"name": "a"}, "spec": spec})
}

fn container(fields: Value) -> Value {
    let mut container = json!({"name": "c", "image": "x:1"});
    container.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    pod(json!({"containers": [container]}))
}

#[test]
fn a_pod_with_many_mistakes_hears_of_all_of_them() {
    expect(
        Kind::Pod,
        json!({"metadata": {"name": "bad"}, "spec": {
            "restartPolicy": "Sometimes", "dnsPolicy": "Internet", "terminationGracePeriodSeconds": -5,
            "containers": [
                {"name": "Web_Server", "image": "nginx:1.27", "imagePullPolicy": "Maybe",
                    "ports": [{"containerPort": 70000}, {"containerPort": 80, "protocol": "HTTP"}]},
                {"name": "two", "image": ""},
                {"name": "two", "image": "busybox:1.36", "env": [{"name": "1=2", "value": "x"}],
                    "volumeMounts": [{"name": "nothing", "mountPath": "/data"}]}]}}),
        &[
            &format!("spec.containers[0].name: Invalid value: \"Web_Server\": {LABEL}"),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            "spec.containers[0].ports[1].protocol: Unsupported value: \"HTTP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
            "spec.containers[0].imagePullPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            "spec.containers[1].image: Required value",
            "spec.containers[2].env[0].name: Invalid value: \"1=2\": a valid environment variable name must consist only of printable ASCII characters other than '='",
            "spec.containers[2].volumeMounts[0].name: Not found: \"nothing\"",
            "spec.containers[2].name: Duplicate value: \"two\"",
            "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"",
            "spec.dnsPolicy: Unsupported value: \"Internet\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"",
        ],
    );
}

#[test]
fn metadata_comes_first_and_resources_after_mounts() {
    expect(
        Kind::Pod,
        json!({"metadata": {"name": "a", "labels": {"a b": "c"}}, "spec": {"restartPolicy": "Maybe", "containers": [
            {"name": "C", "image": ""}, {"name": "d", "image": "x", "imagePullPolicy": "Later",
                "ports": [{"containerPort": 70000, "protocol": "TPC"}]}]}}),
        &[
            &format!("metadata.labels: Invalid value: \"a b\": {KEY}"),
            &format!("spec.containers[0].name: Invalid value: \"C\": {LABEL}"),
            "spec.containers[0].image: Required value",
            "spec.containers[1].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            "spec.containers[1].ports[0].protocol: Unsupported value: \"TPC\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
            "spec.containers[1].imagePullPolicy: Unsupported value: \"Later\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\"",
        ],
    );
    expect(
        Kind::Pod,
        pod(json!({"containers": [{"name": "c", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, {"name": "c", "image": "x"}]})),
        &[
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            "spec.containers[1].name: Duplicate value: \"c\"",
        ],
    );
}

#[test]
fn a_pod_without_containers_is_told_just_that() {
    for value in [json!({"metadata": {"name": "a"}}), pod(json!({})), pod(json!({"containers": []}))] {
        expect(Kind::Pod, value, &["spec.containers: Required value"]);
    }
}

#[test]
fn names_are_subdomains() {
    expect(
        Kind::Pod,
        json!({"metadata": {"name": "My_Pod"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}),
        &[&format!("metadata.name: Invalid value: \"My_Pod\": {SUBDOMAIN}")],
    );
    expect(
        Kind::Pod,
        json!({"metadata": {}, "spec": {}}),
        &["metadata.name: Required value: name or generateName is required", "spec.containers: Required value"],
    );
}

#[test]
fn quantities_make_sense() {
    for (resources, text) in [
        (
            json!({"requests": {"memory": "-1Gi"}}),
            "requests[memory]: Invalid value: \"-1Gi\": must be greater than or equal to 0",
        ),
        (
            json!({"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}}),
            "requests: Invalid value: \"2\": must be less than or equal to cpu limit of 500m",
        ),
        (
            json!({"requests": {"example.com/gpu": "1"}, "limits": {"example.com/gpu": "2"}}),
            "requests: Invalid value: \"1\": must be equal to example.com/gpu limit of 2",
        ),
        (
            json!({"requests": {"example.com/gpu": "1"}}),
            "limits: Required value: Limit must be set for non overcommitable resources",
        ),
    ] {
        expect(
            Kind::Pod,
            container(json!({"resources": resources})),
            &[&format!("spec.containers[0].resources.{text}")],
        );
    }
    expect(
        Kind::Pod,
        container(json!({"resources": {"requests": {"foo": "1"}}})),
        &[
            "spec.containers[0].resources.requests[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified",
            "spec.containers[0].resources.requests[foo]: Invalid value: \"foo\": must be a standard resource for containers",
        ],
    );
}

#[test]
fn parts_of_containers_are_checked() {
    for (fields, text) in [
        (json!({"ports": [{"containerPort": 0}]}), "ports[0].containerPort: Required value"),
        (
            json!({"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}]}),
            "ports[1].name: Duplicate value: \"http\"",
        ),
        (
            json!({"ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]}),
            "ports[1].hostPort: Duplicate value: \"TCP//80\"",
        ),
        (json!({"env": [{"name": ""}]}), "env[0].name: Required value"),
        (
            json!({"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
            "env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": {}}]}),
            "env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        ),
        (
            json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}),
            "env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"x\": error converting fieldPath: field label not supported: x",
        ),
        (json!({"livenessProbe": {}}), "livenessProbe: Required value: must specify a handler type"),
        (
            json!({"livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}}),
            "livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            json!({"livenessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}}),
            "livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            json!({"readinessProbe": {"exec": {"command": ["a"]}, "periodSeconds": -1}}),
            "readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"readinessProbe": {"exec": {"command": ["a"]}, "terminationGracePeriodSeconds": 5}}),
            "readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
        ),
        (
            json!({"livenessProbe": {"httpGet": {"port": "web_port"}}}),
            "livenessProbe.httpGet.port: Invalid value: \"web_port\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (json!({"image": " x"}), "image: Invalid value: \" x\": must not have leading or trailing whitespace"),
        (
            json!({"securityContext": {"runAsUser": -1}}),
            "securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
        (
            json!({"securityContext": {"allowPrivilegeEscalation": false, "privileged": true}}),
            "securityContext: Invalid value: {\"Capabilities\":null,\"Privileged\":true,\"SELinuxOptions\":null,\"WindowsOptions\":null,\"RunAsUser\":null,\"RunAsGroup\":null,\"RunAsNonRoot\":null,\"ReadOnlyRootFilesystem\":null,\"AllowPrivilegeEscalation\":false,\"ProcMount\":null,\"SeccompProfile\":null,\"AppArmorProfile\":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        ),
    ] {
        expect(Kind::Pod, container(fields), &[&format!("spec.containers[0].{text}")]);
    }
}

#[test]
fn parts_of_the_spec_are_checked() {
    for (fields, text) in [
        (
            json!({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]}),
            "volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
        ),
        (json!({"volumes": [{"name": "v"}, {"name": "v"}]}), "volumes[1].name: Duplicate value: \"v\""),
        (
            json!({"activeDeadlineSeconds": 0}),
            "activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (
            json!({"tolerations": [{"operator": "Equal"}]}),
            "tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
        ),
        (
            json!({"tolerations": [{"key": "a", "operator": "Exists", "value": "v"}]}),
            "tolerations[0].operator: Invalid value: {\"Key\":\"a\",\"Operator\":\"Exists\",\"Value\":\"v\",\"Effect\":\"\",\"TolerationSeconds\":null}: value must be empty when `operator` is 'Exists'",
        ),
        (
            json!({"tolerations": [{"key": "a", "effect": "X"}]}),
            "tolerations[0].effect: Unsupported value: \"X\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
        ),
        (
            json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 200, "preference": {}}]}}}),
            "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 200: must be in the range 1-100",
        ),
        (
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}}),
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
        ),
        (
            json!({"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]}),
            "topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        ),
        (json!({"dnsPolicy": "None"}), "dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
        (
            json!({"nodeName": "n", "schedulingGates": [{"name": "a.b/c"}]}),
            "nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
        (
            json!({"initContainers": [{"name": "i", "image": "x:1", "readinessProbe": {"exec": {"command": ["a"]}}}]}),
            "initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
        ),
        (json!({"initContainers": [{"name": "c", "image": "x:1"}]}), "initContainers[0].name: Duplicate value: \"c\""),
        (
            json!({"ephemeralContainers": [{"name": "e", "image": "x:1"}]}),
            "ephemeralContainers: Forbidden: cannot be set on create",
        ),
    ] {
        let mut spec = json!({"containers": [{"name": "c", "image": "x:1"}]});
        spec.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        expect(Kind::Pod, pod(spec), &[&format!("spec.{text}")]);
    }
}

#[test]
fn ill_advised_pods_are_warned_of() {
    let value = json!({"metadata": {"name": "warn", "annotations": {"scheduler.alpha.kubernetes.io/critical-pod": ""}},
        "spec": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}, "containers": [{"name": "c", "image": "nginx:1.27",
            "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
            "ports": [{"containerPort": 80}, {"containerPort": 80}], "resources": {"requests": {"memory": "100m"}}}]}});
    assert_eq!(
        validation::warnings(&prepared(Kind::Pod, value), None),
        [
            "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
            "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the \"priorityClassName\" field instead",
            "spec.containers[0].resources.requests[memory]: fractional byte value \"100m\" is invalid, must be an integer",
            "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
            "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
        ]
    );
    let dotted = json!({"metadata": {"name": "a.b"}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}});
    assert_eq!(
        validation::warnings(&prepared(Kind::Pod, dotted), None),
        [
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
        ]
    );
}
