//! Simulated containers: images as data, files, processes, a shell and the usual tools.
//!
//! Stands where containerd, runc and Linux stand under a real kubelet. Pure and
//! cloneable: a checkpoint is a clone. Nothing here knows the Kubernetes API.
//! What holds of the real ones: a container ends with its first process, and takes the others along;
//! signals nobody handles do not reach that first process, except SIGKILL; an exit by signal is 128 and
//! its number; memory beyond the limit kills the whole container. What a program does is either data of
//! the catalogue, or a shell script that is really run.
//! Mirrors: containerd and runc in their messages, busybox 1.36 in its tools. Left out: kernels'
//! namespaces beyond a container's own, capabilities, cgroups beyond memory and CPU.

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
