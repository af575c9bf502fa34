//! PodTemplates.
//!
//! Mirrors: pkg/printers/internalversion `printPodTemplate`.

use k8s_openapi::api::core::v1::PodTemplate;

use super::Cells;
use super::cell::{containers, labels, text};
use super::column::{CONTAINERS, Column, IMAGES, NAME, string};

pub(super) const COLUMNS: &[Column] =
    &[NAME, CONTAINERS, IMAGES, string("Pod Labels", "The labels for the pod template.")];

pub(super) fn cells(template: &PodTemplate) -> Cells {
    let inner = template.template.as_ref();
    let pod = inner.and_then(|inner| inner.spec.as_ref());
    let [names, images] = containers(pod.map_or(&[], |pod| &pod.containers));
    let pod_labels = inner.and_then(|inner| inner.metadata.as_ref()?.labels.as_ref());
    vec![text(&template.metadata.name), names, images, labels(pod_labels)]
}
