//! The course: lessons, their checks, transcripts, and the pump that drives commands. No web types.
//!
//! May see the API, the engine and kubectl; the page may see this.

pub mod lesson;
pub mod pump;
pub mod slices;
pub mod transcript;
