//! ResourceQuotas: counts what the objects of a namespace use, anew whenever one goes or a quota changes.
//!
//! What new objects use is added at admission, before they are stored; this loop gives back what those used that were
//! deleted, pods that have ended, and pods that were made smaller.
//! Mirrors: pkg/controller/resourcequota. Left out: the full count every five minutes, and with it that a pod counts
//! no more when its grace period has long been over.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{Pod, ResourceQuota, ResourceQuotaStatus};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::quantity::Amount;
use api::order::Gather;
use api::quota::{self, Amounts};
use api::{Kind, Object, Status};

use super::{Controller, Outcome, pods};
use crate::client::{Change, Context, Revision, WorkQueue};

#[derive(Clone, Default)]
pub struct ResourceQuotas;

impl Controller for ResourceQuotas {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        let namespace = &*news.key.namespace;
        if namespace.is_empty() {
            return;
        }
        if news.key.kind == Kind::ResourceQuota {
            queue.add(format!("{namespace}/{}", news.key.name));
        }
        if cx.api.list::<ResourceQuota>(namespace).next().is_none() {
            return;
        }
        let ended = match &news.object {
            Object::Pod(pod) => {
                let before = news.previous.as_ref().and_then(|old| old.get::<Pod>());
                let smaller = before.is_some_and(|old| quota::total(old, false) != quota::total(pod, false));
                smaller || pods::is_terminal(pod)
            }
            _ => false,
        };
        if ended || news.change == Change::Deleted {
            for quota in cx.api.list::<ResourceQuota>(namespace) {
                queue.add(format!("{namespace}/{}", quota.metadata.name.as_deref().unwrap_or_default()));
            }
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for quota in cx.api.list::<ResourceQuota>("") {
            let meta = &quota.metadata;
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            queue.add(format!("{}/{}", part(&meta.namespace), part(&meta.name)));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let Some(quota) = cx.api.get::<ResourceQuota>(namespace, name) else { return Ok(Outcome::Done) };
        let hard = quota.spec.as_ref().and_then(|spec| spec.hard.clone());
        let used = count(cx, namespace, &quota);
        let status = ResourceQuotaStatus { hard, used: Some(used) };
        if quota.status.as_ref() != Some(&status) {
            let mut quota = ResourceQuota::clone(&quota);
            quota.status = Some(status);
            cx.api.update_status(quota)?;
        }
        Ok(Outcome::Done)
    }
}

fn count(cx: &Context, namespace: &str, quota: &ResourceQuota) -> BTreeMap<String, Quantity> {
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    let mut sum: Amounts = hard.into_iter().flatten().map(|(name, _)| (name.clone(), Amount::ZERO)).into_map();
    for kind in cx.api.stored_kinds() {
        let resource = cx.api.resource_of(kind);
        if !resource.namespaced {
            continue;
        }
        for object in cx.api.list_objects(kind, namespace).filter(|object| quota::in_scope(quota, object)) {
            let mut used = quota::usage(object, &resource);
            used.retain(|name, _| sum.contains_key(name));
            quota::add(&mut sum, &used);
        }
    }
    sum.into_iter().map(|(name, amount)| (name, amount.to_quantity())).into_map()
}
