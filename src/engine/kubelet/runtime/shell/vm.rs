//! One instruction of one shell: the heart of the interpreter.
//!
//! Each call does a bounded amount of work and returns. Foreground children are
//! waited for without hearing signals, as POSIX says: a trap runs after `sleep 1` ends.

use std::collections::VecDeque;

use super::super::kernel::{Read, Sys};
use super::super::process::{Body, Fd, Pid, Process, Step, Wait, harmless};
use super::builtins;
use super::code::{Op, compile};
use super::expand::Expander;
use super::parser::parse;
use super::{Await, FrameKind, Loop, Shell, pattern, redirect};

pub fn step(process: &mut Process, sys: &mut Sys) -> Step {
    let Body::Shell(mut shell) = std::mem::replace(&mut process.body, Body::Lent) else {
        return Step::Exit(126);
    };
    if shell.main_pid == 0 {
        shell.main_pid = process.pid;
    }
    let step = shell.advance(process, sys);
    // `exec` has put another body in place: the shell is gone.
    if matches!(process.body, Body::Lent) {
        process.body = Body::Shell(shell);
    }
    step
}

impl Shell {
    fn advance(&mut self, process: &mut Process, sys: &mut Sys) -> Step {
        if let Some(wait) = self.settle(process, sys) {
            return Step::Wait(wait);
        }
        if self.run_trap(process) {
            return Step::Continue;
        }
        if process.pending.iter().any(|signal| *signal < 0) {
            sys.kernel.slain.insert(sys.pid);
            return Step::Exit(process.pending.iter().find(|signal| **signal < 0).map_or(1, |signal| 128 - signal));
        }
        if let Some(code) = self.exiting {
            return self.leave(process, code);
        }
        let Some(frame) = self.frames.last_mut() else {
            return match self.from_stdin {
                Some(prompt) => self.next_script_line(process, sys, prompt),
                None => {
                    self.exiting = Some(self.status);
                    Step::Continue
                }
            };
        };
        let code = frame.code.clone();
        let Some(op) = code.ops.get(frame.pc) else {
            self.pop_frame(process);
            return Step::Continue;
        };
        frame.pc += 1;
        self.execute(op, process, sys);
        Step::Continue
    }

    /// Says which signal ended a child.
    fn mourn(&self, pid: Pid, code: i32, process: &Process, sys: &mut Sys) {
        let text = self.dialect.obituary(code - 128).filter(|_| sys.kernel.slain.remove(&pid));
        if let Some(text) = text {
            sys.write(process.fds.get(&2), format!("{text}\n").as_bytes());
        }
    }

