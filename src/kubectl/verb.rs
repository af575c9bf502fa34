//! A verb as a table row: its names, words of help, flags, subcommands and the function that runs it.

use std::future::Future;
use std::pin::Pin;

use crate::coroutine::Cx;
use crate::failure::Result;
use crate::flags::{Args, Flag};
use crate::global;

/// A verb's body.
pub type Run = for<'a> fn(&'a Cx, &'a Args) -> Pin<Box<dyn Future<Output = Result> + 'a>>;

/// What completion offers for the words after the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complete {
    Nothing,
    /// A type, then names of it; `type/name` too.
    TypeThenNames,
    /// Names of pods, then nothing.
    Pod,
    /// Pods, or `type/name` of what has pods.
    PodOrWorkload,
    Nodes,
    /// Only types.
    Types,
    /// Containers follow: `deployment/web nginx=…`.
    Workloads,
    Contexts,
}

#[derive(Debug)]
pub struct Verb {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// One line, for the list of its parent.
    pub short: &'static str,
    /// The paragraphs at the top of its help; empty: the short line.
    pub long: &'static str,
    /// Lines as they appear in the help, without indentation.
    pub examples: &'static str,
    /// The arguments after the verb's path.
    pub usage: &'static str,
    pub flags: &'static [&'static [Flag]],
    pub required: &'static [&'static str],
    pub subcommands: &'static [&'static Verb],
    pub complete: Complete,
    /// `None`: a mere group of subcommands, which prints its help and fails.
    pub run: Option<Run>,
}

/// The base of every row.
pub const VERB: Verb = Verb {
    name: "",
    aliases: &[],
    short: "",
    long: "",
    examples: "",
    usage: "",
    flags: &[],
    required: &[],
    subcommands: &[],
    complete: Complete::Nothing,
    run: None,
};

impl Verb {
    /// The verb's own flags, then the global ones.
    pub fn all_flags(&self) -> impl Iterator<Item = &'static Flag> {
        self.flags.iter().flat_map(|group| group.iter()).chain(global::FLAGS.iter())
    }

    pub fn flag(&self, long: &str) -> Option<&'static Flag> {
        self.all_flags().find(|flag| flag.long == long)
    }

    pub fn shorthand(&self, letter: char) -> Option<&'static Flag> {
        self.all_flags().find(|flag| flag.short == Some(letter))
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    pub fn subcommand(&self, name: &str) -> Option<&'static Verb> {
        self.subcommands.iter().copied().find(|verb| verb.is_called(name))
    }
}
