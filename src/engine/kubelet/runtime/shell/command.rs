//! Commands of a shell: what runs inside it, what becomes a child of its own, what takes its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::kernel::Sys;
use super::super::process::{Body, Fd, Pid, Process, Wait};
use super::super::tools::{self, Launch};
use super::ast::Simple;
use super::builtins::{self, Outcome};
use super::code::Code;
use super::{Await, FrameKind, Shell, redirect};

impl Shell {
    fn child(&self, process: &Process, body: Body, fds: BTreeMap<u32, Fd>, sys: &Sys) -> Process {
        Process {
            pid: 0,
            parent: process.pid,
            argv: process.argv.clone(),
            env: process.env.clone(),
            cwd: process.cwd.clone(),
            fds,
            body,
            wait: Wait::Ready,
            started: sys.now,
            heap: 0,
            pending: Vec::new(),
            burned: 0,
        }
    }

    pub(super) fn spawn(&mut self, code: &Arc<Code>, process: &Process, sys: &mut Sys, fds: &[(u32, Fd)]) -> Pid {
        let mut table = process.fds.clone();
        table.extend(fds.iter().cloned());
        let child = self.child(process, Body::Shell(Box::new(self.fork(code.clone()))), table, sys);
        sys.kernel.add(child)
    }

    pub(super) fn pipeline(&mut self, stages: &[Arc<Code>], tested: bool, process: &Process, sys: &mut Sys) {
        let mut pids = Vec::new();
        let mut input: Option<u32> = None;
        for (index, stage) in stages.iter().enumerate() {
            let mut fds = Vec::new();
            fds.extend(input.map(|pipe| (0, Fd::Pipe(pipe))));
            input = (index + 1 < stages.len()).then(|| sys.kernel.new_pipe());
            fds.extend(input.map(|pipe| (1, Fd::Pipe(pipe))));
            pids.push(self.spawn(stage, process, sys, &fds));
        }
        let last = pids.last().copied().unwrap_or_default();
        self.awaiting = Await::Stages { pids, last, tested };
    }

    pub(super) fn simple(&mut self, command: &Simple, tested: bool, process: &mut Process, sys: &mut Sys) {
        self.line = self.first_line + command.line;
        let argv = match self.expander(process, sys).fields(&command.words) {
            Ok(argv) => argv,
            Err(error) => return self.fail(process, sys, &error),
        };
        let mut assigns = Vec::new();
        for (name, word) in &command.assigns {
            match self.expander(process, sys).text(word) {
                Ok(value) => assigns.push((name.clone(), value)),
                Err(error) => return self.fail(process, sys, &error),
            }
            if argv.is_empty() {
                let (name, value) = assigns.last().expect("just pushed");
                if let Err(error) = self.set(&name.clone(), value.clone()) {
                    return self.fail(process, sys, &error);
                }
            }
        }
        if self.trace {
            let assigned = assigns.iter().map(|(name, value)| format!("{name}={value}"));
            let words: Vec<String> = assigned.chain(argv.iter().cloned()).collect();
            sys.write(process.fds.get(&2), format!("+ {}\n", words.join(" ")).as_bytes());
        }
        let captured_status =
            command.words.iter().chain(command.assigns.iter().map(|(_, word)| word)).flatten().any(is_capture);
        if argv.is_empty() && !captured_status {
            self.status = 0;
        }
        let saved = match redirect::apply(self, process, sys, &command.redirs) {
            Ok(saved) => saved,
            Err(error) => {
                self.status = self.complain(process, sys, None, &error, self.dialect.refused());
                return self.check_error(tested);
            }
        };
        let saved = match argv.first().map(String::as_str) {
            None => saved,
            Some("exec") => {
                if argv.len() == 1 {
                    // Redirections of a bare `exec` stay.
                    self.status = 0;
                    return;
                }
                self.replace(&argv[1..], &assigns, process, sys);
                saved
            }
            Some(name) if self.functions.contains_key(name) => {
                let code = self.functions[name].clone();
                let args = std::mem::replace(&mut self.args, argv[1..].to_vec());
                if self.frames.len() > 200 {
                    return self.fail(process, sys, "maximum function recursion depth exceeded");
                }
                self.status = 0;
                self.push(code, FrameKind::Function { args, locals: Vec::new() });
                self.keep_in_frame(saved);
                return;
            }
            Some(name)
                if builtins::is_builtin(name)
                    && !(name == "command" && argv.get(1).is_some_and(|arg| !arg.starts_with('-'))) =>
            {
                for (name, value) in assigns {
                    // `IFS=, read …` would last here; ash keeps it for special builtins too.
                    let _ = self.set(&name, value);
                }
                match builtins::run(self, process, sys, &argv) {
                    Outcome::Status(status) => {
                        self.status = status;
                        self.check_error(tested);
                        saved
                    }
                    Outcome::Waiting => {
                        self.after_wait = saved;
                        return;
                    }
                    Outcome::Moved => {
                        self.keep_in_frame(saved);
                        return;
                    }
                }
            }
            Some(name) => {
                let argv = if name == "command" { argv[1..].to_vec() } else { argv };
                if argv.first().is_some_and(|name| builtins::is_builtin(name)) {
                    if let Outcome::Status(status) = builtins::run(self, process, sys, &argv) {
                        self.status = status;
                    }
                } else {
                    self.external(argv, &assigns, tested, process, sys);
                }
                saved
            }
        };
        redirect::restore(process, saved);
    }

