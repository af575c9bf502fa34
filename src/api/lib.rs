//! What the Kubernetes API *is*: types, scheme, defaults, validation, wire. No state, no IO.
//!
//! Everything else in the workspace may depend on this crate; it depends on none of them.

pub mod codec;
pub mod defaults;
pub mod meta;
pub mod object;
pub mod order;
pub mod patch;
pub mod quota;
pub mod schema;
pub mod scheme;
pub mod status;
pub mod structural;
pub mod validation;
pub mod wire;
pub mod yaml;

pub use k8s_openapi;
pub use object::{DynamicObject, Object, Typed};
pub use scheme::{Kind, Resource};
pub use status::Status;
