//! Simulated containers: images as data, files, processes, a shell and the usual tools.
//!
//! Stands where containerd, runc and Linux stand under a real kubelet. Pure and
//! cloneable: a checkpoint is a clone. Nothing here knows the Kubernetes API.

pub mod catalogue;
pub mod container;
pub mod fs;
pub mod http;
pub mod kernel;
pub mod log;
pub mod process;
mod procfs;
pub mod program;
pub mod reference;
mod shell;
mod text;
mod tools;

#[cfg(test)]
mod tests;

/// Milliseconds of virtual time since the Unix epoch.
pub type Millis = u64;

pub use catalogue::{Catalogue, Image, PullError};
pub use container::{Container, ExecIo, Exit, Launch, SandboxWorld, Spec};
pub use fs::{FileTree, Mount, Volumes};
pub use http::{HttpRequest, HttpResponse, Speech, canonical};
pub use kernel::{NetReply, NetRequest, Outbound};
pub use reference::Reference;
