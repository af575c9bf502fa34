//! Namespace: empties a namespace that is being deleted, pods first, then takes its finalizer off.
//!
//! Nothing of another kind is touched before the last pod is gone. After each sweep five conditions tell what went
//! wrong and what still remains, by kind and by finalizer; the finalizer `kubernetes` goes when nothing remains.
//! Mirrors: pkg/controller/namespace (with ordered deletion). Left out: failures of discovery.

use std::collections::BTreeSet;

use api::k8s_openapi::api::core::v1::{Namespace, NamespaceCondition};
use api::{Kind, Object, Status};

use super::{Controller, Outcome};
use crate::client::{Change, Context, DeleteOptions, Propagation, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};

#[derive(Clone, Default)]
pub struct Namespaces {
    /// Swept to the ground: what is left to do is to look whether it stayed so.
    swept: BTreeSet<String>,
}

/// From the deletion until the first sweep, so that the API servers of a real cluster have all heard of it.
const GRACE: Millis = 5 * SECOND;

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        if news.key.kind == Kind::Namespace
            && news.change != Change::Deleted
            && news.object.meta().deletion_timestamp.is_some()
        {
            // Its own note of what remains wakes it, too: the next sweep comes as soon.
            queue.add_at(cx.now + GRACE, news.key.name.to_string());
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        let leaving = cx.api.list::<Namespace>("").filter(|ns| ns.metadata.deletion_timestamp.is_some());
        for namespace in leaving {
            queue.add_at(cx.now + GRACE, namespace.metadata.name.clone().unwrap_or_default());
        }
    }

    fn reconcile(&mut self, name: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let swept = self.swept.remove(name);
        let Some(namespace) = cx.api.get::<Namespace>("", name) else { return Ok(Outcome::Done) };
        if namespace.metadata.deletion_timestamp.is_none() {
            return Ok(Outcome::Done);
        }
        let anything_new = || cx.api.list_objects(Kind::Pod, name).next().is_some();
        let mut pods_left = false;
        if !swept || anything_new() {
            sweep(cx, Kind::Pod, name)?;
            pods_left = cx.api.list_objects(Kind::Pod, name).next().is_some();
            if !pods_left {
                let kinds = namespaced_kinds(cx);
                for kind in &kinds {
                    sweep(cx, *kind, name)?;
                    // Events are served by two groups, and each is swept for itself.
                    if *kind == Kind::Event {
                        sweep(cx, *kind, name)?;
                    }
                }
                self.swept.insert(name.to_owned());
                return Ok(Outcome::At(cx.now + cx.writing(kinds.len() as u64)));
            }
        }
        let left = remaining(cx, name);
        // While there are pods nothing else is counted, and the conditions tell of nothing that remains.
        write_conditions(cx, &namespace, if pods_left { &[] } else { &left })?;
        if left.is_empty() {
            cx.api.finalize_namespace(name)?;
            return Ok(Outcome::Done);
        }
        // Upstream waits half of the longest grace period it saw, and a little.
        let grace = left
            .iter()
            .flat_map(|(_, objects)| objects)
            .filter_map(|object| object.meta().deletion_grace_period_seconds.filter(|seconds| *seconds > 0));
        let wait = grace.max().map_or(GRACE, |seconds| (seconds as Millis / 2 + 1) * SECOND);
        Ok(Outcome::At(cx.now + wait))
    }
}

fn namespaced_kinds(cx: &Context) -> Vec<Kind> {
    let kinds = cx.api.stored_kinds().into_iter();
    kinds.filter(|kind| cx.api.resource_of(*kind).namespaced && *kind != Kind::Pod).collect()
}

fn sweep(cx: &mut Context, kind: Kind, namespace: &str) -> Result<(), Status> {
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    cx.api.delete_collection(kind, namespace, |_| true, &options).map(|_| ())
}

fn remaining(cx: &Context, namespace: &str) -> Vec<(String, Vec<Object>)> {
    let mut left = Vec::new();
    for kind in std::iter::once(Kind::Pod).chain(namespaced_kinds(cx)) {
        let objects: Vec<Object> = cx.api.list_objects(kind, namespace).cloned().collect();
        if !objects.is_empty() {
            let resource = cx.api.resource_of(kind);
            left.push((format!("{}.{}", resource.plural, resource.group), objects));
        }
    }
    left
}

fn write_conditions(cx: &mut Context, namespace: &Namespace, left: &[(String, Vec<Object>)]) -> Result<(), Status> {
    let content: Vec<String> =
        left.iter().map(|(what, objects)| format!("{what} has {} resource instances", objects.len())).collect();
    let mut finalizers: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for object in left.iter().flat_map(|(_, objects)| objects) {
        for finalizer in object.meta().finalizers.iter().flatten() {
            *finalizers.entry(finalizer.clone()).or_insert(0) += 1;
        }
    }
    let holders: Vec<String> =
        finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let wanted = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered".into(),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".into(),
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".into(),
        ),
        if content.is_empty() {
            ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed".into())
        } else {
            (
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                format!("Some resources are remaining: {}", content.join(", ")),
            )
        },
        if holders.is_empty() {
            (
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished".into(),
            )
        } else {
            (
                "NamespaceFinalizersRemaining",
                "True",
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {}", holders.join(", ")),
            )
        },
    ];
    let old = namespace.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    let now = cx.time();
    let conditions: Vec<NamespaceCondition> = wanted
        .into_iter()
        .map(|(kind, status, reason, message): (&str, &str, &str, String)| {
            let known = old.iter().find(|condition| condition.type_ == kind && condition.status == status);
            NamespaceCondition {
                type_: kind.into(),
                status: status.into(),
                reason: Some(reason.into()),
                message: Some(message),
                last_transition_time: known
                    .and_then(|condition| condition.last_transition_time.clone())
                    .or_else(|| Some(now.clone())),
            }
        })
        .collect();
    if conditions != old {
        let name = namespace.metadata.name.clone().unwrap_or_default();
        cx.api.change::<Namespace>("", &name, "status", |namespace| {
            namespace.status.get_or_insert_default().conditions = Some(conditions);
        })?;
    }
    Ok(())
}
