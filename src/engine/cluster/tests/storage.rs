//! Claims and volumes through binder, scheduler, provisioner and kubelet.

use api::k8s_openapi::api::core::v1::{Event, PersistentVolume, PersistentVolumeClaim, Pod};
use api::wire::{Body, Method};
use serde_json::{Value, json};

use super::*;

/// The page's clusters with one worker: the only one with a provisioner.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig { nodes: vec![NodeConfig::worker("n1")], ..ClusterConfig::default() });
    cluster.run_for(2_000, usize::MAX);
    cluster
}

fn send(cluster: &mut Cluster, method: Method, path: &str, body: Value) {
    let content = if method == Method::Patch { "application/merge-patch+json" } else { "application/json" };
    let response = cluster.request(Request::new(method, path).with_header("content-type", content).with_json(body));
    let Body::Json(value) = response.body else { panic!("{path} answered without JSON") };
    assert!(response.status < 300, "{path}: {value}");
}

fn with(mut value: Value, more: &Value) -> Value {
    for (key, field) in more.as_object().into_iter().flatten() {
        value["spec"][key] = field.clone();
    }
    value
}

const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const PODS: &str = "/api/v1/namespaces/default/pods";

fn add_claim(cluster: &mut Cluster, name: &str, more: Value) {
    let claim = json!({"metadata": {"name": name}, "spec": {"storageClassName": "s", "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    send(cluster, Method::Post, CLAIMS, with(claim, &more));
}

fn add_volume(cluster: &mut Cluster, name: &str, more: Value) {
    let volume = json!({"metadata": {"name": name}, "spec": {"storageClassName": "s", "capacity": {"storage": "2Gi"},
        "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}});
    send(cluster, Method::Post, "/api/v1/persistentvolumes", with(volume, &more));
}

fn add_class(cluster: &mut Cluster, provisioner: &str, mode: &str) {
    let class = json!({"metadata": {"name": "s"}, "provisioner": provisioner, "volumeBindingMode": mode});
    send(cluster, Method::Post, "/apis/storage.k8s.io/v1/storageclasses", class);
}

fn add_pod(cluster: &mut Cluster, name: &str, volume: Value, more: Value) {
    let pod = json!({"metadata": {"name": name}, "spec": {"volumes": [with(json!({"spec": {}}), &volume)["spec"]],
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "nginx:1.27", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}});
    send(cluster, Method::Post, PODS, with(pod, &more));
}

fn claimed(name: &str) -> Value {
    json!({"name": "v", "persistentVolumeClaim": {"claimName": name}})
}

fn claim(cluster: &Cluster, name: &str) -> String {
    let snapshot = cluster.snapshot();
    let claim = snapshot.get::<PersistentVolumeClaim>("default", name);
    claim.and_then(|claim| claim.status.as_ref()?.phase.clone()).unwrap_or_else(|| "gone".into())
}

fn volume(cluster: &Cluster, name: &str) -> String {
    let snapshot = cluster.snapshot();
    let volume = snapshot.get::<PersistentVolume>("", name);
    volume.and_then(|volume| volume.status.as_ref()?.phase.clone()).unwrap_or_else(|| "gone".into())
}

fn phase(cluster: &Cluster, name: &str) -> String {
    let snapshot = cluster.snapshot();
    let pod = snapshot.get::<Pod>("default", name);
    pod.and_then(|pod| pod.status.as_ref()?.phase.clone()).unwrap_or_else(|| "gone".into())
}

/// `reason: message` of what was said about an object, in the order of first mention.
fn told(cluster: &Cluster, name: &str) -> Vec<String> {
    let snapshot = cluster.snapshot();
    let mut about: Vec<Event> = snapshot.list::<Event>("default").map(|event| (**event).clone()).collect();
    about.retain(|event| event.involved_object.name.as_deref() == Some(name));
    about.sort_by_key(|event| (event.first_timestamp.clone(), event.metadata.name.clone()));
    let line = |event: &Event| {
        format!("{}: {}", event.reason.as_deref().unwrap_or_default(), event.message.as_deref().unwrap_or_default())
    };
    about.iter().map(line).collect()
}

#[test]
fn a_claim_that_finds_nothing_says_why() {
    let waits = "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner \
                 'example.com/nfs' or manually by the system administrator. If volume creation is delayed, please \
                 verify that the provisioner is running and correctly registered.";
    type Setup = fn(&mut Cluster);
    let rows: [(&str, Setup, Value, &str); 7] = [
        (
            "no class",
            |_| {},
            json!({"storageClassName": ""}),
            "FailedBinding: no persistent volumes available for this claim and no storage class is set",
        ),
        ("no such class", |_| {}, json!({}), "ProvisioningFailed: storageclass.storage.k8s.io \"s\" not found"),
        (
            "nobody makes volumes",
            |cluster| add_class(cluster, "kubernetes.io/no-provisioner", "Immediate"),
            json!({}),
            "ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner",
        ),
        (
            "a provisioner that is not there",
            |cluster| add_class(cluster, "example.com/nfs", "Immediate"),
            json!({}),
            waits,
        ),
        (
            "a pod decides",
            |cluster| add_class(cluster, "rancher.io/local-path", "WaitForFirstConsumer"),
            json!({}),
            "WaitForFirstConsumer: waiting for first consumer to be created before binding",
        ),
        (
            "the volume it names is too small",
            |cluster| add_volume(cluster, "small", json!({"capacity": {"storage": "1Mi"}})),
            json!({"volumeName": "small"}),
            "VolumeMismatch: Cannot bind to requested volume \"small\": requested PV is too small",
        ),
        (
            "the volume it names is another's",
            |cluster| {
                let other = json!({"namespace": "default", "name": "other", "uid": "1"});
                add_volume(cluster, "taken", json!({"claimRef": other}));
            },
            json!({"volumeName": "taken"}),
            "FailedBinding: volume \"taken\" already bound to a different claim.",
        ),
    ];
    for (case, setup, more, want) in rows {
        let mut cluster = cluster();
        setup(&mut cluster);
        add_claim(&mut cluster, "c", more);
        cluster.run_for(40_000, usize::MAX);
        assert_eq!((claim(&cluster, "c"), told(&cluster, "c")), ("Pending".into(), vec![want.to_owned()]), "{case}");
    }
}

#[test]
fn a_volume_that_comes_later_is_found_at_the_next_look() {
    let mut cluster = cluster();
    add_claim(&mut cluster, "c", json!({}));
    cluster.run_for(1_000, usize::MAX);
    add_volume(&mut cluster, "v", json!({}));
    cluster.run_for(500, usize::MAX);
    assert_eq!((claim(&cluster, "c"), volume(&cluster, "v")), ("Pending".into(), "Available".into()));
    cluster.run_for(15_000, usize::MAX);
    assert_eq!((claim(&cluster, "c"), volume(&cluster, "v")), ("Bound".into(), "Bound".into()));
    let snapshot = cluster.snapshot();
    let bound = snapshot.get::<PersistentVolumeClaim>("default", "c").expect("it is bound");
    let capacity = bound.status.as_ref().and_then(|status| status.capacity.as_ref());
    assert_eq!(capacity.map(|capacity| capacity["storage"].0.as_str()), Some("2Gi"));
}

#[test]
fn what_becomes_of_a_volume_whose_claim_goes() {
    let refused = "VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /data";
    let rows = [
        ("Retain", json!({}), "Released", vec![]),
        ("Delete", json!({"hostPath": {"path": "/tmp/a"}}), "gone", vec![]),
        ("Delete", json!({}), "Failed", vec![refused.to_owned()]),
        ("Recycle", json!({}), "Available", vec!["VolumeRecycled: Volume recycled".to_owned()]),
    ];
    for (policy, more, want, events) in rows {
        let mut cluster = cluster();
        let policy_field = json!({"persistentVolumeReclaimPolicy": policy});
        add_volume(&mut cluster, "v", with(json!({"spec": policy_field}), &more)["spec"].clone());
        cluster.run_for(1_000, usize::MAX);
        add_claim(&mut cluster, "c", json!({}));
        cluster.run_for(1_000, usize::MAX);
        assert_eq!(claim(&cluster, "c"), "Bound", "{policy}");
        send(&mut cluster, Method::Delete, &format!("{CLAIMS}/c"), json!({}));
        cluster.run_for(1_000, usize::MAX);
        assert_eq!((volume(&cluster, "v").as_str(), told(&cluster, "v")), (want, events), "{policy}");
    }
}

#[test]
fn a_claim_without_its_volume_is_lost() {
    let mut cluster = cluster();
    add_volume(&mut cluster, "v", json!({}));
    cluster.run_for(1_000, usize::MAX);
    add_claim(&mut cluster, "c", json!({}));
    cluster.run_for(1_000, usize::MAX);
    send(&mut cluster, Method::Delete, "/api/v1/persistentvolumes/v", json!({}));
    cluster.run_for(1_000, usize::MAX);
    // Bound: the finalizer holds it.
    assert_eq!((claim(&cluster, "c"), volume(&cluster, "v")), ("Bound".into(), "Bound".into()));
    send(&mut cluster, Method::Patch, "/api/v1/persistentvolumes/v", json!({"metadata": {"finalizers": null}}));
    cluster.run_for(1_000, usize::MAX);
    assert_eq!((claim(&cluster, "c"), volume(&cluster, "v")), ("Lost".into(), "gone".into()));
    assert_eq!(
        told(&cluster, "c"),
        ["ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!"]
    );
}

#[test]
fn a_pod_gets_a_directory_of_its_node_and_keeps_it_as_long_as_the_claim() {
    let mut cluster = cluster();
    add_class(&mut cluster, "rancher.io/local-path", "WaitForFirstConsumer");
    add_claim(&mut cluster, "c", json!({}));
    cluster.run_for(1_000, usize::MAX);
    add_pod(&mut cluster, "p", claimed("c"), json!({}));
    cluster.run_for(60_000, usize::MAX);
    assert_eq!((claim(&cluster, "c"), phase(&cluster, "p")), ("Bound".into(), "Running".into()));
    let snapshot = cluster.snapshot();
    let bound = snapshot.get::<PersistentVolumeClaim>("default", "c").expect("it is bound");
    let name = format!("pvc-{}", bound.metadata.uid.as_deref().unwrap_or_default());
    let reasons: Vec<String> =
        told(&cluster, "c").iter().filter_map(|line| line.split(':').next().map(str::to_owned)).collect();
    for reason in ["WaitForFirstConsumer", "ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"] {
        assert!(reasons.iter().any(|told| told == reason), "{reason} in {reasons:?}");
    }
    // In use: it stays until the pod is gone, and the volume goes with it.
    send(&mut cluster, Method::Delete, &format!("{CLAIMS}/c"), json!({}));
    cluster.run_for(5_000, usize::MAX);
    assert_eq!((claim(&cluster, "c"), volume(&cluster, &name)), ("Bound".into(), "Bound".into()));
    send(&mut cluster, Method::Delete, &format!("{PODS}/p"), json!({}));
    cluster.run_for(10_000, usize::MAX);
    assert_eq!((claim(&cluster, "c"), volume(&cluster, &name)), ("gone".into(), "gone".into()));
}

#[test]
fn an_ephemeral_volume_has_a_claim_that_goes_with_its_pod() {
    let mut cluster = cluster();
    add_class(&mut cluster, "rancher.io/local-path", "WaitForFirstConsumer");
    let template = json!({"spec": {"storageClassName": "s", "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    let volume = json!({"name": "v", "ephemeral": {"volumeClaimTemplate": template}});
    add_pod(&mut cluster, "p", volume, json!({}));
    cluster.run_for(60_000, usize::MAX);
    assert_eq!((claim(&cluster, "p-v"), phase(&cluster, "p")), ("Bound".into(), "Running".into()));
    send(&mut cluster, Method::Delete, &format!("{PODS}/p"), json!({}));
    cluster.run_for(10_000, usize::MAX);
    assert_eq!(claim(&cluster, "p-v"), "gone");
}

#[test]
fn a_pod_that_names_its_node_waits_there_for_its_claim() {
    let mut cluster = cluster();
    add_claim(&mut cluster, "c", json!({}));
    for (pod, name) in [("early", "c"), ("lost", "nope")] {
        add_pod(&mut cluster, pod, claimed(name), json!({"nodeName": "n1"}));
    }
    cluster.run_for(5_000, usize::MAX);
    let head = "FailedMount: Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], \
                failed to process volumes=[v]: error processing PVC default";
    assert!(told(&cluster, "early").contains(&format!("{head}/c: PVC is not bound")), "{:?}", told(&cluster, "early"));
    let missing =
        format!("{head}/nope: failed to fetch PVC from API server: persistentvolumeclaims \"nope\" not found");
    assert!(told(&cluster, "lost").contains(&missing), "{:?}", told(&cluster, "lost"));
    add_volume(&mut cluster, "v", json!({}));
    cluster.run_for(180_000, usize::MAX);
    assert_eq!((phase(&cluster, "early"), phase(&cluster, "lost")), ("Running".into(), "Pending".into()));
}

#[test]
fn a_claim_grows_only_where_its_class_lets_it_and_waits_for_somebody_who_can() {
    let refused = "persistentvolumeclaims \"c\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    let waits = "ExternalExpanding: Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.";
    for (expands, message, events) in [(false, refused, vec![]), (true, "", vec![waits])] {
        let mut cluster = cluster();
        let class =
            json!({"metadata": {"name": "s"}, "provisioner": "example.com/nfs", "allowVolumeExpansion": expands});
        send(&mut cluster, Method::Post, "/apis/storage.k8s.io/v1/storageclasses", class);
        add_volume(&mut cluster, "v", json!({"capacity": {"storage": "1Gi"}}));
        cluster.run_for(1_000, usize::MAX);
        add_claim(&mut cluster, "c", json!({}));
        cluster.run_for(1_000, usize::MAX);
        let request = Request::new(Method::Patch, format!("{CLAIMS}/c"))
            .with_header("content-type", "application/merge-patch+json")
            .with_json(json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}}));
        let said = match cluster.request(request) {
            response if response.status < 300 => String::new(),
            response => match response.body {
                Body::Json(status) => status["message"].as_str().unwrap_or_default().to_owned(),
                other => panic!("{other:?}"),
            },
        };
        cluster.run_for(20_000, usize::MAX);
        assert_eq!((said.as_str(), told(&cluster, "c")), (message, events.into_iter().map(str::to_owned).collect()));
    }
}
