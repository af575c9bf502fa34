//! What a container's processes share: the process table, pipes, files, log and limits.
//!
//! A small Unix in virtual time. Nothing runs by itself: [`Kernel::run`] steps whoever
//! is ready at `now` until everybody waits, and [`Kernel::next_wake`] says when to come back.
//! The first process is special, as in every PID namespace: signals it has no handler for do not reach it,
//! and when it ends all others are killed. A container beyond its memory limit is killed as a whole, as
//! cgroup v2 does it (`memory.oom.group`): 137. CPU is a figure, not a scheduler: who is throttled only
//! shows it.
//! Left out: users' limits on processes and files, and processes' own priorities.

mod sys;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Millis;
use super::fs::{Errno, FileTree, Mount, Volumes};
use super::http::{HttpRequest, HttpResponse};
use super::log::Log;
use super::process::{Body, Fd, Handler, Pid, Process, SIGKILL, Step, Stream, Wait, harmless};

/// Instructions a process may run before it must let virtual time pass.
const SLICE: u64 = 2_000;
const LONGEST_SLICE: Millis = 10_000;

/// Something a process asks of the world outside its pod.
#[derive(Debug, Clone, PartialEq)]
pub enum NetRequest {
    Http { host: String, port: u16, request: HttpRequest },
    Connect { host: String, port: u16 },
    Lookup { name: String, server: Option<String> },
    Ping { host: String },
}

/// The world's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum NetReply {
    Http {
        ip: String,
        response: HttpResponse,
    },
    Connected {
        ip: String,
    },
    /// Addresses a name resolved to, and the full name that matched.
    Found {
        name: String,
        ips: Vec<String>,
    },
    NoSuchHost,
    Refused {
        ip: String,
    },
    TimedOut {
        ip: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Outbound {
    pub token: u64,
    pub request: NetRequest,
}

/// What surrounds a container: its pod's volumes and network name.
pub struct World<'a> {
    pub volumes: &'a mut Volumes,
    pub hostname: &'a str,
    pub ip: &'a str,
    pub nameserver: &'a str,
    pub node: &'a str,
    /// Requests waiting to be carried out of the pod.
    pub outbox: &'a mut Vec<Outbound>,
    pub next_token: &'a mut u64,
}

#[derive(Debug, Clone, Default)]
pub struct Pipe {
    pub data: Vec<u8>,
    /// Somebody outside the container holds the writing end (an exec session's stdin).
    pub fed: bool,
    /// Somebody outside reads it (an exec session's output).
    pub drained: bool,
}

#[derive(Debug, Clone)]
pub struct Kernel {
    pub fs: FileTree,
    pub mounts: Arc<[Mount]>,
    pub read_only_root: bool,
    pub procs: BTreeMap<Pid, Process>,
    /// Exited processes whose parents have not asked yet.
    pub zombies: BTreeMap<Pid, (Pid, i32)>,
    /// Those of them that a signal ended.
    pub slain: BTreeSet<Pid>,
    pub next_pid: Pid,
    pub pipes: BTreeMap<u32, Pipe>,
    next_pipe: u32,
    pub log: Log,
    /// Where else the log's two streams go: pipes of those who attached.
    pub attached: Vec<[u32; 2]>,
    pub replies: BTreeMap<u64, NetReply>,
    /// Bytes; `None` is unlimited.
    pub memory_limit: Option<u64>,
    /// Millicores; `None` is unlimited.
    pub cpu_limit: Option<u64>,
    pub oom_score: i64,
    /// The shell that waits while a command is done at once: it is not in the table then.
    pub caller: Option<(Pid, Arc<[String]>)>,
    /// The cgroup ran out of memory.
    pub oom: bool,
    /// Set once, when process 1 is gone.
    pub exited: Option<(i32, Millis)>,
    pub user: (u32, u32),
    pub groups: Vec<u32>,
    /// Modes and owners of files count: the pod runs it as somebody the image does not know.
    pub restricted: bool,
    pub binaries: Arc<super::catalogue::Image>,
}

/// What [`Sys::read`] found.
pub enum Read {
    Data(Vec<u8>),
    Block(u32),
    End,
}

/// One process's view of its surroundings during a step.
pub struct Sys<'a, 'w> {
    pub now: Millis,
    pub pid: Pid,
    pub kernel: &'a mut Kernel,
    pub world: &'a mut World<'w>,
}

