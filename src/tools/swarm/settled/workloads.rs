//! The workloads and what looks after them: their status says what there is, and what there is is what they ask for.

use api::Kind;
use api::meta::time::parse_rfc3339;
use serde_json::Value;

use super::{
    CAPPED, JUST_NOW, World, condition, ended_at, is_controlled_by, is_going, is_over, keeps_failed, number,
    replaces_indexes, selected, text, title,
};

impl World<'_> {
    pub(super) fn workloads(&mut self) {
        for kind in [Kind::ReplicaSet, Kind::ReplicationController, Kind::Deployment, Kind::StatefulSet] {
            self.replicated(kind);
        }
        self.daemon_sets();
        self.jobs();
        self.cron_jobs();
        self.budgets();
        self.autoscalers();
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
            let paused = owner.pointer("/spec/paused") == Some(&Value::Bool(true));
            // A rollout that is paused stays where it is: between two ReplicaSets with what it may surge, or, when the
            // last one was taken away, without any.
            let sized =
                self.of(Kind::ReplicaSet, &owner).iter().filter(|set| number(set, "/spec/replicas") > 0).count();
            if paused && kind == Kind::Deployment && sized != 1 {
                continue;
            }
            self.same("replicas", &name, alive.len() as i64, wanted);
            self.same("ready", &name, ready, wanted);
            let by_hand = text(&owner, "/spec/updateStrategy/type") == "OnDelete";
            let partition = number(&owner, "/spec/updateStrategy/rollingUpdate/partition");
            // v1.36 takes a ReplicaSet of the right size with another size in its annotation for one being scaled, for
            // ever, and rolls nothing out: kubernetes/kubernetes#138840.
            let wedged = self.of(Kind::ReplicaSet, &owner).iter().any(|set| {
                let desired = text(set, "/metadata/annotations/deployment.kubernetes.io~1desired-replicas");
                number(set, "/spec/replicas") == wanted && desired != wanted.to_string()
            });
            let rolls = !paused && !by_hand && partition == 0 && !wedged;
            if matches!(kind, Kind::Deployment | Kind::StatefulSet) && rolls {
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
            // A failed pod of an index stays guarded until it is replaced, which its back-off delays.
            let replaces = replaces_indexes(&job) && !complete && !failed;
            if !keeps_failed(&job) && !replaces {
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
            // Forbidding stops no job that began while overlaps were allowed.
            let always = number(&cron, "/metadata/generation") == 1;
            if always && text(&cron, "/spec/concurrencyPolicy") == "Forbid" && running > 1 && active.len() > 1 {
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
}
