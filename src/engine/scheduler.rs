//! The scheduler: chooses a node for every pod that has none, and says why when it cannot.
//!
//! `cycle` is one attempt, `plugins` the rules it asks, `preemption` the way to make room, `queue`
//! who is next and `cache` what is known; all of that is pure and may be called by tools. Only
//! the component speaks to the API server. Mirrors: pkg/scheduler.

mod cache;
mod component;
mod cycle;
mod fit_error;
mod framework;
mod nominator;
mod plugins;
mod pod_info;
mod preemption;
mod queue;
mod resources;
#[cfg(test)]
mod testing;
mod trace;

pub use cache::{Cache, NodeInfo};
pub use component::Scheduler;
pub use cycle::{Algorithm, Outcome, Settings};
pub use framework::{Code, Reason, Rejection};
pub use nominator::Nominator;
pub use pod_info::PodInfo;
pub use preemption::Nomination;
pub use queue::{ClusterEvent, Queue, QueuedPod, StorageEvent};
pub use trace::{PluginScores, SchedulingTrace, TraceOutcome, Traces};