    /// Finishes what the shell waited for, or says what it still waits for.
    fn settle(&mut self, process: &mut Process, sys: &mut Sys) -> Option<Wait> {
        match std::mem::replace(&mut self.awaiting, Await::Nothing) {
            Await::Nothing => return None,
            Await::Child { pid, tested } => {
                if sys.kernel.procs.contains_key(&pid) {
                    self.awaiting = Await::Child { pid, tested };
                    return Some(Wait::Child(pid));
                }
                self.status = sys.kernel.zombies.remove(&pid).map_or(0, |(_, code)| code);
                if self.is_at_its_end() && sys.kernel.slain.remove(&pid) {
                    // A real shell has become its last command: whoever waits for it says so.
                    sys.kernel.slain.insert(sys.pid);
                }
                self.mourn(pid, self.status, process, sys);
                self.check_error(tested);
            }
            Await::Stages { pids, last, tested } => {
                if let Some(pid) = pids.iter().find(|pid| sys.kernel.procs.contains_key(pid)).copied() {
                    self.awaiting = Await::Stages { pids, last, tested };
                    return Some(Wait::Child(pid));
                }
                let mut failed = 0;
                for pid in pids {
                    let code = sys.kernel.zombies.remove(&pid).map_or(0, |(_, code)| code);
                    self.mourn(pid, code, process, sys);
                    failed = if code == 0 { failed } else { code };
                    if pid == last {
                        self.status = code;
                    }
                }
                if self.pipe_fail {
                    self.status = failed;
                }
                self.check_error(tested);
            }
            Await::Capture { pid, pipe, mut text } => loop {
                match sys.read(Some(&mut Fd::Pipe(pipe))) {
                    Read::Data(data) => text.extend(data),
                    Read::Block(_) => {
                        self.awaiting = Await::Capture { pid, pipe, text };
                        return Some(Wait::Read(pipe));
                    }
                    Read::End if sys.kernel.procs.contains_key(&pid) => {
                        self.awaiting = Await::Capture { pid, pipe, text };
                        return Some(Wait::Child(pid));
                    }
                    Read::End => {
                        sys.kernel.pipes.remove(&pipe);
                        self.status = sys.kernel.zombies.remove(&pid).map_or(0, |(_, code)| code);
                        let text = String::from_utf8_lossy(&text);
                        self.captured.push_back(text.trim_end_matches('\n').to_owned());
                        break;
                    }
                }
            },
            Await::Jobs { pids, last } => {
                let left: Vec<Pid> = pids.iter().copied().filter(|pid| sys.kernel.procs.contains_key(pid)).collect();
                if let Some(signal) = process.pending.first() {
                    self.status = 128 + signal.abs();
                } else if left.is_empty() {
                    self.status = last.map_or(0, |last| sys.kernel.zombies.get(&last).map_or(127, |(_, code)| *code));
                } else {
                    let wait = Wait::Job(if left.len() == 1 { left.first().copied() } else { None });
                    self.awaiting = Await::Jobs { pids: left, last };
                    return Some(wait);
                }
            }
            Await::Line { names, raw, mut text } => {
                if process.pending.is_empty() {
                    match builtins::read_line(process, sys, &mut text) {
                        Err(pipe) => {
                            self.awaiting = Await::Line { names, raw, text };
                            return Some(Wait::Read(pipe));
                        }
                        Ok(complete) => {
                            self.assign_line(&names, raw, &text);
                            self.status = i32::from(!complete);
                        }
                    }
                } else {
                    self.status = 130;
                }
            }
            Await::Script { text } => {
                self.awaiting = Await::Script { text };
                return self.read_script(process, sys);
            }
        }
        let saved = std::mem::take(&mut self.after_wait);
        redirect::restore(process, saved);
        None
    }

    fn assign_line(&mut self, names: &[String], raw: bool, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let line = if raw { text.into_owned() } else { text.replace('\\', "") };
        let default = ["REPLY".to_owned()];
        let names = if names.is_empty() { &default } else { names };
        let ifs = self.get("IFS").unwrap_or(" \t\n").to_owned();
        let mut rest = line.trim_matches(|c: char| ifs.contains(c) && c.is_whitespace());
        for (index, name) in names.iter().enumerate() {
            let value = if index + 1 == names.len() {
                rest
            } else {
                let (first, tail) = rest.split_once(|c: char| ifs.contains(c)).unwrap_or((rest, ""));
                rest = tail.trim_start_matches(|c: char| ifs.contains(c) && c.is_whitespace());
                first
            };
            // A read-only variable keeps its value.
            let _ = self.set(name, value.to_owned());
        }
    }

    /// Starts the action of a signal that arrived; `true` when a frame was pushed.
    fn run_trap(&mut self, process: &mut Process) -> bool {
        while let Some(at) = process.pending.iter().position(|signal| *signal > 0) {
            let signal = process.pending.remove(at);
            match self.traps.get(&signal).cloned() {
                Some(action) if action.is_empty() => {}
                Some(action) => {
                    if let Ok(list) = parse(&action) {
                        let status = self.status;
                        self.push(compile(&list), FrameKind::Trap { status });
                        return true;
                    }
                }
                None if process.pid == 1 || harmless(signal) => {}
                // To itself and not handled: dies of it at once.
                None => process.pending.push(-signal),
            }
        }
        false
    }

    fn leave(&mut self, process: &mut Process, code: i32) -> Step {
        match self.traps.remove(&0) {
            Some(action) if !action.is_empty() => {
                while !self.frames.is_empty() {
                    self.pop_frame(process);
                }
                self.exiting = None;
                self.from_stdin = None;
                self.status = code;
                if let Ok(list) = parse(&action) {
                    self.push(compile(&list), FrameKind::Trap { status: code });
                }
                Step::Continue
            }
            _ => Step::Exit(code),
        }
    }

    fn pop_frame(&mut self, process: &mut Process) {
        let Some(frame) = self.frames.pop() else { return };
        for saved in frame.saved.into_iter().rev() {
            redirect::restore(process, saved);
        }
        match frame.kind {
            FrameKind::Main | FrameKind::Eval => {}
            FrameKind::Trap { status } => self.status = status,
            FrameKind::Function { args, locals } => {
                self.args = args;
                for (name, var) in locals.into_iter().rev() {
                    match var {
                        Some(var) => self.vars.insert(name, var),
                        None => self.vars.remove(&name),
                    };
                }
            }
        }
    }

