//! A small POSIX shell that can stop at any instruction and resume.
//!
//! Parsing gives a tree ([`ast`]), the tree is flattened ([`code`]), and [`step`] runs
//! one instruction of one process. Waiting (for a child, a pipe, the clock) is a state,
//! never a blocked call. Wording follows busybox's ash, or another's ([`dialect`]).

mod arith;
mod ast;
mod builtins;
mod code;
mod command;
mod dialect;
mod expand;
mod lexer;
mod parser;
mod pattern;
mod redirect;
mod test_expr;
mod vm;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use code::Code;
pub use dialect::Dialect;
pub use pattern::{class as character_class, matches_glob};
pub use test_expr::evaluate as test_expression;
pub use vm::step;

use super::kernel::Sys;
use super::process::{Fd, Pid, Process, signal_name};
use api::order::Gather;

#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    pub value: String,
    pub exported: bool,
    pub read_only: bool,
}

/// Why a frame was pushed, and what to put back when it ends.
#[derive(Debug, Clone)]
enum FrameKind {
    Main,
    Function {
        args: Vec<String>,
        locals: Vec<(String, Option<Var>)>,
    },
    /// A trap's action; the status before it comes back afterwards.
    Trap {
        status: i32,
    },
    Eval,
}

#[derive(Debug, Clone)]
struct Loop {
    next: usize,
    end: usize,
    words: VecDeque<String>,
    redirs: usize,
}

#[derive(Debug, Clone)]
struct Frame {
    code: Arc<Code>,
    pc: usize,
    kind: FrameKind,
    loops: Vec<Loop>,
    /// Descriptors to put back, one list per redirected command that is open.
    saved: Vec<Vec<(u32, Option<Fd>)>>,
}

/// What the shell does when the thing it waits for has happened.
#[derive(Debug, Clone)]
enum Await {
    Nothing,
    /// A child whose status becomes `$?`; `tested` as in `set -e`.
    Child {
        pid: Pid,
        tested: bool,
    },
    /// A pipeline: all must end, the last one counts.
    Stages {
        pids: Vec<Pid>,
        last: Pid,
        tested: bool,
    },
    /// A command substitution: its output, then its end.
    Capture {
        pid: Pid,
        pipe: u32,
        text: Vec<u8>,
    },
    /// The `wait` builtin.
    Jobs {
        pids: Vec<Pid>,
        last: Option<Pid>,
    },
    /// The `read` builtin waiting for a line.
    Line {
        names: Vec<String>,
        raw: bool,
        text: Vec<u8>,
    },
    /// A script that comes through stdin, a line at a time.
    Script {
        text: String,
    },
}

#[derive(Debug, Clone)]
pub struct Shell {
    pub vars: BTreeMap<String, Var>,
    /// `$0`
    pub name: String,
    dialect: Dialect,
    pub args: Vec<String>,
    functions: BTreeMap<String, Arc<Code>>,
    /// Actions by signal number; 0 is EXIT.
    traps: BTreeMap<i32, String>,
    frames: Vec<Frame>,
    status: i32,
    last_job: Pid,
    captured: VecDeque<String>,
    awaiting: Await,
    exit_on_error: bool,
    unset_is_error: bool,
    trace: bool,
    /// Of a pipeline the last stage that failed counts, not the last one.
    pipe_fail: bool,
    /// The script has a name of its own: every message says the line.
    named: bool,
    /// Which number the first line has, and the line of the command that runs.
    first_line: u32,
    line: u32,
    /// Commands come from stdin; `Some(true)` with a prompt.
    from_stdin: Option<bool>,
    /// Asked to exit with this status: the EXIT trap runs first.
    exiting: Option<i32>,
    main_pid: Pid,
    /// Descriptors to put back once the builtin that waits is done.
    after_wait: Vec<(u32, Option<Fd>)>,
}

