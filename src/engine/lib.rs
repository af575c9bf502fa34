//! The cluster: a deterministic, synchronous Kubernetes. No wall clock, no ambient randomness, no web types.
//!
//! `sim ← apiserver ← client ← {controllers, scheduler, kubelet, network} ← cluster`:
//! the four components never import one another; they meet in the API, as upstream.

pub mod apiserver;
pub mod client;
pub mod cluster;
pub mod controllers;
pub mod kubelet;
pub mod scheduler;
pub mod sim;

pub use cluster::{
    Cluster, ClusterConfig, Fault, NodeConfig, PodFate, ProcessId, Scarce, Second, Snapshot, Starting, Traffic,
};
