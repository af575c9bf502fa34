//! What the page knows and keeps. `view` is the vocabulary; the rest makes and holds values of it.
//! The engine is reached from `driver` alone.

pub mod driver;
pub mod files;
pub mod lesson;
pub mod lessons;
mod machines;
pub mod project;
pub mod route;
pub mod saved;
pub mod session;
pub mod settings;
pub mod view;
