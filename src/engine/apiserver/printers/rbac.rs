//! RoleBindings and ClusterRoleBindings: who may do what a role says. Roles have the default table.
//!
//! Mirrors: pkg/printers/internalversion `printRoleBinding`, `printClusterRoleBinding`.

use k8s_openapi::api::rbac::v1::{RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::Cells;
use super::cell::{Now, text};
use super::column::{AGE, Column, NAME, field, string};

pub(super) const ROLE_BINDING_COLUMNS: &[Column] = &[
    NAME,
    field("Role", "rbac/v1.RoleBinding", "roleRef"),
    AGE,
    string("Users", "Users in the roleBinding").wide(),
    string("Groups", "Groups in the roleBinding").wide(),
    string("ServiceAccounts", "ServiceAccounts in the roleBinding").wide(),
];

pub(super) const CLUSTER_ROLE_BINDING_COLUMNS: &[Column] = &[
    NAME,
    field("Role", "rbac/v1.ClusterRoleBinding", "roleRef"),
    AGE,
    string("Users", "Users in the clusterRoleBinding").wide(),
    string("Groups", "Groups in the clusterRoleBinding").wide(),
    string("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding").wide(),
];

pub(super) fn cells(meta: &ObjectMeta, role: &RoleRef, subjects: Option<&[Subject]>, now: Now) -> Cells {
    let of_kind = |kind: &str| {
        let subjects = subjects.unwrap_or_default().iter().filter(|subject| subject.kind == kind);
        let names = subjects.map(|subject| match subject.kind.as_str() {
            "ServiceAccount" => format!("{}/{}", subject.namespace.as_deref().unwrap_or_default(), subject.name),
            _ => subject.name.clone(),
        });
        json!(names.collect::<Vec<_>>().join(", "))
    };
    vec![
        text(&meta.name),
        json!(format!("{}/{}", role.kind, role.name)),
        now.age(meta),
        of_kind("User"),
        of_kind("Group"),
        of_kind("ServiceAccount"),
    ]
}
