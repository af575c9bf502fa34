//! Defaults of the controllers' kinds in apps/v1 and core: what a workload does unless told otherwise.
//!
//! Mirrors: pkg/apis/apps/v1/defaults.go, pkg/apis/core/v1/defaults.go `SetDefaults_ReplicationController`.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{PodTemplate, ReplicationController};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::fill::{drop_empty, drop_empty_map, drop_zero, set, set_text};
use super::{pod_spec, status, volumes};

pub(super) fn deployment(deployment: &mut Deployment) {
    let spec = deployment.spec.get_or_insert_default();
    set(&mut spec.replicas, 1);
    let strategy = spec.strategy.get_or_insert_default();
    set_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_default();
        set(&mut rolling.max_unavailable, IntOrString::String("25%".into()));
        set(&mut rolling.max_surge, IntOrString::String("25%".into()));
    }
    set(&mut spec.revision_history_limit, 10);
    set(&mut spec.progress_deadline_seconds, 600);
    drop_zero(&mut spec.min_ready_seconds);
    drop_zero(&mut spec.paused);
    pod_spec::template(&mut spec.template);
}

pub(super) fn replica_set(set_: &mut ReplicaSet) {
    let spec = set_.spec.get_or_insert_default();
    set(&mut spec.replicas, 1);
    drop_zero(&mut spec.min_ready_seconds);
    pod_spec::template(spec.template.get_or_insert_default());
}

pub(super) fn replication_controller(controller: &mut ReplicationController) {
    let spec = controller.spec.get_or_insert_default();
    set(&mut spec.replicas, 1);
    drop_zero(&mut spec.min_ready_seconds);
    drop_empty_map(&mut spec.selector);
    if let Some(template) = &mut spec.template {
        pod_spec::template(template);
        let labels = template.metadata.as_ref().and_then(|meta| meta.labels.clone());
        if spec.selector.is_none() {
            spec.selector = labels.clone();
        }
        if controller.metadata.labels.is_none() {
            controller.metadata.labels = labels;
        }
    }
}

pub(super) fn stateful_set(set_: &mut StatefulSet) {
    let spec = set_.spec.get_or_insert_default();
    set_text(&mut spec.pod_management_policy, "OrderedReady");
    let strategy = spec.update_strategy.get_or_insert_default();
    set_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        set(&mut strategy.rolling_update.get_or_insert_default().partition, 0);
    }
    let retention = spec.persistent_volume_claim_retention_policy.get_or_insert_default();
    set_text(&mut retention.when_deleted, "Retain");
    set_text(&mut retention.when_scaled, "Retain");
    set(&mut spec.replicas, 1);
    set(&mut spec.revision_history_limit, 10);
    drop_zero(&mut spec.min_ready_seconds);
    pod_spec::template(&mut spec.template);
    drop_empty(&mut spec.volume_claim_templates);
    for claim in spec.volume_claim_templates.iter_mut().flatten() {
        super::fill::object_meta(&mut claim.metadata);
        volumes::claim(claim);
        status::claim(claim.status.get_or_insert_default());
    }
}

pub(super) fn daemon_set(set_: &mut DaemonSet) {
    let spec = set_.spec.get_or_insert_default();
    let strategy = spec.update_strategy.get_or_insert_default();
    set_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_default();
        set(&mut rolling.max_unavailable, IntOrString::Int(1));
        set(&mut rolling.max_surge, IntOrString::Int(0));
    }
    set(&mut spec.revision_history_limit, 10);
    drop_zero(&mut spec.min_ready_seconds);
    pod_spec::template(&mut spec.template);
    // A field of the first version, kept as an annotation: the registry counts it.
    let annotations = set_.metadata.annotations.get_or_insert_default();
    annotations.entry("deprecated.daemonset.template.generation".into()).or_insert_with(|| "0".into());
}

pub(super) fn pod_template(template: &mut PodTemplate) {
    pod_spec::template(template.template.get_or_insert_default());
}
