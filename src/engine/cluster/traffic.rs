//! Traffic: somebody outside who keeps asking a Service and counts the answers.
//!
//! The only figure a learner needs to see what readiness, endpoints and grace periods are for.
//! Requests take the way of any other client (`network.rs`) and take no time on it.

use std::collections::VecDeque;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Service;

use super::network::{Client, OUTSIDE};
use super::{Cluster, Due};
use crate::kubelet::runtime::{HttpRequest, NetReply};
use crate::sim::{Millis, SECOND};

/// Seconds that are remembered.
const MEMORY: usize = 120;
/// The fastest generator: more would be a load test, which this is not.
const MOST: u32 = 100;

/// One generator and what came of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    pub namespace: Arc<str>,
    pub service: Arc<str>,
    pub per_second: u32,
    /// The last two minutes, oldest first; the running second is the last.
    pub seconds: VecDeque<Second>,
    /// A wake-up of an earlier rhythm carries another number.
    ticket: u64,
}

/// One second of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Second {
    /// When it began.
    pub at: Millis,
    pub sent: u32,
    /// With a status below 500, at once.
    pub answered: u32,
}

impl Traffic {
    /// Answered per mille of the `window` last seconds; `None` when nothing was sent in them.
    pub fn success(&self, window: usize) -> Option<u16> {
        let last = self.seconds.iter().rev().take(window);
        let (sent, answered) = last.fold((0, 0), |(sent, answered), s| (sent + s.sent, answered + s.answered));
        (sent > 0).then(|| (answered * 1_000 / sent) as u16)
    }

    fn count(&mut self, now: Millis, answered: bool) {
        let at = now / SECOND * SECOND;
        if self.seconds.back().is_none_or(|second| second.at != at) {
            self.seconds.push_back(Second { at, sent: 0, answered: 0 });
            if self.seconds.len() > MEMORY {
                self.seconds.pop_front();
            }
        }
        if let Some(second) = self.seconds.back_mut() {
            second.sent += 1;
            second.answered += u32::from(answered);
        }
    }
}

impl Cluster {
    /// Starts, changes or (with 0) ends the traffic to a Service.
    pub(super) fn set_traffic(&mut self, namespace: &str, service: &str, per_second: u32) {
        let known = self.traffic.iter().position(|one| *one.namespace == *namespace && *one.service == *service);
        if per_second == 0 {
            if let Some(known) = known {
                self.traffic.remove(known);
            }
            return;
        }
        let known = known.unwrap_or_else(|| {
            self.traffic.push(Traffic {
                namespace: namespace.into(),
                service: service.into(),
                per_second: 0,
                seconds: VecDeque::new(),
                ticket: 0,
            });
            self.traffic.len() - 1
        });
        let one = &mut self.traffic[known];
        one.per_second = per_second.min(MOST);
        // Unlike every ticket before it: a generator may end and begin anew.
        one.ticket = self.server.version() + self.timeline.now() + one.ticket + 1;
        let due = Due::Ask(one.namespace.clone(), one.service.clone(), one.ticket);
        self.timeline.at(self.timeline.now(), due);
    }

    /// One request, and the appointment for the next.
    pub(super) fn ask(&mut self, namespace: &Arc<str>, service: &Arc<str>, ticket: u64) {
        let mine = |one: &Traffic| one.namespace == *namespace && one.service == *service && one.ticket == ticket;
        if !self.traffic.iter().any(mine) {
            return;
        }
        let answered = self.is_answered(namespace, service);
        let now = self.timeline.now();
        let Some(one) = self.traffic.iter_mut().find(|one| mine(one)) else { return };
        one.count(now, answered);
        let next = now + SECOND / Millis::from(one.per_second);
        self.timeline.at(next, Due::Ask(namespace.clone(), service.clone(), ticket));
    }

    fn is_answered(&mut self, namespace: &str, service: &str) -> bool {
        let snapshot = self.snapshot();
        let object = snapshot.get::<Service>(namespace, service);
        let ports = object.and_then(|object| object.spec.as_ref()).and_then(|spec| spec.ports.as_ref());
        let Some(port) = ports.and_then(|ports| ports.first()).and_then(|port| u16::try_from(port.port).ok()) else {
            return false;
        };
        let host = format!("{service}.{namespace}.svc.cluster.local");
        let request =
            HttpRequest { method: "GET".into(), path: "/".into(), client: OUTSIDE.into(), ..HttpRequest::default() };
        let reply = self.reach(&Client::outside(namespace), &host, port, Some(&request));
        matches!(reply, NetReply::Http { response, .. } if response.status < 500)
    }
}
