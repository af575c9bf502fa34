//! All tests of the whole, in one binary: one link instead of ten.
//!
//! Native ones run with plain `cargo test`; those of the built page need a browser and
//! run with `cargo xtask test --only browser`.

mod architecture;
#[cfg(feature = "browser")]
mod browser;
mod determinism;
mod random;
mod transcripts;
#[cfg(feature = "via-kubectl")]
mod via_kubectl;
