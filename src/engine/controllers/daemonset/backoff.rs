//! How long the failed daemons of a node are left lying: 1 s at first, twice as long each time, 15 min at most.
//!
//! Without it a kubelet that refuses a daemon and the controller that replaces it would never come to rest.
//! Mirrors: client-go/util/flowcontrol/backoff.go, pkg/controller/daemon `failedPodsBackoff`.

use std::collections::BTreeMap;

use crate::sim::{MINUTE, Millis, SECOND};

const FIRST: Millis = SECOND;
const LONGEST: Millis = 15 * MINUTE;

#[derive(Debug, Clone, Default)]
pub struct Backoff {
    /// The wait after the last removal, and when that was.
    removals: BTreeMap<String, (Millis, Millis)>,
}

impl Backoff {
    /// Grants a removal and makes the next one wait longer.
    ///
    /// # Errors
    /// When the wait is over.
    pub fn grant(&mut self, key: &str, now: Millis) -> Result<(), Millis> {
        // Quiet for twice the longest wait: whatever it was, it is over.
        self.removals.retain(|_, (_, since)| now.saturating_sub(*since) <= 2 * LONGEST);
        let wait = match self.removals.get(key) {
            Some((wait, since)) if now < since + wait => return Err(since + wait),
            Some((wait, _)) => (wait * 2).min(LONGEST),
            None => FIRST,
        };
        self.removals.insert(key.into(), (wait, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_forgotten() {
        let mut backoff = Backoff::default();
        for (now, expected) in [
            (0, Ok(())),
            (999, Err(1_000)),
            (1_000, Ok(())),
            (2_500, Err(3_000)),
            (3_000, Ok(())),
            (6_999, Err(7_000)),
            (7_000 + 31 * MINUTE, Ok(())),
            (8_000 + 31 * MINUTE, Ok(())),
        ] {
            assert_eq!(backoff.grant("a", now), expected, "{now}");
        }
        assert_eq!(backoff.grant("b", 0), Ok(()));
    }
}
