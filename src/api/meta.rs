//! Small shared vocabulary of the API: quantities, selectors, names, owners, times, hashes.
//!
//! Mirrors: apimachinery/pkg/{api/resource,labels,fields,util/validation,util/duration,util/intstr}.
