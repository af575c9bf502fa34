//! WorkQueue: keys waiting to be reconciled, each at most once, with back-off for those that failed.
//!
//! Mirrors: client-go/util/workqueue (rate limiting, delaying).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::sim::Millis;

/// First retry after a failure, doubling with each further one.
const BASE: Millis = 5;
/// The longest wait between retries.
const MAX: Millis = 1_000_000;

#[derive(Debug, Clone)]
pub struct WorkQueue<K: Ord + Clone = String> {
    ready: VecDeque<K>,
    queued: BTreeSet<K>,
    /// Keys that become ready later, by time.
    delayed: BTreeSet<(Millis, K)>,
    failures: BTreeMap<K, u32>,
    /// Keys whose worker is still busy with them, and until when.
    busy: BTreeMap<K, Millis>,
}

impl<K: Ord + Clone> Default for WorkQueue<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            queued: BTreeSet::new(),
            delayed: BTreeSet::new(),
            failures: BTreeMap::new(),
            busy: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> WorkQueue<K> {
    /// Queues a key; one that waits already keeps its place, one that is worked on comes after that.
    pub fn add(&mut self, key: K) {
        if let Some(until) = self.busy.get(&key) {
            self.delayed.insert((*until, key));
        } else if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// The worker is busy with this key until then: what is queued meanwhile comes once, afterwards.
    pub fn hold(&mut self, key: K, until: Millis) {
        self.busy.insert(key, until);
    }

    /// Queues a key at a time; the earliest wish wins when it comes, later ones come again.
    pub fn add_at(&mut self, at: Millis, key: K) {
        self.delayed.insert((at, key));
    }

    /// Queues a key again after a failure: 5 ms, 10 ms, 20 ms, … at most 1000 s.
    pub fn add_rate_limited(&mut self, now: Millis, key: K) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let wait = BASE.saturating_mul(1 << (*failures).min(30)).min(MAX);
        *failures += 1;
        self.add_at(now + wait, key);
    }

    /// Success: the next failure starts from the first step again.
    pub fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    pub fn failures(&self, key: &K) -> u32 {
        self.failures.get(key).copied().unwrap_or(0)
    }

    /// The next key that is due.
    pub fn pop(&mut self, now: Millis) -> Option<K> {
        self.busy.retain(|_, until| *until > now);
        while let Some((at, _)) = self.delayed.first()
            && *at <= now
            && let Some((_, key)) = self.delayed.pop_first()
        {
            self.add(key);
        }
        let key = self.ready.pop_front()?;
        self.queued.remove(&key);
        Some(key)
    }

    /// When [`WorkQueue::pop`] will have something: now, later, or never by itself.
    pub fn next_due(&self, now: Millis) -> Option<Millis> {
        if self.ready.is_empty() { self.delayed.first().map(|(at, _)| *at) } else { Some(now) }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_worked_on_comes_once_afterwards() {
        let mut queue = WorkQueue::<&str>::default();
        queue.add("a");
        assert_eq!(queue.pop(0), Some("a"));
        queue.hold("a", 10);
        queue.add("a");
        queue.add("b");
        queue.add("a");
        assert_eq!((queue.pop(1), queue.pop(1), queue.next_due(1)), (Some("b"), None, Some(10)));
        assert_eq!((queue.pop(10), queue.pop(10)), (Some("a"), None));
    }

    #[test]
    fn a_key_waits_once_and_failures_back_off() {
        let mut queue = WorkQueue::<&str>::default();
        queue.add("a");
        queue.add("a");
        assert_eq!((queue.pop(0), queue.pop(0)), (Some("a"), None));
        queue.add_rate_limited(0, "a");
        assert_eq!((queue.pop(4), queue.next_due(4)), (None, Some(5)));
        assert_eq!(queue.pop(5), Some("a"));
        queue.add_rate_limited(5, "a");
        assert_eq!(queue.next_due(5), Some(15));
        queue.forget(&"a");
        assert_eq!(queue.failures(&"a"), 0);
    }
}
