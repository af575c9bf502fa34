//! The habits most kinds share: status is the server's, generation follows the spec.

use api::k8s_openapi::api::core::v1::PersistentVolume;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::{Kind, Object};

use super::Strategy;

/// A kind without surprises.
pub struct Plain {
    pub unconditional: bool,
    pub create_on_update: bool,
    pub returns_object: bool,
}

impl Strategy for Plain {
    fn allow_unconditional_update(&self) -> bool {
        self.unconditional
    }

    fn allow_create_on_update(&self) -> bool {
        self.create_on_update
    }

    fn returns_deleted_object(&self) -> bool {
        self.returns_object
    }
}

/// Events can be selected by what they are about.
pub struct EventStrategy;

/// What events can be selected by, besides their name.
pub const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

impl Strategy for EventStrategy {
    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Event(event) = object else { return Vec::new() };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let involved = &event.involved_object;
        let source = event.source.as_ref().and_then(|source| source.component.clone()).unwrap_or_default();
        let reporting = text(&event.reporting_component);
        vec![
            ("involvedObject.kind", text(&involved.kind)),
            ("involvedObject.namespace", text(&involved.namespace)),
            ("involvedObject.name", text(&involved.name)),
            ("involvedObject.uid", text(&involved.uid)),
            ("involvedObject.apiVersion", text(&involved.api_version)),
            ("involvedObject.resourceVersion", text(&involved.resource_version)),
            ("involvedObject.fieldPath", text(&involved.field_path)),
            ("reason", text(&event.reason)),
            ("reportingComponent", reporting.clone()),
            // Upstream falls back to the newer field.
            ("source", if source.is_empty() { reporting } else { source }),
            ("type", text(&event.type_)),
        ]
    }
}

/// Requests for certificates can be selected by who signs, and know since when they are approved or denied.
pub struct SigningRequestStrategy;

impl Strategy for SigningRequestStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        if let Object::Dynamic(request) = object {
            std::sync::Arc::make_mut(request).fields.remove("status");
        }
        create(object);
    }

    fn stamp(&self, object: &mut Object, _old: Option<&Object>, now: &Time) {
        let Object::Dynamic(request) = object else { return };
        let undated = |condition: &serde_json::Value| condition["lastTransitionTime"].is_null();
        let conditions = request.fields.get("status").and_then(|status| status["conditions"].as_array());
        if !conditions.is_some_and(|conditions| conditions.iter().any(undated)) {
            return;
        }
        let status = std::sync::Arc::make_mut(request).fields.get_mut("status");
        let conditions = status.and_then(|status| status["conditions"].as_array_mut());
        for condition in conditions.into_iter().flatten().filter(|condition| undated(condition)) {
            condition["lastTransitionTime"] = serde_json::json!(now);
        }
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Dynamic(request) = object else { return Vec::new() };
        let signer = request.fields.get("spec").and_then(|spec| spec["signerName"].as_str());
        vec![("spec.signerName", signer.unwrap_or_default().into())]
    }
}

/// Secrets can be selected by type.
pub struct SecretStrategy;

impl Strategy for SecretStrategy {
    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Secret(secret) = object else { return Vec::new() };
        vec![("type", secret.type_.clone().unwrap_or_default())]
    }

    fn prepare_for_create(&self, object: &mut Object) {
        // `stringData` is write-only: it is folded into `data`.
        fold_string_data(object);
    }

    fn prepare_for_update(&self, new: &mut Object, _old: &Object) {
        fold_string_data(new);
    }
}

fn fold_string_data(object: &mut Object) {
    let Some(secret) = object.get_mut::<api::k8s_openapi::api::core::v1::Secret>() else { return };
    if let Some(texts) = secret.string_data.take() {
        let data = secret.data.get_or_insert_default();
        for (key, text) in texts {
            data.insert(key, api::k8s_openapi::ByteString(text.into_bytes()));
        }
    }
}

/// Volumes remember since when they are in their phase.
pub struct PersistentVolumeStrategy;

impl Strategy for PersistentVolumeStrategy {
    fn returns_deleted_object(&self) -> bool {
        true
    }

    fn stamp(&self, object: &mut Object, old: Option<&Object>, now: &Time) {
        let phase = |object: &Object| {
            let volume = object.get::<PersistentVolume>();
            volume.and_then(|volume| volume.status.as_ref()?.phase.clone())
        };
        if old.is_some_and(|old| phase(old) == phase(object)) {
            return;
        }
        if let Some(volume) = object.get_mut::<PersistentVolume>() {
            volume.status.get_or_insert_default().last_phase_transition_time = Some(now.clone());
        }
    }
}

