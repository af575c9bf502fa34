//! ResourceQuota: no object that a quota of its namespace has no room for. Comes last, and keeps the accounts.
//!
//! Mirrors: apiserver/pkg/admission/plugin/resourcequota (`checkRequest`). The controller
//! gives back what deleted objects used.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaStatus};
use api::meta::quantity::Amount;
use api::order::Gather;
use api::quota::{self, Amounts};
use api::{Kind, Object, Status, Typed as _};

use super::{Attributes, Operation};
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, WriteOptions};

pub fn validate(server: &mut ApiServer, object: &Object, attributes: &Attributes, dry_run: bool) -> Result<(), Status> {
    // Of the subresources only one changes what is used.
    let resizes = attributes.subresource == "resize";
    let other = !attributes.subresource.is_empty() && !resizes;
    if attributes.operation == Operation::Delete || other || object.namespace().is_empty() {
        return Ok(());
    }
    let quotas: Vec<Arc<ResourceQuota>> = server
        .read_all(Kind::ResourceQuota, object.namespace())
        .filter_map(|q| q.get::<ResourceQuota>())
        .cloned()
        .collect();
    let mut accounts = Vec::new();
    for quota in quotas.into_iter().filter(|quota| quota::in_scope(quota, object)) {
        accounts.extend(charge(server, object, attributes, &quota)?);
    }
    // An object that cannot be stored is not charged for.
    if accounts.is_empty()
        || dry_run
        || (attributes.operation == Operation::Create && server.store.get(&Key::of(object)).is_some())
    {
        return Ok(());
    }
    let who = crate::apiserver::bootstrap::identity();
    for quota in accounts {
        server.update(&who, quota.into_object(), &mut WriteOptions::on("status"))?;
    }
    Ok(())
}

/// The quota with what the object adds to it; nothing if it adds nothing.
fn charge(
    server: &ApiServer,
    object: &Object,
    attributes: &Attributes,
    quota: &ResourceQuota,
) -> Result<Option<ResourceQuota>, Status> {
    let resource = server.resource_of(object.kind());
    let name = quota.metadata.name.as_deref().unwrap_or_default();
    let refuse = |why: String| Err(Status::forbidden(&resource, object.name(), &why));
    let status = quota.status.clone().unwrap_or_default();
    let hard = quota::read(status.hard.as_ref());
    let wanted = quota::read(quota.spec.as_ref().and_then(|spec| spec.hard.as_ref()));

    let before = attributes.old.map(|old| quota::usage(old, &resource)).unwrap_or_default();
    let mut added = quota::usage(object, &resource);
    for (resource, amount) in &mut added {
        *amount = *amount - before.get(resource).copied().unwrap_or(Amount::ZERO);
    }
    added.retain(|resource, amount| wanted.contains_key(resource) && !amount.is_zero() && !amount.is_negative());
    let judged = attributes.operation == Operation::Create || attributes.subresource == "resize";
    if let (Object::Pod(pod), true) = (object, judged) {
        let missing = quota::unspecified(pod, &wanted);
        if !missing.is_empty() {
            let list = missing.into_iter().map(|(resource, containers)| {
                format!("{resource} for: {}", containers.into_iter().collect::<Vec<_>>().join(","))
            });
            return refuse(format!("failed quota: {name}: must specify {}", list.collect::<Vec<_>>().join("; ")));
        }
    }
    if added.is_empty() {
        return Ok(None);
    }
    let uncounted: Vec<&str> =
        added.keys().map(String::as_str).filter(|resource| !hard.contains_key(*resource)).collect();
    if !uncounted.is_empty() {
        return refuse(format!("status unknown for quota: {name}, resources: {}", uncounted.join(",")));
    }
    let used = quota::read(status.used.as_ref());
    let mut sum = used.clone();
    quota::add(&mut sum, &added);
    let exceeded: Vec<&String> =
        added.keys().filter(|resource| sum.get(*resource).copied() > hard.get(*resource).copied()).collect();
    if !exceeded.is_empty() {
        let show = |amounts: &Amounts| {
            let pairs = exceeded
                .iter()
                .map(|resource| format!("{resource}={}", amounts.get(*resource).copied().unwrap_or(Amount::ZERO)));
            pairs.collect::<Vec<_>>().join(",")
        };
        return refuse(format!(
            "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
            show(&added),
            show(&used),
            show(&hard)
        ));
    }
    let used = sum.into_iter().map(|(resource, amount)| (resource, amount.to_quantity())).into_map();
    let status = ResourceQuotaStatus { used: Some(used), ..status };
    Ok(Some(ResourceQuota { status: Some(status), ..quota.clone() }))
}
