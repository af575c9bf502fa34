//! One row per kind and state: the cells that kubectl prints.

use api::scheme::{RESOURCES, by_gvk, split_api_version};
use api::{Kind, Object};
use serde_json::{Value, json};

use super::{cells, columns, custom_cells, custom_columns};

/// Ninety seconds after the objects below were created.
const NOW_MS: u64 = 1_767_323_045_000 + 90_000;
const CREATED: &str = "2026-01-02T03:04:05Z";

/// The object, named `x` and created at [`CREATED`], with `rest` of the manifest.
fn object(api_version: &str, kind: &str, rest: &str) -> Object {
    let mut value: Value = serde_yaml::from_str(rest).expect("the manifest is YAML");
    if value.is_null() {
        value = json!({});
    }
    value["apiVersion"] = json!(api_version);
    value["kind"] = json!(kind);
    value["metadata"]["name"] = json!("x");
    value["metadata"]["creationTimestamp"] = json!(CREATED);
    let (group, version) = split_api_version(api_version);
    let resource = by_gvk(group, version, kind).expect("the kind is served");
    Object::from_value(resource.kind, value).expect("the manifest is of its kind")
}

fn text(cell: &Value) -> String {
    cell.as_str().map_or_else(|| cell.to_string(), str::to_string)
}

/// Cells joined by `|`, those of wide columns behind a double bar.
fn row(object: &Object) -> String {
    let (mut narrow, mut wide) = (Vec::new(), Vec::new());
    for (column, cell) in columns(object.kind()).iter().zip(cells(object, NOW_MS)) {
        if column.priority == 0 { &mut narrow } else { &mut wide }.push(text(&cell));
    }
    match wide.is_empty() {
        true => narrow.join("|"),
        false => format!("{}||{}", narrow.join("|"), wide.join("|")),
    }
}

#[test]
fn every_kind_has_as_many_cells_as_columns() {
    // Under the version they are stored in.
    let listed = RESOURCES.iter().filter(|resource| resource.verbs.contains(&"list"));
    for resource in listed.filter(|resource| resource.kind.resource() == Some(resource)) {
        // The least each type can be decoded from.
        let spec = match resource.kind {
            Kind::VolumeAttachment => "spec: {attacher: a, nodeName: n, source: {}}",
            Kind::StorageClass => "provisioner: p",
            Kind::PriorityClass => "value: 1",
            Kind::RoleBinding | Kind::ClusterRoleBinding => "roleRef: {apiGroup: a, kind: Role, name: r}",
            Kind::EndpointSlice => "{addressType: IPv4, endpoints: []}",
            Kind::ControllerRevision => "revision: 1",
            Kind::CSINode => "spec: {drivers: []}",
            Kind::CSIDriver => "spec: {}",
            _ => "{}",
        };
        let object = object(&resource.api_version(), resource.kind_name, spec);
        assert_eq!(cells(&object, NOW_MS).len(), columns(object.kind()).len(), "{}", resource.kind_name);
    }
}

#[test]
fn columns_are_described_by_the_documentation_of_their_field() {
    for resource in RESOURCES {
        for column in columns(resource.kind) {
            // Upstream looks for this one in the wrong type, and finds nothing.
            if (resource.kind, column.name) != (Kind::RuntimeClass, "Handler") {
                assert!(!column.description().is_empty(), "{} {}", resource.kind_name, column.name);
            }
        }
    }
    let [name, ..] = columns(Kind::Secret) else { panic!("a Secret has a name") };
    assert!(name.description().starts_with("Name must be unique within a namespace. "), "{}", name.description());
}

