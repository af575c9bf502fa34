//! Random but valid manifests of every kind of workload, and patches that change them.
//!
//! A pod template carries the label `fate`: `runs` (it will be Ready and stay so), `ends` or
//! `breaks`. What the whole has to look like in the end follows from it.

use api::Kind;
use engine::sim::Rng;
use serde_json::{Value, json};

/// Where workloads live; the last one has a quota.
pub const NAMESPACES: &[&str] = &["default", "shop", "capped"];
pub const CAPPED: &str = "capped";

/// Priority classes: name, value, and whether they may push others out.
pub const CLASSES: &[(&str, i32, &str)] = &[
    ("low", -10, "PreemptLowerPriority"),
    ("high", 1_000, "PreemptLowerPriority"),
    ("higher", 2_000, "PreemptLowerPriority"),
    ("polite", 1_500, "Never"),
];

/// A finalizer that nobody takes off but the history.
pub const HOLD: &str = "swarm.example.com/hold";

/// The kinds that are created, changed and deleted, with how often.
pub const KINDS: &[(Kind, u64)] = &[
    (Kind::Deployment, 6),
    (Kind::StatefulSet, 4),
    (Kind::DaemonSet, 2),
    (Kind::Job, 4),
    (Kind::CronJob, 2),
    (Kind::ReplicaSet, 1),
    (Kind::ReplicationController, 1),
    (Kind::Pod, 3),
    (Kind::HorizontalPodAutoscaler, 2),
    (Kind::PodDisruptionBudget, 3),
    (Kind::Service, 4),
    (Kind::PersistentVolumeClaim, 2),
    (Kind::ResourceQuota, 1),
    (Kind::ConfigMap, 1),
];

/// One of these.
pub fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.below(choices.len() as u64) as usize]
}

/// True once in `n` times.
pub fn once_in(rng: &mut Rng, n: u64) -> bool {
    rng.below(n) == 0
}

/// One of these by weight.
pub fn weighed<T: Copy>(rng: &mut Rng, choices: &[(T, u64)]) -> T {
    let mut at = rng.below(choices.iter().map(|(_, weight)| weight).sum());
    for (choice, weight) in choices {
        if at < *weight {
            return *choice;
        }
        at -= weight;
    }
    choices[0].0
}

/// `deployment-1`: few names, so that actions meet.
pub fn name(rng: &mut Rng, kind: Kind) -> String {
    let singular = kind.resource().map_or("thing", |resource| resource.singular);
    format!("{singular}-{}", rng.below(3))
}

/// The `app` label of some workload.
fn some_app(rng: &mut Rng) -> String {
    let kind = *pick(rng, &[Kind::Deployment, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet]);
    name(rng, kind)
}

/// A manifest of this kind.
pub fn manifest(rng: &mut Rng, kind: Kind, namespace: &str, name: &str) -> Value {
    let resource = kind.resource().expect("only served kinds are asked for");
    let mut value = json!({
        "apiVersion": resource.api_version(), "kind": resource.kind_name,
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
    });
    let selector = json!({"matchLabels": {"app": name}});
    let body = match kind {
        Kind::Deployment => deployment(rng, name, selector),
        Kind::StatefulSet => stateful_set(rng, name, selector),
        Kind::DaemonSet => daemon_set(rng, name, selector),
        Kind::ReplicaSet => {
            json!({"replicas": rng.below(4), "selector": selector, "template": runs(rng, name)})
        }
        Kind::ReplicationController => {
            json!({"replicas": rng.below(4), "selector": {"app": name}, "template": runs(rng, name)})
        }
        Kind::Job => job(rng, name),
        Kind::CronJob => json!({
            "schedule": pick(rng, &["* * * * *", "*/2 * * * *", "*/5 * * * *"]),
            "concurrencyPolicy": pick(rng, &["Allow", "Forbid", "Replace"]),
            "suspend": once_in(rng, 5),
            "successfulJobsHistoryLimit": rng.below(3), "failedJobsHistoryLimit": rng.below(2),
            "jobTemplate": {"spec": job(rng, name)},
        }),
        Kind::Pod => {
            let mut template = if once_in(rng, 3) { ends(rng, name) } else { runs(rng, name) };
            value["metadata"]["labels"] = template["metadata"]["labels"].take();
            template["spec"].take()
        }
        Kind::HorizontalPodAutoscaler => json!({
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": format!("deployment-{}", rng.below(3))},
            "minReplicas": 1 + rng.below(2), "maxReplicas": 2 + rng.below(4),
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
        }),
        Kind::PodDisruptionBudget => {
            let amount = pick(rng, &[json!(0), json!(1), json!(2), json!("50%"), json!("100%")]).clone();
            let field = *pick(rng, &["minAvailable", "maxUnavailable"]);
            json!({field: amount, "selector": {"matchLabels": {"app": some_app(rng)}}})
        }
        Kind::Service => {
            let mut spec = json!({"selector": {"app": some_app(rng)}, "ports": [{"name": "web", "port": 80}]});
            match rng.below(4) {
                0 => spec["clusterIP"] = json!("None"),
                1 => spec["type"] = json!("NodePort"),
                2 => spec["publishNotReadyAddresses"] = json!(true),
                _ => {}
            }
            spec
        }
        Kind::PersistentVolumeClaim => {
            json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
        }
        Kind::ResourceQuota => {
            json!({"hard": {"pods": (2 + rng.below(6)).to_string(), "count/deployments.apps": "2"}})
        }
        _ => {
            value["data"] = json!({"colour": pick(rng, &["red", "green", "blue"])});
            return value;
        }
    };
    value["spec"] = body;
    if once_in(rng, 15) {
        value["metadata"]["finalizers"] = json!([HOLD]);
    }
    value
}

