//! The pages: they put components together and wire them to the state.

pub mod help;
pub mod home;
pub mod lesson;
pub mod sandbox;
mod workbench;
