//! Events waiting for their moment. Owns the only clock in the engine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Millis;

/// Two events due at the same instant run in the order they were scheduled;
/// the sequence number breaks the tie, so a run is a pure function of its inputs.
#[derive(Debug, Clone)]
pub struct Timeline<E: Ord> {
    now: Millis,
    scheduled: u64,
    pending: BinaryHeap<Reverse<(Millis, u64, E)>>,
}

impl<E: Ord> Default for Timeline<E> {
    fn default() -> Self {
        Self { now: 0, scheduled: 0, pending: BinaryHeap::new() }
    }
}

impl<E: Ord> Timeline<E> {
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Schedules an event; one in the past is due now.
    pub fn at(&mut self, at: Millis, event: E) {
        self.scheduled += 1;
        self.pending.push(Reverse((at.max(self.now), self.scheduled, event)));
    }

    /// When the next event is due.
    pub fn next_due(&self) -> Option<Millis> {
        self.pending.peek().map(|Reverse((at, ..))| *at)
    }

    /// Jumps to the next event due by `deadline`; with none left, to `deadline` itself.
    pub fn pop_until(&mut self, deadline: Millis) -> Option<E> {
        let due = self.pending.peek().is_some_and(|Reverse((at, ..))| *at <= deadline);
        if !due {
            self.now = self.now.max(deadline);
            return None;
        }
        let Reverse((at, _, event)) = self.pending.pop()?;
        self.now = at;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_instants_keep_their_order_and_the_clock_stops_at_the_deadline() {
        let mut timeline = Timeline::default();
        timeline.at(5, "b");
        timeline.at(5, "a");
        timeline.at(1, "first");
        assert_eq!(timeline.pop_until(5), Some("first"));
        assert_eq!(timeline.pop_until(5), Some("b"));
        assert_eq!(timeline.pop_until(5), Some("a"));
        assert_eq!((timeline.pop_until(9), timeline.now()), (None, 9));
    }
}
