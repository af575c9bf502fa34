//! The shell's syntax tree. Shared, never changed after parsing.

use std::sync::Arc;

/// A part of a word, as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Literal text; quoted text takes no part in splitting and globbing.
    Text {
        text: String,
        quoted: bool,
    },
    Param(Param),
    /// `$(…)` or backquotes; its output is the next captured text.
    Capture {
        list: Arc<List>,
        quoted: bool,
    },
    /// `$((…))`, whose text is itself expanded first.
    Arith {
        word: Word,
        quoted: bool,
    },
    /// A leading `~`.
    Home,
}

/// `$name`, `${name…}` and the special parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub name: String,
    pub op: ParamOp,
    pub quoted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ParamOp {
    Plain,
    Length,
    /// `:-` and `-`
    Default {
        word: Word,
        or_empty: bool,
    },
    /// `:=` and `=`
    Assign {
        word: Word,
        or_empty: bool,
    },
    /// `:+` and `+`
    Alternative {
        word: Word,
        or_empty: bool,
    },
    /// `:?` and `?`
    Error {
        word: Word,
        or_empty: bool,
    },
    /// `#`, `##`, `%`, `%%`
    Strip {
        word: Word,
        prefix: bool,
        longest: bool,
    },
    /// `${name/from/to}`, which busybox knows too
    Replace {
        from: Word,
        to: Word,
        all: bool,
    },
    /// `${name:from:length}`
    Slice {
        from: Word,
        length: Option<Word>,
    },
}

pub type Word = Vec<Part>;

#[derive(Debug, Clone, PartialEq)]
pub enum RedirKind {
    In,
    Out,
    Append,
    /// `>&n`, `<&n`; the target word is the number or `-`
    Dup,
    /// A here-document whose text is the target word
    Here,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Redir {
    pub fd: u32,
    pub kind: RedirKind,
    pub target: Word,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Simple {
    /// Newlines before it in its script.
    pub line: u32,
    pub assigns: Vec<(String, Word)>,
    pub words: Vec<Word>,
    pub redirs: Vec<Redir>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Simple(Arc<Simple>),
    Group(Arc<List>),
    Subshell(Arc<List>),
    If { arms: Vec<(Arc<List>, Arc<List>)>, otherwise: Option<Arc<List>> },
    Loop { until: bool, cond: Arc<List>, body: Arc<List> },
    For { var: String, words: Option<Vec<Word>>, body: Arc<List> },
    Case { word: Word, arms: Vec<(Vec<Word>, Arc<List>)> },
    Function { name: String, body: Arc<Command> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub body: Body,
    /// Redirections of a compound command.
    pub redirs: Vec<Redir>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub negate: bool,
    pub commands: Vec<Arc<Command>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AndOr {
    pub first: Pipeline,
    /// `true` for `&&`.
    pub rest: Vec<(bool, Pipeline)>,
}

/// Commands in sequence, each with whether it runs in the background.
pub type List = Vec<(AndOr, bool)>;
