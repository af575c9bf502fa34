//! Writes that are not plain objects: binding, scale, finalize.
//!
//! Mirrors: pkg/registry/core/pod/storage, pkg/registry/core/namespace/storage, pkg/registry/apps/*/storage.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::PodCondition;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::{Kind, Object, Status};

use super::audit::AuditVerb;
use super::operations::seconds;
use super::storage::Key;
use super::{ApiServer, Identity};

impl ApiServer {
    /// Binds a pod to a node: the one write that makes a kubelet act.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the pod is bound, gated or being deleted.
    pub fn bind(&mut self, who: &Identity, namespace: &str, pod: &str, uid: &str, node: &str) -> Result<(), Status> {
        let key = Key::new(Kind::Pod, namespace, pod);
        let now = Time(seconds(self.unix_millis()));
        let resource = self.resource_of(Kind::Pod);
        let binding = api::Resource { plural: "pods/binding", ..resource };
        let result = self.require(&key).cloned().and_then(|old| {
            let mut object = old.clone();
            let Object::Pod(target) = &mut object else { return Ok(()) };
            let refuse = |why: String| Err(Status::conflict(&binding, pod, &why));
            if !uid.is_empty() && target.metadata.uid.as_deref() != Some(uid) {
                return refuse(format!(
                    "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                    target.metadata.uid.as_deref().unwrap_or_default()
                ));
            }
            if target.metadata.deletion_timestamp.is_some() {
                return refuse(format!("pod {pod} is being deleted, cannot be assigned to a host"));
            }
            let target = Arc::make_mut(target);
            let spec = target.spec.get_or_insert_default();
            if let Some(there) = spec.node_name.as_deref().filter(|there| !there.is_empty()) {
                return refuse(format!("pod {pod} is already assigned to node {there:?}"));
            }
            if spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty()) {
                return refuse(format!("pod {pod} has non-empty .spec.schedulingGates"));
            }
            spec.node_name = Some(node.into());
            super::admission::pod_topology_labels::copy(self, target, node);
            let generation = target.metadata.generation;
            let status = target.status.get_or_insert_default();
            // Its place is taken now, not only promised.
            status.nominated_node_name = None;
            let conditions = status.conditions.get_or_insert_default();
            conditions.retain(|condition| condition.type_ != "PodScheduled");
            conditions.push(PodCondition {
                type_: "PodScheduled".into(),
                status: "True".into(),
                last_transition_time: Some(now),
                observed_generation: generation,
                ..PodCondition::default()
            });
            self.store_bound(who, object, &old);
            Ok(())
        });
        let code = result.as_ref().map_or_else(|status| status.code, |()| 201);
        self.record(who, AuditVerb::Create, Kind::Pod, "binding", namespace, pod, code, format!("-> {node}"));
        result
    }

    fn store_bound(&mut self, who: &Identity, mut object: Object, old: &Object) {
        object.meta_mut().resource_version = Some(self.store.next_version().to_string());
        let key = Key::of(&object);
        let mut ownership = self.store.get(&key).map(|stored| stored.ownership.clone()).unwrap_or_default();
        // The binding's fields are nobody's: upstream records no manager for them.
        if let Some(last) = ownership.pending.pop_back() {
            let merged = super::storage::FieldWrite { after: old.clone(), ..(*last).clone() };
            ownership.pending.push_back(Arc::new(merged));
        }
        self.commit(super::storage::Stored::new(object.clone(), ownership), who);
        self.after_write(&object, Some(old));
    }

    /// Removes the `kubernetes` finalizer of a terminating namespace.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn finalize_namespace(&mut self, who: &Identity, name: &str) -> Result<(), Status> {
        let key = Key::new(Kind::Namespace, "", name);
        let mut object = self.require(&key)?.clone();
        if let Object::Namespace(namespace) = &mut object {
            let finalizers = Arc::make_mut(namespace).spec.get_or_insert_default().finalizers.get_or_insert_default();
            finalizers.retain(|finalizer| finalizer != "kubernetes");
        }
        self.record(who, AuditVerb::Update, Kind::Namespace, "finalize", "", name, 200, String::new());
        if super::registry::strategy(Kind::Namespace).deleted_by_update(&object) {
            self.remove(who, &key, object);
        } else {
            object.meta_mut().resource_version = Some(self.store.next_version().to_string());
            let ownership = self.store.get(&key).map(|stored| stored.ownership.clone()).unwrap_or_default();
            self.commit(super::storage::Stored::new(object, ownership), who);
        }
        Ok(())
    }
}