    pub(super) fn leave_function(&mut self, process: &mut Process) {
        while let Some(frame) = self.frames.last() {
            let stops = matches!(frame.kind, FrameKind::Function { .. } | FrameKind::Main);
            self.pop_frame(process);
            if stops {
                return;
            }
        }
    }

    pub(super) fn in_function(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame.kind, FrameKind::Function { .. }))
    }

    pub(super) fn make_local(&mut self, name: &str, value: Option<&str>) {
        let old = self.vars.get(name).cloned();
        for frame in self.frames.iter_mut().rev() {
            if let FrameKind::Function { locals, .. } = &mut frame.kind {
                locals.push((name.to_owned(), old));
                break;
            }
        }
        // A read-only variable keeps its value.
        let _ = self.set(name, value.unwrap_or_default().to_owned());
    }

    pub(super) fn leave_loops(&mut self, process: &mut Process, levels: usize, again: bool) {
        let Some(frame) = self.frames.last_mut() else { return };
        let depth = levels.clamp(1, frame.loops.len().max(1));
        let Some(at) = frame.loops.len().checked_sub(depth) else { return };
        frame.loops.truncate(at + 1);
        let target = &frame.loops[at];
        frame.pc = if again { target.next } else { target.end };
        let keep = target.redirs;
        while frame.saved.len() > keep {
            let saved = frame.saved.pop().expect("longer than what is kept");
            redirect::restore(process, saved);
        }
    }

    pub(super) fn check_error(&mut self, tested: bool) {
        if self.exit_on_error && !tested && self.status != 0 {
            self.exiting = Some(self.status);
        }
    }

    fn jump(&mut self, target: usize) {
        if let Some(frame) = self.frames.last_mut() {
            frame.pc = target;
        }
    }

    fn execute(&mut self, op: &Op, process: &mut Process, sys: &mut Sys) {
        match op {
            Op::Jump(target) => self.jump(*target),
            Op::JumpIfOk(target) if self.status == 0 => self.jump(*target),
            Op::JumpIfFailed(target) if self.status != 0 => self.jump(*target),
            Op::JumpIfOk(_) | Op::JumpIfFailed(_) => {}
            Op::SetStatus(status) => self.status = *status,
            Op::Negate => self.status = i32::from(self.status == 0),
            Op::Simple { command, tested } => self.simple(command, *tested, process, sys),
            Op::Capture(code) => {
                let pipe = sys.kernel.new_pipe();
                let pid = self.spawn(code, process, sys, &[(1, Fd::Pipe(pipe))]);
                self.awaiting = Await::Capture { pid, pipe, text: Vec::new() };
            }
            Op::Subshell { code, tested } => {
                let pid = self.spawn(code, process, sys, &[]);
                self.awaiting = Await::Child { pid, tested: *tested };
            }
            Op::Background(code, _) => {
                self.last_job = self.spawn(code, process, sys, &[(0, Fd::Null)]);
                self.status = 0;
            }
            Op::Pipeline { stages, tested } => self.pipeline(stages, *tested, process, sys),
            Op::LoopStart { next, end } => self.open_loop(*next, *end, VecDeque::new()),
            Op::LoopEnd => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.loops.pop();
                }
            }
            Op::ForStart { words, end } => {
                let expanded = match words {
                    None => Ok(self.args.clone()),
                    Some(words) => self.expander(process, sys).fields(words),
                };
                let next = self.frames.last().map_or(0, |frame| frame.pc);
                match expanded {
                    Ok(fields) => self.open_loop(next, *end, fields.into()),
                    Err(error) => self.fail(process, sys, &error),
                }
                self.status = 0;
            }
            Op::ForNext { var, end } => {
                let word = self
                    .frames
                    .last_mut()
                    .and_then(|frame| frame.loops.last_mut())
                    .and_then(|open| open.words.pop_front());
                match word {
                    None => self.jump(*end),
                    Some(word) => {
                        if let Err(error) = self.set(var, word) {
                            self.fail(process, sys, &error);
                        }
                    }
                }
            }
            Op::Case { word, arms, end } => {
                let target = self.choose(word, arms, process, sys);
                match target {
                    Ok(target) => self.jump(target.unwrap_or(*end)),
                    Err(error) => self.fail(process, sys, &error),
                }
                self.status = 0;
            }
            Op::PushRedirs(redirs) => match redirect::apply(self, process, sys, redirs) {
                Ok(saved) => {
                    if let Some(frame) = self.frames.last_mut() {
                        frame.saved.push(saved);
                    }
                }
                Err(error) => {
                    self.status = self.complain(process, sys, None, &error, self.dialect.refused());
                    // The command is skipped: control continues behind its PopRedirs.
                    self.skip_redirected();
                }
            },
            Op::PopRedirs => {
                if let Some(saved) = self.frames.last_mut().and_then(|frame| frame.saved.pop()) {
                    redirect::restore(process, saved);
                }
            }
            Op::Define { name, code } => {
                self.functions.insert(name.clone(), code.clone());
                self.status = 0;
            }
        }
    }

    fn skip_redirected(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        let mut depth = 1;
        while depth > 0 {
            match frame.code.ops.get(frame.pc) {
                None => return,
                Some(Op::PushRedirs(_)) => depth += 1,
                Some(Op::PopRedirs) => depth -= 1,
                Some(_) => {}
            }
            frame.pc += 1;
        }
    }

    fn open_loop(&mut self, next: usize, end: usize, words: VecDeque<String>) {
        if let Some(frame) = self.frames.last_mut() {
            let redirs = frame.saved.len();
            frame.loops.push(Loop { next, end, words, redirs });
        }
    }

    pub(super) fn expander<'a, 's, 'w>(
        &'a mut self,
        process: &'a Process,
        sys: &'a mut Sys<'s, 'w>,
    ) -> Expander<'a, 's, 'w> {
        Expander { shell: self, sys, cwd: &process.cwd, pid: process.pid }
    }

    fn choose(
        &mut self,
        word: &super::ast::Word,
        arms: &[(Vec<super::ast::Word>, usize)],
        process: &Process,
        sys: &mut Sys,
    ) -> Result<Option<usize>, String> {
        let text: Vec<char> = self.expander(process, sys).text(word)?.chars().collect();
        for (patterns, target) in arms {
            for candidate in patterns {
                let candidate = self.expander(process, sys).pattern(candidate)?;
                if pattern::matches(&candidate, &text) {
                    return Ok(Some(*target));
                }
            }
        }
        Ok(None)
    }

    /// An expansion error ends a shell that is not interactive.
    pub(super) fn fail(&mut self, process: &Process, sys: &mut Sys, error: &str) {
        let status = self.complain(process, sys, None, error, 2);
        self.status = status;
        if self.from_stdin == Some(true) {
            self.frames.clear();
        } else {
            self.exiting = Some(status);
        }
    }

    fn next_script_line(&mut self, process: &mut Process, sys: &mut Sys, prompt: bool) -> Step {
        if prompt {
            sys.write(process.fds.get(&2), format!("{} # ", process.cwd).as_bytes());
        }
        self.awaiting = Await::Script { text: String::new() };
        Step::Continue
    }

    fn read_script(&mut self, process: &mut Process, sys: &mut Sys) -> Option<Wait> {
        let Await::Script { mut text } = std::mem::replace(&mut self.awaiting, Await::Nothing) else { return None };
        let mut line = Vec::new();
        let complete = match builtins::read_line(process, sys, &mut line) {
            Ok(complete) => complete,
            Err(pipe) => {
                text.push_str(&String::from_utf8_lossy(&line));
                self.awaiting = Await::Script { text };
                return Some(Wait::Read(pipe));
            }
        };
        text.push_str(&String::from_utf8_lossy(&line));
        if complete {
            text.push('\n');
        }
        if !complete && text.is_empty() {
            self.exiting = Some(self.status);
            return None;
        }
        match parse(&text) {
            Ok(list) => self.push(compile(&list), FrameKind::Main),
            Err(error)
                if complete
                    && (error.contains("unexpected end of file")
                        || error.contains("unterminated")
                        || error.contains("missing")) =>
            {
                if self.from_stdin == Some(true) {
                    sys.write(process.fds.get(&2), b"> ");
                }
                self.awaiting = Await::Script { text };
            }
            Err(error) => {
                self.status = self.complain(process, sys, None, &error, 2);
                if self.from_stdin != Some(true) {
                    self.exiting = Some(2);
                }
            }
        }
        None
    }
}
