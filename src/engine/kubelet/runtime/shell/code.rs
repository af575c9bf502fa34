//! The syntax tree flattened into instructions, so that a shell can stop anywhere and resume.
//!
//! A tree walk would keep its place on Rust's stack, where no checkpoint can reach it.
//! Here the place is a number.

use std::sync::Arc;

use super::ast::{AndOr, Body, Command, List, Param, ParamOp, Part, Pipeline, Redir, Simple, Word};

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Runs `code` in a subshell and keeps its output for the next expansion.
    Capture(Arc<Code>),
    /// A simple command; `tested` when `set -e` must not react to its failure.
    Simple {
        command: Arc<Simple>,
        tested: bool,
    },
    Jump(usize),
    JumpIfOk(usize),
    JumpIfFailed(usize),
    SetStatus(i32),
    Negate,
    Subshell {
        code: Arc<Code>,
        tested: bool,
    },
    Background(Arc<Code>, Arc<str>),
    Pipeline {
        stages: Vec<Arc<Code>>,
        tested: bool,
    },
    /// Expands the words (or `"$@"`) and opens a loop.
    ForStart {
        words: Option<Vec<Word>>,
        end: usize,
    },
    /// Takes the next word into `var`, or leaves for `end`.
    ForNext {
        var: String,
        end: usize,
    },
    LoopStart {
        next: usize,
        end: usize,
    },
    LoopEnd,
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, usize)>,
        end: usize,
    },
    PushRedirs(Vec<Redir>),
    PopRedirs,
    Define {
        name: String,
        code: Arc<Code>,
    },
}

/// Instructions of one script, function or subshell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Code {
    pub ops: Vec<Op>,
}

pub fn compile(list: &List) -> Arc<Code> {
    let mut code = Code::default();
    code.list(list, false);
    Arc::new(code)
}

impl Code {
    fn here(&self) -> usize {
        self.ops.len()
    }

    fn list(&mut self, list: &List, tested: bool) {
        for (and_or, background) in list {
            if *background {
                let mut inner = Code::default();
                inner.and_or(and_or, false);
                self.ops.push(Op::Background(Arc::new(inner), describe(and_or).into()));
            } else {
                self.and_or(and_or, tested);
            }
        }
    }

    fn and_or(&mut self, and_or: &AndOr, tested: bool) {
        let mut pending = &and_or.first;
        let mut skips = Vec::new();
        for (and, next) in &and_or.rest {
            self.pipeline(pending, true);
            skips.push(self.here());
            self.ops.push(if *and { Op::JumpIfFailed(0) } else { Op::JumpIfOk(0) });
            pending = next;
        }
        self.pipeline(pending, tested);
        let end = self.here();
        self.patch_skips(&skips, end);
    }