#[test]
fn pods() {
    let cases = [
        // case, the rest of the manifest, READY|STATUS|RESTARTS, IP|NODE|NOMINATED|GATES
        (
            "just created",
            "{spec: {containers: [{name: a}]}, status: {phase: Pending}}",
            "0/1|Pending|0",
            "<none>|<none>|<none>|<none>",
        ),
        (
            "running",
            "{spec: {nodeName: n, containers: [{name: a}]}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}], containerStatuses: [{name: a, ready: true, restartCount: 0, image: i, imageID: i, state: {running: {}}}]}}",
            "1/1|Running|0",
            "10.0.0.1|n|<none>|<none>",
        ),
        (
            "creating",
            "{spec: {nodeName: n, containers: [{name: a}]}, status: {phase: Pending, containerStatuses: [{name: a, ready: false, restartCount: 0, image: i, imageID: i, state: {waiting: {reason: ContainerCreating}}}]}}",
            "0/1|ContainerCreating|0",
            "<none>|n|<none>|<none>",
        ),
        (
            "crash loop, with the time of the last crash",
            "{spec: {nodeName: n, containers: [{name: a}]}, status: {phase: Running, containerStatuses: [{name: a, ready: false, restartCount: 3, image: i, imageID: i, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, finishedAt: '2026-01-02T03:05:30Z'}}}]}}",
            "0/1|CrashLoopBackOff|3 (5s ago)",
            "<none>|n|<none>|<none>",
        ),
        (
            "an exit without a reason shows its code, a signal its number",
            "{spec: {nodeName: n, containers: [{name: a}, {name: b}]}, status: {phase: Running, containerStatuses: [{name: a, ready: false, restartCount: 0, image: i, imageID: i, state: {terminated: {exitCode: 3}}}, {name: b, ready: false, restartCount: 0, image: i, imageID: i, state: {terminated: {exitCode: 137, signal: 9}}}]}}",
            "0/2|ExitCode:3|0",
            "<none>|n|<none>|<none>",
        ),
        (
            "one container done, one running, not ready",
            "{spec: {nodeName: n, containers: [{name: a}, {name: b}]}, status: {phase: Running, containerStatuses: [{name: a, ready: false, restartCount: 0, image: i, imageID: i, state: {terminated: {exitCode: 0, reason: Completed}}}, {name: b, ready: true, restartCount: 0, image: i, imageID: i, state: {running: {}}}]}}",
            "1/2|NotReady|0",
            "<none>|n|<none>|<none>",
        ),
        (
            "second init container runs",
            "{spec: {nodeName: n, initContainers: [{name: i}, {name: j}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, ready: true, restartCount: 0, image: i, imageID: i, state: {terminated: {exitCode: 0}}}, {name: j, ready: false, restartCount: 2, image: i, imageID: i, state: {running: {}}}], containerStatuses: [{name: a, ready: false, restartCount: 0, image: i, imageID: i, state: {waiting: {reason: PodInitializing}}}]}}",
            "0/1|Init:1/2|2",
            "<none>|n|<none>|<none>",
        ),
        (
            "init container failed",
            "{spec: {nodeName: n, initContainers: [{name: i}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, ready: false, restartCount: 0, image: i, imageID: i, state: {terminated: {exitCode: 1, reason: Error}}}]}}",
            "0/1|Init:Error|0",
            "<none>|n|<none>|<none>",
        ),
        (
            "a started sidecar counts as a container",
            "{spec: {nodeName: n, initContainers: [{name: s, restartPolicy: Always}], containers: [{name: a}]}, status: {phase: Running, initContainerStatuses: [{name: s, ready: true, started: true, restartCount: 1, image: i, imageID: i, state: {running: {}}}], containerStatuses: [{name: a, ready: true, restartCount: 0, image: i, imageID: i, state: {running: {}}}]}}",
            "2/2|Running|1",
            "<none>|n|<none>|<none>",
        ),
        (
            "evicted",
            "{spec: {nodeName: n, containers: [{name: a}]}, status: {phase: Failed, reason: Evicted}}",
            "0/1|Evicted|0",
            "<none>|n|<none>|<none>",
        ),
        (
            "gated",
            "{spec: {containers: [{name: a}]}, status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]}}",
            "0/1|SchedulingGated|0",
            "<none>|<none>|<none>|<none>",
        ),
        (
            "being deleted",
            "{metadata: {deletionTimestamp: '2026-01-02T03:05:30Z'}, spec: {containers: [{name: a}]}, status: {phase: Running}}",
            "0/1|Terminating|0",
            "<none>|<none>|<none>|<none>",
        ),
        (
            "being deleted on a lost node",
            "{metadata: {deletionTimestamp: '2026-01-02T03:05:30Z'}, spec: {containers: [{name: a}]}, status: {phase: Running, reason: NodeLost}}",
            "0/1|Unknown|0",
            "<none>|<none>|<none>|<none>",
        ),
        (
            "being deleted after its end",
            "{metadata: {deletionTimestamp: '2026-01-02T03:05:30Z'}, spec: {containers: [{name: a}]}, status: {phase: Succeeded, containerStatuses: [{name: a, ready: false, restartCount: 0, image: i, imageID: i, state: {terminated: {exitCode: 0, reason: Completed}}}]}}",
            "0/1|Completed|0",
            "<none>|<none>|<none>|<none>",
        ),
        (
            "readiness gates and a nomination",
            "{spec: {readinessGates: [{conditionType: a}, {conditionType: b}], containers: [{name: a}]}, status: {phase: Pending, nominatedNodeName: m, conditions: [{type: a, status: 'True'}]}}",
            "0/1|Pending|0",
            "<none>|<none>|m|1/2",
        ),
    ];
    for (case, rest, narrow, wide) in cases {
        assert_eq!(row(&object("v1", "Pod", rest)), format!("x|{narrow}|90s||{wide}"), "{case}");
    }
}

