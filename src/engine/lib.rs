//! The cluster: an API server, and its clients: scheduler, controllers, kubelets, network. Deterministic.
pub mod apiserver;