/// How a shell was started.
pub enum Script<'a> {
    /// `sh -c TEXT`, with a name of its own where one follows.
    Text { text: &'a str, named: bool },
    /// A file of commands.
    File(&'a str),
    /// Commands from stdin, with a prompt when it is a terminal.
    Stdin { prompt: bool },
}

impl Shell {
    /// # Errors
    /// The text of a syntax error.
    pub fn start(
        script: Script,
        dialect: Dialect,
        name: &str,
        args: Vec<String>,
        env: &BTreeMap<String, String>,
    ) -> Result<Shell, String> {
        let exported = |value: &String| Var { value: value.clone(), exported: true, read_only: false };
        let mut shell = Shell {
            vars: env.iter().map(|(name, value)| (name.clone(), exported(value))).into_map(),
            name: name.to_owned(),
            dialect,
            args,
            functions: BTreeMap::new(),
            traps: BTreeMap::new(),
            frames: Vec::new(),
            status: 0,
            last_job: 0,
            captured: VecDeque::new(),
            awaiting: Await::Nothing,
            exit_on_error: false,
            unset_is_error: false,
            trace: false,
            pipe_fail: false,
            named: false,
            first_line: 1,
            line: 1,
            from_stdin: None,
            exiting: None,
            main_pid: 0,
            after_wait: Vec::new(),
        };
        let text = match script {
            Script::Text { text, named } => {
                (shell.named, shell.first_line) = (named, 0);
                text
            }
            Script::File(text) => {
                shell.named = true;
                text
            }
            Script::Stdin { prompt } => {
                shell.from_stdin = Some(prompt);
                return Ok(shell);
            }
        };
        match parser::parse_numbered(text) {
            Ok(list) => shell.push(code::compile(&list), FrameKind::Main),
            Err((error, line)) => {
                shell.line = shell.first_line + line;
                return Err(shell.worded(None, &error));
            }
        }
        Ok(shell)
    }

    /// A message as this shell prints it: who speaks, for which builtin, and where in the script.
    fn worded(&self, builtin: Option<&str>, text: &str) -> String {
        let at = dialect::Place {
            line: self.line,
            from_one: self.first_line == 1,
            named: self.named,
            typed: self.from_stdin == Some(true),
        };
        self.dialect.message(&self.name, builtin, text, at)
    }

    /// Prints a message and returns the status.
    fn complain(&self, process: &Process, sys: &mut Sys, builtin: Option<&str>, text: &str, status: i32) -> i32 {
        let line = self.worded(builtin, text);
        sys.write(process.fds.get(&2), format!("{line}\n").as_bytes());
        status
    }

    /// Where it starts; nobody else's variable unless it was handed one.
    pub fn set_directory(&mut self, cwd: &str) {
        // A shell that just began has nothing that is read-only.
        let _ = self.set("PWD", cwd.to_owned());
    }

    /// `pipefail`, and the long names of the letters.
    pub fn set_named_option(&mut self, name: &str, on: bool) -> bool {
        match name {
            "pipefail" => self.pipe_fail = on,
            "errexit" => self.exit_on_error = on,
            "nounset" => self.unset_is_error = on,
            "xtrace" => self.trace = on,
            "noglob" | "ignoreeof" | "monitor" | "noexec" | "verbose" | "noclobber" | "allexport" | "notify"
            | "nolog" | "vi" | "interactive" | "stdin" => {}
            _ => return false,
        }
        true
    }

    pub fn set_options(&mut self, flags: &str) {
        for flag in flags.chars() {
            match flag {
                'e' => self.exit_on_error = true,
                'u' => self.unset_is_error = true,
                'x' => self.trace = true,
                // `-o` takes a name, which is not among the letters.
                _ => {}
            }
        }
    }

    fn push(&mut self, code: Arc<Code>, kind: FrameKind) {
        self.frames.push(Frame { code, pc: 0, kind, loops: Vec::new(), saved: Vec::new() });
    }

    /// The action set for a signal: `Some("")` ignores it.
    pub fn trap_for(&self, signal: i32) -> Option<&str> {
        self.traps.get(&signal).map(String::as_str)
    }

    /// Whether the shell reads this pipe for a command substitution.
    pub fn captures_from(&self, wanted: u32) -> bool {
        matches!(&self.awaiting, Await::Capture { pipe, .. } if *pipe == wanted)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(|var| var.value.as_str())
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match self.vars.get_mut(name) {
            Some(var) if var.read_only => return Err(format!("{name}: is read only")),
            Some(var) => var.value = value,
            None => {
                self.vars.insert(name.to_owned(), Var { value, exported: false, read_only: false });
            }
        }
        Ok(())
    }

    /// What a child process gets as its environment.
    fn environment(&self) -> BTreeMap<String, String> {
        self.vars.iter().filter(|(_, var)| var.exported).map(|(name, var)| (name.clone(), var.value.clone())).into_map()
    }

    /// A copy that runs `code` as a subshell: traps are reset, except for ignored signals.
    fn fork(&self, code: Arc<Code>) -> Shell {
        let mut child = self.clone();
        child.traps.retain(|_, action| action.is_empty());
        child.frames.clear();
        child.awaiting = Await::Nothing;
        child.from_stdin = None;
        child.exiting = None;
        child.push(code, FrameKind::Main);
        child
    }

    fn trap_list(&self) -> String {
        let line = |(signal, action): (&i32, &String)| {
            let name = if *signal == 0 { "EXIT" } else { signal_name(*signal).unwrap_or("?") };
            format!("trap -- '{action}' {name}\n")
        };
        self.traps.iter().map(line).collect()
    }
}