fn deployment(rng: &mut Rng, name: &str, selector: Value) -> Value {
    let strategy = match rng.below(4) {
        0 => json!({"type": "Recreate"}),
        1 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1 + rng.below(2)}}),
        2 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0}}),
        _ => json!({}),
    };
    json!({
        "replicas": rng.below(6), "selector": selector, "template": runs(rng, name), "strategy": strategy,
        "minReadySeconds": pick(rng, &[0, 0, 5]), "revisionHistoryLimit": pick(rng, &[0, 2, 10]),
    })
}

fn stateful_set(rng: &mut Rng, name: &str, selector: Value) -> Value {
    let strategy = match rng.below(4) {
        0 => json!({"type": "OnDelete"}),
        1 => json!({"type": "RollingUpdate", "rollingUpdate": {"partition": rng.below(3)}}),
        _ => json!({"type": "RollingUpdate"}),
    };
    let mut spec = json!({
        "replicas": rng.below(5), "selector": selector, "template": runs(rng, name), "serviceName": "service-0",
        "updateStrategy": strategy, "podManagementPolicy": pick(rng, &["OrderedReady", "Parallel"]),
    });
    if once_in(rng, 2) {
        spec["volumeClaimTemplates"] = json!([{
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }]);
        spec["template"]["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
        if once_in(rng, 2) {
            let policies = ["Delete", "Retain"];
            spec["persistentVolumeClaimRetentionPolicy"] =
                json!({"whenDeleted": pick(rng, &policies), "whenScaled": pick(rng, &policies)});
        }
    }
    if once_in(rng, 4) {
        spec["ordinals"] = json!({"start": 1 + rng.below(2)});
    }
    spec
}

fn daemon_set(rng: &mut Rng, name: &str, selector: Value) -> Value {
    let mut template = runs(rng, name);
    if once_in(rng, 2) {
        template["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    }
    let strategy = match rng.below(3) {
        0 => json!({"type": "OnDelete"}),
        1 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
        _ => json!({}),
    };
    json!({"selector": selector, "template": template, "updateStrategy": strategy})
}

fn job(rng: &mut Rng, name: &str) -> Value {
    let mut template = ends(rng, name);
    if template["spec"]["restartPolicy"] == "Always" {
        template["spec"]["restartPolicy"] = json!("Never");
    }
    let mut spec = json!({
        "template": template, "backoffLimit": rng.below(3), "completions": 1 + rng.below(4), "parallelism": 1 + rng.below(3),
    });
    if once_in(rng, 4) {
        spec["completionMode"] = json!("Indexed");
        if once_in(rng, 2) && spec["template"]["spec"]["restartPolicy"] == "Never" {
            spec["backoffLimitPerIndex"] = json!(1);
        }
    }
    if once_in(rng, 5) {
        spec["ttlSecondsAfterFinished"] = json!(rng.below(60));
    }
    if once_in(rng, 6) {
        spec["activeDeadlineSeconds"] = json!(20 + rng.below(60));
    }
    if once_in(rng, 6) {
        spec["suspend"] = json!(true);
    }
    if once_in(rng, 4) {
        spec["podReplacementPolicy"] = json!("Failed");
    }
    spec
}

/// The requests of a container: mostly small, sometimes more than is left.
fn requests(rng: &mut Rng) -> Value {
    let cpu = pick(rng, &["10m", "50m", "100m", "100m", "250m", "600m"]);
    let memory = pick(rng, &["16Mi", "64Mi", "128Mi", "512Mi"]);
    match rng.below(4) {
        0 => json!({}),
        1 => json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "1", "memory": "1Gi"}}),
        _ => json!({"requests": {"cpu": cpu, "memory": memory}}),
    }
}

