//! Waits that double: for crashed containers and for images that cannot be pulled.
//!
//! The first failure costs 10 seconds, each further one twice the last, at most five minutes. A crash's
//! wait runs from the moment the container ended, so that part of it is over when the kubelet looks; a
//! pull's from the failure. Ten minutes without one (twice the longest wait) wipe the slate, however
//! often it failed before: a container that runs for ten minutes starts over.
//! Mirrors: client-go/util/flowcontrol/backoff.go, pkg/kubelet/kubelet.go `MaxCrashLoopBackOff`,
//! `imageBackOffPeriod`. Left out: a node's own maximum in its configuration.

use std::collections::BTreeMap;

use super::runtime::Millis;

const BASE: Millis = 10_000;
const MAX: Millis = 300_000;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    wait: Millis,
    updated: Millis,
}

/// One wait per key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Backoff {
    entries: BTreeMap<String, Entry>,
}

impl Backoff {
    /// While the wait after an event at `since` lasts: its length, and when it ends.
    pub fn waiting(&self, key: &str, since: Millis, now: Millis) -> Option<(Millis, Millis)> {
        let entry = self.entries.get(key).filter(|entry| !entry.forgotten(since))?;
        let until = since + entry.wait;
        (now < until).then_some((entry.wait, until))
    }

    /// Notes another failure: the first wait is 10 s, each further one twice the last, at most 5 min.
    pub fn next(&mut self, key: &str, since: Millis, now: Millis) {
        let wait = match self.entries.get(key).filter(|entry| !entry.forgotten(since)) {
            Some(entry) => (entry.wait * 2).min(MAX),
            None => BASE,
        };
        self.entries.insert(key.to_owned(), Entry { wait, updated: now });
    }

    /// When the wait that runs since its last update ends.
    pub fn waiting_since_update(&self, key: &str, now: Millis) -> Option<Millis> {
        let entry = self.entries.get(key).filter(|entry| !entry.forgotten(now))?;
        let until = entry.updated + entry.wait;
        (now < until).then_some(until)
    }
}

impl Entry {
    /// Twice the longest wait without trouble wipes the slate.
    fn forgotten(&self, since: Millis) -> bool {
        since.saturating_sub(self.updated) > 2 * MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_five_minutes_and_are_forgotten_after_ten() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.waiting("c", 0, 0), None, "the first restart is at once");
        let mut waits = Vec::new();
        let mut now = 1_000;
        for _ in 0..7 {
            backoff.next("c", now, now);
            let (wait, until) = backoff.waiting("c", now, now).expect("just failed");
            waits.push(wait / 1_000);
            assert_eq!(backoff.waiting("c", now, until), None);
            now = until;
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(backoff.waiting("c", now + 2 * MAX + 1, now + 2 * MAX + 1), None);
    }
}
