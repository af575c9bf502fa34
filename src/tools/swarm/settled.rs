//! What must hold when every fault is healed and everybody had time: all is as the specs ask.

mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use api::Kind;
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::meta::toleration::tolerates;
use api::{Object, meta::time::parse_rfc3339};
use engine::Snapshot;
use serde_json::Value;

use super::always::{allocatable, requests, taking_room};
use super::manifests::CAPPED;

/// What happened within so many milliseconds may still be under way.
const JUST_NOW: i64 = 5_000;

/// Everything there is, as JSON.
struct World<'a> {
    snapshot: &'a Snapshot,
    all: BTreeMap<Kind, Vec<Value>>,
    /// A pod waits for room, or its image is wrong: what depends on it cannot be done.
    stuck: bool,
    breaches: Vec<String>,
}

/// Every breach: a short name, a colon, a sentence.
pub fn breaches(snapshot: &Snapshot) -> Vec<String> {
    let all =
        snapshot.kinds().into_iter().map(|kind| (kind, snapshot.objects(kind, "").map(Object::to_value).collect()));
    let mut world = World { snapshot, all: all.collect(), stuck: false, breaches: Vec::new() };
    world.leave_out_held();
    world.stuck = world.list(Kind::Pod).iter().any(|pod| {
        text(pod, "/metadata/labels/fate") == "breaks" || (text(pod, "/spec/nodeName").is_empty() && !is_over(pod))
    });
    world.leftovers();
    world.nodes();
    world.pods();
    world.pending();
    world.namespaces();
    world.workloads();
    world.endpoints();
    world.quotas();
    world.claims();
    world.breaches
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn title(value: &Value) -> String {
    format!("{}/{}", text(value, "/metadata/namespace"), text(value, "/metadata/name"))
}

fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// When the last of its containers ended, in Unix milliseconds.
fn ended_at(pod: &Value) -> Option<i64> {
    let statuses = pod.pointer("/status/containerStatuses")?.as_array()?;
    let ends = statuses.iter().map(|status| text(status, "/state/terminated/finishedAt"));
    ends.filter_map(parse_rfc3339).max()
}

fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn condition<'a>(object: &'a Value, name: &str) -> &'a str {
    let all = object.pointer("/status/conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    all.iter().find(|condition| condition["type"] == name).map_or("", |condition| text(condition, "/status"))
}

fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let uid = text(owner, "/metadata/uid");
    owners.is_some_and(|all| all.iter().any(|one| one["controller"] == true && text(one, "/uid") == uid))
}

/// A failed pod of an index stays until its replacement knows of it; a suspended Job makes none.
fn keeps_failed(job: &Value) -> bool {
    job.pointer("/spec/suspend") == Some(&Value::Bool(true)) && replaces_indexes(job)
}

fn replaces_indexes(job: &Value) -> bool {
    job.pointer("/spec/backoffLimitPerIndex").is_some()
}