/// A pod template that becomes Ready and stays so.
fn runs(rng: &mut Rng, app: &str) -> Value {
    let image = pick(rng, &["nginx:1.27", "nginx:1.28", "nginx:1.27", "busybox:1.36"]);
    let mut container = json!({"name": "main", "image": image, "resources": requests(rng)});
    if image.starts_with("busybox") {
        container["command"] = json!(["sh", "-c", "sleep 1000000"]);
    } else if once_in(rng, 2) {
        container["readinessProbe"] = json!({"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1 + rng.below(10), "initialDelaySeconds": rng.below(6)});
        if once_in(rng, 2) {
            container["livenessProbe"] = json!({"tcpSocket": {"port": 80}, "periodSeconds": 5});
        }
    }
    let mut spec = json!({
        "containers": [container],
        "terminationGracePeriodSeconds": pick(rng, &[0, 1, 5, 30]),
    });
    match rng.below(10) {
        0 => {
            spec["topologySpreadConstraints"] = json!([{
                "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": app}},
            }]);
        }
        1 => {
            spec["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
                "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}},
            }]}});
        }
        2 => {
            spec["initContainers"] =
                json!([{"name": "first", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 2"]}])
        }
        4 | 5 => {
            let (class, ..) = pick(rng, CLASSES);
            spec["priorityClassName"] = json!(class);
        }
        3 => spec["tolerations"] = json!([{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20}]),
        _ => {}
    }
    json!({"metadata": {"labels": {"app": app, "fate": "runs"}}, "spec": spec})
}

/// A pod template that ends by itself, well or badly.
fn ends(rng: &mut Rng, app: &str) -> Value {
    let seconds = rng.below(40);
    let code = pick(rng, &[0, 0, 0, 1, 3]);
    json!({
        "metadata": {"labels": {"app": app, "fate": "ends"}},
        "spec": {
            "restartPolicy": pick(rng, &["Never", "OnFailure"]),
            "terminationGracePeriodSeconds": pick(rng, &[0, 1, 30]),
            "containers": [{
                "name": "main", "image": "busybox:1.36", "resources": requests(rng),
                "command": ["sh", "-c", format!("sleep {seconds}; exit {code}")],
            }],
        },
    })
}

/// A merge patch that changes an object of this kind in a way its owner might.
pub fn change(rng: &mut Rng, kind: Kind) -> Value {
    let template = |rng: &mut Rng| {
        let note = rng.below(1000).to_string();
        if once_in(rng, 6) {
            // A typo in the image: the old pods stay, the new ones never start.
            return json!({"metadata": {"labels": {"fate": "breaks"}, "annotations": {"note": note}},
                "spec": {"containers": [{"name": "main", "image": "nginx:9.99"}], "topologySpreadConstraints": null, "affinity": null}});
        }
        json!({"metadata": {"labels": {"fate": "runs"}, "annotations": {"note": note}},
            "spec": {"containers": [{"name": "main", "image": pick(rng, &["nginx:1.27", "nginx:1.28"]), "resources": requests(rng)}]}})
    };
    match kind {
        Kind::Deployment => match rng.below(6) {
            0 => json!({"spec": {"paused": once_in(rng, 2)}}),
            1 => json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}}),
            2 => json!({"spec": {"minReadySeconds": rng.below(10)}}),
            _ => json!({"spec": {"template": template(rng)}}),
        },
        Kind::StatefulSet => match rng.below(5) {
            0 => {
                json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": rng.below(3)}}}})
            }
            1 => json!({"spec": {"ordinals": {"start": rng.below(3)}}}),
            _ => json!({"spec": {"template": {"metadata": {"annotations": {"note": rng.below(1000).to_string()}}}}}),
        },
        Kind::DaemonSet => match rng.below(4) {
            0 => json!({"spec": {"minReadySeconds": rng.below(5)}}),
            _ => json!({"spec": {"template": template(rng)}}),
        },
        Kind::ReplicaSet | Kind::ReplicationController => json!({"spec": {"minReadySeconds": rng.below(5)}}),
        Kind::Job => match rng.below(2) {
            0 => json!({"spec": {"suspend": once_in(rng, 2)}}),
            _ => json!({"spec": {"parallelism": rng.below(4)}}),
        },
        Kind::CronJob => match rng.below(3) {
            0 => json!({"spec": {"suspend": once_in(rng, 2)}}),
            1 => json!({"spec": {"successfulJobsHistoryLimit": rng.below(4)}}),
            _ => json!({"spec": {"concurrencyPolicy": pick(rng, &["Allow", "Forbid", "Replace"])}}),
        },
        Kind::HorizontalPodAutoscaler => json!({"spec": {"minReplicas": 1, "maxReplicas": 1 + rng.below(5)}}),
        Kind::PodDisruptionBudget => json!({"spec": {"minAvailable": rng.below(3), "maxUnavailable": null}}),
        Kind::Service => match rng.below(6) {
            1 => json!({"spec": {"type": pick(rng, &["ClusterIP", "NodePort", "LoadBalancer"])}}),
            2 => {
                json!({"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": null, "clusterIPs": null}})
            }
            0 => json!({"spec": {"ports": [{"name": "web", "port": 8080, "targetPort": 80}]}}),
            _ => json!({"spec": {"selector": {"app": some_app(rng)}}}),
        },
        Kind::ResourceQuota => json!({"spec": {"hard": {"pods": (1 + rng.below(8)).to_string()}}}),
        Kind::ConfigMap => json!({"data": {"colour": pick(rng, &["red", "green", "blue"])}}),
        _ => json!({"metadata": {"annotations": {"note": rng.below(1000).to_string()}}}),
    }
}
