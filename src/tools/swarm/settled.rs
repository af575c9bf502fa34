//! What must hold when every fault is healed and everybody had time: all is as the specs ask.

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
    world.stuck = world.list(Kind::Pod).iter().any(|pod| {
        text(pod, "/metadata/labels/fate") == "breaks" || (text(pod, "/spec/nodeName").is_empty() && !is_over(pod))
    });
    world.leftovers();
    world.nodes();
    world.pods();
    world.pending();
    world.namespaces();
    for kind in [Kind::ReplicaSet, Kind::ReplicationController, Kind::Deployment, Kind::StatefulSet] {
        world.replicated(kind);
    }
    world.daemon_sets();
    world.jobs();
    world.cron_jobs();
    world.budgets();
    world.endpoints();
    world.autoscalers();
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
    job.pointer("/spec/suspend") == Some(&Value::Bool(true)) && job.pointer("/spec/backoffLimitPerIndex").is_some()
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

    /// Controllers with `spec.replicas`.
    fn replicated(&mut self, kind: Kind) {
        for owner in self.list(kind).to_vec() {
            let name = format!("{kind:?} {}", title(&owner));
            self.same(
                "generation-seen",
                &name,
                number(&owner, "/status/observedGeneration"),
                number(&owner, "/metadata/generation"),
            );
            let wanted = number(&owner, "/spec/replicas");
            let mut pods: Vec<Value> = Vec::new();
            if kind == Kind::Deployment {
                for set in self.of(Kind::ReplicaSet, &owner) {
                    pods.extend(self.of(Kind::Pod, set).into_iter().cloned());
                }
            } else {
                pods.extend(self.of(Kind::Pod, &owner).into_iter().cloned());
            }
            let alive: Vec<&Value> = pods.iter().filter(|pod| !is_over(pod) && !is_going(pod)).collect();
            let ready = alive.iter().filter(|pod| condition(pod, "Ready") == "True").count() as i64;
            // A StatefulSet counts whatever stands in its places, and what failed stands there until its turn comes.
            let counted = if kind == Kind::StatefulSet { pods.len() } else { alive.len() };
            self.same("replicas-counted", &name, number(&owner, "/status/replicas"), counted as i64);
            self.same("ready-counted", &name, number(&owner, "/status/readyReplicas"), ready);
            self.same("available-counted", &name, number(&owner, "/status/availableReplicas"), ready);
            // A pod that was let go keeps its name, which a StatefulSet wants for another.
            let (namespace, prefix) =
                (text(&owner, "/metadata/namespace"), format!("{}-", text(&owner, "/metadata/name")));
            let in_the_way = |pod: &Value| {
                let (there, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
                kind == Kind::StatefulSet
                    && there == namespace
                    && name.starts_with(&prefix)
                    && !is_controlled_by(pod, &owner)
            };
            if self.stuck || namespace == CAPPED || self.list(Kind::Pod).iter().any(in_the_way) {
                continue;
            }
            self.same("replicas", &name, alive.len() as i64, wanted);
            self.same("ready", &name, ready, wanted);
            let paused = owner.pointer("/spec/paused") == Some(&Value::Bool(true));
            let by_hand = text(&owner, "/spec/updateStrategy/type") == "OnDelete";
            let partition = number(&owner, "/spec/updateStrategy/rollingUpdate/partition");
            if matches!(kind, Kind::Deployment | Kind::StatefulSet) && !paused && !by_hand && partition == 0 {
                self.same("updated", &name, number(&owner, "/status/updatedReplicas"), wanted);
            }
            if kind == Kind::StatefulSet
                && !by_hand
                && partition == 0
                && text(&owner, "/status/currentRevision") != text(&owner, "/status/updateRevision")
            {
                self.say(format!("revision: {name}: the update is done and its revision is not the current one"));
            }
        }
    }

    fn daemon_sets(&mut self) {
        for owner in self.list(Kind::DaemonSet).to_vec() {
            let name = format!("DaemonSet {}", title(&owner));
            self.same(
                "generation-seen",
                &name,
                number(&owner, "/status/observedGeneration"),
                number(&owner, "/metadata/generation"),
            );
            let everywhere = owner
                .pointer("/spec/template/spec/tolerations")
                .is_some_and(|all| all.to_string().contains("{\"operator\":\"Exists\"}"));
            let tainted = |node: &&Value| {
                node.pointer("/spec/taints").is_some_and(|taints| taints.to_string().contains("control-plane"))
            };
            let nodes = self.list(Kind::Node).iter().filter(|node| everywhere || !tainted(node)).count() as i64;
            self.same("daemons-wanted", &name, number(&owner, "/status/desiredNumberScheduled"), nodes);
            let pods = self.of(Kind::Pod, &owner).into_iter().filter(|pod| !is_over(pod) && !is_going(pod));
            let (mut ready, mut count) = (0, 0);
            for pod in pods {
                count += 1;
                ready += i64::from(condition(pod, "Ready") == "True");
            }
            self.same("ready-counted", &name, number(&owner, "/status/numberReady"), ready);
            if !self.stuck && text(&owner, "/metadata/namespace") != CAPPED {
                self.same("daemons", &name, count, nodes);
                self.same("daemons-ready", &name, ready, nodes);
                if text(&owner, "/spec/updateStrategy/type") != "OnDelete" {
                    self.same("updated", &name, number(&owner, "/status/updatedNumberScheduled"), nodes);
                }
            }
        }
    }

    fn jobs(&mut self) {
        for job in self.list(Kind::Job).to_vec() {
            let name = format!("Job {}", title(&job));
            let (complete, failed) = (condition(&job, "Complete") == "True", condition(&job, "Failed") == "True");
            if complete && failed {
                self.say(format!("job: {name} is both complete and failed"));
            }
            let pods = self.of(Kind::Pod, &job);
            let alive = pods.iter().filter(|pod| !is_over(pod) && !is_going(pod)).count() as i64;
            let guarded = pods
                .iter()
                .filter(|pod| is_over(pod) && pod["metadata"]["finalizers"].to_string().contains("job-tracking"))
                .count();
            // The controller gathers what ends within a second or so; a CronJob's may end at any moment.
            let now = self.snapshot.unix_millis as i64;
            if pods.iter().any(|pod| ended_at(pod).is_some_and(|at| now - at < JUST_NOW)) {
                continue;
            }
            self.same("job-active", &name, number(&job, "/status/active"), alive);
            if !keeps_failed(&job) {
                self.same("job-guarded", &name, guarded as i64, 0);
            }
            if (complete || failed) && alive > 0 {
                self.say(format!("job: {name} is over and has {alive} pods running"));
            }
            if complete && number(&job, "/status/succeeded") < number(&job, "/spec/completions") {
                self.say(format!("job: {name} is complete with too few successes: {}", job["status"]));
            }
            let born = parse_rfc3339(text(&job, "/metadata/creationTimestamp")).unwrap_or_default();
            let old = self.snapshot.unix_millis as i64 - born > 600_000;
            let suspended = job.pointer("/spec/suspend") == Some(&Value::Bool(true));
            let never = job.pointer("/spec/parallelism") == Some(&Value::from(0));
            let capped = text(&job, "/metadata/namespace") == CAPPED;
            let on_failure = text(&job, "/spec/template/spec/restartPolicy") == "OnFailure";
            if old && !complete && !failed && !suspended && !never && !capped && !self.stuck && !on_failure {
                self.say(format!("job: {name} should be over: {}", job["status"]));
            }
            if suspended && alive > 0 && !complete && !failed {
                self.say(format!("job: {name} is suspended and has {alive} pods"));
            }
            let ttl = job.pointer("/spec/ttlSecondsAfterFinished").and_then(Value::as_i64);
            if let Some(ttl) = ttl.filter(|_| complete || failed) {
                let conditions =
                    job.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
                let ended = conditions.iter().filter_map(|one| parse_rfc3339(text(one, "/lastTransitionTime"))).max();
                if ended.is_some_and(|ended| self.snapshot.unix_millis as i64 - ended > ttl * 1000 + 60_000) {
                    self.say(format!("job: {name} should be cleaned up"));
                }
            }
        }
    }

    fn cron_jobs(&mut self) {
        for cron in self.list(Kind::CronJob).to_vec() {
            let name = format!("CronJob {}", title(&cron));
            let jobs: Vec<Value> = self.of(Kind::Job, &cron).into_iter().cloned().collect();
            let active = cron.pointer("/status/active").and_then(Value::as_array).cloned().unwrap_or_default();
            for reference in &active {
                if !jobs.iter().any(|job| text(job, "/metadata/uid") == text(reference, "/uid")) {
                    self.say(format!("cron: {name} thinks {} is active", text(reference, "/name")));
                }
            }
            let done = |what: &str| jobs.iter().filter(|job| condition(job, what) == "True").count() as i64;
            // One more may have ended since the last sweep.
            for (what, limit) in
                [("Complete", "/spec/successfulJobsHistoryLimit"), ("Failed", "/spec/failedJobsHistoryLimit")]
            {
                if done(what) > number(&cron, limit) + 1 {
                    self.say(format!("cron: {name} keeps {} jobs that are {what}", done(what)));
                }
            }
            let running = jobs.len() as i64 - done("Complete") - done("Failed");
            if text(&cron, "/spec/concurrencyPolicy") == "Forbid" && running > 1 && active.len() > 1 {
                self.say(format!("cron: {name} forbids overlaps and has {running} jobs"));
            }
            let last = parse_rfc3339(text(&cron, "/status/lastScheduleTime"));
            let suspended = cron.pointer("/spec/suspend") == Some(&Value::Bool(true));
            let free =
                text(&cron, "/spec/concurrencyPolicy") != "Forbid" && text(&cron, "/metadata/namespace") != CAPPED;
            if !suspended && free && last.is_none_or(|at| self.snapshot.unix_millis as i64 - at > 330_000) {
                self.say(format!("cron: {name} did not run for five minutes: {}", cron["status"]));
            }
        }
    }

    fn budgets(&mut self) {
        for budget in self.list(Kind::PodDisruptionBudget).to_vec() {
            // Of pods whose controller nobody can scale the controller gives up before it counts.
            let conditions = budget.pointer("/status/conditions").map(Value::to_string).unwrap_or_default();
            if conditions.contains("SyncFailed") {
                self.same("budget-failed", &title(&budget), number(&budget, "/status/disruptionsAllowed"), 0);
                continue;
            }
            let name = format!("PodDisruptionBudget {}", title(&budget));
            let namespace = text(&budget, "/metadata/namespace");
            let wanted = budget.pointer("/spec/selector/matchLabels");
            let pods = self.list(Kind::Pod).iter().filter(|pod| selected(wanted, pod, namespace));
            let healthy =
                pods.filter(|pod| !is_going(pod) && !is_over(pod) && condition(pod, "Ready") == "True").count() as i64;
            self.same(
                "generation-seen",
                &name,
                number(&budget, "/status/observedGeneration"),
                number(&budget, "/metadata/generation"),
            );
            self.same("budget-healthy", &name, number(&budget, "/status/currentHealthy"), healthy);
            let expected = number(&budget, "/status/expectedPods");
            let left = number(&budget, "/status/currentHealthy") - number(&budget, "/status/desiredHealthy");
            let allowed = if expected > 0 { left.max(0) } else { 0 };
            self.same("budget-allowed", &name, number(&budget, "/status/disruptionsAllowed"), allowed);
        }
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

    fn autoscalers(&mut self) {
        for scaler in self.list(Kind::HorizontalPodAutoscaler).to_vec() {
            let name = format!("HorizontalPodAutoscaler {}", title(&scaler));
            let target =
                format!("{}/{}", text(&scaler, "/metadata/namespace"), text(&scaler, "/spec/scaleTargetRef/name"));
            let rivals = self.list(Kind::HorizontalPodAutoscaler).iter().filter(|other| {
                format!("{}/{}", text(other, "/metadata/namespace"), text(other, "/spec/scaleTargetRef/name")) == target
            });
            if rivals.count() > 1 {
                continue;
            }
            let Some(deployment) = self.list(Kind::Deployment).iter().find(|deployment| title(deployment) == target)
            else {
                continue;
            };
            let replicas = number(deployment, "/spec/replicas");
            let (low, high) = (number(&scaler, "/spec/minReplicas").max(1), number(&scaler, "/spec/maxReplicas"));
            if replicas != 0 && !(low..=high).contains(&replicas) {
                self.say(format!("autoscaler: {name}: {replicas} replicas are not in {low}..={high}"));
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
