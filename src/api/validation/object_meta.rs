//! Metadata: names, labels, annotations, owners and finalizers of every kind, at creation and at update.
//!
//! Mirrors: apimachinery/pkg/api/validation/objectmeta.go, pkg/apis/core/validation `ValidateObjectMeta`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::common::{immutable, immutable_as, invalid_each, labels, nonnegative_if};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use crate::meta::names::{self, Breaches};
use crate::order::{Gather, Order};
use crate::scheme::Kind;

/// 256 KiB for all keys and values together.
const ANNOTATIONS_MAX_BYTES: usize = 256 * 1024;

/// The format of a kind's names.
pub fn name_rule(kind: Kind) -> fn(&str) -> Breaches {
    match kind {
        Kind::Namespace | Kind::StatefulSet => names::dns1123_label,
        // Relaxed in v1.36: a service's name may begin with a digit.
        Kind::Service => names::dns1123_label,
        Kind::Role | Kind::RoleBinding | Kind::ClusterRole | Kind::ClusterRoleBinding => names::path_segment,
        // The name of an API service repeats its version and group.
        Kind::APIService | Kind::CustomResourceDefinition => names::dns1123_subdomain,
        _ => names::dns1123_subdomain,
    }
}

/// `namespaced` is unknown for custom kinds, which the API server routes by their definition.
pub(super) fn create(
    meta: &ObjectMeta,
    namespaced: Option<bool>,
    rule: fn(&str) -> Breaches,
    path: &Path,
    errors: &mut ErrorList,
) {
    if let Some(base) = meta.generate_name.as_deref().filter(|base| !base.is_empty()) {
        invalid_each(&path.child("generateName"), base, rule(&names::as_prefix(base)), errors);
    }
    match meta.name.as_deref().unwrap_or_default() {
        "" => errors.push(FieldError::required(&path.child("name"), "name or generateName is required")),
        name => invalid_each(&path.child("name"), name, rule(name), errors),
    }
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    match namespaced {
        Some(true) if namespace.is_empty() => errors.push(FieldError::required(&path.child("namespace"), "")),
        Some(true) => invalid_each(&path.child("namespace"), namespace, names::dns1123_label(namespace), errors),
        Some(false) if !namespace.is_empty() => {
            errors.push(FieldError::forbidden(&path.child("namespace"), "not allowed on this type"));
        }
        Some(false) | None => {}
    }
    nonnegative_if(meta.generation, &path.child("generation"), errors);
    labels_to_finalizers(meta, path, errors);
}

pub(super) fn update(new: &ObjectMeta, old: &ObjectMeta, path: &Path, errors: &mut ErrorList) {
    if old.deletion_timestamp.is_some() {
        no_new_finalizers(new, old, &path.child("finalizers"), errors);
    }
    if new.resource_version.as_deref().unwrap_or_default().is_empty() {
        errors.push(FieldError::invalid(&path.child("resourceVersion"), "", "must be specified for an update"));
    }
    if new.generation.unwrap_or_default() < old.generation.unwrap_or_default() {
        let generation = new.generation.unwrap_or_default();
        errors.push(FieldError::invalid(&path.child("generation"), generation, "must not be decremented"));
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    immutable(&text(&new.name), &text(&old.name), &path.child("name"), errors);
    immutable(&text(&new.namespace), &text(&old.namespace), &path.child("namespace"), errors);
    immutable(&text(&new.uid), &text(&old.uid), &path.child("uid"), errors);
    let time = |time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        GoValue::from(time.as_ref().map(|time| crate::meta::time::rfc3339(crate::meta::time::millis(time))))
    };
    immutable_as(&new.creation_timestamp, &old.creation_timestamp, time, &path.child("creationTimestamp"), errors);
    immutable_as(&new.deletion_timestamp, &old.deletion_timestamp, time, &path.child("deletionTimestamp"), errors);
    immutable_as(
        &new.deletion_grace_period_seconds,
        &old.deletion_grace_period_seconds,
        |seconds| (*seconds).into(),
        &path.child("deletionGracePeriodSeconds"),
        errors,
    );
    labels_to_finalizers(new, path, errors);
}

