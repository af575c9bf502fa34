//! What may happen to a cluster: a list of actions is a whole history, and any of its sublists is one too.
//!
//! An action holds only dice; whom it meets is decided when it happens. So dropping one leaves
//! the others meaningful, and a failing list can be made short.

use api::wire::{Method, Request, Response};
use api::{Kind, Object};
use engine::sim::{Millis, Rng};
use engine::{Cluster, Fault, NodeConfig, ProcessId, Scarce, Snapshot};
use serde_json::{Value, json};

use super::manifests::{CAPPED, HOLD, KINDS, NAMESPACES, change, manifest, name, once_in, pick, weighed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Create,
    Change,
    Scale,
    Delete,
    DeletePod,
    Evict,
    Cordon,
    Uncordon,
    Drain,
    Crash,
    OutOfMemory,
    PowerOff,
    PowerOn,
    Freeze,
    Thaw,
    Stop,
    Start,
    StopServer,
    StartServer,
    Join,
    Squeeze,
    Relieve,
    Traffic,
    Resize,
    Relabel,
    Release,
    DeleteNode,
    DeleteNamespace,
}

const WHATS: &[(What, u64)] = &[
    (What::Create, 40),
    (What::Change, 18),
    (What::Scale, 14),
    (What::Delete, 10),
    (What::DeletePod, 8),
    (What::Evict, 4),
    (What::Cordon, 3),
    (What::Uncordon, 4),
    (What::Drain, 2),
    (What::Crash, 6),
    (What::OutOfMemory, 3),
    (What::PowerOff, 3),
    (What::PowerOn, 5),
    (What::Freeze, 3),
    (What::Thaw, 5),
    (What::Stop, 5),
    (What::Start, 8),
    (What::StopServer, 2),
    (What::StartServer, 6),
    (What::Join, 1),
    (What::Squeeze, 2),
    (What::Relieve, 3),
    (What::Traffic, 2),
    (What::Resize, 5),
    (What::Relabel, 3),
    (What::Release, 3),
    (What::DeleteNode, 1),
    (What::DeleteNamespace, 1),
];

/// One thing that happens, some time after the one before.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// Its place in the whole list, which stays its name when others are dropped.
    pub number: usize,
    pub at: Millis,
    pub what: What,
    dice: u64,
}

/// The history of a seed: mostly seconds apart, sometimes minutes.
pub fn history(seed: u64, span: Millis) -> Vec<Action> {
    let mut rng = Rng::stream(seed, "swarm");
    let count = 8 + rng.below(50) as usize;
    let mean = span / count as u64;
    let mut at = 0;
    (0..count)
        .map(|number| {
            at += match rng.below(3) {
                0 => rng.below(300),
                1 => rng.below(mean.min(8_000)),
                _ => rng.below(mean * 3),
            };
            // A history begins with something to disturb.
            let what = if number < 4 { What::Create } else { weighed(&mut rng, WHATS) };
            Action { number, at, what, dice: rng.next_u64() }
        })
        .collect()
}

impl Action {
    /// Lets it happen; a line on what it came to.
    pub fn happen(&self, cluster: &mut Cluster) -> String {
        let mut rng = Rng::stream(self.dice, "action");
        let mut hand = Hand { snapshot: cluster.snapshot(), cluster, rng: &mut rng };
        let did = hand.act(self.what);
        format!("{:>3}  {:>8.3} s  {:?}: {did}", self.number, self.at as f64 / 1000.0, self.what)
    }
}

