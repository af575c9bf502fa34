//! Which images are on the node, pulling the others, and the words for what goes wrong.
//!
//! `IfNotPresent` takes what is there, `Always` asks the registry each time (quickly, when the content is
//! here), `Never` does not ask. Pulls of a node come one after the other: the event says how long one took
//! and how long with waiting. After a failed pull the container waits as `ErrImagePull`; while the
//! back-off of that pod and image lasts, no registry is asked and it waits as `ImagePullBackOff`. A name
//! that is none is `InvalidImageName`, for which nothing is tried at all. Which images exist, and whether
//! a pull needs a secret, is the catalogue's business (`runtime/catalogue.rs`).
//! Mirrors: pkg/kubelet/images/image_manager.go `EnsureImageExists`, puller.go `serialImagePuller`. Left
//! out: parallel pulls, credential providers, and images that are present but belong to another pod's
//! secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Pod, Secret};
use base64::Engine as _;

use super::events::Turn;
use super::runtime::{Catalogue, Image, Millis, Reference};
use crate::client::{EventType, ImagePolicy};

/// The images of one node.
#[derive(Debug, Clone)]
pub struct Images {
    pub catalogue: Arc<Catalogue>,
    /// On the node, by full name.
    present: BTreeMap<String, Arc<Image>>,
    /// Pulls come one after the other: when the last one queued is done.
    pulling_until: Millis,
    /// Full names that an earlier pull of the queue brings.
    arriving: BTreeSet<String>,
    /// Extra time for every pull: a slow registry.
    pub slowness: Millis,
}

/// What must be done before a container can be created.
#[derive(Debug, Clone)]
pub enum Ensure {
    Ready(Arc<Image>, Reference),
    /// Being pulled: done at `until`, of which `waited` was spent in the queue.
    Pulling {
        until: Millis,
        waited: Millis,
        took: Millis,
        outcome: Result<Arc<Image>, String>,
        reference: Reference,
    },
    Failed(Failure),
}

/// A reason and a message for the container's status.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub reason: &'static str,
    pub message: String,
}

impl Images {
    pub fn new(catalogue: Arc<Catalogue>) -> Images {
        Images { catalogue, present: BTreeMap::new(), pulling_until: 0, arriving: BTreeSet::new(), slowness: 0 }
    }

    /// Puts an image on the node without pulling it.
    pub fn preload(&mut self, name: &str) {
        let Ok(reference) = Reference::parse(name) else { return };
        let image = self.catalogue.find(&reference).unwrap_or_default();
        self.present.insert(reference.full(), image);
    }

    fn find(&self, reference: &Reference, policy: &ImagePolicy) -> Option<Arc<Image>> {
        match policy {
            ImagePolicy::Everything => Some(self.catalogue.find(reference).unwrap_or_default()),
            ImagePolicy::Present(names) => {
                let listed = names
                    .iter()
                    .filter_map(|name| Reference::parse(name).ok())
                    .any(|known| known.full() == reference.full());
                listed.then(|| self.catalogue.find(reference)).flatten()
            }
            ImagePolicy::Catalogue => self.present.get(&reference.full()).cloned(),
        }
    }

    /// Full names and sizes, for the node's status.
    pub fn list(&self) -> impl Iterator<Item = (&String, u64)> {
        self.present.iter().map(|(name, image)| (name, image.size))
    }

    pub fn add(&mut self, reference: &Reference, image: Arc<Image>) {
        self.arriving.remove(&reference.full());
        self.present.insert(reference.full(), image);
    }
}

/// The image for a container, or the next step towards it. Writes the image manager's events.
pub fn ensure(
    turn: &mut Turn,
    pod: &Pod,
    slot: &super::container::Slot,
    backoff: &mut super::backoff::Backoff,
) -> Ensure {
    let Some(spec) = slot.spec(pod) else {
        return Ensure::Failed(Failure { reason: "InvalidImageName", message: String::new() });
    };
    let name = spec.image.clone().unwrap_or_default();
    let everything = turn.cx.profile.images == ImagePolicy::Everything;
    let reference = match Reference::parse(&name) {
        Ok(reference) => reference,
        Err(_) if everything => {
            Reference { domain: "docker.io".into(), repository: name.to_lowercase(), tag: None, digest: None }
        }
        Err(error) => {
            let message =
                format!("Failed to apply default image tag \"{name}\": couldn't parse image name \"{name}\": {error}");
            turn.container_event(pod, slot, EventType::Warning, "InspectFailed", &*message);
            return Ensure::Failed(Failure { reason: "InvalidImageName", message });
        }
    };
    let policy = spec.image_pull_policy.as_deref().unwrap_or("IfNotPresent");
    let found = turn.host.images.find(&reference, &turn.cx.profile.images);
    match (policy, found) {
        ("IfNotPresent" | "Never", Some(image)) => return already_present(turn, pod, slot, &name, image, reference),
        (_, Some(image)) if everything => return already_present(turn, pod, slot, &name, image, reference),
        ("Never", None) => {
            let message = format!("Container image \"{name}\" is not present with pull policy of Never");
            turn.container_event(pod, slot, EventType::Warning, "ErrImageNeverPull", &*message);
            return Ensure::Failed(Failure { reason: "ErrImageNeverPull", message });
        }
        (_, _) => {}
    }
    let key = backoff_key(pod, &name);
    if backoff.waiting_since_update(&key, turn.now).is_some() {
        let message = format!("Back-off pulling image \"{name}\"");
        turn.container_event(pod, slot, EventType::Normal, "BackOff", &*message);
        return Ensure::Failed(Failure { reason: "ImagePullBackOff", message });
    }
    turn.container_event(pod, slot, EventType::Normal, "Pulling", format!("Pulling image \"{name}\""));
    pull(turn, pod, reference)
}

