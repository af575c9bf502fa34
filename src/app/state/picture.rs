//! When a session's signals are brought up to date, and how much of them: a large cluster changes all
//! the time, and drawing it must leave time for it.

use leptos::prelude::*;

use super::{driver::Driver, project, session::Session, view::Millis};
use crate::backend::dom;

/// With this many events the cluster counts as busy, and is drawn this often only.
const BUSY_EVENTS: usize = 150;
const BUSY_MS: f64 = 150.0;
/// A picture is followed by this many times its cost for everything else.
const SHARE: f64 = 5.0;
/// In a busy cluster the lanes and the list of events, which change all over, are drawn this often only.
const LISTS_MS: f64 = 450.0;
/// A picture that costs more than this is made between frames, in a task of its own.
const LIGHT_MS: f64 = 3.0;

/// What the signals show already, and what showing it cost. Times are the wall's, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Picture {
    version: u64,
    /// The newest write that is in it.
    audited: u64,
    second: Millis,
    shown: Millis,
    published: f64,
    /// When objects changed last.
    pub changed: f64,
    cost: f64,
    /// When lanes and events were drawn, and whether they are out of date.
    lists: f64,
    stale: bool,
}

impl Picture {
    pub fn is_heavy(&self) -> bool {
        self.cost > LIGHT_MS
    }
}

impl Session {
    fn is_busy(self) -> bool {
        self.events.with_untracked(|events| events.len() >= BUSY_EVENTS)
    }

    /// There is something new to draw, and it has waited long enough.
    pub(super) fn is_due(self) -> bool {
        let shown = self.picture.get_value();
        let pause = if self.is_busy() { BUSY_MS } else { 0.0 };
        let pause = pause.max(shown.cost * SHARE);
        let (version, now) = self.driver.with_value(|driver| (driver.cluster.version(), driver.cluster.now()));
        let news = version != shown.version || self.has_moved(now, &shown) || self.are_lists_due(&shown);
        news && dom::real_ms() - shown.published >= pause
    }

    /// The clock would show another time; at rest it goes by seconds.
    fn has_moved(self, now: Millis, shown: &Picture) -> bool {
        let grain = if self.is_at_rest() { 1000 } else { 100 };
        now / grain != shown.shown / grain
    }

    fn are_lists_due(self, shown: &Picture) -> bool {
        shown.stale && (dom::real_ms() - shown.lists >= LISTS_MS || !self.is_busy())
    }

    /// Brings the signals up to date: the picture when objects changed, the clock when time passed.
    pub(super) fn publish(self, all: bool) {
        // The clock waits with the picture when that takes its time.
        if !all && !self.is_due() {
            return;
        }
        let mut shown = self.picture.get_value();
        let (version, now) = self.driver.with_value(|driver| (driver.cluster.version(), driver.cluster.now()));
        let began = dom::real_ms();
        let snapshot = self.driver.with_value(Driver::snapshot);
        let news =
            version != shown.version && snapshot.audit_after(shown.audited).any(|audit| !project::is_heartbeat(audit));
        let audited = snapshot.last_audit();
        let changed = all || news;
        let second = now / 1000;
        if changed || self.has_moved(now, &shown) {
            shown.shown = now;
            self.clock.set(now);
        }
        // Power and components change without a write; a second is soon enough to see it.
        if !changed && second == shown.second && !self.are_lists_due(&shown) {
            return self.picture.set_value(Picture { version, audited, ..shown });
        }
        shown.stale |= changed;
        let with_events = shown.stale && (all || self.are_lists_due(&shown));
        let with_lanes = with_events || !shown.stale;
        self.driver.update_value(|driver| {
            let command = driver.command().map(str::to_string);
            driver.projector.story.follow(&snapshot, command.as_deref());
            let mut view = driver.projector.cluster(&self.name.get_value(), &snapshot);
            view.caption = self.cluster.with_untracked(|old| old.caption.clone());
            let lanes = with_lanes.then(|| driver.projector.lanes(&view));
            let events = with_events.then(|| project::events(&snapshot));
            self.cluster.set(view);
            if let Some(lanes) = lanes.filter(|lanes| self.lanes.with_untracked(|old| old != lanes)) {
                self.lanes.set(lanes);
            }
            if let Some(events) = events.filter(|events| self.events.with_untracked(|old| old != events)) {
                self.events.set(events);
            }
        });
        if with_lanes {
            (shown.lists, shown.stale) = (began, false);
        }
        if changed {
            shown.changed = began;
            self.looked.update(|looked| *looked += 1);
        }
        let cost = dom::real_ms() - began;
        self.picture.set_value(Picture { version, audited, second, published: began, cost, ..shown });
    }
}
