//! The event recorder: writes Events, and counts a repeated one instead of writing it again.
//!
//! Mirrors: client-go/tools/record (correlator without the spam filter), client-go/tools/events.
//! Events that differ in their words alone are told one by one up to a limit, then together.

use std::collections::{BTreeMap, BTreeSet};

use ::api::k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use ::api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use ::api::{Kind, Object};

use super::Context;
use crate::sim::{MINUTE, Millis};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    Normal,
    Warning,
}

impl EventType {
    const fn as_str(self) -> &'static str {
        match self {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        }
    }
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventOf(pub ObjectReference);

impl EventOf {
    /// An event about a whole object.
    pub fn object(object: &Object) -> Self {
        Self::named(object.kind(), object.meta())
    }

    /// As [`EventOf::object`], for somebody who has no object at hand: a pod of a thousand containers is not
    /// copied to speak of one of them.
    pub fn named(kind: Kind, meta: &ObjectMeta) -> Self {
        Self(ObjectReference {
            kind: Some(kind.name().into()),
            api_version: kind.resource().map(::api::Resource::api_version),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            resource_version: meta.resource_version.clone(),
            field_path: None,
        })
    }

    /// An event about one part of it: `spec.containers{web}`.
    #[must_use]
    pub fn at(mut self, field_path: impl Into<String>) -> Self {
        self.0.field_path = Some(field_path.into());
        self
    }
}

/// One recorder per component, as upstream has one broadcaster per process.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// `kubelet`, `deployment-controller`, …
    component: String,
    /// The node a kubelet runs on; empty for others.
    host: String,
    /// Written through events.k8s.io: the reporter is named in the newer fields only.
    new_style: bool,
    /// The time in the name of the newest event, in nanoseconds.
    last: u64,
    /// Events of the last ten minutes, and some older ones, by what makes them equal.
    known: BTreeMap<String, Known>,
    /// Which words were said lately with all else equal.
    similar: BTreeMap<String, Similar>,
    /// When the older ones are thrown out.
    tidy_at: Millis,
}

/// What was said of one object for one reason.
#[derive(Debug, Clone, Default)]
struct Similar {
    messages: BTreeSet<String>,
    last: Millis,
}

/// From this many different messages on, similar events are one.
const MAX_SIMILAR: usize = 10;

#[derive(Debug, Clone)]
struct Known {
    name: String,
    namespace: String,
    last: Millis,
}

impl Known {
    fn is_fresh(&self, now: Millis) -> bool {
        now.saturating_sub(self.last) < MEMORY
    }
}

/// After this long without a repetition an equal event is a new one.
const MEMORY: Millis = 10 * MINUTE;

impl Recorder {
    pub fn new(component: &str, host: &str) -> Self {
        Self {
            component: component.into(),
            host: host.into(),
            new_style: false,
            last: 0,
            known: BTreeMap::new(),
            similar: BTreeMap::new(),
            tidy_at: 0,
        }
    }

    /// A recorder that writes events.k8s.io/v1, as kube-scheduler does.
    pub fn new_style(component: &str) -> Self {
        Self { new_style: true, ..Self::new(component, "") }
    }

    /// Writes an event, or raises the count of the equal one. A failed write is dropped, as upstream does.
    pub fn event(&mut self, cx: &mut Context, of: &EventOf, kind: EventType, reason: &str, message: impl Into<String>) {
        let mut message = message.into();
        let about = &of.0;
        let group = format!(
            "{}|{}|{}|{}|{}|{reason}",
            about.kind.as_deref().unwrap_or_default(),
            about.namespace.as_deref().unwrap_or_default(),
            about.name.as_deref().unwrap_or_default(),
            about.uid.as_deref().unwrap_or_default(),
            kind.as_str(),
        );
        let now = cx.now;
        if now >= self.tidy_at {
            self.known.retain(|_, known| known.is_fresh(now));
            self.similar.retain(|_, similar| now.saturating_sub(similar.last) < MEMORY);
            self.tidy_at = now + MINUTE;
        }
        let part = about.field_path.as_deref().unwrap_or_default();
        // The newer kind of event takes a changed object for another one, and its words for the same.
        let identity = if self.new_style {
            format!("{group}|{part}|{}", about.resource_version.as_deref().unwrap_or_default())
        } else if self.is_one_too_many(&group, &message, now) {
            message = format!("(combined from similar events): {message}");
            group
        } else {
            format!("{group}|{part}|{message}")
        };
        if let Some(known) = self.known.get_mut(&identity).filter(|known| known.is_fresh(now)) {
            known.last = now;
            let (namespace, name) = (known.namespace.clone(), known.name.clone());
            if self.repeat(cx, &namespace, &name, &message) {
                return;
            }
        }
        let event = self.compose(cx, of, kind, reason, message);
        let (namespace, name) =
            (event.metadata.namespace.clone().unwrap_or_default(), event.metadata.name.clone().unwrap_or_default());
        if cx.api.create(event).is_ok() {
            self.known.insert(identity, Known { name, namespace, last: now });
        }
    }

