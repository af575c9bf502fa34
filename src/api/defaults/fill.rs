//! The verbs defaults are written in: fill what is unset, drop what Go's encoding would not show.
//!
//! Go has no `Option` for plain fields: a zero there *is* unset, is defaulted like an
//! absent one and is left out when printed. The `drop_*` verbs keep our objects so.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::meta::quantity;

/// A pointer field in Go: zero is a value of its own.
pub(super) fn set<T>(field: &mut Option<T>, value: T) {
    if field.is_none() {
        *field = Some(value);
    }
}

/// A plain string field in Go: empty is unset.
pub(super) fn set_text(field: &mut Option<String>, value: &str) {
    if field.as_deref().unwrap_or_default().is_empty() {
        *field = Some(value.into());
    }
}

/// A plain number field in Go: zero is unset.
pub(super) fn set_number(field: &mut Option<i32>, value: i32) {
    if field.unwrap_or_default() == 0 {
        *field = Some(value);
    }
}

pub(super) fn drop_blank(field: &mut Option<String>) {
    field.take_if(|text| text.is_empty());
}

pub(super) fn drop_zero<T: Default + PartialEq>(field: &mut Option<T>) {
    field.take_if(|value| *value == T::default());
}

pub(super) fn drop_empty<T>(field: &mut Option<Vec<T>>) {
    field.take_if(|list| list.is_empty());
}

pub(super) fn drop_empty_map<V>(field: &mut Option<BTreeMap<String, V>>) {
    field.take_if(|map| map.is_empty());
}

/// Quantities as they print, rounded up to the finest that resource lists hold, `1m`.
pub(super) fn resources(field: &mut Option<BTreeMap<String, Quantity>>) {
    drop_empty_map(field);
    for value in field.iter_mut().flat_map(BTreeMap::values_mut) {
        let Ok(amount) = value.0.parse::<quantity::Amount>() else { continue };
        let rounded = if amount.is_whole_millis() {
            amount
        } else {
            quantity::Amount::from_millis(amount.milli_value(), amount.format())
        };
        value.0 = rounded.to_string();
    }
}

/// A single quantity, as it prints.
pub(super) fn canonical(field: &mut Option<Quantity>) {
    for value in field.iter_mut() {
        value.0 = quantity::canonical(&value.0);
    }
}

/// Metadata without its empty parts.
pub(super) fn object_meta(meta: &mut ObjectMeta) {
    drop_empty_map(&mut meta.labels);
    drop_empty_map(&mut meta.annotations);
    drop_empty(&mut meta.finalizers);
    drop_empty(&mut meta.owner_references);
    drop_empty(&mut meta.managed_fields);
    drop_blank(&mut meta.name);
    drop_blank(&mut meta.generate_name);
    drop_blank(&mut meta.namespace);
    drop_blank(&mut meta.resource_version);
    drop_blank(&mut meta.uid);
    drop_blank(&mut meta.self_link);
    drop_zero(&mut meta.generation);
}