impl Kernel {
    pub fn new(image: Arc<super::catalogue::Image>, mounts: Arc<[Mount]>) -> Kernel {
        Kernel {
            fs: image.tree.clone(),
            mounts,
            read_only_root: false,
            procs: BTreeMap::new(),
            zombies: BTreeMap::new(),
            slain: BTreeSet::new(),
            next_pid: 1,
            pipes: BTreeMap::new(),
            next_pipe: 1,
            log: Log::default(),
            attached: Vec::new(),
            replies: BTreeMap::new(),
            memory_limit: None,
            cpu_limit: None,
            oom_score: 0,
            caller: None,
            oom: false,
            exited: None,
            user: (0, 0),
            groups: vec![0],
            restricted: false,
            binaries: image,
        }
    }

    pub fn new_pipe(&mut self) -> u32 {
        let id = self.next_pipe;
        self.next_pipe += 1;
        self.pipes.insert(id, Pipe::default());
        id
    }

    /// A pipe of which somebody outside the container holds an end: the writing one, or the reading one.
    pub fn outside_pipe(&mut self, fed: bool) -> u32 {
        let id = self.new_pipe();
        self.pipes.insert(id, Pipe { data: Vec::new(), fed, drained: !fed });
        id
    }

    /// Writes to the container's log, and to whoever is attached.
    fn say(&mut self, now: Millis, stream: Stream, bytes: &[u8]) {
        self.log.write(now, stream, bytes);
        for pipes in &self.attached {
            if let Some(pipe) = self.pipes.get_mut(&pipes[stream as usize]) {
                pipe.data.extend_from_slice(bytes);
            }
        }
    }

    pub fn is_attached(&self, stdout: u32) -> bool {
        self.attached.iter().any(|pipes| pipes[0] == stdout)
    }

    pub fn detach(&mut self, stdout: u32) {
        self.attached.retain(|pipes| pipes[0] != stdout);
    }

    pub fn add(&mut self, mut process: Process) -> Pid {
        process.pid = self.next_pid;
        self.next_pid += 1;
        let pid = process.pid;
        self.procs.insert(pid, process);
        pid
    }

    /// Steps every ready process until all wait. Never longer than a bounded number of steps.
    pub fn run(&mut self, now: Millis, world: &mut World) {
        for _ in 0..10_000 {
            let ready: Vec<Pid> =
                self.procs.values().filter(|process| self.is_ready(process, now)).map(|process| process.pid).collect();
            if ready.is_empty() || self.exited.is_some() {
                break;
            }
            for pid in ready {
                if let Some(process) = self.procs.remove(&pid) {
                    self.run_one(process, now, world);
                }
                if self.exited.is_some() {
                    break;
                }
            }
        }
        if self.exited.is_none() {
            self.check_memory(now);
        }
    }

    fn run_one(&mut self, mut process: Process, now: Millis, world: &mut World) {
        let pid = process.pid;
        process.wait = Wait::Ready;
        for _ in 0..SLICE {
            let mut sys = Sys { now, pid, kernel: self, world };
            match step(&mut process, &mut sys) {
                Step::Continue => process.burned += 1,
                Step::Wait(wait) => {
                    process.burned = 0;
                    process.wait = wait;
                    self.procs.insert(pid, process);
                    return;
                }
                Step::Exit(code) => {
                    self.reap(pid, process.parent, code, now);
                    return;
                }
            }
        }
        // A busy loop: virtual time must pass, more of it the longer the loop goes on.
        let slices = process.burned / SLICE;
        process.wait = Wait::Until(now + (50 << slices.min(8)).min(LONGEST_SLICE));
        self.procs.insert(pid, process);
    }

    fn reap(&mut self, pid: Pid, parent: Pid, code: i32, now: Millis) {
        if pid == 1 {
            self.procs.clear();
            self.log.close(now);
            self.exited = Some((code, now));
            return;
        }
        for child in self.procs.values_mut().filter(|process| process.parent == pid) {
            child.parent = 1;
        }
        self.zombies.insert(pid, (parent, code));
    }

    fn is_ready(&self, process: &Process, now: Millis) -> bool {
        let signalled = !process.pending.is_empty();
        match &process.wait {
            Wait::Ready => true,
            Wait::Until(at) => *at <= now || (signalled && matches!(process.body, Body::Server(_))),
            Wait::Child(pid) => !self.procs.contains_key(pid),
            Wait::Job(Some(pid)) => signalled || !self.procs.contains_key(pid),
            Wait::Job(None) => signalled || !self.procs.values().any(|other| other.parent == process.pid),
            Wait::Read(pipe) => {
                signalled
                    || self.pipes.get(pipe).is_none_or(|held| !held.data.is_empty())
                    || !self.has_writer(*pipe, process.pid)
            }
            Wait::Reply(token) => self.replies.contains_key(token),
            Wait::Forever => signalled,
        }
    }