    /// A skipped `&&` goes on to the next `||` and the other way round.
    fn patch_skips(&mut self, skips: &[usize], end: usize) {
        for (index, at) in skips.iter().enumerate() {
            let is_and = matches!(self.ops[*at], Op::JumpIfFailed(_));
            let later =
                skips[index + 1..].iter().find(|next| matches!(self.ops[**next], Op::JumpIfFailed(_)) != is_and);
            // Landing behind the opposite test starts the command that it guards.
            let target = later.map_or(end, |next| next + 1);
            self.ops[*at] = if is_and { Op::JumpIfFailed(target) } else { Op::JumpIfOk(target) };
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, tested: bool) {
        let tested = tested || pipeline.negate;
        match pipeline.commands.as_slice() {
            [only] => self.command(only, tested),
            many => {
                let stage = |command: &Arc<Command>| {
                    let mut code = Code::default();
                    code.command(command, tested);
                    Arc::new(code)
                };
                self.ops.push(Op::Pipeline { stages: many.iter().map(stage).collect(), tested });
            }
        }
        if pipeline.negate {
            self.ops.push(Op::Negate);
        }
    }

    fn command(&mut self, command: &Command, tested: bool) {
        let redirected = !command.redirs.is_empty();
        if redirected {
            command.redirs.iter().for_each(|redir| self.captures(&redir.target));
            self.ops.push(Op::PushRedirs(command.redirs.clone()));
        }
        self.body(&command.body, tested);
        if redirected {
            self.ops.push(Op::PopRedirs);
        }
    }

    fn body(&mut self, body: &Body, tested: bool) {
        match body {
            Body::Simple(simple) => {
                simple.assigns.iter().for_each(|(_, word)| self.captures(word));
                simple.words.iter().for_each(|word| self.captures(word));
                simple.redirs.iter().for_each(|redir| self.captures(&redir.target));
                self.ops.push(Op::Simple { command: simple.clone(), tested });
            }
            Body::Group(list) => self.list(list, tested),
            Body::Subshell(list) => {
                let mut code = Code::default();
                code.list(list, tested);
                self.ops.push(Op::Subshell { code: Arc::new(code), tested });
            }
            Body::If { arms, otherwise } => self.if_arms(arms, otherwise.as_ref(), tested),
            Body::Loop { until, cond, body } => self.loop_body(*until, cond, body, tested),
            Body::For { var, words, body } => {
                words.iter().flatten().for_each(|word| self.captures(word));
                let start = self.here();
                self.ops.push(Op::ForStart { words: words.clone(), end: 0 });
                let next = self.here();
                self.ops.push(Op::ForNext { var: var.clone(), end: 0 });
                self.list(body, tested);
                self.ops.push(Op::Jump(next));
                let end = self.here();
                self.ops.push(Op::LoopEnd);
                self.ops[start] = Op::ForStart { words: words.clone(), end };
                self.ops[next] = Op::ForNext { var: var.clone(), end };
            }
            Body::Case { word, arms } => {
                self.captures(word);
                let start = self.here();
                self.ops.push(Op::Jump(0));
                let mut targets = Vec::new();
                let mut exits = Vec::new();
                for (patterns, list) in arms {
                    targets.push((patterns.clone(), self.here()));
                    self.ops.push(Op::SetStatus(0));
                    self.list(list, tested);
                    exits.push(self.here());
                    self.ops.push(Op::Jump(0));
                }
                let end = self.here();
                exits.into_iter().for_each(|at| self.ops[at] = Op::Jump(end));
                self.ops[start] = Op::Case { word: word.clone(), arms: targets, end };
            }
            Body::Function { name, body } => {
                let mut code = Code::default();
                code.command(body, false);
                self.ops.push(Op::Define { name: name.clone(), code: Arc::new(code) });
            }
        }
    }

    fn if_arms(&mut self, arms: &[(Arc<List>, Arc<List>)], otherwise: Option<&Arc<List>>, tested: bool) {
        let mut exits = Vec::new();
        for (cond, then) in arms {
            self.list(cond, true);
            let test = self.here();
            self.ops.push(Op::JumpIfFailed(0));
            self.list(then, tested);
            exits.push(self.here());
            self.ops.push(Op::Jump(0));
            self.ops[test] = Op::JumpIfFailed(self.here());
        }
        match otherwise {
            Some(list) => self.list(list, tested),
            None => self.ops.push(Op::SetStatus(0)),
        }
        let end = self.here();
        exits.into_iter().for_each(|at| self.ops[at] = Op::Jump(end));
    }

    fn loop_body(&mut self, until: bool, cond: &List, body: &List, tested: bool) {
        let start = self.here();
        self.ops.push(Op::LoopStart { next: 0, end: 0 });
        let next = self.here();
        self.list(cond, true);
        let test = self.here();
        self.ops.push(Op::Jump(0));
        self.list(body, tested);
        self.ops.push(Op::Jump(next));
        let leave = self.here();
        self.ops.push(Op::SetStatus(0));
        let end = self.here();
        self.ops.push(Op::LoopEnd);
        self.ops[start] = Op::LoopStart { next, end };
        self.ops[test] = if until { Op::JumpIfOk(leave) } else { Op::JumpIfFailed(leave) };
    }

    /// Runs the word's command substitutions ahead of its expansion, in order.
    fn captures(&mut self, word: &Word) {
        for part in word {
            match part {
                Part::Capture { list, .. } => self.ops.push(Op::Capture(compile(list))),
                Part::Arith { word, .. } => self.captures(word),
                Part::Param(Param { op, .. }) => match op {
                    ParamOp::Plain | ParamOp::Length => {}
                    ParamOp::Default { word, .. }
                    | ParamOp::Assign { word, .. }
                    | ParamOp::Alternative { word, .. }
                    | ParamOp::Error { word, .. }
                    | ParamOp::Strip { word, .. } => self.captures(word),
                    ParamOp::Replace { from, to, .. } => {
                        self.captures(from);
                        self.captures(to);
                    }
                    ParamOp::Slice { from, length } => {
                        self.captures(from);
                        length.iter().for_each(|word| self.captures(word));
                    }
                },
                Part::Text { .. } | Part::Home => {}
            }
        }
    }
}

/// A job's command line, near enough for `ps` and `jobs`.
fn describe(and_or: &AndOr) -> String {
    let mut text = String::new();
    for command in &and_or.first.commands {
        if let Body::Simple(simple) = &command.body {
            for part in simple.words.iter().flatten() {
                if let Part::Text { text: literal, .. } = part {
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(literal);
                }
            }
        }
    }
    text
}