/// Every fault is undone: machines and components run, nodes take pods.
pub fn heal(cluster: &mut Cluster) {
    let mut rng = Rng::stream(0, "heal");
    let mut hand = Hand { snapshot: cluster.snapshot(), cluster, rng: &mut rng };
    hand.fault(Fault::Start(ProcessId::ApiServer));
    let snapshot = hand.snapshot.clone();
    for (id, view) in &snapshot.processes {
        if let ProcessId::Kubelet(node) = id {
            let node = node.to_string();
            if view.frozen {
                hand.fault(Fault::Thaw { node: node.clone() });
            }
            for scarce in [Scarce::Memory, Scarce::Disk] {
                hand.fault(Fault::Squeeze { node: node.clone(), scarce, left: None });
            }
        }
        if !view.running {
            hand.fault(Fault::Start(id.clone()));
        }
    }
    // A machine whose Node was deleted registers when its kubelet starts again.
    let present: Vec<&str> = snapshot.objects(Kind::Node, "").map(Object::name).collect();
    let missing = snapshot.processes.keys().filter(|id| match id {
        ProcessId::Kubelet(node) => !present.contains(&&**node),
        _ => false,
    });
    for id in missing.cloned().collect::<Vec<_>>() {
        hand.fault(Fault::Stop(id.clone()));
        hand.fault(Fault::Start(id));
    }
    for (kind, _) in KINDS {
        let held = |object: &&Object| object.meta().finalizers.iter().flatten().any(|finalizer| finalizer == HOLD);
        let place = |object: &Object| (object.namespace().to_owned(), object.name().to_owned());
        for (namespace, name) in snapshot.objects(*kind, "").filter(held).map(place).collect::<Vec<_>>() {
            hand.release(*kind, &namespace, &name);
        }
    }
    for traffic in &snapshot.traffic {
        let (namespace, service) = (traffic.namespace.to_string(), traffic.service.to_string());
        hand.fault(Fault::Traffic { namespace, service, per_second: 0 });
    }
    let nodes: Vec<String> = snapshot.objects(Kind::Node, "").map(|node| node.name().to_owned()).collect();
    for node in nodes {
        hand.patch(Kind::Node, "", &node, json!({"spec": {"unschedulable": null}}));
    }
}

struct Hand<'a> {
    cluster: &'a mut Cluster,
    snapshot: std::sync::Arc<Snapshot>,
    rng: &'a mut Rng,
}

