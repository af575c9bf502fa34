//! Pages of `kubectl describe`, whole.

use serde_json::Value;

use super::{Related, render};

/// 2026-01-02T03:05:35Z, ninety seconds after most times below.
const NOW_MS: u64 = 1_767_323_045_000 + 90_000;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("the manifest is YAML")
}

fn yaml_list(text: &str) -> Vec<Value> {
    serde_yaml::from_str(text).expect("the manifests are YAML")
}

/// The page, compared line by line; trailing blanks count.
fn check(group: &str, kind: &str, object: &str, related: Related, want: &str) {
    let got = render(group, kind, &yaml(object), &related, NOW_MS);
    assert_eq!(got, want, "\n--- got ---\n{got}");
}

#[test]
fn a_pending_pod() {
    check(
        "",
        "Pod",
        r#"
metadata: {name: full, namespace: default, labels: {app: full, tier: back}, annotations: {note: a text}}
spec:
  priority: 0
  serviceAccountName: default
  containers:
  - name: main
    image: nginx:1.27
    command: [nginx, -g, daemon off;]
    ports: [{name: http, containerPort: 80, hostPort: 8080, protocol: TCP}]
    resources: {limits: {memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}}
    livenessProbe: {httpGet: {path: /live, port: http, scheme: HTTP}, initialDelaySeconds: 3, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3}
    readinessProbe: {exec: {command: [cat, /ready]}, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 5}
    envFrom: [{configMapRef: {name: cfg, optional: true}}]
    env:
    - {name: PLAIN, value: x y}
    - {name: FROMSECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}
    - {name: NODE, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: spec.nodeName}}}
    - {name: NAME, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: "0"}}}
    volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: cfg, mountPath: /cfg, readOnly: true}
  volumes:
  - {name: cfg, configMap: {name: cfg}}
  - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 10Mi}}
  nodeSelector: {disk: ssd}
  tolerations:
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  - {operator: Exists}
status:
  phase: Pending
  qosClass: Burstable
  conditions: [{type: PodScheduled, status: "False"}]
"#,
        Related {
            events: Some(yaml_list(
                "[{type: Warning, reason: FailedScheduling, eventTime: '2026-01-02T03:04:05.000000Z', reportingComponent: default-scheduler, message: no}]",
            )),
            ..Related::default()
        },
        r#"Name:             full
Namespace:        default
Priority:         0
Service Account:  default
Node:             <none>
Labels:           app=full
                  tier=back
Annotations:      note: a text
Status:           Pending
IP:               
IPs:              <none>
Containers:
  main:
    Image:      nginx:1.27
    Port:       80/TCP (http)
    Host Port:  8080/TCP (http)
    Command:
      nginx
      -g
      daemon off;
    Limits:
      memory:  64Mi
    Requests:
      cpu:      100m
      memory:   64Mi
    Liveness:   http-get http://:http/live delay=3s timeout=1s period=10s #success=1 #failure=3
    Readiness:  exec [cat /ready] delay=0s timeout=1s period=10s #success=1 #failure=5
    Environment Variables from:
      cfg  ConfigMap  Optional: true
    Environment:
      PLAIN:       x y
      FROMSECRET:  <set to the key 'k' in secret 's'>  Optional: false
      NODE:         (v1:spec.nodeName)
      NAME:        full (v1:metadata.name)
      CPU:         node allocatable (limits.cpu)
    Mounts:
      /cfg from cfg (ro)
      /tmp from tmp (rw)
Conditions:
  Type           Status
  PodScheduled   False 
Volumes:
  cfg:
    Type:      ConfigMap (a volume populated by a ConfigMap)
    Name:      cfg
    Optional:  false
  tmp:
    Type:        EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:      Memory
    SizeLimit:   10Mi
QoS Class:       Burstable
Node-Selectors:  disk=ssd
Tolerations:     op=Exists
                 node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:
  Type     Reason            Age   From               Message
  ----     ------            ----  ----               -------
  Warning  FailedScheduling  90s   default-scheduler  no
"#,
    );
}

#[test]
fn a_running_pod_tells_its_containers_states() {
    check(
        "",
        "Pod",
        r#"
metadata: {name: web, namespace: default, ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true, uid: u}]}
spec: {nodeName: n, containers: [{name: c, image: i, args: [x]}]}
status:
  phase: Running
  qosClass: BestEffort
  hostIP: 10.0.0.1
  podIP: 10.244.0.2
  podIPs: [{ip: 10.244.0.2}]
  startTime: "2026-01-02T03:04:05Z"
  containerStatuses:
  - name: c
    containerID: containerd://1
    imageID: sha
    restartCount: 2
    state: {waiting: {reason: CrashLoopBackOff}}
    lastState: {terminated: {reason: Error, exitCode: 1, startedAt: "2026-01-02T03:04:05Z", finishedAt: "2026-01-02T03:04:06Z"}}
