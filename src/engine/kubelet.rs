//! The kubelet: one per node, it makes the pods bound to its node real and reports what became of them.
//!
//! Mirrors: pkg/kubelet. Speaks to the API only through the client; what stands under a real
//! kubelet (containerd, Linux, images) is in [`runtime`]. Each pod has a worker
//! (`pod_worker.rs`), which is what to read first.

mod actions;
mod addresses;
mod admission;
mod agent;
mod backoff;
mod container;
mod env;
mod events;
mod eviction;
mod host_path;
mod images;
mod lifecycle;
mod logs;
mod mounting;
mod names;
mod node_status;
mod oom;
mod operations;
mod pod_worker;
mod probes;
mod resize;
mod restart_all;
pub mod runtime;
mod sessions;
mod static_pods;
mod status;
mod termination;
mod volumes;

pub use agent::{Kubelet, Machine};
pub use eviction::Scarce;
pub use logs::LogOptions;
pub use sessions::{Dialed, ExecFailure, ExecOutput, SessionId};