/// Every key and value of `wanted` is among the labels.
fn selected(wanted: Option<&Value>, object: &Value, namespace: &str) -> bool {
    let Some(wanted) = wanted.and_then(Value::as_object) else { return false };
    let labels = &object["metadata"]["labels"];
    text(object, "/metadata/namespace") == namespace && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

impl World<'_> {
    fn list(&self, kind: Kind) -> &[Value] {
        self.all.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn of(&self, kind: Kind, owner: &Value) -> Vec<&Value> {
        self.list(kind).iter().filter(|object| is_controlled_by(object, owner)).collect()
    }

    fn say(&mut self, breach: String) {
        self.breaches.push(breach);
    }

    /// Says it unless `found` is `wanted`.
    fn same(&mut self, what: &str, of: &str, found: i64, wanted: i64) {
        if found != wanted {
            self.say(format!("{what}: {of}: {found} instead of {wanted}"));
        }
    }

    /// A namespace that is going waits for its pods, a failed pod of an index for its replacement, and the namespace
    /// takes none: there upstream, too, gets stuck, and nothing in it comes to rest.
    fn leave_out_held(&mut self) {
        let going = |namespace: &str| {
            let mut all = self.list(Kind::Namespace).iter();
            all.any(|one| text(one, "/metadata/name") == namespace && is_going(one))
        };
        let waits = |job: &&Value| {
            let failed = |pod: &&Value| is_controlled_by(pod, job) && text(pod, "/status/phase") == "Failed";
            replaces_indexes(job)
                && going(text(job, "/metadata/namespace"))
                && self.list(Kind::Pod).iter().any(|pod| failed(&pod))
        };
        let jobs = self.list(Kind::Job).iter().filter(waits);
        let held: BTreeSet<String> = jobs.map(|job| text(job, "/metadata/namespace").to_owned()).collect();
        for (kind, objects) in &mut self.all {
            let of = if *kind == Kind::Namespace { "/metadata/name" } else { "/metadata/namespace" };
            objects.retain(|object| !held.contains(text(object, of)));
        }
    }

    /// Nothing is on its way out for long, nothing outlives its owner.
    fn leftovers(&mut self) {
        let uids: BTreeSet<&str> = self.all.values().flatten().map(|object| text(object, "/metadata/uid")).collect();
        let now = self.snapshot.unix_millis as i64;
        let mut found = Vec::new();
        for (kind, objects) in &self.all {
            for object in objects {
                let going = parse_rfc3339(text(object, "/metadata/deletionTimestamp"));
                let kept = *kind == Kind::Pod
                    && self.list(Kind::Job).iter().any(|job| is_controlled_by(object, job) && keeps_failed(job));
                if going.is_some_and(|at| now - at > 300_000) && !kept {
                    found.push(format!("lingers: {kind:?} {} should be gone: {}", title(object), object["status"]));
                }
                let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
                let dead = |owner: &Value| !uids.contains(text(owner, "/uid")) && owner["kind"] != "Node";
                if owners.is_some_and(|all| !all.is_empty() && all.iter().all(dead)) && going.is_none() {
                    found.push(format!("orphan: {kind:?} {} has no owner any more", title(object)));
                }
            }
        }
        self.breaches.extend(found);
    }

    fn nodes(&mut self) {
        for node in self.list(Kind::Node).to_vec() {
            if condition(&node, "Ready") != "True" {
                self.say(format!("node: {} is not Ready", title(&node)));
            }
            let taints = node.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(taint) = taints.iter().find(|taint| text(taint, "/key").starts_with("node.kubernetes.io/")) {
                self.say(format!("taint: {} still has {taint}: {}", title(&node), node["status"]["conditions"]));
            }
        }
    }

    fn pods(&mut self) {
        for pod in self.list(Kind::Pod).to_vec() {
            let runs = text(&pod, "/metadata/labels/fate") == "runs" && !text(&pod, "/spec/nodeName").is_empty();
            let claimed = pod
                .pointer("/spec/volumes")
                .is_some_and(|volumes| volumes.to_string().contains("persistentVolumeClaim\":"));
            if runs && !claimed && !is_over(&pod) && !is_going(&pod) && condition(&pod, "Ready") != "True" {
                self.say(format!("unready: pod {}: {}", title(&pod), pod["status"]["containerStatuses"]));
            }
            let ends = text(&pod, "/metadata/labels/fate") == "ends" && !text(&pod, "/spec/nodeName").is_empty();
            let never = text(&pod, "/spec/restartPolicy") == "Never";
            let old = parse_rfc3339(text(&pod, "/metadata/creationTimestamp"));
            let old = old.is_some_and(|at| self.snapshot.unix_millis as i64 - at > 300_000);
            if ends && never && old && !claimed && !is_over(&pod) && !is_going(&pod) {
                self.say(format!("endless: pod {} should have ended", title(&pod)));
            }
        }
    }

    /// A pod waits only where no node has room.
    fn pending(&mut self) {
        let mut found = Vec::new();
        for pod in self.snapshot.list::<Pod>("") {
            let Some(spec) = pod.spec.as_ref().filter(|spec| spec.node_name.is_none()) else { continue };
            let status = pod.status.clone().unwrap_or_default();
            let over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
            let claims = spec.volumes.iter().flatten().any(|volume| volume.persistent_volume_claim.is_some());
            let choosy = spec.affinity.is_some() || spec.topology_spread_constraints.is_some();
            if over || claims || choosy || pod.metadata.deletion_timestamp.is_some() || self.is_kept_away(pod) {
                continue;
            }
            let (cpu, memory) = requests(pod);
            for node in self.snapshot.list::<Node>("") {
                let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
                let tolerations = spec.tolerations.clone().unwrap_or_default();
                let keeps_out = taints.iter().any(|taint| {
                    taint.effect != "PreferNoSchedule"
                        && !tolerations.iter().any(|toleration| tolerates(toleration, taint))
                });
                let name = node.metadata.name.as_deref().unwrap_or_default();
                let (has_cpu, has_memory, most) = allocatable(node);
                let used = |counts: &dyn Fn(&Pod) -> bool| {
                    let there = taking_room(self.snapshot, name).filter(|pod| counts(pod));
                    let sum = there.fold((cpu, memory, 1), |sum, pod| {
                        let (cpu, memory) = requests(pod);
                        (sum.0 + cpu, sum.1 + memory, sum.2 + 1)
                    });
                    sum.0 <= has_cpu && sum.1 <= has_memory && sum.2 <= most
                };
                if keeps_out {
                    continue;
                }
                let waits = pod.metadata.name.as_deref().unwrap_or_default();
                if used(&|_| true) {
                    found.push(format!("pending: pod {waits} would fit on {name}"));
                }
                let priority = |pod: &Pod| pod.spec.as_ref().and_then(|spec| spec.priority).unwrap_or(0);
                let pushes = spec.preemption_policy.as_deref() != Some("Never");
                if pushes && used(&|other| priority(other) >= priority(pod)) {
                    found.push(format!("preemption: pod {waits} would fit on {name} if lesser ones went"));
                }
            }
        }
        self.breaches.extend(found);
    }

    /// Nothing is in a namespace that is not there.
    fn namespaces(&mut self) {
        let there: BTreeSet<&str> = self.list(Kind::Namespace).iter().map(|one| text(one, "/metadata/name")).collect();
        let lost = |object: &&Value| {
            let namespace = text(object, "/metadata/namespace");
            !namespace.is_empty() && !there.contains(namespace)
        };
        let found: Vec<String> = self
            .all
            .iter()
            .flat_map(|(kind, objects)| {
                objects
                    .iter()
                    .filter(lost)
                    .map(move |object| format!("lost: {kind:?} {} has no namespace", title(object)))
            })
            .collect();
        self.breaches.extend(found);
    }

    /// Whether a pod that stands may forbid its like beside it: anti-affinity holds in both directions.
    fn is_kept_away(&self, pod: &Pod) -> bool {
        let app = |pod: &Pod| pod.metadata.labels.as_ref().and_then(|labels| labels.get("app").cloned());
        self.snapshot.list::<Pod>(pod.metadata.namespace.as_deref().unwrap_or_default()).any(|other| {
            let choosy = other.spec.as_ref().is_some_and(|spec| spec.affinity.is_some());
            choosy && app(other).is_some() && app(other) == app(pod)
        })
    }

    fn endpoints(&mut self) {
        for service in self.list(Kind::Service).to_vec() {
            let Some(wanted) = service.pointer("/spec/selector") else { continue };
            // Nobody keeps the slices of a name that leads elsewhere.
            if text(&service, "/spec/type") == "ExternalName" {
                continue;
            }
            let namespace = text(&service, "/metadata/namespace");
            let always = service.pointer("/spec/publishNotReadyAddresses") == Some(&Value::Bool(true));
            let pods =
                self.list(Kind::Pod).iter().filter(|pod| selected(Some(wanted), pod, namespace) && !is_over(pod));
            let ready = pods.filter(|pod| {
                !text(pod, "/status/podIP").is_empty()
                    && (always || (condition(pod, "Ready") == "True" && !is_going(pod)))
            });
            let ready: BTreeSet<String> = ready.map(|pod| text(pod, "/status/podIP").to_owned()).collect();
            let of = |slice: &&Value| {
                text(slice, "/metadata/labels/kubernetes.io~1service-name") == text(&service, "/metadata/name")
                    && text(slice, "/metadata/namespace") == namespace
            };
            let mut found = BTreeSet::new();
            for slice in self.list(Kind::EndpointSlice).iter().filter(of) {
                for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
                    if endpoint.pointer("/conditions/ready") == Some(&Value::Bool(true)) {
                        found.insert(text(endpoint, "/addresses/0").to_owned());
                    }
                }
            }
            if found != ready {
                self.say(format!("slices: Service {}: {found:?} instead of {ready:?}", title(&service)));
            }
            let mut old = BTreeSet::new();
            let same = |object: &&Value| title(object) == title(&service);
            for endpoints in self.list(Kind::Endpoints).iter().filter(same) {
                for subset in endpoints["subsets"].as_array().into_iter().flatten() {
                    let addresses = subset["addresses"].as_array().into_iter().flatten();
                    old.extend(addresses.map(|address| text(address, "/ip").to_owned()));
                }
            }
            if old != ready {
                self.say(format!("endpoints: Service {}: {old:?} instead of {ready:?}", title(&service)));
            }
        }
    }

    fn quotas(&mut self) {
        for quota in self.list(Kind::ResourceQuota).to_vec() {
            let name = format!("ResourceQuota {}", title(&quota));
            let namespace = text(&quota, "/metadata/namespace");
            let here = |object: &&Value| text(object, "/metadata/namespace") == namespace;
            let pods = self.list(Kind::Pod).iter().filter(here).filter(|pod| !is_over(pod)).count() as i64;
            let used = text(&quota, "/status/used/pods").parse().unwrap_or(-1);
            self.same("quota", &name, used, pods);
            let deployments = self.list(Kind::Deployment).iter().filter(here).count() as i64;
            if quota.pointer("/status/hard/count~1deployments.apps").is_some() {
                let used = text(&quota, "/status/used/count~1deployments.apps").parse().unwrap_or(-1);
                self.same("quota", &name, used, deployments);
            }
        }
    }

    /// A claim that a running pod uses is bound.
    fn claims(&mut self) {
        for pod in self.list(Kind::Pod).to_vec() {
            for volume in pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten() {
                let claim = text(volume, "/persistentVolumeClaim/claimName");
                if claim.is_empty() || text(&pod, "/status/phase") != "Running" || is_over(&pod) {
                    continue;
                }
                let found = self.list(Kind::PersistentVolumeClaim).iter().find(|object| {
                    text(object, "/metadata/name") == claim
                        && text(object, "/metadata/namespace") == text(&pod, "/metadata/namespace")
                });
                if found.is_none_or(|found| text(found, "/status/phase") != "Bound") {
                    self.say(format!("claim: pod {} runs and {claim} is not bound", title(&pod)));
                }
            }
        }
    }
}
