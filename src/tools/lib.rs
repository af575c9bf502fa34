//! The tools that test the whole cluster at random: `tests/` runs a short form of each.

pub mod fuzz;
pub mod swarm;
