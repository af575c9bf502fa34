//! The tools that tests use too: `tests/` runs a short form of each.

pub mod args;
pub mod fuzz;
pub mod replay;
pub mod swarm;
