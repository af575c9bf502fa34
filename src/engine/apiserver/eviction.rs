//! Eviction: a deletion that asks the pod's disruption budget first.
//!
//! Mirrors: pkg/registry/core/pod/storage/eviction.go. Left out: its retries (no write comes between).

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::api::policy::v1::PodDisruptionBudget;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::{Kind, Object, Resource, Status};

use super::audit::AuditVerb;
use super::bootstrap;
use super::operations::seconds;
use super::registry::{mark_disrupted, tell_disruptions};
use super::storage::Key;
use super::{ApiServer, DeleteOptions, Identity, WriteOptions};

/// More evictions than this without a word from the controller, and no further one is granted.
const MAX_DISRUPTED: usize = 2000;

impl ApiServer {
    /// Evicts a pod.
    ///
    /// # Errors
    /// 429 when the budget is used up, 500 when two budgets claim the pod, `NotFound`.
    pub fn evict(&mut self, who: &Identity, namespace: &str, pod: &str, options: &DeleteOptions) -> Result<(), Status> {
        let result = self.evict_inner(who, namespace, pod, options);
        let code = result.as_ref().map_or_else(|status| status.code, |()| 201);
        self.record(who, AuditVerb::Create, Kind::Pod, "eviction", namespace, pod, code, String::new());
        result
    }

    fn evict_inner(
        &mut self,
        who: &Identity,
        namespace: &str,
        pod: &str,
        options: &DeleteOptions,
    ) -> Result<(), Status> {
        let key = Key::new(Kind::Pod, namespace, pod);
        let object = self.require(&key)?.clone();
        let Object::Pod(target) = &object else { return Ok(()) };
        if !ignores_budgets(target) {
            match self.budgets_of(target).as_slice() {
                [] => {}
                [budget] if may_go_unhealthy(target, budget) => {}
                [budget] => self.spend_budget(budget, pod, options.dry_run)?,
                _ => {
                    let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                    return Err(Status::failure(500, "", why));
                }
            }
        }
        let mut options = options.clone();
        if !options.dry_run {
            let named = Resource { plural: "Pod", ..self.resource_of(Kind::Pod) };
            self.check_preconditions(&named, &object, &options)?;
            let now = Time(seconds(self.unix_millis()));
            let marked = self.mark_evicted(who, &object, now)?;
            // What the client knew has just been overwritten by us, not by a stranger.
            if options.resource_version.is_some() {
                options.resource_version.clone_from(&marked.meta().resource_version);
            }
        }
        // The eviction is the request; what follows from it inside the server is none.
        self.delete_inner(who, &key, &options).map(|_| ())
    }

    fn mark_evicted(&mut self, who: &Identity, old: &Object, now: Time) -> Result<Object, Status> {
        let mut object = old.clone();
        if let Object::Pod(pod) = &mut object {
            mark_disrupted(Arc::make_mut(pod), "EvictionByEvictionAPI", "Eviction API: evicting", now);
        }
        self.guarded_update(who, object, old.clone(), &mut WriteOptions::on("status"), false)
    }

    fn budgets_of(&self, pod: &Pod) -> Vec<Arc<PodDisruptionBudget>> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        self.read_all(Kind::PodDisruptionBudget, namespace)
            .filter_map(|object| object.get::<PodDisruptionBudget>())
            .filter(|budget| {
                let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
                api::meta::selector::matches(selector, pod.metadata.labels.as_ref())
            })
            .cloned()
            .collect()
    }

    /// Takes one disruption off a budget and notes whose it is, for the controller to wait for.
    fn spend_budget(&mut self, budget: &PodDisruptionBudget, pod: &str, dry_run: bool) -> Result<(), Status> {
        let status = budget.status.clone().unwrap_or_default();
        let name = budget.metadata.name.clone().unwrap_or_default();
        let refuse = |message: String, retry_after: u32| {
            let text = "Cannot evict pod as it would violate the pod's disruption budget.";
            Err(Status::too_many_requests(text, retry_after).with_cause("DisruptionBudget", &message, ""))
        };
        if budget.metadata.generation > status.observed_generation {
            return refuse(format!("The disruption budget {name} is still being processed by the server."), 10);
        }
        let forbid = |server: &Self, why: &str| {
            let row = Resource { plural: "poddisruptionbudget", ..server.resource_of(Kind::PodDisruptionBudget) };
            Err(Status::forbidden(&row, &name, why))
        };
        let allowed = status.disruptions_allowed.unwrap_or(0);
        if allowed < 0 {
            return forbid(self, "pdb disruptions allowed is negative");
        }
        if status.disrupted_pods.as_ref().is_some_and(|pods| pods.len() > MAX_DISRUPTED) {
            let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
            return forbid(self, why);
        }
        if allowed == 0 {
            let (needed, there) = (status.desired_healthy.unwrap_or(0), status.current_healthy.unwrap_or(0));
            return refuse(
                format!("The disruption budget {name} needs {needed} healthy pods and has {there} currently"),
                0,
            );
        }
        if dry_run {
            return Ok(());
        }
        let now = Time(seconds(self.unix_millis()));
        let key = Key::new(Kind::PodDisruptionBudget, budget.metadata.namespace.as_deref().unwrap_or_default(), &name);
        self.modify(&bootstrap::identity(), &key, &mut WriteOptions::on("status"), |object| {
            if let Object::PodDisruptionBudget(budget) = object {
                let status = Arc::make_mut(budget).status.get_or_insert_default();
                status.disruptions_allowed = Some(allowed - 1);
                if allowed == 1 {
                    tell_disruptions(status, now.clone());
                }
                status.disrupted_pods.get_or_insert_default().insert(pod.into(), now);
            }
            Ok(())
        })
        .map(|_| ())
    }
}

/// A pod that does not serve, or is leaving anyway, disturbs nobody by leaving.
fn ignores_budgets(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    matches!(phase, "Pending" | "Succeeded" | "Failed") || pod.metadata.deletion_timestamp.is_some()
}

/// Whether the budget lets a pod go that is not ready, without being charged for it.
fn may_go_unhealthy(pod: &Pod, budget: &PodDisruptionBudget) -> bool {
    let conditions = pod.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    if conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True") {
        return false;
    }
    let policy = budget.spec.as_ref().and_then(|spec| spec.unhealthy_pod_eviction_policy.as_deref());
    let status = budget.status.as_ref();
    let desired = status.and_then(|status| status.desired_healthy).unwrap_or(0);
    let current = status.and_then(|status| status.current_healthy).unwrap_or(0);
    // `IfHealthyBudget`, which is meant where nothing is said: only while the others suffice.
    policy == Some("AlwaysAllow") || (current >= desired && desired > 0)
}
