//! The external provisioner of a cluster that has one: makes a directory on the pod's node, and a volume of it.
//!
//! It runs as a pod of its own in a real cluster; here it is a loop beside the others.
//! Mirrors: rancher/local-path-provisioner, sig-storage-lib-external-provisioner. Left out: its
//! configuration (one path for all nodes, no sharing) and its helper pods, of which only the time is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{
    HostPathVolumeSource, Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PersistentVolume,
    PersistentVolumeClaim, PersistentVolumeSpec, VolumeNodeAffinity,
};
use api::k8s_openapi::api::storage::v1::StorageClass;
use api::meta::volume::{
    PROVISIONED_BY, PROVISIONERS, SELECTED_NODE, annotation, claim_class, claim_reference, volume_name,
};
use api::{Kind, Status, Typed};

use super::{Controller, Outcome};
use crate::client::{Change, Context, DeleteOptions, EventOf, EventType, Key, Recorder, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};

#[derive(Clone)]
pub struct Provisioner {
    recorder: Recorder,
    /// What is being made or removed, by UID, and when that is done.
    busy: BTreeMap<String, Millis>,
}

impl Default for Provisioner {
    fn default() -> Self {
        Self { recorder: Recorder::new("rancher.io/local-path_local-path-provisioner", ""), busy: BTreeMap::new() }
    }
}

/// How long a helper pod takes, at least, and how much longer it may.
const HELPER: (Millis, Millis) = (2 * SECOND, 2 * SECOND);
/// A failed claim is tried again after this long.
const RETRY: Millis = 15 * SECOND;
const ROOT: &str = "/opt/local-path-provisioner";

impl Controller for Provisioner {
    fn name(&self) -> &'static str {
        "local-path-provisioner"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        if cx.profile.provisioner.is_none() || news.change == Change::Deleted {
            return;
        }
        match news.key.kind {
            Kind::PersistentVolumeClaim => queue.add(format!("{}/{}", news.key.namespace, news.key.name)),
            Kind::PersistentVolume => queue.add(news.key.name.to_string()),
            // Nothing else asks for volumes.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        self.busy.clear();
        if cx.profile.provisioner.is_none() {
            return;
        }
        for claim in cx.api.list::<PersistentVolumeClaim>("") {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            queue.add(format!("{}/{}", part(&claim.metadata.namespace), part(&claim.metadata.name)));
        }
        for volume in cx.api.list::<PersistentVolume>("") {
            queue.add(volume.metadata.name.clone().unwrap_or_default());
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(ours) = cx.profile.provisioner.as_deref() else { return Ok(Outcome::Done) };
        match key.split_once('/') {
            Some((namespace, name)) => match cx.api.get::<PersistentVolumeClaim>(namespace, name) {
                Some(claim) => self.make(cx, ours, &claim),
                None => Ok(Outcome::Done),
            },
            None => match cx.api.get::<PersistentVolume>("", key) {
                Some(volume) => self.remove(cx, ours, &volume),
                None => Ok(Outcome::Done),
            },
        }
    }
}

impl Provisioner {
    fn make(&mut self, cx: &mut Context, ours: &str, claim: &Arc<PersistentVolumeClaim>) -> Result<Outcome, Status> {
        let asked = PROVISIONERS.iter().any(|key| annotation(&claim.metadata, key) == Some(ours));
        let class = cx.api.get::<StorageClass>("", claim_class(claim));
        let Some(class) = class.filter(|_| asked && volume_name(claim).is_empty()) else { return Ok(Outcome::Done) };
        let node = annotation(&claim.metadata, SELECTED_NODE);
        if class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer") && node.is_none() {
            return Ok(Outcome::Done);
        }
        let uid = claim.metadata.uid.clone().unwrap_or_default();
        let name = format!("pvc-{uid}");
        if cx.api.get::<PersistentVolume>("", &name).is_some() {
            return Ok(Outcome::Done);
        }
        if !self.done(cx, &uid, |this, cx| {
            let (namespace, name) = (claim.metadata.namespace.as_deref(), claim.metadata.name.as_deref());
            let whole = format!("{}/{}", namespace.unwrap_or_default(), name.unwrap_or_default());
            let message = format!("External provisioner is provisioning volume for claim {whole:?}");
            this.say(cx, claim, EventType::Normal, "Provisioning", &message);
        }) {
            return Ok(Outcome::At(self.busy.get(&uid).copied().unwrap_or(cx.now)));
        }
        match volume_for(cx, claim, &class, ours, &name) {
            Ok(volume) => {
                cx.api.create(volume)?;
                let message = format!("Successfully provisioned volume {name}");
                self.say(cx, claim, EventType::Normal, "ProvisioningSucceeded", &message);
                Ok(Outcome::Done)
            }
            Err(cause) => {
                let message = format!("failed to provision volume with StorageClass {:?}: {cause}", claim_class(claim));
                self.say(cx, claim, EventType::Warning, "ProvisioningFailed", &message);
                Ok(Outcome::At(cx.now + RETRY))
            }
        }
    }

