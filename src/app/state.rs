//! What the page knows and keeps. `view` is the vocabulary; the rest makes and holds values of it.
//! The engine is reached from `driver` alone.

mod ask;
pub mod driver;
pub mod files;
pub mod lesson;
pub mod lessons;
pub mod look_back;
mod machines;
pub mod picture;
pub mod project;
pub mod route;
pub mod saved;
pub mod session;
pub mod settings;
pub mod view;
pub mod why;