pub fn backoff_key(pod: &Pod, image: &str) -> String {
    format!("{}_{image}", pod.metadata.uid.as_deref().unwrap_or_default())
}

fn already_present(
    turn: &mut Turn,
    pod: &Pod,
    slot: &super::container::Slot,
    name: &str,
    image: Arc<Image>,
    reference: Reference,
) -> Ensure {
    let message = format!("Container image \"{name}\" already present on machine and can be accessed by the pod");
    turn.container_event(pod, slot, EventType::Normal, "Pulled", message);
    Ensure::Ready(image, reference)
}

fn pull(turn: &mut Turn, pod: &Pod, reference: Reference) -> Ensure {
    let credentials = has_credentials(turn, pod, &reference);
    let images = &turn.host.images;
    let result = match &turn.cx.profile.images {
        // There is no registry at all: every name leads nowhere.
        ImagePolicy::Present(_) => Err(super::runtime::PullError::NoSuchHost),
        ImagePolicy::Catalogue | ImagePolicy::Everything => images.catalogue.pull(&reference, credentials),
    };
    let full = reference.full();
    let here_by_then = images.present.contains_key(&full) || images.arriving.contains(&full);
    let outcome = result.map_err(|error| error.text(&reference));
    let took = match &outcome {
        // Only the manifest is compared.
        Ok(_) if here_by_then => turn.delay(600, 500),
        Ok(image) => {
            let slowness = turn.host.images.slowness;
            let least = image.pull.max(200);
            turn.delay(least, least / 4) + slowness
        }
        Err(_) => turn.delay(8, 900),
    };
    let start = turn.now.max(turn.host.images.pulling_until);
    let until = start + took;
    turn.host.images.pulling_until = until;
    if outcome.is_ok() {
        turn.host.images.arriving.insert(full);
    }
    Ensure::Pulling { until, waited: start - turn.now, took, outcome, reference }
}

/// Whether one of the pod's pull secrets knows this registry.
fn has_credentials(turn: &Turn, pod: &Pod, reference: &Reference) -> bool {
    pull_secrets(pod).any(|name| {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let Some(secret) = turn.cx.api.get::<Secret>(namespace, name) else { return false };
        let Some(data) = secret.data.as_ref().and_then(|data| data.get(".dockerconfigjson")) else { return false };
        let Ok(config) = serde_json::from_slice::<serde_json::Value>(&data.0) else { return false };
        let servers = config
            .get("auths")
            .and_then(|auths| auths.as_object())
            .map(|auths| auths.keys().cloned().collect::<Vec<_>>());
        servers.unwrap_or_default().iter().any(|server| {
            let host = server
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .split('/')
                .next()
                .unwrap_or_default();
            host == reference.domain || host.strip_prefix("index.").is_some_and(|host| host == reference.domain)
        })
    })
}

pub fn pull_secrets(pod: &Pod) -> impl Iterator<Item = &str> {
    pod.spec.iter().flat_map(|spec| spec.image_pull_secrets.iter().flatten()).map(|secret| secret.name.as_str())
}

/// Warns of pull secrets that are not there.
pub fn check_pull_secrets(turn: &mut Turn, pod: &Pod) {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let missing: Vec<&str> =
        pull_secrets(pod).filter(|name| turn.cx.api.get::<Secret>(namespace, name).is_none()).collect();
    if !missing.is_empty() {
        let message = format!(
            "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
            missing.join(", ")
        );
        turn.pod_event(pod, EventType::Warning, "FailedToRetrieveImagePullSecret", message);
    }
}

/// The text of a finished pull.
pub fn pulled_text(name: &str, took: Millis, waited: Millis, size: u64) -> String {
    let span = |millis: Millis| api::meta::time::go_duration(i64::try_from(millis).unwrap_or(i64::MAX));
    format!(
        "Successfully pulled image \"{name}\" in {} ({} including waiting). Image size: {size} bytes.",
        span(took),
        span(took + waited)
    )
}

/// A token that looks like a service account's, and opens nothing.
pub fn token(seed: &str) -> String {
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let head = engine.encode(r#"{"alg":"RS256","kid":"simulated"}"#);
    let body = engine.encode(format!(r#"{{"iss":"https://kubernetes.default.svc.cluster.local","sub":"{seed}"}}"#));
    format!("{head}.{body}.{}", engine.encode("simulated"))
}