"#,
        Related::default(),
        r#"Name:         web
Namespace:    default
Node:         n/10.0.0.1
Start Time:   Fri, 02 Jan 2026 03:04:05 +0000
Labels:       <none>
Annotations:  <none>
Status:       Running
IP:           10.244.0.2
IPs:
  IP:           10.244.0.2
Controlled By:  ReplicaSet/web-1
Containers:
  c:
    Container ID:  containerd://1
    Image:         i
    Image ID:      sha
    Port:          <none>
    Host Port:     <none>
    Args:
      x
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Exit Code:    1
      Started:      Fri, 02 Jan 2026 03:04:05 +0000
      Finished:     Fri, 02 Jan 2026 03:04:06 +0000
    Ready:          False
    Restart Count:  2
    Environment:    <none>
    Mounts:         <none>
Volumes:            <none>
QoS Class:          BestEffort
Node-Selectors:     <none>
Tolerations:        <none>
"#,
    );
}

#[test]
fn a_deployment_with_its_replica_sets() {
    let set = |name: &str, image: &str, count: u32| {
        format!(
            "{{metadata: {{name: {name}, uid: {name}, creationTimestamp: '2026-01-02T03:04:05Z', ownerReferences: [{{uid: d, controller: true}}]}}, spec: {{replicas: {count}, template: {{metadata: {{labels: {{app: web, pod-template-hash: x}}}}, spec: {{containers: [{{name: c, image: {image}, resources: {{}}}}]}}}}}}, status: {{replicas: {count}}}}}"
        )
    };
    check(
        "apps",
        "Deployment",
        r#"
metadata: {name: web, namespace: default, uid: d, creationTimestamp: "2026-01-02T03:04:05Z", labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 25%, maxSurge: 1}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "i:2"}]}}
status: {replicas: 3, updatedReplicas: 3, availableReplicas: 3, conditions: [{type: Available, status: "True", reason: MinimumReplicasAvailable}]}
"#,
        Related {
            replica_sets: vec![yaml(&set("web-1", "i:1", 0)), yaml(&set("web-2", "i:2", 3))],
            events: Some(Vec::new()),
            ..Related::default()
        },
        r#"Name:                   web
Namespace:              default
CreationTimestamp:      Fri, 02 Jan 2026 03:04:05 +0000
Labels:                 app=web
Annotations:            <none>
Selector:               app=web
Replicas:               3 desired | 3 updated | 3 total | 3 available | 0 unavailable
StrategyType:           RollingUpdate
MinReadySeconds:        0
RollingUpdateStrategy:  25% max unavailable, 1 max surge
Pod Template:
  Labels:  app=web
  Containers:
   c:
    Image:         i:2
    Port:          <none>
    Host Port:     <none>
    Environment:   <none>
    Mounts:        <none>
  Volumes:         <none>
  Node-Selectors:  <none>
  Tolerations:     <none>
Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      True    MinimumReplicasAvailable
OldReplicaSets:  web-1 (0/0 replicas created)
NewReplicaSet:   web-2 (3/3 replicas created)
Events:          <none>
"#,
    );
}

#[test]
fn a_node_with_what_its_pods_request() {
    let page = render(
        "",
        "Node",
        &yaml(
            "{metadata: {name: n, labels: {node-role.kubernetes.io/worker: ''}}, spec: {taints: [{key: a, value: b, effect: NoSchedule}, {key: z, effect: NoExecute}]}, status: {allocatable: {cpu: '2', memory: 4Gi, pods: '110', example.com/gpu: '1'}}}",
        ),
        &Related {
            pods: Some(yaml_list(
                "[{metadata: {name: api, namespace: default, creationTimestamp: '2026-01-02T03:04:05Z'}, spec: {containers: [{resources: {requests: {cpu: 700m, memory: 256Mi}}}, {resources: {requests: {cpu: 500m}, limits: {cpu: '1'}}}], initContainers: [{resources: {requests: {cpu: 100m}}}]}}]",
            )),
            lease: Some(Err("no".into())),
            ..Related::default()
        },
        NOW_MS,
    );
    assert!(page.contains("Roles:              worker\n"), "{page}");
    assert!(page.contains("Taints:             z:NoExecute\n                    a=b:NoSchedule\n"), "{page}");
    let pods = page.split_once("Non-terminated Pods:").expect("pods are listed").1;
    let want = "          (1 in total)
  Namespace                   Name    CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  ---------                   ----    ------------  ----------  ---------------  -------------  ---
  default                     api     1200m (60%)   1 (50%)     256Mi (6%)       0 (0%)         90s
Allocated resources:
  (Total limits may be over 100 percent, i.e., overcommitted.)
  Resource           Requests     Limits
  --------           --------     ------
  cpu                1200m (60%)  1 (50%)
  memory             256Mi (6%)   0 (0%)
  ephemeral-storage  0 (0%)       0 (0%)
  example.com/gpu    0            0
";
    assert_eq!(pods, want, "{pods}");
}