/// Kinds whose `metadata.generation` counts changes of the spec.
const fn has_generation(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Pod
            | Kind::PodTemplate
            | Kind::ReplicationController
            | Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
            | Kind::CronJob
            | Kind::PodDisruptionBudget
            | Kind::Ingress
            | Kind::IngressClass
            | Kind::NetworkPolicy
            | Kind::EndpointSlice
            | Kind::PriorityClass
            | Kind::CSIDriver
            | Kind::CustomResourceDefinition
            | Kind::Custom(_)
    )
}

/// Runs one expression for every kind with an optional spec and status.
macro_rules! for_spec_and_status {
    ($object:expr, $typed:ident => $then:expr, $otherwise:expr) => {
        match $object {
            Object::Pod($typed) => $then,
            Object::Node($typed) => $then,
            Object::Namespace($typed) => $then,
            Object::Service($typed) => $then,
            Object::ReplicationController($typed) => $then,
            Object::ResourceQuota($typed) => $then,
            Object::PersistentVolume($typed) => $then,
            Object::PersistentVolumeClaim($typed) => $then,
            Object::Deployment($typed) => $then,
            Object::ReplicaSet($typed) => $then,
            Object::StatefulSet($typed) => $then,
            Object::DaemonSet($typed) => $then,
            Object::Job($typed) => $then,
            Object::CronJob($typed) => $then,
            Object::HorizontalPodAutoscaler($typed) => $then,
            Object::PodDisruptionBudget($typed) => $then,
            Object::Ingress($typed) => $then,
            Object::VolumeAttachment($typed) => $then,
            _ => $otherwise,
        }
    };
}

/// Both objects, of the same kind with spec and status: copies one field over.
macro_rules! copy_field {
    ($new:expr, $old:expr, $field:ident, [$($kind:ident),*]) => {
        match ($new, $old) {
            $((Object::$kind(new), Object::$kind(old)) if new.$field != old.$field => {
                std::sync::Arc::make_mut(new).$field.clone_from(&old.$field);
            })*
            (Object::Dynamic(new), Object::Dynamic(old)) => {
                let name = stringify!($field);
                if new.fields.get(name) != old.fields.get(name) {
                    let new = std::sync::Arc::make_mut(new);
                    match old.fields.get(name) {
                        Some(value) => { new.fields.insert(name.into(), value.clone()); }
                        None => { new.fields.remove(name); }
                    }
                }
            }
            // Kinds without this field have nothing to keep.
            _ => {}
        }
    };
    ($new:expr, $old:expr, $field:ident) => {
        copy_field!($new, $old, $field, [
            Pod, Node, Namespace, Service, ReplicationController, ResourceQuota, PersistentVolume,
            PersistentVolumeClaim, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob,
            HorizontalPodAutoscaler, PodDisruptionBudget, Ingress, VolumeAttachment
        ])
    };
}

/// A client does not bring a status along.
pub fn create(object: &mut Object) {
    for_spec_and_status!(&mut *object, typed => { let typed = std::sync::Arc::make_mut(typed); typed.status = None; }, {});
    api::defaults::status(object);
    if has_generation(object.kind()) {
        object.meta_mut().generation = Some(1);
    }
    // What is read back from storage is defaulted again: an empty status shows as Go prints it.
    api::defaults::apply(object);
}

pub fn update(new: &mut Object, old: &Object) {
    copy_field!(&mut *new, old, status);
    follow_spec(new, old);
}

/// One more generation when anything but metadata and status changed.
pub fn follow_spec(new: &mut Object, old: &Object) {
    if !has_generation(new.kind()) {
        return;
    }
    let before = old.meta().generation;
    let changed = !same_but_meta(new, old);
    let generation = if changed { Some(before.unwrap_or(0) + 1) } else { before };
    if new.meta().generation != generation {
        new.meta_mut().generation = generation;
    }
}

