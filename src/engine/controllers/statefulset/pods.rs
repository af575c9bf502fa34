//! Creating, repairing and deleting one pod with its claims, and the events that tell of it.
//!
//! Mirrors: pkg/controller/statefulset/stateful_pod_control.go.

use api::k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use api::{Kind, Status};

use super::identity::{self, matches, name_of};
use super::{Sync, volumes};
use crate::client::{DeleteOptions, EventOf, EventType, Key};
use crate::controllers::pods;

impl Sync<'_, '_> {
    /// Makes the claims of a pod, then the pod.
    pub fn create_pod(&mut self, pod: &Pod) -> Result<(), Status> {
        let result = self.create_claims(pod).and_then(|()| self.cx.api.create(pod.clone()).map(|_| ()));
        // Somebody else holds the name: tried again, without a word.
        if result.as_ref().is_err_and(|status| status.reason == "AlreadyExists") {
            return result;
        }
        if result.is_ok() {
            let settled = self.settle_claims(pod);
            if settled.is_err() {
                self.tell_pod("Update", pod, &settled);
                return settled;
            }
        }
        self.tell_pod("Create", pod, &result);
        result
    }

    pub fn delete_pod(&mut self, pod: &Pod) -> Result<(), Status> {
        let key = Key::new(Kind::Pod, pods::namespace(pod), pods::name(pod));
        let result = self.cx.api.delete(&key, &DeleteOptions::default()).map(|_| ());
        self.tell_pod("Delete", pod, &result);
        result
    }

    /// Gives an adopted or altered pod its identity and its volumes back.
    pub fn repair_pod(&mut self, pod: &Pod) -> Result<(), Status> {
        let mut repaired = pod.clone();
        let result = (|| {
            if !matches(self.set, pod) {
                identity::mark(&mut repaired);
            }
            if !volumes::are_mounted(self.set, pod) {
                volumes::mount(self.set, &mut repaired);
                self.create_claims(pod)?;
            }
            if !volumes::conform(self.cx, self.set, pod) {
                self.settle_claims(pod)?;
            }
            self.cx.api.update(repaired).map(|_| ())
        })();
        self.tell_pod("Update", pod, &result);
        result
    }

    /// Creates what is missing of a pod's claims.
    pub fn create_claims(&mut self, pod: &Pod) -> Result<(), Status> {
        let mut failures = Vec::new();
        for claim in volumes::claims(self.set, pod) {
            let (namespace, name) = (pods::namespace(pod), name_of(&claim.metadata).to_string());
            match self.cx.api.get::<PersistentVolumeClaim>(namespace, &name) {
                Some(there) if there.metadata.deletion_timestamp.is_some() => {
                    failures.push(format!("pvc {name} is being deleted"));
                }
                Some(_) => {}
                None => {
                    let result = self.cx.api.create(claim).map(|_| ());
                    if let Err(status) = &result {
                        failures.push(format!("failed to create PVC {name}: {status}"));
                    }
                    self.tell_claim(&name, pod, &result);
                }
            }
        }
        match failures.as_slice() {
            [] => Ok(()),
            [one] => Err(Status::failure(500, "", one.clone())),
            several => Err(Status::failure(500, "", format!("[{}]", several.join(", ")))),
        }
    }

    /// Makes the owners of a pod's claims what the retention policy wants.
    pub fn settle_claims(&mut self, pod: &Pod) -> Result<(), Status> {
        for claim in volumes::present(self.cx, self.set, pod) {
            if volumes::has_other_controller(&claim, self.set, pod) {
                let message = format!(
                    "PersistentVolumeClaim {} has a conflicting OwnerReference that acts as a managing controller, the retention policy is ignored for this claim",
                    name_of(&claim.metadata)
                );
                self.event(EventType::Warning, "ConflictingController", message);
            }
            if !volumes::is_owned_rightly(&claim, self.set, pod) {
                let owners = volumes::owners(&claim, self.set, pod);
                let key = Key::new(Kind::PersistentVolumeClaim, pods::namespace(pod), name_of(&claim.metadata));
                let result = self.cx.api.change_object(&key, "", |object| object.meta_mut().owner_references = owners);
                if let Err(status) = result {
                    let why = format!("could not update claim {} for delete policy ownerRefs: {status}", key.name);
                    return Err(Status::failure(status.code, &status.reason, why));
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, kind: EventType, reason: &str, message: String) {
        let of = EventOf::object(&self.owner);
        self.recorder.event(self.cx, &of, kind, reason, message);
    }

    fn tell_pod(&mut self, verb: &str, pod: &Pod, result: &Result<(), Status>) {
        let story = format!("{verb} Pod {} in StatefulSet {}", pods::name(pod), self.owner.name());
        match result {
            Ok(()) => self.event(EventType::Normal, &format!("Successful{verb}"), format!("{story} successful")),
            Err(why) => {
                self.event(EventType::Warning, &format!("Failed{verb}"), format!("{story} failed error: {why}"));
            }
        }
    }

    fn tell_claim(&mut self, claim: &str, pod: &Pod, result: &Result<(), Status>) {
        let (pod, set) = (pods::name(pod), self.owner.name().to_string());
        match result {
            Ok(()) => {
                let story = format!("Create Claim {claim} Pod {pod} in StatefulSet {set} success");
                self.event(EventType::Normal, "SuccessfulCreate", story);
            }
            Err(why) => {
                let story = format!("Create Claim {claim} for Pod {pod} in StatefulSet {set} failed error: {why}");
                self.event(EventType::Warning, "FailedCreate", story);
            }
        }
    }
}
