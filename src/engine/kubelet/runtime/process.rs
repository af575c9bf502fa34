//! One process: its identity, its open files, what it runs and what it waits for.
//!
//! Everything here is plain data, so that a checkpoint can hold a process in the
//! middle of a loop. Who may run when is the [`super::kernel`]'s decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Millis;
use super::program::Server;
use super::shell::Shell;
use super::tools::Tool;

pub type Pid = u32;

/// Which of a container's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// An open file descriptor.
#[derive(Debug, Clone, PartialEq)]
pub enum Fd {
    Null,
    /// `/dev/zero`: endless to read, swallows what is written.
    Zero,
    /// The container's log.
    Log(Stream),
    Pipe(u32),
    File {
        path: String,
        offset: usize,
    },
    /// A here-document, or the text a CGI script was given.
    Text {
        data: Arc<[u8]>,
        offset: usize,
    },
}

/// What a process waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    Ready,
    Until(Millis),
    /// A foreground child: signals with a trap wait with it, as POSIX says.
    Child(Pid),
    /// The `wait` builtin, which a trapped signal interrupts; `None` waits for all.
    Job(Option<Pid>),
    Read(u32),
    /// An answer from the network.
    Reply(u64),
    Forever,
}

#[derive(Debug, Clone)]
pub enum Body {
    Shell(Box<Shell>),
    Tool(Box<Tool>),
    Server(Box<Server>),
    /// Taken out for the length of one step.
    Lent,
}

#[derive(Debug, Clone)]
pub struct Process {
    pub pid: Pid,
    pub parent: Pid,
    pub argv: Arc<[String]>,
    /// Exported environment; a shell keeps its own copy.
    pub env: Arc<BTreeMap<String, String>>,
    pub cwd: String,
    pub fds: BTreeMap<u32, Fd>,
    pub body: Body,
    pub wait: Wait,
    pub started: Millis,
    /// Bytes held beyond the program's own size.
    pub heap: u64,
    /// Signals that arrived and wait for the shell's next safe point.
    pub pending: Vec<i32>,
    /// Instructions since the process last waited: a busy loop grows it.
    pub burned: u64,
}

/// What one step of a process came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// More to do at this instant.
    Continue,
    Wait(Wait),
    Exit(i32),
}

pub const SIGHUP: i32 = 1;
pub const SIGINT: i32 = 2;
pub const SIGQUIT: i32 = 3;
pub const SIGKILL: i32 = 9;
pub const SIGTERM: i32 = 15;
const SIGCHLD: i32 = 17;
const SIGCONT: i32 = 18;

const SIGNALS: [(&str, i32); 18] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
];

/// A signal by number or by name, with or without `SIG`.
pub fn signal_number(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (0..=64).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

pub fn signal_name(number: i32) -> Option<&'static str> {
    SIGNALS.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
}

/// Whether the default action is to do nothing.
pub fn harmless(signal: i32) -> bool {
    matches!(signal, 0 | SIGCHLD | SIGCONT | 28 | 23)
}

impl Process {
    /// The command line as `ps` shows it.
    pub fn command_line(&self) -> String {
        self.argv.join(" ")
    }

    /// What the process does about a signal of its own accord; `None` is the default action.
    pub fn handler(&self, signal: i32) -> Option<Handler> {
        match &self.body {
            Body::Shell(shell) => {
                shell.trap_for(signal).map(|action| if action.is_empty() { Handler::Ignore } else { Handler::Pending })
            }
            Body::Tool(_) | Body::Lent => None,
            Body::Server(server) => server.handles(signal).then_some(Handler::Pending),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    Ignore,
    /// Noted, and acted on when the process next runs.
    Pending,
}