    /// Deletes what was made, once its claim has left it.
    fn remove(&mut self, cx: &mut Context, ours: &str, volume: &Arc<PersistentVolume>) -> Result<Outcome, Status> {
        let spec = volume.spec.clone().unwrap_or_default();
        let left = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Released")
            && annotation(&volume.metadata, PROVISIONED_BY) == Some(ours)
            && spec.persistent_volume_reclaim_policy.as_deref() == Some("Delete")
            && volume.metadata.deletion_timestamp.is_none();
        if !left {
            return Ok(Outcome::Done);
        }
        let uid = volume.metadata.uid.clone().unwrap_or_default();
        if !self.done(cx, &uid, |_, _| {}) {
            return Ok(Outcome::At(self.busy.get(&uid).copied().unwrap_or(cx.now)));
        }
        let name = volume.metadata.name.as_deref().unwrap_or_default();
        cx.api.delete(&Key::new(Kind::PersistentVolume, "", name), &DeleteOptions::default())?;
        Ok(Outcome::Done)
    }

    /// Begins a piece of work, or says whether it is over.
    fn done(&mut self, cx: &mut Context, uid: &str, begin: impl FnOnce(&mut Self, &mut Context)) -> bool {
        match self.busy.get(uid) {
            Some(until) if *until <= cx.now => self.busy.remove(uid).is_some(),
            Some(_) => false,
            None => {
                let spread = if cx.profile.jitter { cx.rng.below(HELPER.1) } else { 0 };
                self.busy.insert(uid.to_owned(), cx.now + HELPER.0 + spread);
                begin(self, cx);
                false
            }
        }
    }

    fn say(
        &mut self,
        cx: &mut Context,
        claim: &Arc<PersistentVolumeClaim>,
        kind: EventType,
        reason: &str,
        message: &str,
    ) {
        self.recorder.event(cx, &EventOf::object(&claim.clone().wrap()), kind, reason, message);
    }
}

/// The volume a claim gets, on the node that was chosen for it; or what is wrong with the wish.
fn volume_for(
    cx: &Context,
    claim: &PersistentVolumeClaim,
    class: &StorageClass,
    ours: &str,
    name: &str,
) -> Result<PersistentVolume, String> {
    let wish = claim.spec.clone().unwrap_or_default();
    if wish.selector.is_some() {
        return Err("claim.Spec.Selector is not supported".into());
    }
    let single = |mode: &String| matches!(mode.as_str(), "ReadWriteOnce" | "ReadWriteOncePod");
    if !wish.access_modes.iter().flatten().all(single) {
        return Err("NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes".into());
    }
    let node = annotation(&claim.metadata, SELECTED_NODE).ok_or("configuration error, no node was specified")?;
    let labels = cx.api.get::<Node>("", node).and_then(|node| node.metadata.labels.clone()).unwrap_or_default();
    let host = labels.get("kubernetes.io/hostname").cloned().unwrap_or_else(|| node.to_owned());
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let here = NodeSelectorRequirement {
        key: "kubernetes.io/hostname".into(),
        operator: "In".into(),
        values: Some(vec![host]),
    };
    let mut volume = PersistentVolume::default();
    volume.metadata.name = Some(name.to_owned());
    let annotations =
        [("local.path.provisioner/selected-node", node), (PROVISIONED_BY, ours)].map(|(key, v)| (key.into(), v.into()));
    volume.metadata.annotations = Some(annotations.into());
    volume.spec = Some(PersistentVolumeSpec {
        persistent_volume_reclaim_policy: class.reclaim_policy.clone(),
        access_modes: wish.access_modes,
        volume_mode: Some("Filesystem".into()),
        capacity: wish.resources.and_then(|resources| resources.requests),
        storage_class_name: class.metadata.name.clone(),
        claim_ref: Some(claim_reference(claim)),
        host_path: Some(HostPathVolumeSource {
            path: format!("{ROOT}/{name}_{}_{}", part(&claim.metadata.namespace), part(&claim.metadata.name)),
            type_: Some("DirectoryOrCreate".into()),
        }),
        node_affinity: Some(VolumeNodeAffinity {
            required: Some(NodeSelector {
                node_selector_terms: vec![NodeSelectorTerm {
                    match_expressions: Some(vec![here]),
                    ..NodeSelectorTerm::default()
                }],
            }),
        }),
        ..PersistentVolumeSpec::default()
    });
    Ok(volume)
}