fn same_but_meta(new: &Object, old: &Object) -> bool {
    match (new, old) {
        (Object::Pod(a), Object::Pod(b)) => a.spec == b.spec,
        (Object::ReplicationController(a), Object::ReplicationController(b)) => a.spec == b.spec,
        (Object::Deployment(a), Object::Deployment(b)) => {
            a.spec == b.spec && a.metadata.annotations == b.metadata.annotations
        }
        (Object::ReplicaSet(a), Object::ReplicaSet(b)) => a.spec == b.spec,
        (Object::StatefulSet(a), Object::StatefulSet(b)) => a.spec == b.spec,
        (Object::DaemonSet(a), Object::DaemonSet(b)) => a.spec == b.spec,
        (Object::Job(a), Object::Job(b)) => a.spec == b.spec,
        (Object::CronJob(a), Object::CronJob(b)) => a.spec == b.spec,
        (Object::PodDisruptionBudget(a), Object::PodDisruptionBudget(b)) => a.spec == b.spec,
        (Object::Ingress(a), Object::Ingress(b)) => a.spec == b.spec,
        (Object::IngressClass(a), Object::IngressClass(b)) => a.spec == b.spec,
        (Object::NetworkPolicy(a), Object::NetworkPolicy(b)) => a.spec == b.spec,
        (Object::CSIDriver(a), Object::CSIDriver(b)) => a.spec == b.spec,
        (Object::PodTemplate(a), Object::PodTemplate(b)) => a.template == b.template,
        (Object::PriorityClass(a), Object::PriorityClass(b)) => {
            a.value == b.value && a.description == b.description && a.global_default == b.global_default
        }
        (Object::EndpointSlice(a), Object::EndpointSlice(b)) => {
            a.endpoints == b.endpoints
                && a.ports == b.ports
                && a.address_type == b.address_type
                && a.metadata.labels == b.metadata.labels
        }
        (Object::Dynamic(a), Object::Dynamic(b)) => {
            let but_status = |fields: &serde_json::Map<String, serde_json::Value>| {
                let mut fields = fields.clone();
                fields.remove("status");
                fields
            };
            but_status(&a.fields) == but_status(&b.fields)
        }
        // Kinds without a generation never ask.
        _ => true,
    }
}

pub fn update_status(new: &mut Object, old: &Object) {
    copy_field!(&mut *new, old, spec);
    let generation = old.meta().generation;
    if new.meta().generation != generation {
        new.meta_mut().generation = generation;
    }
}

/// Custom kinds, as far as the strategy without their definition goes: a PUT must say what it replaces.
pub struct Unprepared;

impl Strategy for Unprepared {
    fn prepare_for_create(&self, _object: &mut Object) {}

    fn prepare_for_update(&self, _new: &mut Object, _old: &Object) {}

    fn prepare_for_status_update(&self, _new: &mut Object, _old: &Object) {}

    fn allow_unconditional_update(&self) -> bool {
        false
    }
}

/// A custom kind, with or without a status of its own.
pub struct PlainCustom {
    pub has_status: bool,
}

impl PlainCustom {
    /// Everything but metadata, and the status where it is one.
    fn content(&self, object: &Object) -> serde_json::Map<String, serde_json::Value> {
        let Object::Dynamic(inner) = object else { return Default::default() };
        let mut fields = inner.fields.clone();
        if self.has_status {
            fields.remove("status");
        }
        fields
    }
}

impl Strategy for PlainCustom {
    fn prepare_for_create(&self, object: &mut Object) {
        let fields = self.content(object);
        if let Object::Dynamic(inner) = object {
            std::sync::Arc::make_mut(inner).fields = fields;
        }
        object.meta_mut().generation = Some(1);
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        if self.has_status {
            copy_field!(&mut *new, old, status);
        }
        let before = old.meta().generation.unwrap_or(0);
        let changed = self.content(new) != self.content(old);
        new.meta_mut().generation = Some(before + i64::from(changed));
    }

    fn prepare_for_status_update(&self, new: &mut Object, old: &Object) {
        let (Object::Dynamic(inner), Object::Dynamic(old)) = (new, old) else { return };
        let inner = std::sync::Arc::make_mut(inner);
        let status = inner.fields.remove("status");
        inner.fields.clone_from(&old.fields);
        match status {
            Some(status) => inner.fields.insert("status".into(), status),
            None => inner.fields.remove("status"),
        };
        inner.metadata.clone_from(&old.metadata);
    }
}

/// CustomResourceDefinitions keep in their status which versions were ever stored.
pub struct DefinitionStrategy;

impl Strategy for DefinitionStrategy {
    fn prepare_for_create(&self, object: &mut Object) {
        object.meta_mut().generation = Some(1);
        if let Object::Dynamic(inner) = object {
            super::custom::stored_versions(&mut std::sync::Arc::make_mut(inner).fields, None);
        }
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        follow_spec(new, old);
        if let (Object::Dynamic(inner), Object::Dynamic(old)) = (new, old) {
            super::custom::stored_versions(&mut std::sync::Arc::make_mut(inner).fields, Some(&old.fields));
        }
    }
}
