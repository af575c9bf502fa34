//! How components speak to the API server: typed, in the same instant, and only through here.
//!
//! Mirrors: staging/src/k8s.io/client-go.

mod api;
mod component;
mod recorder;
mod workqueue;

pub use api::Client;
pub use component::{Component, Context, ImagePolicy, Next, Profile};
pub use recorder::{EventOf, EventType, Recorder};
pub use workqueue::WorkQueue;

pub use crate::apiserver::registry::{mark_disrupted, tell_disruptions, tell_failure, tells_disruptions};
pub use crate::apiserver::{Change, DeleteOptions, Deleted, Identity, Key, Propagation, Revision, WriteOptions};
