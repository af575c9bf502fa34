//! Statuses: their few defaults, and which of their empty fields are there.
//!
//! Mirrors: pkg/apis/*/v1/defaults.go, the `omitempty` tags of the status types. Clearing a
//! status leaves the kind's zero status behind, never nothing: `status: {}` prints.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ContainerStatus, NodeStatus, PersistentVolumeClaimStatus, PodStatus};

use super::fill::{drop_blank, drop_empty, drop_empty_map, drop_zero, resources, set, set_text};
use crate::Object;

/// Completes the status of an object whose spec has its defaults.
pub fn status(object: &mut Object) {
    match object {
        Object::Pod(inner) => pod(Arc::make_mut(inner).status.get_or_insert_default()),
        Object::Namespace(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            set_text(&mut status.phase, "Active");
            drop_empty(&mut status.conditions);
        }
        Object::Node(inner) => node(Arc::make_mut(inner).status.get_or_insert_default()),
        Object::Service(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            set(&mut status.load_balancer, Default::default());
            drop_empty(&mut status.conditions);
        }
        Object::PersistentVolume(inner) => {
            set_text(&mut Arc::make_mut(inner).status.get_or_insert_default().phase, "Pending");
        }
        Object::PersistentVolumeClaim(inner) => claim(Arc::make_mut(inner).status.get_or_insert_default()),
        Object::ResourceQuota(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            resources(&mut status.hard);
            resources(&mut status.used);
        }
        Object::Ingress(inner) => {
            set(&mut Arc::make_mut(inner).status.get_or_insert_default().load_balancer, Default::default());
        }
        Object::HorizontalPodAutoscaler(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            drop_zero(&mut status.current_replicas);
            drop_zero(&mut status.observed_generation);
        }
        Object::PodDisruptionBudget(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            set(&mut status.current_healthy, 0);
            set(&mut status.desired_healthy, 0);
            set(&mut status.disruptions_allowed, 0);
            set(&mut status.expected_pods, 0);
            drop_zero(&mut status.observed_generation);
            drop_empty(&mut status.conditions);
            drop_empty_map(&mut status.disrupted_pods);
        }
        Object::Job(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            drop_zero(&mut status.active);
            drop_zero(&mut status.succeeded);
            drop_zero(&mut status.failed);
            drop_empty(&mut status.conditions);
        }
        Object::CronJob(inner) => drop_empty(&mut Arc::make_mut(inner).status.get_or_insert_default().active),
        workload => replicas(workload),
    }
}

/// The controllers' kinds: counters that print only when they are not zero.
fn replicas(object: &mut Object) {
    match object {
        Object::Deployment(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            drop_zero(&mut status.observed_generation);
            drop_zero(&mut status.replicas);
            drop_zero(&mut status.updated_replicas);
            drop_zero(&mut status.ready_replicas);
            drop_zero(&mut status.available_replicas);
            drop_zero(&mut status.unavailable_replicas);
            drop_empty(&mut status.conditions);
        }
        Object::ReplicaSet(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            drop_zero(&mut status.observed_generation);
            drop_zero(&mut status.fully_labeled_replicas);
            drop_zero(&mut status.ready_replicas);
            drop_zero(&mut status.available_replicas);
            drop_empty(&mut status.conditions);
        }
        Object::ReplicationController(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            drop_zero(&mut status.observed_generation);
            drop_zero(&mut status.fully_labeled_replicas);
            drop_zero(&mut status.ready_replicas);
            drop_zero(&mut status.available_replicas);
            drop_empty(&mut status.conditions);
        }
        Object::StatefulSet(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            // Prints even when nobody is available.
            set(&mut status.available_replicas, 0);
            drop_zero(&mut status.observed_generation);
            drop_zero(&mut status.ready_replicas);
            drop_zero(&mut status.current_replicas);
            drop_zero(&mut status.updated_replicas);
            drop_empty(&mut status.conditions);
        }
        Object::DaemonSet(inner) => {
            let status = Arc::make_mut(inner).status.get_or_insert_default();
            drop_zero(&mut status.observed_generation);
            drop_zero(&mut status.updated_number_scheduled);
            drop_zero(&mut status.number_available);
            drop_zero(&mut status.number_unavailable);
            drop_empty(&mut status.conditions);
        }
        // Kinds without a status.
        _ => {}
    }
}

fn pod(status: &mut PodStatus) {
    set_text(&mut status.phase, "Pending");
    drop_blank(&mut status.host_ip);
    drop_blank(&mut status.pod_ip);
    drop_blank(&mut status.message);
    drop_blank(&mut status.reason);
    drop_blank(&mut status.nominated_node_name);
    drop_zero(&mut status.observed_generation);
    drop_empty(&mut status.conditions);
    drop_empty(&mut status.host_ips);
    drop_empty(&mut status.pod_ips);
    for list in
        [&mut status.container_statuses, &mut status.init_container_statuses, &mut status.ephemeral_container_statuses]
    {
        drop_empty(list);
        list.iter_mut().flatten().for_each(container);
    }
    for condition in status.conditions.iter_mut().flatten() {
        drop_blank(&mut condition.message);
        drop_blank(&mut condition.reason);
    }
}

/// Both states print, even when there is nothing to say of the last one.
fn container(status: &mut ContainerStatus) {
    set(&mut status.state, Default::default());
    set(&mut status.last_state, Default::default());
    drop_blank(&mut status.container_id);
}

fn node(status: &mut NodeStatus) {
    resources(&mut status.capacity);
    resources(&mut status.allocatable);
    if status.allocatable.is_none() {
        status.allocatable.clone_from(&status.capacity);
    }
    drop_empty(&mut status.addresses);
    drop_empty(&mut status.conditions);
    drop_empty(&mut status.images);
    set(&mut status.daemon_endpoints.get_or_insert_default().kubelet_endpoint, Default::default());
    set(&mut status.node_info, Default::default());
}

/// Also inside StatefulSets: the templates of claims carry one, too.
pub(super) fn claim(status: &mut PersistentVolumeClaimStatus) {
    set_text(&mut status.phase, "Pending");
    resources(&mut status.capacity);
    resources(&mut status.allocated_resources);
    drop_empty(&mut status.access_modes);
    drop_empty(&mut status.conditions);
}