    fn holds(process: &Process, pipe: u32) -> bool {
        process.fds.iter().any(|(number, fd)| *number != 0 && *fd == Fd::Pipe(pipe))
    }

    pub fn has_writer(&self, pipe: u32, except: Pid) -> bool {
        self.pipes.get(&pipe).is_some_and(|held| held.fed)
            || self.procs.values().any(|process| process.pid != except && Self::holds(process, pipe))
    }

    fn has_reader(&self, pipe: u32) -> bool {
        self.pipes.get(&pipe).is_some_and(|held| held.drained)
            || self.procs.values().any(|process| process.fds.get(&0) == Some(&Fd::Pipe(pipe)) || process.captures(pipe))
    }

    /// When somebody here next has something to do by itself.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        if self.exited.is_some() {
            return None;
        }
        let due = |process: &Process| match process.wait {
            Wait::Until(at) => Some(at),
            _ if self.is_ready(process, now) => Some(now),
            _ => None,
        };
        self.procs.values().filter_map(due).min()
    }

    /// Sends a signal. From inside, nobody can kill process 1 against its will.
    ///
    /// # Errors
    /// There is no such process.
    pub fn signal(&mut self, pid: Pid, signal: i32, from_outside: bool, now: Millis) -> Result<(), Errno> {
        let Some(process) = self.procs.get_mut(&pid) else { return Err(Errno::NotFound) };
        let parent = process.parent;
        if signal == SIGKILL {
            if pid != 1 || from_outside {
                self.procs.remove(&pid);
                self.slain.insert(pid);
                self.reap(pid, parent, 128 + SIGKILL, now);
            }
            return Ok(());
        }
        match process.handler(signal) {
            Some(Handler::Ignore) => {}
            Some(Handler::Pending) => process.pending.push(signal),
            // Process 1 has no default actions: what it does not handle, it does not hear.
            None if pid == 1 || harmless(signal) => {}
            None => {
                self.procs.remove(&pid);
                self.slain.insert(pid);
                self.reap(pid, parent, 128 + signal, now);
            }
        }
        Ok(())
    }

    /// Bytes in use by all processes.
    pub fn memory(&self) -> u64 {
        self.procs.values().map(|process| process.heap + process.resident()).sum()
    }

    /// Millicores in use: busy loops and the programs' own appetite, capped by the limit.
    pub fn cpu(&self, now: Millis) -> u64 {
        let wanted: u64 = self.procs.values().map(|process| process.appetite(now)).sum();
        self.cpu_limit.map_or(wanted, |limit| wanted.min(limit))
    }

    pub fn is_throttled(&self, now: Millis) -> bool {
        let wanted: u64 = self.procs.values().map(|process| process.appetite(now)).sum();
        self.cpu_limit.is_some_and(|limit| wanted > limit)
    }

    /// Over the limit the kernel kills the whole cgroup (memory.oom.group).
    fn check_memory(&mut self, now: Millis) {
        if self.memory_limit.is_some_and(|limit| self.memory() > limit) {
            self.kill_for_memory(now);
        }
    }

    pub fn kill_for_memory(&mut self, now: Millis) {
        self.oom = true;
        self.reap(1, 0, 128 + SIGKILL, now);
    }
}

fn step(process: &mut Process, sys: &mut Sys) -> Step {
    // The body is lent out while it runs, so that it can be handed its own process.
    match &mut process.body {
        Body::Shell(_) => super::shell::step(process, sys),
        Body::Tool(_) => super::tools::step(process, sys),
        Body::Server(_) => super::program::step(process, sys),
        Body::Lent => Step::Exit(126),
    }
}

impl Process {
    fn captures(&self, pipe: u32) -> bool {
        matches!(&self.body, Body::Shell(shell) if shell.captures_from(pipe))
    }

    fn resident(&self) -> u64 {
        match &self.body {
            Body::Server(server) => server.memory(),
            Body::Shell(_) | Body::Tool(_) | Body::Lent => 400 << 10,
        }
    }

    fn appetite(&self, now: Millis) -> u64 {
        let busy = if self.burned >= SLICE { 1000 } else { 0 };
        match &self.body {
            Body::Server(server) => server.cpu(now),
            Body::Shell(_) | Body::Lent => busy,
            Body::Tool(tool) => busy.max(tool.cpu()),
        }
    }
}
