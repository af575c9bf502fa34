//! Small shared vocabulary of the API: quantities, selectors, names, owners, times, hashes. Pure functions only.
//!
//! Mirrors: apimachinery/pkg/{api/resource,labels,fields,util/validation,util/duration,util/intstr}.

pub mod cron;
pub mod hash;
pub mod host_port;
pub mod int_or_string;
pub mod label_keys;
pub mod names;
pub mod node_selector;
pub mod owner;
pub mod qos;
pub mod quantity;
pub mod restart_rules;
pub mod selector;
pub mod time;
pub mod toleration;
pub mod volume;
pub mod zone;

pub use quantity::{Amount, Bytes, MilliCpu};
pub use selector::{FieldSelector, Selector};
