//! Who owns what: how every set hears of its dependents, adopts orphans and releases strays.
//!
//! Mirrors: pkg/controller/controller_ref_manager.go, the event handlers of the workload controllers.

use std::sync::Arc;

use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::meta::owner::controller_of;
use api::meta::selector::Selector;
use api::{Object, Status, Typed};

use super::pod_control;
use crate::client::{Context, Key, Revision, WorkQueue};

/// A kind that owns objects of another kind by a label selector.
pub trait Owner: Typed {
    type Dependent: Typed;

    fn selector(&self) -> Selector;

    /// Whether a dependent with the right labels is one of its own at all.
    fn is_member(&self, _dependent: &Self::Dependent) -> bool {
        true
    }

    /// Whether the set still concerns itself with a dependent: adopts it, or lets it go. It counts it in any case.
    /// An orphan on its way out is never adopted.
    fn cares_for(&self, _dependent: &Self::Dependent) -> bool {
        true
    }
}

/// `namespace/name`, as queues hold it.
pub fn key_of(meta: &ObjectMeta) -> String {
    format!("{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

/// The object behind a key. When it is gone the garbage collector cleans up, not its controller.
pub fn find<O: Typed>(cx: &Context, key: &str) -> Option<Arc<O>> {
    let (namespace, name) = key.split_once('/')?;
    cx.api.get(namespace, name)
}

/// Queues every object of a kind.
pub fn resync<O: Typed>(cx: &Context, queue: &mut WorkQueue) {
    for object in cx.api.list::<O>("") {
        queue.add(key_of(object.meta()));
    }
}

/// Queues what a write concerns: the set itself, a dependent's controller, or an orphan's suitors.
pub fn observe<O: Owner>(news: &Revision, cx: &Context, queue: &mut WorkQueue) {
    if news.key.kind == O::KIND {
        queue.add(format!("{}/{}", news.key.namespace, news.key.name));
    }
    if news.key.kind != O::Dependent::KIND {
        return;
    }
    // Before and after: whoever lost the dependent has something to do as well.
    for object in [Some(&news.object), news.previous.as_ref()].into_iter().flatten() {
        match controller_of(object.meta()) {
            Some(owner) if owner.kind == O::KIND.name() => {
                queue.add(format!("{}/{}", news.key.namespace, owner.name));
            }
            Some(_) => {}
            None => wake_suitors::<O>(cx, object, queue),
        }
    }
}

/// Queues the sets whose selector matches an orphan.
fn wake_suitors<O: Owner>(cx: &Context, orphan: &Object, queue: &mut WorkQueue) {
    // A pod without labels matches no valid selector.
    let Some(labels) = orphan.meta().labels.as_ref() else { return };
    for set in cx.api.list::<O>(orphan.namespace()) {
        if set.selector().matches(Some(labels)) {
            queue.add(key_of(set.meta()));
        }
    }
}

/// The set's dependents: what matches and has no controller is adopted, what no longer matches is released.
///
/// # Errors
/// The API server's refusal.
pub fn claim<O: Owner>(cx: &mut Context, set: &Arc<O>) -> Result<Vec<Arc<O::Dependent>>, Status> {
    let owner = set.clone().wrap();
    let selector = set.selector();
    let alive = set.meta().deletion_timestamp.is_none();
    let belongs = |object: &O::Dependent| selector.matches(object.meta().labels.as_ref()) && set.is_member(object);
    let mut claimed = Vec::new();
    let owned: Vec<Arc<O::Dependent>> = cx.api.owned_by(owner.uid()).cloned().collect();
    for object in owned {
        if belongs(&object) {
            claimed.push(object);
        } else if alive && set.cares_for(&object) {
            pod_control::release(cx, owner.uid(), &Key::of(&object.wrap()))?;
        }
    }
    if !alive {
        return Ok(claimed);
    }
    let orphans: Vec<Arc<O::Dependent>> = cx
        .api
        .orphans::<O::Dependent>(owner.namespace())
        .filter(|orphan| orphan.meta().deletion_timestamp.is_none() && belongs(orphan) && set.cares_for(orphan))
        .cloned()
        .collect();
    for orphan in orphans {
        let key = Key::of(&orphan.wrap());
        pod_control::adopt(cx, &owner, &key)?;
        claimed.extend(cx.api.get(&key.namespace, &key.name));
    }
    Ok(claimed)
}
