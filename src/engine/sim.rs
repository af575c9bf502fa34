//! Time and chance: the only clock, the seeded randomness, the faults. Knows nothing of Kubernetes.

pub mod rng;
pub mod timeline;

pub use rng::Rng;
pub use timeline::Timeline;

/// Virtual time in milliseconds since the cluster's first instant.
pub type Millis = u64;

/// One second of virtual time.
pub const SECOND: Millis = 1000;
/// One minute of virtual time.
pub const MINUTE: Millis = 60 * SECOND;
