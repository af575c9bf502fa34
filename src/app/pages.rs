//! The pages: they put components together and wire them to the state.

mod actions;
pub mod help;
pub mod home;
pub mod lesson;
pub mod sandbox;
mod starting;
mod workbench;
