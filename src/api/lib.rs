//! The Kubernetes API as data: kinds, wire, schema.