    /// Whether so much was said lately of one object for one reason that it is told together from now on.
    fn is_one_too_many(&mut self, group: &str, message: &str, now: Millis) -> bool {
        let similar = self.similar.entry(group.into()).or_default();
        if now.saturating_sub(similar.last) >= MEMORY {
            similar.messages.clear();
        }
        similar.last = now;
        if similar.messages.len() + 1 < MAX_SIMILAR {
            similar.messages.insert(message.into());
            return false;
        }
        !similar.messages.contains(message)
    }

    /// `false` when the event is gone and must be written anew.
    fn repeat(&self, cx: &mut Context, namespace: &str, name: &str, message: &str) -> bool {
        let (time, micro, new_style) = (cx.time(), cx.micro_time(), self.new_style);
        cx.api
            .patch::<Event>(namespace, name, "", |event| {
                if new_style {
                    let series = event.series.get_or_insert_default();
                    series.count = Some(series.count.unwrap_or(1) + 1);
                    series.last_observed_time = Some(micro);
                } else {
                    // What is told together has the words of the latest.
                    event.message = Some(message.into());
                    event.count = Some(event.count.unwrap_or(1) + 1);
                    event.last_timestamp = Some(time);
                }
            })
            .is_ok()
    }

    fn compose(&mut self, cx: &mut Context, of: &EventOf, kind: EventType, reason: &str, message: String) -> Event {
        let about = &of.0;
        let mut event = Event {
            involved_object: about.clone(),
            type_: Some(kind.as_str().into()),
            reason: Some(reason.into()),
            message: Some(message),
            reporting_component: Some(self.component.clone()),
            ..Event::default()
        };
        let subject = about.name.clone().unwrap_or_default();
        // Upstream appends the time in nanoseconds; virtual time is coarse, so chance tells events apart.
        // Listed by name, what one recorder says in one instant keeps its order.
        let nanos = (cx.api.unix_millis() * 1_000_000 + cx.rng.below(1_000_000)).max(self.last + 1);
        self.last = nanos;
        event.metadata.name = Some(format!("{subject}.{nanos:x}"));
        // Events about cluster-scoped objects live in the default namespace.
        event.metadata.namespace =
            Some(about.namespace.clone().filter(|ns| !ns.is_empty()).unwrap_or_else(|| "default".into()));
        if self.new_style {
            event.event_time = Some(cx.micro_time());
            event.action = Some(action(reason).into());
            event.reporting_instance = Some(format!("{}-control-plane", self.component));
        } else {
            event.count = Some(1);
            event.first_timestamp = Some(cx.time());
            event.last_timestamp = Some(cx.time());
            event.reporting_instance = Some(self.host.clone());
            event.source = Some(EventSource {
                component: Some(self.component.clone()),
                host: Some(self.host.clone()).filter(|host| !host.is_empty()),
            });
        }
        event
    }
}

/// The `action` kube-scheduler gives each reason.
fn action(reason: &str) -> &'static str {
    match reason {
        "Scheduled" => "Binding",
        "Preempted" => "Preempting",
        // FailedScheduling, and whatever else the scheduler says of an attempt.
        _ => "Scheduling",
    }
}
