//! Lessons: how they are written, what they check, and where a learner stands in one.
//!
//! A lesson is a folder of Markdown and YAML under `lessons/`; it is data only. To find
//! the rule behind a check, look in `check.rs`; behind a sentence, in `words.rs`.

mod action;
mod catalogue;
mod check;
mod clusters;
mod fields;
mod format;
mod markdown;
mod prove;
mod run;
mod stage;
#[cfg(test)]
mod tests;
mod words;

pub use action::Action;
pub use catalogue::{Catalogue, Chapter, file};
pub use check::{Baseline, Clause, World};
pub use clusters::config_of;
pub use format::{Answer, FaultSpec, Lesson, LessonError, Locale, Overlay, Panel, Predict, Step};
pub use markdown::{Prose, to_html};
pub use prove::{Proof, prove};
pub use run::{CheckLine, Run};
pub use stage::{Stage, fault_of};