fn labels_to_finalizers(meta: &ObjectMeta, path: &Path, errors: &mut ErrorList) {
    labels(meta.labels.as_ref(), &path.child("labels"), errors);
    annotations(meta.annotations.as_ref(), &path.child("annotations"), errors);
    owner_references(meta.owner_references.as_deref().unwrap_or_default(), &path.child("ownerReferences"), errors);
    finalizers(meta.finalizers.as_deref().unwrap_or_default(), &path.child("finalizers"), errors);
}

/// Keys as of labels, but in any case; values are free.
pub(super) fn annotations(annotations: Option<&BTreeMap<String, String>>, path: &Path, errors: &mut ErrorList) {
    let mut bytes = 0;
    for (key, value) in annotations.into_iter().flatten() {
        invalid_each(path, key, names::qualified_name(&key.to_lowercase()), errors);
        bytes += key.len() + value.len();
    }
    if bytes > ANNOTATIONS_MAX_BYTES {
        errors.push(FieldError::too_long(path, ANNOTATIONS_MAX_BYTES));
    }
}

fn owner_references(owners: &[OwnerReference], path: &Path, errors: &mut ErrorList) {
    let mut controller: Option<String> = None;
    // Each complaint repeats the whole list: of a long one not all are made.
    let mut left = 1 + 10_000 / owners.len().max(1);
    for owner in owners {
        let version = owner.api_version.rsplit('/').next().unwrap_or_default();
        if version.is_empty() {
            let here = path.child("apiVersion");
            errors.push(FieldError::invalid(&here, &owner.api_version, "version must not be empty"));
        }
        for (field, value) in [("kind", &owner.kind), ("name", &owner.name), ("uid", &owner.uid)] {
            if value.is_empty() {
                errors.push(FieldError::invalid(&path.child(field), value, "must not be empty"));
            }
        }
        if owner.api_version == "v1" && owner.kind == "Event" {
            errors.push(FieldError::invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"));
        }
        if owner.controller == Some(true) {
            let this = format!("{}/{}", owner.kind, owner.name);
            match &controller {
                Some(_) if left == 0 => {}
                Some(first) => {
                    left -= 1;
                    errors.push(FieldError::invalid(
                    path,
                    GoValue::List(owners.iter().map(Into::into).collect()),
                    format!("Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"),
                    ));
                }
                None => controller = Some(this),
            }
        }
    }
}

fn finalizers(finalizers: &[String], path: &Path, errors: &mut ErrorList) {
    for name in finalizers {
        invalid_each(path, name, names::qualified_name(name), errors);
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        let list: GoValue = GoValue::List(finalizers.iter().map(Into::into).collect());
        errors.push(FieldError::invalid(path, list, "finalizer orphan and foregroundDeletion cannot be both set"));
    }
    for (i, name) in finalizers.iter().enumerate() {
        kube_finalizer(name, &path.index(i), errors);
    }
}

/// A finalizer without a domain must be one of Kubernetes' own.
pub(super) fn kube_finalizer(name: &str, path: &Path, errors: &mut ErrorList) {
    if !name.contains('/') && !matches!(name, "orphan" | "foregroundDeletion" | "kubernetes") {
        let text = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, name, text));
    }
}

fn no_new_finalizers(new: &ObjectMeta, old: &ObjectMeta, path: &Path, errors: &mut ErrorList) {
    let old = old.finalizers.iter().flatten().into_set();
    let mut extra: Vec<&String> = new.finalizers.iter().flatten().filter(|name| !old.contains(name)).collect();
    extra.order();
    extra.dedup();
    if !extra.is_empty() {
        let list: Vec<String> = extra.into_iter().map(|name| super::field::go_quote(name)).collect();
        errors.push(FieldError::forbidden(
            path,
            format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                list.join(", ")
            ),
        ));
    }
}
