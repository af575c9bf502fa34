//! Journeys through the built page in Chromium. A journey is one file here; `page.rs` has the verbs.
//!
//! `cargo xtask test --only browser` builds and serves the page, starts the driver and calls
//! these tests with its addresses in the environment.

#[cfg(feature = "bench")]
mod bench;
mod deep_links;
mod editor;
mod everywhere;
mod home;
mod journeys;
#[cfg(feature = "look")]
mod look;
mod offline;
#[allow(dead_code, reason = "a vocabulary: journeys use what they need")]
mod page;
#[allow(dead_code, reason = "the names are for pictures only")]
mod session;

pub use page::Page;
pub use session::{Language, Screen, Theme, Visit, browse};
