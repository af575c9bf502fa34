//! Jobs, DaemonSets, StatefulSets and ReplicationControllers: what old promises and closed gates ask of them.

use std::sync::Arc;

use api::Object;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Strategy, standard};

/// Jobs select their pods by their own UID, and orphan them unless told otherwise.
///
/// Mirrors: pkg/registry/batch/job/strategy.go.
pub struct JobStrategy;

impl Strategy for JobStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        standard::create(object);
        let (name, uid) = (object.name().to_string(), object.uid().to_string());
        let Object::Job(job) = object else { return };
        let job = Arc::make_mut(job);
        let Some(spec) = &mut job.spec else { return };
        if spec.manual_selector == Some(true) {
            return;
        }
        let template = spec.template.metadata.get_or_insert_default();
        // An unlabelled job bears its template's labels, the generated ones too.
        let inherits = job.metadata.labels.is_none() || job.metadata.labels == template.labels;
        let labels = template.labels.get_or_insert_default();
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            labels.entry(key.into()).or_insert_with(|| value.clone());
        }
        if inherits {
            job.metadata.labels = template.labels.clone();
        }
        let selector = spec.selector.get_or_insert_with(LabelSelector::default);
        let wanted = selector.match_labels.get_or_insert_default();
        wanted.entry("batch.kubernetes.io/controller-uid".into()).or_insert(uid);
        // What is stored is read through the defaults again: an unlabelled job takes the
        // labels its template has got by now.
        api::defaults::apply(object);
    }

    fn orphans_by_default(&self) -> bool {
        true
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Job(job) = object else { return Vec::new() };
        let succeeded = job.status.as_ref().and_then(|status| status.succeeded).unwrap_or(0);
        vec![("status.successful", succeeded.to_string())]
    }
}

/// DaemonSets count their templates in an annotation, a field of the first API version.
///
/// Mirrors: pkg/registry/apps/daemonset/strategy.go `templateGeneration`.
pub struct DaemonSetStrategy;

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

impl Strategy for DaemonSetStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        standard::create(object);
        set_template_generation(object, 1);
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
        let template = |object: &Object| match object {
            Object::DaemonSet(set) => set.spec.as_ref().map(|spec| spec.template.clone()),
            _ => None,
        };
        let before = old.meta().annotations.as_ref().and_then(|annotations| annotations.get(TEMPLATE_GENERATION));
        let generation: i64 = before.and_then(|text| text.parse().ok()).unwrap_or(1);
        set_template_generation(new, generation + i64::from(template(new) != template(old)));
    }
}

fn set_template_generation(object: &mut Object, generation: i64) {
    let annotations = object.meta_mut().annotations.get_or_insert_default();
    annotations.insert(TEMPLATE_GENERATION.into(), generation.to_string());
}

/// StatefulSets lose `maxUnavailable`: its feature gate is off in this version.
///
/// Mirrors: pkg/registry/apps/statefulset/strategy.go `dropStatefulSetDisabledFields`.
pub struct StatefulSetStrategy;

impl Strategy for StatefulSetStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        standard::create(object);
        drop_max_unavailable(object);
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        drop_max_unavailable(new);
        standard::update(new, old);
    }
}

fn drop_max_unavailable(object: &mut Object) {
    let Object::StatefulSet(set) = object else { return };
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    if strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.max_unavailable.as_ref()).is_none() {
        return;
    }
    let spec = Arc::make_mut(set).spec.get_or_insert_default();
    let rolling = spec.update_strategy.get_or_insert_default().rolling_update.get_or_insert_default();
    rolling.max_unavailable = None;
}

/// ReplicationControllers orphan their pods by default, for old clients' sake.
pub struct ReplicationControllerStrategy;

impl Strategy for ReplicationControllerStrategy {
    fn orphans_by_default(&self) -> bool {
        true
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::ReplicationController(rc) = object else { return Vec::new() };
        vec![("status.replicas", rc.status.as_ref().map_or(0, |status| status.replicas).to_string())]
    }
}
