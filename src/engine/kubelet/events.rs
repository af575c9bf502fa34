//! One turn of the kubelet: the present, the API, and the events it writes about pods.
//!
//! An event about a container names its field (`spec.containers{web}`), which is what tells two
//! containers' events apart; one about the node has the node's name for its UID. Equal events are counted
//! by the recorder, similar ones too many in a short time are dropped there (`client`).
//! How long things take is decided here, too: a delay has its least and its spread, and work on a machine
//! that does much at once takes longer. Without chance in the profile every delay is its least.
//! Mirrors: pkg/kubelet/container/{helpers,ref}.go.

use api::Typed;
use api::k8s_openapi::api::core::v1::{Node, Pod};

use super::agent::Host;
use super::container::{Kind, Slot};
use super::runtime::Millis;
use crate::client::{Context, EventOf, EventType};

/// What each further pod adds to the work for one, in per cent.
const SHARE: Millis = 30;
/// More at once do not slow each other down any further.
const MOST_BUSY: Millis = 10;

/// Everything a worker may use while it takes a step.
pub struct Turn<'a, 'c> {
    /// Unix milliseconds; all times inside the kubelet are these.
    pub now: Millis,
    pub cx: &'a mut Context<'c>,
    pub host: &'a mut Host,
}

impl Turn<'_, '_> {
    /// A delay of the simulated machine, in the profile's terms.
    pub fn delay(&mut self, least: Millis, spread: Millis) -> Millis {
        if self.cx.profile.instant {
            0
        } else if self.cx.profile.jitter {
            least + self.cx.rng.below(spread + 1)
        } else {
            least
        }
    }

    /// A delay of work that a machine does for a pod: the more pods it works for, the longer for each.
    pub fn labour(&mut self, least: Millis, spread: Millis) -> Millis {
        let alone = self.delay(least, spread);
        alone + alone * self.host.busy.min(MOST_BUSY) * SHARE / 100
    }

    /// `base` stretched by up to `spread`, where the profile allows chance.
    pub fn stretch(&mut self, base: Millis, spread: f64) -> Millis {
        if self.cx.profile.jitter { self.cx.rng.jitter(base, spread) } else { base }
    }

    pub fn pod_event(&mut self, pod: &Pod, kind: EventType, reason: &str, message: impl Into<String>) {
        self.write(EventOf::named(api::Kind::Pod, &pod.metadata), kind, reason, message.into());
    }

    /// An event about one container: its field path is what kubectl prints before the message.
    pub fn container_event(
        &mut self,
        pod: &Pod,
        slot: &Slot,
        kind: EventType,
        reason: &str,
        message: impl Into<String>,
    ) {
        let list = match slot.kind {
            Kind::Init | Kind::Sidecar => "initContainers",
            Kind::Main => "containers",
            Kind::Ephemeral => "ephemeralContainers",
        };
        let of = EventOf::named(api::Kind::Pod, &pod.metadata).at(format!("spec.{list}{{{}}}", slot.name));
        self.write(of, kind, reason, message.into());
    }

    /// An event about the node itself. Its UID is the node's name, as upstream writes it.
    pub fn node_event(&mut self, kind: EventType, reason: &str, message: impl Into<String>) {
        let name = self.host.machine.name.clone();
        let mut node = Node::default();
        node.meta_mut().name = Some(name.clone());
        node.meta_mut().uid = Some(name);
        self.write(EventOf::object(&node.into_object()), kind, reason, message.into());
    }

    fn write(&mut self, of: EventOf, kind: EventType, reason: &str, message: String) {
        if self.cx.profile.kubelet_events {
            self.host.recorder.event(self.cx, &of, kind, reason, message);
        }
    }
}
