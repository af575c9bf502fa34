//! ConfigMaps and Secrets: how many entries, never which.
//!
//! Mirrors: pkg/printers/internalversion `printConfigMap`, `printSecret`.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, field};

pub(super) const CONFIG_MAP_COLUMNS: &[Column] = &[NAME, field("Data", "core/v1.ConfigMap", "data"), AGE];
pub(super) const SECRET_COLUMNS: &[Column] =
    &[NAME, field("Type", "core/v1.Secret", "type"), field("Data", "core/v1.Secret", "data"), AGE];

pub(super) fn config_map_cells(map: &ConfigMap, now: Now) -> Cells {
    let entries = map.data.iter().flatten().count() + map.binary_data.iter().flatten().count();
    vec![text(&map.metadata.name), json!(entries), now.age(&map.metadata)]
}

pub(super) fn secret_cells(secret: &Secret, now: Now) -> Cells {
    let entries = secret.data.iter().flatten().count();
    vec![text(&secret.metadata.name), text(&secret.type_), json!(entries), now.age(&secret.metadata)]
}
