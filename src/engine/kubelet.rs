//! The kubelet: one per node, it makes pods real and reports what became of them.

pub mod runtime;