#[test]
fn the_other_kinds() {
    let template =
        "template: {spec: {nodeSelector: {disk: ssd}, containers: [{name: a, image: i:1}, {name: b, image: j}]}}";
    let cases: Vec<(&str, &str, String, &str)> = vec![
        ("v1", "Node", "{metadata: {labels: {node-role.kubernetes.io/worker: '', node-role.kubernetes.io/control-plane: ''}}, spec: {unschedulable: true}, status: {conditions: [{type: Ready, status: 'True'}], addresses: [{type: InternalIP, address: 10.0.0.1}]}}".into(), "x|Ready,SchedulingDisabled|control-plane,worker|90s|||10.0.0.1|<none>|<unknown>|<unknown>|<unknown>"),
        ("v1", "Node", "{status: {conditions: [{type: Ready, status: Unknown}]}}".into(), "x|NotReady|<none>|90s|||<none>|<none>|<unknown>|<unknown>|<unknown>"),
        ("v1", "Node", "{}".into(), "x|Unknown|<none>|90s|||<none>|<none>|<unknown>|<unknown>|<unknown>"),
        ("apps/v1", "Deployment", format!("{{spec: {{replicas: 3, selector: {{matchLabels: {{app: web}}}}, {template}}}, status: {{readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1}}}}"), "x|1/3|2|1|90s||a,b|i:1,j|app=web"),
        ("apps/v1", "ReplicaSet", format!("{{spec: {{replicas: 3, selector: {{matchLabels: {{app: web}}}}, {template}}}, status: {{replicas: 2, readyReplicas: 1}}}}"), "x|3|2|1|90s||a,b|i:1,j|app=web"),
        ("v1", "ReplicationController", format!("{{spec: {{replicas: 3, selector: {{app: web}}, {template}}}, status: {{replicas: 2}}}}"), "x|3|2|0|90s||a,b|i:1,j|app=web"),
        ("apps/v1", "StatefulSet", format!("{{spec: {{serviceName: s, replicas: 3, selector: {{}}, {template}}}, status: {{replicas: 2, readyReplicas: 1}}}}"), "x|1/3|90s||a,b|i:1,j"),
        ("apps/v1", "DaemonSet", format!("{{spec: {{selector: {{matchLabels: {{app: d}}}}, {template}}}, status: {{desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1, numberMisscheduled: 0, updatedNumberScheduled: 2, numberAvailable: 1}}}}"), "x|3|2|1|2|1|disk=ssd|90s||a,b|i:1,j|app=d"),
        ("batch/v1", "Job", format!("{{spec: {{completions: 3, selector: {{matchLabels: {{u: v}}}}, {template}}}, status: {{succeeded: 1, startTime: '{CREATED}'}}}}"), "x|Running|1/3|90s|90s||a,b|i:1,j|u=v"),
        ("batch/v1", "Job", format!("{{spec: {{parallelism: 2, {template}}}, status: {{succeeded: 1, startTime: '{CREATED}', completionTime: '2026-01-02T03:04:10Z', conditions: [{{type: Complete, status: 'True'}}]}}}}"), "x|Complete|1/1 of 2|5s|90s||a,b|i:1,j|<none>"),
        ("batch/v1", "CronJob", format!("{{spec: {{schedule: '* * * * *', suspend: false, jobTemplate: {{spec: {{{template}}}}}}}, status: {{active: [{{name: j}}], lastScheduleTime: '{CREATED}'}}}}"), "x|* * * * *|<none>|False|1|90s|90s||a,b|i:1,j|<none>"),
        ("apps/v1", "ControllerRevision", "{revision: 2, metadata: {ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]}}".into(), "x|statefulset.apps/db|2|90s"),
        ("v1", "Service", "{spec: {type: NodePort, clusterIPs: [10.0.0.1], ports: [{port: 80, nodePort: 30080, protocol: TCP}, {port: 53, protocol: UDP}], selector: {app: web}}}".into(), "x|NodePort|10.0.0.1|<none>|80:30080/TCP,53/UDP|90s||app=web"),
        ("v1", "Service", "{spec: {type: LoadBalancer, clusterIPs: [10.0.0.1]}}".into(), "x|LoadBalancer|10.0.0.1|<pending>|<none>|90s||<none>"),
        ("v1", "Service", "{spec: {type: ExternalName, externalName: a.example}}".into(), "x|ExternalName|<none>|a.example|<none>|90s||<none>"),
        ("v1", "Endpoints", "{subsets: [{addresses: [{ip: 10.0.0.1}, {ip: 10.0.0.2}], ports: [{port: 80}, {port: 81}]}]}".into(), "x|10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...|90s"),
        ("v1", "Endpoints", "{}".into(), "x|<none>|90s"),
        ("discovery.k8s.io/v1", "EndpointSlice", "{addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [a]}, {addresses: [b]}, {addresses: [c]}, {addresses: [d]}]}".into(), "x|IPv4|80|a,b,c + 1 more...|90s"),
        ("discovery.k8s.io/v1", "EndpointSlice", "{addressType: IPv4, endpoints: []}".into(), "x|IPv4|<unset>|<unset>|90s"),
        ("networking.k8s.io/v1", "Ingress", "{spec: {tls: [{}], rules: [{host: a}, {host: b}, {host: c}, {host: d}]}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}".into(), "x|<none>|a,b,c + 1 more...|1.2.3.4|80, 443|90s"),
        ("networking.k8s.io/v1", "IngressClass", "{spec: {controller: c, parameters: {apiGroup: g, kind: K, name: n}}}".into(), "x|c|K.g/n|90s"),
        ("networking.k8s.io/v1", "NetworkPolicy", "{spec: {podSelector: {}}}".into(), "x|<none>|90s"),
        ("networking.k8s.io/v1", "IPAddress", "{spec: {parentRef: {resource: services, namespace: default, name: web}}}".into(), "x|services/default/web|90s"),
        ("v1", "Event", format!("{{involvedObject: {{kind: Pod, name: p, fieldPath: 'spec.containers{{a}}'}}, type: Normal, reason: Pulled, message: ' done ', count: 2, firstTimestamp: '{CREATED}', lastTimestamp: '2026-01-02T03:05:30Z', source: {{component: kubelet, host: n}}}}"), "5s|Normal|Pulled|pod/p|done||spec.containers{a}|kubelet, n|90s|2|x"),
        ("v1", "Event", "{involvedObject: {kind: Pod}, eventTime: '2026-01-02T03:04:05.000000Z', reportingComponent: default-scheduler, reportingInstance: s, type: Warning, reason: FailedScheduling, message: no}".into(), "90s|Warning|FailedScheduling|pod|no|||default-scheduler, s|90s|1|x"),
        ("v1", "Namespace", "{status: {phase: Active}}".into(), "x|Active|90s"),
        ("v1", "ConfigMap", "{data: {a: b}, binaryData: {c: ZA==}}".into(), "x|2|90s"),
        ("v1", "Secret", "{type: Opaque, data: {a: ZA==}}".into(), "x|Opaque|1|90s"),
        ("v1", "ServiceAccount", "{}".into(), "x|90s"),
        ("v1", "LimitRange", "{}".into(), "x|2026-01-02T03:04:05Z"),
        ("v1", "PersistentVolume", "{spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany, ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, claimRef: {namespace: a, name: b}, storageClassName: s, volumeMode: Filesystem}, status: {phase: Bound}}".into(), "x|1Gi|RWO,RWX|Retain|Bound|a/b|s|<unset>||90s||Filesystem"),
        ("v1", "PersistentVolumeClaim", "{spec: {storageClassName: s}, status: {phase: Pending}}".into(), "x|Pending||||s|<unset>|90s||<unset>"),
        ("v1", "PersistentVolumeClaim", "{metadata: {deletionTimestamp: '2026-01-02T03:05:30Z'}, spec: {volumeName: v}, status: {phase: Bound, capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]}}".into(), "x|Terminating|v|1Gi|RWO||<unset>|90s||<unset>"),
        ("storage.k8s.io/v1", "StorageClass", "{provisioner: p, metadata: {annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}}".into(), "x (default)|p|Delete|Immediate|false|90s"),
        ("storage.k8s.io/v1", "CSIDriver", "{spec: {volumeLifecycleModes: [Persistent, Ephemeral]}}".into(), "x|true|false|false|<unset>|false|Persistent,Ephemeral|90s"),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "{spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 5, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}}".into(), "x|Deployment/web|cpu: <unknown>/80%|1|5|0|90s"),
        ("policy/v1", "PodDisruptionBudget", "{spec: {minAvailable: 50%}, status: {currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 1}}".into(), "x|50%|N/A|1|90s"),
        ("v1", "ResourceQuota", "{status: {hard: {pods: '5', limits.memory: 1Gi, requests.cpu: '1'}, used: {pods: '4', requests.cpu: 600m}}}".into(), "x|pods: 4/5, requests.cpu: 600m/1|limits.memory: 0/1Gi|90s"),
        ("scheduling.k8s.io/v1", "PriorityClass", "{value: 7, preemptionPolicy: Never}".into(), "x|7|false|90s|Never"),
        ("coordination.k8s.io/v1", "Lease", "{spec: {holderIdentity: h}}".into(), "x|h|90s"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "{roleRef: {apiGroup: g, kind: Role, name: r}, subjects: [{kind: User, name: u}, {kind: ServiceAccount, namespace: n, name: s}]}".into(), "x|Role/r|90s||u||n/s"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "{}".into(), "x|2026-01-02T03:04:05Z"),
        ("apiregistration.k8s.io/v1", "APIService", "{status: {conditions: [{type: Available, status: 'True', reason: Local}]}}".into(), "x|Local|True|90s"),
        ("node.k8s.io/v1", "RuntimeClass", "{handler: h}".into(), "x|h|90s"),
        ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "{spec: {type: Exempt}}".into(), "x|Exempt|<none>|<none>|<none>|<none>|90s"),
    ];
    for (api_version, kind, rest, want) in cases {
        let got = row(&object(api_version, kind, &rest));
        assert_eq!(got, want, "{kind}: {rest}");
    }
}

