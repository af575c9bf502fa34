//! Deployments.
//!
//! Mirrors: pkg/printers/internalversion `printDeployment`.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use super::Cells;
use super::cell::{Now, containers, number, selector, text};
use super::column::{AGE, CONTAINERS, Column, IMAGES, NAME, field, string};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    string("Ready", "Number of the pod with ready state"),
    field("Up-to-date", "apps/v1.DeploymentStatus", "updatedReplicas"),
    field("Available", "apps/v1.DeploymentStatus", "availableReplicas"),
    AGE,
    CONTAINERS.wide(),
    IMAGES.wide(),
    field("Selector", "apps/v1.DeploymentSpec", "selector").wide(),
];

pub(super) fn cells(deployment: &Deployment, now: Now) -> Cells {
    let status = deployment.status.clone().unwrap_or_default();
    let spec = deployment.spec.as_ref();
    let desired = spec.and_then(|spec| spec.replicas).unwrap_or_default();
    let template = spec.and_then(|spec| spec.template.spec.as_ref());
    let [names, images] = containers(template.map_or(&[], |pod| &pod.containers));
    // Unlike elsewhere, a selector of everything shows as nothing.
    let selector = match selector(spec.map(|spec| &spec.selector)) {
        none if none == "<none>" => json!(""),
        selector => selector,
    };
    vec![
        text(&deployment.metadata.name),
        json!(format!("{}/{desired}", status.ready_replicas.unwrap_or_default())),
        number(status.updated_replicas),
        number(status.available_replicas),
        now.age(&deployment.metadata),
        names,
        images,
        selector,
    ]
}
