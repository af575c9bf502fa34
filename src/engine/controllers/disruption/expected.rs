//! How many pods there should be, and how many of them must serve.
//!
//! A number is taken as it stands; a share is one of what the pods' controllers want, not of what is there.
//! Mirrors: pkg/controller/disruption/disruption.go `getExpectedPodCount`, `getExpectedScale`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Kind;
use api::k8s_openapi::api::apps::v1::ReplicaSet;
use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::api::policy::v1::PodDisruptionBudget;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::meta::int_or_string::scaled;
use api::meta::owner::controller_of;
use api::meta::selector::go_string;

use crate::client::Context;
use crate::controllers::pods;

pub struct Expected {
    pub pods: i32,
    /// How many must be healthy.
    pub healthy: i32,
    /// Some pods have no controller to ask for their number.
    pub unmanaged: bool,
}

/// # Errors
/// Why the number cannot be told, in upstream's words.
pub fn count(cx: &Context, budget: &PodDisruptionBudget, matching: &[Arc<Pod>]) -> Result<Expected, String> {
    let spec = budget.spec.clone().unwrap_or_default();
    match (&spec.max_unavailable, &spec.min_available) {
        (Some(most), _) => {
            let (pods, unmanaged) = wanted(cx, matching)?;
            let healthy = (pods - share(most, pods)).max(0);
            Ok(Expected { pods, healthy, unmanaged })
        }
        (None, Some(IntOrString::Int(least))) => {
            Ok(Expected { pods: matching.len() as i32, healthy: *least, unmanaged: false })
        }
        (None, Some(least)) => {
            let (pods, unmanaged) = wanted(cx, matching)?;
            Ok(Expected { pods, healthy: share(least, pods), unmanaged })
        }
        (None, None) => Ok(Expected { pods: 0, healthy: 0, unmanaged: false }),
    }
}

/// Both limits round up; validation keeps other texts than percentages out.
fn share(limit: &IntOrString, pods: i32) -> i32 {
    scaled(limit, pods, true).unwrap_or(0)
}

/// The sum of what the pods' controllers want, each counted once.
fn wanted(cx: &Context, matching: &[Arc<Pod>]) -> Result<(i32, bool), String> {
    let (mut sizes, mut unmanaged): (BTreeMap<String, i32>, bool) = (BTreeMap::new(), false);
    let mut asked: Vec<&str> = Vec::new();
    for pod in matching {
        let Some(owner) = controller_of(&pod.metadata) else {
            unmanaged = true;
            continue;
        };
        if asked.contains(&owner.uid.as_str()) {
            continue;
        }
        asked.push(&owner.uid);
        let Some((uid, size)) = size_of(cx, owner, pods::namespace(pod))? else {
            return Err(format!("found no controllers for pod {:?}", pods::name(pod)));
        };
        sizes.insert(uid, size);
    }
    Ok((sizes.values().sum(), unmanaged))
}

/// The UID and the wanted replicas of a controller; of its Deployment, where a ReplicaSet has one.
fn size_of(cx: &Context, owner: &OwnerReference, namespace: &str) -> Result<Option<(String, i32)>, String> {
    let Some(kind) = cx.api.kind_of(&owner.api_version, &owner.kind) else {
        return Err(format!("no matches for kind {:?} in version {:?}", owner.kind, owner.api_version));
    };
    if kind == Kind::ReplicaSet {
        let set = cx.api.get::<ReplicaSet>(namespace, &owner.name);
        let set = set.filter(|set| set.metadata.uid.as_deref() == Some(&owner.uid));
        let deployment = set.as_ref().and_then(|set| controller_of(&set.metadata));
        if let Some(deployment) = deployment.filter(|owner| owner.kind == "Deployment")
            && let Some(size) = scale(cx, Kind::Deployment, deployment, namespace)
        {
            return Ok(Some(size));
        }
    }
    let resource = cx.api.resource_of(kind);
    if !resource.subresources.iter().any(|sub| sub.name == "scale") {
        return Err(format!("{} does not implement the scale subresource", resource.group_resource()));
    }
    Ok(scale(cx, kind, owner, namespace))
}

fn scale(cx: &Context, kind: Kind, owner: &OwnerReference, namespace: &str) -> Option<(String, i32)> {
    let object = cx.api.get_object(kind, namespace, &owner.name).filter(|object| object.uid() == owner.uid)?;
    let replicas = object.to_value().pointer("/spec/replicas").and_then(serde_json::Value::as_i64).unwrap_or(0);
    Some((owner.uid.clone(), replicas as i32))
}

/// What is told of pods without a controller. The selector prints as Go prints it.
pub fn unmanaged_text(budget: &PodDisruptionBudget) -> String {
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
    let selector = go_string(Some(&selector));
    format!(
        "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value."
    )
}