#[test]
fn custom_columns_follow_their_definition() {
    let version: Value = serde_yaml::from_str(
        r#"additionalPrinterColumns:
- {name: Size, type: integer, jsonPath: .spec.size}
- {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
- {name: First, type: string, jsonPath: '.spec.list[0]'}
- {name: Label, type: string, jsonPath: '.metadata.labels.app\.kubernetes\.io/name'}
- {name: Map, type: string, jsonPath: .spec.map}
- {name: Wrong, type: boolean, jsonPath: .spec.size}
- {name: Age, type: date, jsonPath: .metadata.creationTimestamp, priority: 1}"#,
    )
    .expect("YAML");
    let (values, columns) = custom_columns(&version);
    assert_eq!(values[1]["description"], "Custom resource definition column (in JSONPath format): .spec.size");
    let value: Value = serde_yaml::from_str(&format!(
        r#"{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: x, creationTimestamp: '{CREATED}', labels: {{app.kubernetes.io/name: web}}}},
        spec: {{size: 4, list: [a, b], map: {{k: 1}}}}, status: {{conditions: [{{type: Other, status: 'False'}}, {{type: Ready, status: 'True'}}]}}}}"#
    ))
    .expect("YAML");
    let Ok(Object::Dynamic(widget)) = Object::from_value(Kind::Custom(0), value) else {
        panic!("a custom resource is dynamic")
    };
    assert_eq!(
        custom_cells(&widget, &columns, NOW_MS),
        vec![
            json!("x"),
            json!(4),
            json!("True"),
            json!("a"),
            json!("web"),
            json!("{\"k\":1}"),
            Value::Null,
            json!("90s")
        ]
    );
    let (values, columns) = custom_columns(&json!({}));
    assert_eq!(values.iter().map(|v| v["name"].as_str().expect("a name")).collect::<Vec<_>>(), ["Name", "Age"]);
    assert_eq!(custom_cells(&widget, &columns, NOW_MS), vec![json!("x"), json!("90s")]);
}
