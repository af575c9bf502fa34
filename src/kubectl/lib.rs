//! kubectl v1.36 as a library: words in, requests out, text back. It cannot cheat: it cannot see the engine.
//!
//! [`Command::start`] runs `kubectl WORDS…`, [`Command::line`] a line of the learner's
//! shell. Both are driven step by step from outside ([`coroutine`]).
//!
//! | to find | look in |
//! |---|---|
//! | a verb: its flags, help and behaviour | `commands/<verb>.rs` |
//! | which verbs exist | [`dispatch`] |
//! | how words become objects | [`resource`] |
//! | how objects become text | [`output`] |
//! | what an error says | [`failure`] |

pub mod client;
pub mod commands;
pub mod complete;
pub mod coroutine;
pub mod describe;
pub mod discovery;
pub mod dispatch;
pub mod duration;
pub mod env;
pub mod failure;
pub mod flags;
pub mod global;
mod gotime;
pub mod help;
pub mod kubeconfig;
pub mod manifest;
mod merge;
pub mod output;
pub mod quantity;
pub mod resource;
pub mod shell;
mod unified;
pub mod verb;
mod yaml;

pub use coroutine::{Command, Cx, Event, Out, Step};
pub use env::{Env, Files, MemoryFiles, Session};