#[test]
fn a_service_with_the_ready_endpoints_behind_each_port() {
    check(
        "",
        "Service",
        "{metadata: {name: svc, namespace: default}, spec: {type: NodePort, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1], ipFamilyPolicy: SingleStack, ipFamilies: [IPv4], sessionAffinity: None, internalTrafficPolicy: Cluster, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web, protocol: TCP, nodePort: 30080}]}}",
        Related {
            endpoint_slices: yaml_list(
                "[{ports: [{name: http, port: 8080}], endpoints: [{addresses: [a], conditions: {ready: true}}, {addresses: [b], conditions: {ready: false}}, {addresses: [c]}]}]",
            ),
            events: Some(Vec::new()),
            ..Related::default()
        },
        "Name:                     svc
Namespace:                default
Labels:                   <none>
Annotations:              <none>
Selector:                 app=web
Type:                     NodePort
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       10.0.0.1
IPs:                      10.0.0.1
Port:                     http  80/TCP
TargetPort:               web/TCP
NodePort:                 http  30080/TCP
Endpoints:                a:8080,c:8080
Session Affinity:         None
Internal Traffic Policy:  Cluster
Events:                   <none>
",
    );
}

#[test]
fn smaller_pages() {
    let none = Related::default;
    let shown = || Related { events: Some(Vec::new()), ..Related::default() };
    check(
        "",
        "ConfigMap",
        "{metadata: {name: cfg, namespace: default}, data: {a: '1', b: \"one\\ntwo\\n\"}, binaryData: {c: AAAA}}",
        shown(),
        "Name:         cfg\nNamespace:    default\nLabels:       <none>\nAnnotations:  <none>\n\nData\n====\na:\n----\n1\n\nb:\n----\none\ntwo\n\n\n\nBinaryData\n====\nc: 3 bytes\n\nEvents:  <none>\n",
    );
    check(
        "",
        "Secret",
        "{metadata: {name: s, namespace: default}, type: Opaque, data: {pw: aGVsbG8=}}",
        shown(),
        "Name:         s\nNamespace:    default\nLabels:       <none>\nAnnotations:  <none>\n\nType:  Opaque\n\nData\n====\npw:  5 bytes\n",
    );
    check(
        "",
        "ResourceQuota",
        "{metadata: {name: q, namespace: a}, status: {hard: {pods: '5', requests.memory: 1Gi}, used: {pods: '4', requests.memory: '0'}}}",
        none(),
        "Name:            q\nNamespace:       a\nResource         Used  Hard\n--------         ----  ----\npods             4     5\nrequests.memory  0     1Gi\n",
    );
    check(
        "",
        "Namespace",
        "{metadata: {name: a}, status: {phase: Active}}",
        none(),
        "Name:         a\nLabels:       <none>\nAnnotations:  <none>\nStatus:       Active\n\nNo resource quota.\n\nNo LimitRange resource.\n",
    );
    check(
        "rbac.authorization.k8s.io",
        "Role",
        "{metadata: {name: r}, rules: [{apiGroups: ['', apps], resources: [pods, pods/log], verbs: [get, list]}, {nonResourceURLs: [/x], verbs: [get]}]}",
        none(),
        "Name:         r
Labels:       <none>
Annotations:  <none>
PolicyRule:
  Resources      Non-Resource URLs  Resource Names  Verbs
  ---------      -----------------  --------------  -----
  pods/log       []                 []              [get list]
  pods           []                 []              [get list]
  pods.apps/log  []                 []              [get list]
  pods.apps      []                 []              [get list]
                 [/x]               []              [get]
",
    );
}
