//! The pages: they put components together and wire them to the state.

mod actions;
pub mod cluster;
pub mod help;
pub mod home;
mod lesson;
mod sandbox;
mod starting;
mod workbench;
