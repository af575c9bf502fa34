//! Validation: is this object allowed? One file per kind; texts, paths and order are upstream's.
//!
//! Mirrors: pkg/apis/*/validation.

pub mod field;