    fn keep_in_frame(&mut self, saved: Vec<(u32, Option<Fd>)>) {
        if let Some(frame) = self.frames.last_mut().filter(|_| !saved.is_empty()) {
            frame.saved.push(saved);
        }
    }

    fn env_with(&self, assigns: &[(String, String)]) -> Arc<BTreeMap<String, String>> {
        let mut env = self.environment();
        env.extend(assigns.iter().cloned());
        Arc::new(env)
    }

    fn external(
        &mut self,
        argv: Vec<String>,
        assigns: &[(String, String)],
        tested: bool,
        process: &Process,
        sys: &mut Sys,
    ) {
        let mut child = self.child(process, Body::Lent, process.fds.clone(), sys);
        child.env = self.env_with(assigns);
        child.argv = argv.into();
        sys.kernel.caller = (!self.is_at_its_end()).then(|| (process.pid, process.argv.clone()));
        let launched = tools::launch(&mut child, sys);
        sys.kernel.caller = None;
        match launched {
            Launch::Ready => {
                let pid = sys.kernel.add(child);
                self.awaiting = Await::Child { pid, tested };
            }
            Launch::Exited(code) => {
                self.status = code;
                self.check_error(tested);
            }
            failed => {
                self.status = self.refuse(None, &child, sys, &failed);
                self.check_error(tested);
            }
        }
    }

    /// Nothing is left to do behind this command: a real shell becomes it, instead of waiting for it.
    pub(super) fn is_at_its_end(&self) -> bool {
        let over = matches!(self.frames.as_slice(), [frame] if frame.pc >= frame.code.ops.len());
        over && self.traps.is_empty() && self.from_stdin.is_none()
    }

    /// `exec`: the process goes on as another program.
    fn replace(&mut self, argv: &[String], assigns: &[(String, String)], process: &mut Process, sys: &mut Sys) {
        let before = (process.argv.clone(), process.env.clone());
        process.argv = argv.to_vec().into();
        process.env = self.env_with(assigns);
        match tools::launch(process, sys) {
            Launch::Ready => {}
            Launch::Exited(code) => {
                process.body = Body::Lent;
                self.traps.remove(&0);
                self.exiting = Some(code);
            }
            failed => {
                process.body = Body::Lent;
                let status = self.refuse(Some("exec"), process, sys, &failed);
                (process.argv, process.env) = before;
                self.exiting = Some(status);
            }
        }
    }
}

impl Shell {
    fn refuse(&self, builtin: Option<&str>, process: &Process, sys: &mut Sys, failed: &Launch) -> i32 {
        let name = &process.argv[0];
        match failed {
            Launch::Denied | Launch::IsDirectory => {
                self.complain(process, sys, builtin, &format!("{name}: Permission denied"), 126)
            }
            Launch::NotFound | Launch::Ready | Launch::Exited(_) => {
                self.complain(process, sys, builtin, &format!("{name}: not found"), 127)
            }
        }
    }
}

fn is_capture(part: &super::ast::Part) -> bool {
    matches!(part, super::ast::Part::Capture { .. })
}
