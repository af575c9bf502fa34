//! What surrounds a command: the learner's files, kubeconfig, discovery cache, terminal. No requests here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::discovery::Discovery;
use crate::kubeconfig::Kubeconfig;
use api::order::Order;

/// The learner's files: a flat or nested working directory, `/`-separated names.
pub trait Files {
    fn names(&self) -> Vec<String>;
    fn read(&self, name: &str) -> Option<String>;
    fn write(&self, name: &str, text: &str);
}

/// Files in memory, for tests and tools.
#[derive(Debug, Default)]
pub struct MemoryFiles(RefCell<BTreeMap<String, String>>);

impl MemoryFiles {
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(RefCell::new(files.into_iter().collect()))
    }
}

impl Files for MemoryFiles {
    fn names(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }

    fn read(&self, name: &str) -> Option<String> {
        self.0.borrow().get(name).cloned()
    }

    fn write(&self, name: &str, text: &str) {
        self.0.borrow_mut().insert(name.into(), text.into());
    }
}

/// What outlives one command: the client's memory of one cluster.
#[derive(Debug, Default)]
pub struct Session {
    pub kubeconfig: Kubeconfig,
    /// Fetched once per cluster, as kubectl's cache directory.
    pub discovery: Option<Rc<Discovery>>,
    /// The shell's `alias`es and variables.
    pub aliases: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
    /// Lines typed so far, oldest first; the page may fill it.
    pub history: Vec<String>,
}

/// A command's surroundings. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    pub files: Rc<dyn Files>,
    pub session: Rc<RefCell<Session>>,
    pub stdin: Option<String>,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether output is a terminal of the page: notes about what is not simulated are
    /// printed there, and never into transcripts.
    pub page: bool,
}

impl Env {
    pub fn new(files: Rc<dyn Files>, session: Rc<RefCell<Session>>) -> Self {
        Self { files, session, stdin: None, width: 80, page: false }
    }

    #[must_use]
    pub fn with_stdin(mut self, stdin: Option<String>) -> Self {
        self.stdin = stdin;
        self
    }

    /// Reads a file; `./` and doubled slashes do not matter.
    pub fn read(&self, name: &str) -> Option<String> {
        self.files.read(name).or_else(|| self.files.read(&tidy(name)))
    }

    /// Names of the files below a directory, sorted; `None` if there is no such directory.
    pub fn directory(&self, name: &str, recursive: bool) -> Option<Vec<String>> {
        let prefix = match tidy(name).as_str() {
            "" | "." => String::new(),
            dir => format!("{}/", dir.trim_end_matches('/')),
        };
        let mut inside: Vec<String> = self
            .files
            .names()
            .into_iter()
            .filter(|file| file.strip_prefix(&prefix).is_some_and(|rest| recursive || !rest.contains('/')))
            .collect();
        inside.order();
        (prefix.is_empty() || !inside.is_empty()).then_some(inside)
    }
}

/// `./a//b` → `a/b`.
fn tidy(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let path = parts.join("/");
    if name.starts_with('/') { format!("/{path}") } else { path }
}
