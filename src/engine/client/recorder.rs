//! The event recorder: writes Events, and counts a repeated one instead of writing it again.
//!
//! Mirrors: client-go/tools/record (its correlator), client-go/tools/events.
//! Events that differ in their words alone are told one by one up to a limit, then together; and of one thing
//! nobody speaks without end.

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
    /// Events of the last hour, by what makes them equal.
    known: BTreeMap<String, Known>,
    /// What was said lately of one object for one reason.
    similar: BTreeMap<String, Similar>,
    /// When the older ones are thrown out.
    tidy_at: Millis,
}

/// What was said of one object for one reason.
#[derive(Debug, Clone, Default)]
struct Similar {
    messages: BTreeSet<String>,
    last: Millis,
    /// When as many events as at first may be written again.
    full_at: Millis,
}

/// From this many different messages on, similar events are one.
const MAX_SIMILAR: usize = 10;
/// So many events on one object for one reason may be written at once, …
const BURST: Millis = 25;
/// … and then another one after this long; in between they are counted only.
const REFILL: Millis = 5 * MINUTE;

impl Similar {
    fn is_over(&self, now: Millis) -> bool {
        now.saturating_sub(self.last) >= MEMORY && now >= self.full_at
    }

    /// Whether so much was said lately of one object for one reason that it is told together from now on.
    fn is_one_too_many(&mut self, message: &str, now: Millis) -> bool {
        if now.saturating_sub(self.last) >= MEMORY {
            self.messages.clear();
        }
        self.last = now;
        if self.messages.len() + 1 < MAX_SIMILAR {
            self.messages.insert(message.into());
            return false;
        }
        !self.messages.contains(message)
    }

    /// Whether one more may be written, which it then counts as.
    fn may_write(&mut self, now: Millis) -> bool {
        let full_at = self.full_at.max(now) + REFILL;
        let may = full_at <= now + BURST * REFILL;
        if may {
            self.full_at = full_at;
        }
        may
    }
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// Empty while it was counted only.
    name: String,
    namespace: String,
    last: Millis,
    /// How often it was said, written or not.
    count: i32,
}

impl Known {
    fn is_fresh(&self, now: Millis) -> bool {
        now.saturating_sub(self.last) < KEPT
    }
}

/// After this long without a similar event the similar ones are told one by one again.
const MEMORY: Millis = 10 * MINUTE;
/// After this long without a repetition an equal event is a new one, for the API server has lost the old one.
const KEPT: Millis = 60 * MINUTE;

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
            self.similar.retain(|_, similar| !similar.is_over(now));
            self.tidy_at = now + MINUTE;
        }
        let part = about.field_path.as_deref().unwrap_or_default();
        // The newer kind of event takes a changed object for another one, and its words for the same.
        if self.new_style {
            let identity = format!("{group}|{part}|{}", about.resource_version.as_deref().unwrap_or_default());
            return self.write(cx, of, kind, reason, message, identity);
        }
        let similar = self.similar.entry(group.clone()).or_default();
        let identity = if similar.is_one_too_many(&message, now) {
            message = format!("(combined from similar events): {message}");
            group
        } else {
            format!("{group}|{part}|{message}")
        };
        if similar.may_write(now) {
            return self.write(cx, of, kind, reason, message, identity);
        }
        let known = self.known.entry(identity).or_default();
        known.last = now;
        known.count += 1;
    }

    fn write(
        &mut self,
        cx: &mut Context,
        of: &EventOf,
        kind: EventType,
        reason: &str,
        message: String,
        identity: String,
    ) {
        let now = cx.now;
        let known = self.known.get(&identity).filter(|known| known.is_fresh(now)).cloned().unwrap_or_default();
        let known = Known { last: now, count: known.count + 1, ..known };
        if !known.name.is_empty() && self.repeat(cx, &known, &message) {
            self.known.insert(identity, known);
            return;
        }
        let mut event = self.compose(cx, of, kind, reason, message);
        // What was counted before, but not written, counts; what is gone from the server, too.
        event.count = event.count.map(|_| known.count);
        let (namespace, name) =
            (event.metadata.namespace.clone().unwrap_or_default(), event.metadata.name.clone().unwrap_or_default());
        if cx.api.create(event).is_ok() {
            self.known.insert(identity, Known { name, namespace, ..known });
        }
    }

    /// `false` when the event is gone and must be written anew.
    fn repeat(&self, cx: &mut Context, known: &Known, message: &str) -> bool {
        let (time, micro, new_style) = (cx.time(), cx.micro_time(), self.new_style);
        cx.api
            .patch::<Event>(&known.namespace, &known.name, "", |event| {
                if new_style {
                    let series = event.series.get_or_insert_default();
                    series.count = Some(series.count.unwrap_or(1) + 1);
                    series.last_observed_time = Some(micro);
                } else {
                    // What is told together has the words of the latest.
                    event.message = Some(message.into());
                    event.count = Some(known.count);
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
