//! Transcripts: `.case` files, read, played and written. The grammar is the recordings' own.
//!
//! The same file is the golden result and the script: playing it writes the same
//! lines with our outputs, for a comparer to judge.

mod bench;
mod parse;
mod play;
mod start;
#[cfg(test)]
mod tests;
mod words;
mod write;

pub use bench::{Bench, InPage};
pub use parse::{Directive, ParseError, Step, Transcript, parse};
pub use play::{history, play, play_on};
pub use start::{cluster, seeded};
pub use words::split as split_words;
pub use write::write;

/// What a step printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
    /// Exit status as the format writes it: a number, `timeout`, `error`.
    pub status: String,
    /// Notes by the player; never compared.
    pub notes: Vec<String>,
}
