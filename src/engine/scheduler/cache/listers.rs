//! What plugins look up beside nodes and pods: volumes, claims, budgets, and the owners of pods.
//!
//! Mirrors: the informers of pkg/scheduler/scheduler.go `New`, as far as plugins ask them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{Kind, Object, Typed};
use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, ReplicationController, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::storage::v1::{CSIDriver, CSINode, StorageClass};

use super::capacity::Capacity;
use super::device_claims::DeviceClaim;
use crate::scheduler::pod_info::NamespaceLabels;

/// Namespace (empty for cluster-scoped kinds) and name.
pub type Key = (String, String);

pub fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

type Store<T> = BTreeMap<Key, Arc<T>>;

#[derive(Debug, Clone, Default)]
pub struct Listers {
    pub namespaces: NamespaceLabels,
    pub claims: Store<PersistentVolumeClaim>,
    pub volumes: Store<PersistentVolume>,
    pub storage_classes: Store<StorageClass>,
    pub csi_nodes: Store<CSINode>,
    pub csi_drivers: Store<CSIDriver>,
    pub capacities: BTreeMap<Key, Capacity>,
    pub device_claims: BTreeMap<Key, DeviceClaim>,
    pub device_classes: BTreeSet<String>,
    pub services: Store<Service>,
    pub replica_sets: Store<ReplicaSet>,
    pub stateful_sets: Store<StatefulSet>,
    pub replication_controllers: Store<ReplicationController>,
    pub budgets: Store<PodDisruptionBudget>,
}

impl Listers {
    pub fn set(&mut self, object: &Object) {
        self.change(object, true);
    }

    pub fn remove(&mut self, object: &Object) {
        self.change(object, false);
    }

    fn change(&mut self, object: &Object, present: bool) {
        match object {
            Object::Namespace(namespace) => {
                let name = object.name().to_owned();
                if present {
                    self.namespaces.insert(name, namespace.metadata.labels.clone().unwrap_or_default());
                } else {
                    self.namespaces.remove(&name);
                }
            }
            Object::PersistentVolumeClaim(claim) => put(&mut self.claims, claim, present),
            Object::PersistentVolume(volume) => put(&mut self.volumes, volume, present),
            Object::StorageClass(class) => put(&mut self.storage_classes, class, present),
            Object::CSINode(node) => put(&mut self.csi_nodes, node, present),
            Object::CSIDriver(driver) => put(&mut self.csi_drivers, driver, present),
            Object::Service(service) => put(&mut self.services, service, present),
            Object::ReplicaSet(set) => put(&mut self.replica_sets, set, present),
            Object::StatefulSet(set) => put(&mut self.stateful_sets, set, present),
            Object::ReplicationController(rc) => put(&mut self.replication_controllers, rc, present),
            Object::PodDisruptionBudget(budget) => put(&mut self.budgets, budget, present),
            Object::Dynamic(capacity) if object.kind() == Kind::CSIStorageCapacity => {
                let meta = object.meta();
                let key = key(meta.namespace.as_deref().unwrap_or_default(), object.name());
                if present {
                    self.capacities.insert(key, Capacity::read(capacity));
                } else {
                    self.capacities.remove(&key);
                }
            }
            Object::Dynamic(claim) if object.kind() == Kind::ResourceClaim => {
                let key = key(claim.metadata.namespace.as_deref().unwrap_or_default(), object.name());
                if present {
                    self.device_claims.insert(key, DeviceClaim::read(claim));
                } else {
                    self.device_claims.remove(&key);
                }
            }
            Object::Dynamic(_) if object.kind() == Kind::DeviceClass => {
                if present {
                    self.device_classes.insert(object.name().to_owned());
                } else {
                    self.device_classes.remove(object.name());
                }
            }
            // No plugin looks these up.
            _ => {}
        }
    }
}

fn put<T: Typed>(store: &mut Store<T>, object: &Arc<T>, present: bool) {
    let meta = object.meta();
    let key = key(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
    if present {
        store.insert(key, object.clone());
    } else {
        store.remove(&key);
    }
}