impl Hand<'_> {
    fn act(&mut self, what: What) -> String {
        match what {
            What::Create => self.create(),
            What::Change => {
                let kind = weighed(self.rng, KINDS);
                let Some((namespace, name)) = self.some(kind) else { return format!("no {kind:?}") };
                let mut patch = change(self.rng, kind);
                let containers = patch.pointer("/spec/template/spec/containers").is_some();
                if containers && kind == Kind::Deployment {
                    patch["spec"]["template"]["spec"]["initContainers"] = Value::Null;
                }
                self.patch(kind, &namespace, &name, patch)
            }
            What::Scale => {
                let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet, Kind::ReplicationController];
                let kind = *pick(self.rng, &kinds);
                let Some((namespace, name)) = self.some(kind) else { return format!("no {kind:?}") };
                let replicas = self.rng.below(7);
                self.patch(kind, &namespace, &name, json!({"spec": {"replicas": replicas}}))
            }
            What::Delete => {
                let kind = weighed(self.rng, KINDS);
                let Some((namespace, name)) = self.some(kind) else { return format!("no {kind:?}") };
                let policy = *pick(self.rng, &["Background", "Background", "Foreground", "Orphan"]);
                self.delete(kind, &namespace, &name, json!({"propagationPolicy": policy}))
            }
            What::DeletePod => {
                let Some((namespace, name)) = self.some(Kind::Pod) else { return "no pod".into() };
                let force = once_in(self.rng, 4);
                self.delete(
                    Kind::Pod,
                    &namespace,
                    &name,
                    if force { json!({"gracePeriodSeconds": 0}) } else { json!({}) },
                )
            }
            What::Evict => match self.some(Kind::Pod) {
                Some((namespace, name)) => self.evict(&namespace, &name),
                None => "no pod".into(),
            },
            What::Cordon | What::Uncordon => {
                let Some((_, node)) = self.some(Kind::Node) else { return "no node".into() };
                let wish = if what == What::Cordon { json!(true) } else { Value::Null };
                self.patch(Kind::Node, "", &node, json!({"spec": {"unschedulable": wish}}))
            }
            What::Drain => {
                let Some((_, node)) = self.some(Kind::Node) else { return "no node".into() };
                let mut said = self.patch(Kind::Node, "", &node, json!({"spec": {"unschedulable": true}}));
                for pod in self.pods_to_drain(&node) {
                    let evicted = self.evict(&pod.0, &pod.1);
                    said = format!("{said}; {evicted}");
                }
                said
            }
            What::Crash | What::OutOfMemory => {
                let Some((namespace, pod)) = self.some(Kind::Pod) else { return "no pod".into() };
                let exit_code = *pick(self.rng, &[0, 1, 137]);
                match what {
                    What::Crash => self.fault(Fault::Crash { namespace, pod, container: None, exit_code }),
                    _ => self.fault(Fault::OutOfMemory { namespace, pod, container: None }),
                }
            }
            What::StopServer => self.fault(Fault::Stop(ProcessId::ApiServer)),
            What::StartServer => self.fault(Fault::Start(ProcessId::ApiServer)),
            What::Stop => {
                let ids = self.processes(|_| true);
                let id = pick(self.rng, &ids).clone();
                self.fault(Fault::Stop(id))
            }
            What::Start => {
                let ids: Vec<ProcessId> = self
                    .snapshot
                    .processes
                    .iter()
                    .filter(|(_, view)| !view.running)
                    .map(|(id, _)| id.clone())
                    .collect();
                if ids.is_empty() {
                    return "nothing is stopped".into();
                }
                let id = pick(self.rng, &ids).clone();
                self.fault(Fault::Start(id))
            }
            What::Traffic => {
                let Some((namespace, service)) = self.some(Kind::Service) else { return "no service".into() };
                let per_second = self.rng.below(20) as u32;
                self.fault(Fault::Traffic { namespace, service, per_second })
            }
            What::Resize => {
                let Some((namespace, name)) = self.some(Kind::Pod) else { return "no pod".into() };
                let cpu = pick(self.rng, &["10m", "100m", "300m", "900m", "4"]);
                let memory = pick(self.rng, &["16Mi", "64Mi", "256Mi", "2Gi"]);
                let resources = json!({"requests": {"cpu": cpu, "memory": memory}});
                let patch = json!({"spec": {"containers": [{"name": "main", "resources": resources}]}});
                self.patch_at(Kind::Pod, &namespace, &format!("{name}/resize"), "strategic-merge-patch", patch)
            }
            What::Relabel => {
                let Some((namespace, name)) = self.some(Kind::Pod) else { return "no pod".into() };
                let app = *pick(self.rng, &["nobody", "deployment-0", "statefulset-1", "replicaset-0", "daemonset-2"]);
                self.patch(Kind::Pod, &namespace, &name, json!({"metadata": {"labels": {"app": app}}}))
            }
            What::Release => {
                let (kind, _) = *pick(self.rng, KINDS);
                let Some((namespace, name)) = self.some(kind) else { return format!("no {kind:?}") };
                self.release(kind, &namespace, &name)
            }
            What::DeleteNode => {
                let Some((_, node)) = self.some(Kind::Node) else { return "no node".into() };
                self.delete(Kind::Node, "", &node, json!({}))
            }
            What::DeleteNamespace => {
                let namespace = *pick(self.rng, &["shop", "shop", CAPPED]);
                if once_in(self.rng, 2) {
                    return self.found(namespace);
                }
                self.delete(Kind::Namespace, "", namespace, json!({}))
            }
            What::Join => {
                let name = format!("joined-{}", self.rng.below(2));
                if self.snapshot.processes.contains_key(&ProcessId::Kubelet(name.as_str().into())) {
                    return format!("{name} is there");
                }
                self.fault(Fault::Join(Box::new(NodeConfig::worker(&name))))
            }
            What::PowerOff | What::PowerOn | What::Freeze | What::Thaw | What::Squeeze | What::Relieve => {
                let kubelets = self.processes(|id| matches!(id, ProcessId::Kubelet(_)));
                let ProcessId::Kubelet(node) = pick(self.rng, &kubelets).clone() else { return String::new() };
                let node = node.to_string();
                let scarce = *pick(self.rng, &[Scarce::Memory, Scarce::Disk]);
                self.fault(match what {
                    What::PowerOff => Fault::PowerOff { node },
                    What::PowerOn => Fault::PowerOn { node },
                    What::Freeze => Fault::Freeze { node },
                    What::Thaw => Fault::Thaw { node },
                    What::Squeeze => Fault::Squeeze { node, scarce, left: Some("50Mi".into()) },
                    _ => Fault::Squeeze { node, scarce, left: None },
                })
            }
        }
    }

    fn create(&mut self) -> String {
        let kind = weighed(self.rng, KINDS);
        let namespace = if kind == Kind::ResourceQuota {
            CAPPED
        } else {
            weighed(self.rng, &[("default", 4), ("shop", 3), (CAPPED, 1)])
        };
        let name = name(self.rng, kind);
        let mut body = manifest(self.rng, kind, namespace, &name);
        // Some pods use a claim that somebody may have made.
        if kind == Kind::Pod && once_in(self.rng, 3) {
            let claim = format!("persistentvolumeclaim-{}", self.rng.below(3));
            body["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]);
        }
        let path = kind.resource().expect("it is served").path(namespace);
        let answer = self.cluster.request(Request::new(Method::Post, path).with_json(body));
        format!("{namespace}/{name} → {}", said(&answer))
    }

    fn processes(&self, which: impl Fn(&ProcessId) -> bool) -> Vec<ProcessId> {
        self.snapshot.processes.keys().filter(|id| **id != ProcessId::ApiServer && which(id)).cloned().collect()
    }

    /// Some object of the kind in our namespaces.
    fn some(&mut self, kind: Kind) -> Option<(String, String)> {
        let ours = |object: &&Object| kind == Kind::Node || NAMESPACES.contains(&object.namespace());
        let all: Vec<(String, String)> = self
            .snapshot
            .objects(kind, "")
            .filter(ours)
            .filter(|object| object.name() != "kubernetes" && !object.name().starts_with("kube-root-ca"))
            .map(|object| (object.namespace().to_owned(), object.name().to_owned()))
            .collect();
        (!all.is_empty()).then(|| pick(self.rng, &all).clone())
    }

    fn pods_to_drain(&self, node: &str) -> Vec<(String, String)> {
        let all = self.snapshot.objects(Kind::Pod, "").map(Object::to_value);
        let there = all.filter(|pod| pod["spec"]["nodeName"] == node && pod["metadata"]["namespace"] != "kube-system");
        let owned = |pod: &Value, kind: &str| pod["metadata"]["ownerReferences"][0]["kind"] == kind;
        there
            .filter(|pod| !owned(pod, "DaemonSet"))
            .map(|pod| {
                let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
                (text("namespace"), text("name"))
            })
            .collect()
    }

    fn fault(&mut self, fault: Fault) -> String {
        let named = format!("{fault:?}");
        match self.cluster.inject(fault) {
            Ok(()) => named,
            Err(why) => format!("{named} → {why}"),
        }
    }

    /// Takes our finalizer off.
    fn release(&mut self, kind: Kind, namespace: &str, name: &str) -> String {
        let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": [HOLD]}});
        self.patch_at(kind, namespace, name, "strategic-merge-patch", patch)
    }

    /// Makes a namespace, which may be there.
    fn found(&mut self, namespace: &str) -> String {
        let request = Request::new(Method::Post, "/api/v1/namespaces");
        let answer = self.cluster.request(request.with_json(json!({"metadata": {"name": namespace}})));
        format!("{namespace} → {}", said(&answer))
    }

    fn patch(&mut self, kind: Kind, namespace: &str, name: &str, patch: Value) -> String {
        self.patch_at(kind, namespace, name, "merge-patch", patch)
    }

    fn patch_at(&mut self, kind: Kind, namespace: &str, name: &str, media: &str, patch: Value) -> String {
        let path = format!("{}/{name}", kind.resource().expect("it is served").path(namespace));
        let text = patch.to_string();
        let request =
            Request::new(Method::Patch, &path).with_header("content-type", format!("application/{media}+json"));
        let answer = self.cluster.request(request.with_json(patch));
        format!("{namespace}/{name} {text} → {}", said(&answer))
    }

    fn delete(&mut self, kind: Kind, namespace: &str, name: &str, options: Value) -> String {
        let path = format!("{}/{name}", kind.resource().expect("it is served").path(namespace));
        let text = options.to_string();
        let answer = self.cluster.request(Request::new(Method::Delete, &path).with_json(options));
        format!("{kind:?} {namespace}/{name} {text} → {}", said(&answer))
    }

    fn evict(&mut self, namespace: &str, name: &str) -> String {
        let path = format!("{}/{name}/eviction", Kind::Pod.resource().expect("it is served").path(namespace));
        let body =
            json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}});
        let answer = self.cluster.request(Request::new(Method::Post, path).with_json(body));
        format!("{namespace}/{name} → {}", said(&answer))
    }
}

/// The status code, and the message of a refusal.
fn said(answer: &Response) -> String {
    let message = answer.value()["message"].as_str().filter(|_| !answer.is_success()).unwrap_or_default();
    format!("{} {message}", answer.status).trim_end().to_owned()
}
