//! How long a key may stay without being written again. PRIVATE to the API server.
//!
//! Events leave the store an hour after their last write (`--event-ttl`), as a deletion that
//! watchers see and nobody asked for. Left out: etcd hands one lease to all events of the same
//! minute, so a real one may outlive its hour by up to that.
//! Mirrors: apiserver/pkg/storage/etcd3/lease_manager.go.

use api::Kind;
use imbl::Vector;

use super::Key;
use crate::sim::Millis;

/// kube-apiserver's default.
const EVENT_TTL: Millis = 3_600_000;

/// Who must be written again until when; every lease is equally long, so they end in order.
#[derive(Debug, Clone, Default)]
pub struct Leases(Vector<Lease>);

#[derive(Debug, Clone)]
struct Lease {
    ends: Millis,
    key: Key,
    /// The write it was granted for: a later write brings its own.
    version: u64,
}

impl Leases {
    /// A key was written.
    pub fn grant(&mut self, key: &Key, version: u64, now: Millis) {
        if key.kind == Kind::Event {
            self.0.push_back(Lease { ends: now + EVENT_TTL, key: key.clone(), version });
        }
    }

    /// The next key whose lease has ended, with the version of the write it was granted for.
    pub fn next_ended(&mut self, now: Millis) -> Option<(Key, u64)> {
        if self.0.front()?.ends > now {
            return None;
        }
        self.0.pop_front().map(|lease| (lease.key, lease.version))
    }
}
