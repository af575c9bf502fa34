//! Ordinals and names: which pod takes which place, and what marks it as the one.
//!
//! Mirrors: pkg/controller/statefulset/stateful_set_utils.go.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Object;
use api::k8s_openapi::api::apps::v1::StatefulSet;
use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::order::Order;

use super::revisions::Revisions;
use super::volumes;
use crate::controllers::history::POD_LABEL;
use crate::controllers::{pod_control, pods};

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The set's pods by what is to become of them.
pub struct Replicas {
    /// Those of the wanted ordinals, as far as they are there.
    pub wanted: BTreeMap<i64, Arc<Pod>>,
    /// Those beyond the wanted ordinals, the highest first.
    pub condemned: Vec<Arc<Pod>>,
}

impl Replicas {
    /// Gives every pod its place.
    pub fn of(set: &StatefulSet, pods: &[Arc<Pod>]) -> Self {
        let range = ordinals(set);
        let (mut wanted, mut condemned) = (BTreeMap::new(), Vec::new());
        for pod in pods {
            match ordinal(pod) {
                Some(at) if range.contains(&at) => {
                    wanted.insert(at, pod.clone());
                }
                Some(_) => condemned.push(pod.clone()),
                // A number too large to be one: nobody's business.
                None => {}
            }
        }
        condemned.order_by_key(|pod| std::cmp::Reverse(ordinal(pod)));
        Self { wanted, condemned }
    }
}

/// The ordinals the set wants: from `spec.ordinals.start`, as many as there are replicas.
pub fn ordinals(set: &StatefulSet) -> std::ops::Range<i64> {
    let spec = set.spec.as_ref();
    let start = spec.and_then(|spec| spec.ordinals.as_ref()?.start).map_or(0, i64::from);
    let replicas = spec.and_then(|spec| spec.replicas).unwrap_or(1).max(0);
    start..start + i64::from(replicas)
}

pub fn name_of(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

/// `web-3` → (`web`, 3); no number where it is too large.
fn parse(pod: &Pod) -> Option<(&str, Option<i64>)> {
    let (parent, digits) = pods::name(pod).rsplit_once('-')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((parent, digits.parse::<i32>().ok().map(i64::from)))
}

pub fn ordinal(pod: &Pod) -> Option<i64> {
    parse(pod)?.1
}

pub fn is_member(set: &StatefulSet, pod: &Pod) -> bool {
    parse(pod).is_some_and(|(parent, _)| parent == name_of(&set.metadata))
}

/// Whether a pod bears the marks of its place.
pub fn matches(set: &StatefulSet, pod: &Pod) -> bool {
    let Some(at) = ordinal(pod) else { return false };
    let name = format!("{}-{at}", name_of(&set.metadata));
    let label = |key: &str| pod.metadata.labels.as_ref().and_then(|labels| labels.get(key));
    pods::name(pod) == name && label(POD_NAME) == Some(&name) && label(POD_INDEX) == Some(&at.to_string())
}

/// Puts the marks of its place on a pod.
pub fn mark(pod: &mut Pod) {
    let Some(at) = ordinal(pod) else { return };
    let name = pods::name(pod).to_string();
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.insert(POD_NAME.into(), name);
    labels.insert(POD_INDEX.into(), at.to_string());
}

/// The name of the revision a pod was made from.
pub fn revision_of(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(POD_LABEL)).map(String::as_str).unwrap_or_default()
}

/// The pod that is to take a place, of the revision that is due there.
pub fn new_pod(set: &StatefulSet, owner: &Object, revisions: &Revisions, at: i64) -> Pod {
    let (revision, template) = if keeps_current(set, at) {
        (&revisions.current, &revisions.current_template)
    } else {
        (&revisions.update, &revisions.update_template)
    };
    let name = format!("{}-{at}", owner.name());
    let mut pod = pod_control::from_template(template, owner, &name);
    pod.metadata.generate_name = Some(format!("{}-", owner.name()));
    mark(&mut pod);
    pod.metadata.labels.get_or_insert_default().insert(POD_LABEL.into(), revision.clone());
    let spec = pod.spec.get_or_insert_default();
    // Both can be set at the creation only.
    spec.hostname = Some(name);
    spec.subdomain = set.spec.as_ref().and_then(|spec| spec.service_name.clone()).filter(|name| !name.is_empty());
    volumes::mount(set, &mut pod);
    pod
}

/// Whether the place stays with the present revision while a new one is rolled out.
fn keeps_current(set: &StatefulSet, at: i64) -> bool {
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    let start = ordinals(set).start;
    match strategy.and_then(|strategy| strategy.rolling_update.as_ref()) {
        Some(rolling) => at < start + i64::from(rolling.partition.unwrap_or(0)),
        None => {
            let rolls = strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("RollingUpdate");
            let current = set.status.as_ref().and_then(|status| status.current_replicas).unwrap_or(0);
            rolls && at < start + i64::from(current)
        }
    }
}
