//! One container instance: made, started, signalled, looked into, gone.
//!
//! The kubelet speaks to this and to nothing below it. What the container shares with
//! its pod (volumes, network name) is handed in as a [`SandboxWorld`].
//! The first process is looked for as runc does: a name without a slash along `PATH`, any other as it
//! stands; what cannot be started is said then, and the container never ran. Whoever attaches gets what is
//! written from then on; when it has no more to say, and the input stays open for others (no `stdinOnce`,
//! no terminal), it is let go.
//! Mirrors: runc/libcontainer/init_linux.go, containerd/internal/cri/io/container_io.go `Attach`. Left out:
//! pausing, and statistics beyond memory and CPU.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Millis;
use super::catalogue::Image;
use super::fs::{FileNode, Mount, Volumes, parent_of};
use super::http::{HttpRequest, HttpResponse, Speech};
use super::kernel::{Kernel, NetReply, Outbound, Sys, World};
use super::process::{Body, Fd, Pid, Process, Stream, Wait};
use super::program::Server;
use super::tools;
use api::order::Gather;

/// What is needed to make a container.
#[derive(Debug, Clone)]
pub struct Spec {
    pub image: Arc<Image>,
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: String,
    pub mounts: Arc<[Mount]>,
    pub read_only_root: bool,
    pub user: (u32, u32),
    /// All groups of that user, in order.
    pub groups: Vec<u32>,
    pub memory_limit: Option<u64>,
    pub cpu_limit: Option<u64>,
    /// What the kernel would go by without memory.
    pub oom_score: i64,
    /// The process stays for ever and ends when asked, whatever its command.
    pub idle: bool,
    /// stdin is open (`stdin: true`).
    pub stdin: bool,
    /// It is closed when the first who attached has no more to say (`stdinOnce: true`).
    pub stdin_once: bool,
    /// Its streams are a terminal.
    pub tty: bool,
}

/// How a container's process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launch {
    Running,
    /// There is no such file; the runtime reports it and the container never ran.
    NotFound,
    Denied,
    IsDirectory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    pub code: i32,
    pub at: Millis,
    pub oom: bool,
}

/// What the containers of one pod share.
#[derive(Debug, Clone, Default)]
pub struct SandboxWorld {
    pub volumes: Volumes,
    pub hostname: String,
    pub ip: String,
    pub nameserver: String,
    /// `/etc/hosts` and `/etc/resolv.conf` of its containers.
    pub hosts: String,
    pub resolver: String,
    pub node: String,
    pub outbox: Vec<Outbound>,
    pub next_token: u64,
}

/// The ends of a session's streams, as whoever is outside holds them.
#[derive(Debug, Clone)]
pub struct ExecIo {
    with: With,
    stdin: Option<u32>,
    stdout: u32,
    stderr: u32,
}

/// Whom a session speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    /// A command of its own.
    Command(Pid),
    /// Process 1, which goes on without it.
    Console,
    /// Whoever took a connection to a port.
    Connection,
}

/// The standard input of process 1, for those who attach.
#[derive(Debug, Clone, Copy, Default)]
struct Console {
    stdin: Option<u32>,
    once: bool,
    tty: bool,
}

#[derive(Debug, Clone)]
pub struct Container {
    kernel: Kernel,
    env: Arc<BTreeMap<String, String>>,
    cwd: String,
    console: Console,
}

impl ExecIo {
    pub fn is_connection(&self) -> bool {
        self.with == With::Connection
    }

    /// How the session ends when its container is not there any more.
    pub fn without_container(&self) -> i32 {
        match self.with {
            With::Command(_) => 137,
            With::Console | With::Connection => 0,
        }
    }
}

impl SandboxWorld {
    fn lend(&mut self) -> World<'_> {
        World {
            volumes: &mut self.volumes,
            hostname: &self.hostname,
            ip: &self.ip,
            nameserver: &self.nameserver,
            node: &self.node,
            outbox: &mut self.outbox,
            next_token: &mut self.next_token,
        }
    }
}

impl Container {
    /// Makes the container and starts its first process.
    pub fn start(spec: &Spec, now: Millis, world: &mut SandboxWorld) -> (Container, Launch) {
        let mut kernel = Kernel::new(spec.image.clone(), spec.mounts.clone());
        kernel.read_only_root = spec.read_only_root;
        kernel.memory_limit = spec.memory_limit;
        kernel.cpu_limit = spec.cpu_limit;
        kernel.oom_score = spec.oom_score;
        kernel.user = spec.user;
        // An image that names its user has given it what it needs.
        kernel.restricted = spec.user.0 != 0 && spec.user.0 != spec.image.user;
        kernel.groups.clone_from(&spec.groups);
        prepare_files(&mut kernel, spec, now, world);
        let env = Arc::new(spec.env.clone());
        let console = Console { stdin: None, once: spec.stdin_once, tty: spec.tty };
        let mut container = Container { kernel, env, cwd: spec.cwd.clone(), console };
        // A terminal has one stream for all that is shown.
        let errors = if spec.tty { Stream::Stdout } else { Stream::Stderr };
        let fds = [(0, Fd::Null), (1, Fd::Log(Stream::Stdout)), (2, Fd::Log(errors))].into_iter().into_map();
        let mut first = container.process(0, spec.argv.clone(), fds, now);
        if spec.tty {
            first.env = with_terminal(&first.env);
        }
        // A terminal never ends by itself, whoever may type into it.
        if spec.stdin || spec.tty {
            let pipe = container.kernel.outside_pipe(true);
            container.console.stdin = spec.stdin.then_some(pipe);
            first.fds.insert(0, Fd::Pipe(pipe));
        }
        if spec.idle {
            first.body = Body::Server(Box::new(Server::idle(now)));
            container.kernel.add(first);
            return (container, Launch::Running);
        }
        let mut lent = world.lend();
        let mut sys = Sys { now, pid: 1, kernel: &mut container.kernel, world: &mut lent };
        let launch = match tools::launch(&mut first, &mut sys) {
            tools::Launch::Ready => {
                container.kernel.add(first);
                container.kernel.run(now, &mut lent);
                Launch::Running
            }
            tools::Launch::Exited(code) => {
                container.kernel.next_pid = 2;
                container.kernel.log.close(now);
                container.kernel.exited = Some((code, now));
                Launch::Running
            }
            tools::Launch::NotFound => Launch::NotFound,
            tools::Launch::Denied => Launch::Denied,
            tools::Launch::IsDirectory => Launch::IsDirectory,
        };
        (container, launch)
    }

    fn process(&self, parent: Pid, argv: Vec<String>, fds: BTreeMap<u32, Fd>, now: Millis) -> Process {
        Process {
            pid: 0,
            parent,
            argv: argv.into(),
            env: self.env.clone(),
            cwd: self.cwd.clone(),
            fds,
            body: Body::Lent,
            wait: Wait::Ready,
            started: now,
            heap: 0,
            pending: Vec::new(),
            burned: 0,
        }
    }

    /// Lets the processes run up to `now`.
    pub fn run(&mut self, now: Millis, world: &mut SandboxWorld) {
        self.kernel.run(now, &mut world.lend());
    }

    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        self.kernel.next_wake(now)
    }

    pub fn exit(&self) -> Option<Exit> {
        self.kernel.exited.map(|(code, at)| Exit { code, at, oom: self.kernel.oom })
    }

    /// A signal from the kubelet to process 1.
    pub fn signal(&mut self, signal: i32, now: Millis, world: &mut SandboxWorld) {
        // Gone already: nothing to signal.
        let _ = self.kernel.signal(1, signal, true, now);
        self.run(now, world);
    }

    /// Ends the container at once with this exit code: a crash from outside.
    pub fn crash(&mut self, code: i32, now: Millis) {
        if self.kernel.exited.is_none() {
            self.kernel.procs.clear();
            self.kernel.log.close(now);
            self.kernel.exited = Some((code, now));
        }
    }

    /// As if the memory limit were reached now.
    pub fn out_of_memory(&mut self, now: Millis) {
        if self.kernel.exited.is_none() {
            self.kernel.kill_for_memory(now);
        }
    }

    pub fn log(&self) -> &super::log::Log {
        &self.kernel.log
    }

    pub fn memory(&self) -> u64 {
        self.kernel.memory()
    }

    pub fn cpu(&self, now: Millis) -> u64 {
        self.kernel.cpu(now)
    }

    /// Moves the ceilings of memory, in bytes, and CPU, in millicores.
    pub fn limit(&mut self, memory: Option<u64>, cpu: Option<u64>) {
        self.kernel.memory_limit = memory;
        self.kernel.cpu_limit = cpu;
    }

    pub fn memory_limit(&self) -> Option<u64> {
        self.kernel.memory_limit
    }

    pub fn listens(&self, port: u16) -> bool {
        self.kernel.listener(port).is_some()
    }

    pub fn serve(
        &mut self,
        now: Millis,
        world: &mut SandboxWorld,
        port: u16,
        request: &HttpRequest,
    ) -> Option<HttpResponse> {
        self.kernel.serve(now, &mut world.lend(), port, request)
    }

    /// Hands the network's answer to the process that asked.
    pub fn deliver(&mut self, token: u64, reply: NetReply) {
        self.kernel.replies.insert(token, reply);
    }

    pub fn awaits(&self, token: u64) -> bool {
        self.kernel.procs.values().any(|process| process.wait == Wait::Reply(token))
    }

    /// Starts a command beside process 1, as `kubectl exec` and exec probes do.
    ///
    /// # Errors
    /// There is no such program; the session never began.
    pub fn exec(
        &mut self,
        argv: &[String],
        stdin: bool,
        tty: bool,
        now: Millis,
        world: &mut SandboxWorld,
    ) -> Result<ExecIo, Launch> {
        let input = stdin.then(|| self.kernel.outside_pipe(true));
        let stdout = self.kernel.outside_pipe(false);
        let stderr = if tty { stdout } else { self.kernel.outside_pipe(false) };
        let stdin_fd = input.map_or(Fd::Null, Fd::Pipe);
        let fds = [(0, stdin_fd), (1, Fd::Pipe(stdout)), (2, Fd::Pipe(stderr))].into_iter().into_map();
        let mut process = self.process(0, argv.to_vec(), fds, now);
        if tty {
            process.env = with_terminal(&process.env);
        }
        let mut lent = world.lend();
        let mut pid = self.kernel.next_pid;
        let mut sys = Sys { now, pid, kernel: &mut self.kernel, world: &mut lent };
        match tools::launch(&mut process, &mut sys) {
            // What it starts itself has its numbers by now (`timeout`).
            tools::Launch::Ready => pid = self.kernel.add(process),
            tools::Launch::Exited(code) => {
                self.kernel.next_pid += 1;
                self.kernel.zombies.insert(pid, (0, code));
            }
            tools::Launch::NotFound => return Err(Launch::NotFound),
            tools::Launch::Denied => return Err(Launch::Denied),
            tools::Launch::IsDirectory => return Err(Launch::IsDirectory),
        }
        self.kernel.run(now, &mut lent);
        Ok(ExecIo { with: With::Command(pid), stdin: input, stdout, stderr })
    }

    /// Joins the streams of process 1: what it writes from now on, and what it reads.
    pub fn attach(&mut self, stdin: bool) -> ExecIo {
        let stdout = self.kernel.outside_pipe(false);
        let stderr = if self.console.tty { stdout } else { self.kernel.outside_pipe(false) };
        self.kernel.attached.push([stdout, stderr]);
        // A client tells how large its terminal is, and the program draws the line it is in anew.
        if let (true, Some(pipe)) = (self.console.tty, self.kernel.pipes.get_mut(&stdout)) {
            pipe.data = self.kernel.log.unfinished(Stream::Stdout).to_vec();
        }
        ExecIo { with: With::Console, stdin: self.console.stdin.filter(|_| stdin), stdout, stderr }
    }

    /// A connection to a port at which a program speaks in bytes; `None` when there is none.
    pub fn connect(&mut self, port: u16, now: Millis, world: &mut SandboxWorld) -> Option<ExecIo> {
        let (input, output) = self.kernel.connect(port)?;
        self.run(now, world);
        Some(ExecIo { with: With::Connection, stdin: Some(input), stdout: output, stderr: output })
    }

    /// How a port is spoken with, if anybody listens at it.
    pub fn speech(&self, port: u16) -> Option<Speech> {
        self.kernel.speech(port)
    }

    /// Sends text to an exec session's stdin.
    pub fn feed(&mut self, io: &ExecIo, data: &[u8], now: Millis, world: &mut SandboxWorld) {
        if let Some(pipe) = io.stdin.and_then(|pipe| self.kernel.pipes.get_mut(&pipe)) {
            pipe.data.extend_from_slice(data);
        }
        self.run(now, world);
    }

    /// The session has no more to say.
    ///
    /// Mirrors: containerd/internal/cri/io `ContainerIO.Attach`: whoever attached ends their session
    /// with it, unless the container's own input is to end, too.
    pub fn close_stdin(&mut self, io: &ExecIo, now: Millis, world: &mut SandboxWorld) {
        if io.with == With::Console && !self.console.once && !self.console.tty {
            self.kernel.detach(io.stdout);
        } else {
            self.end_input(io);
        }
        self.run(now, world);
    }

    fn end_input(&mut self, io: &ExecIo) {
        if let Some(pipe) = io.stdin.and_then(|pipe| self.kernel.pipes.get_mut(&pipe)) {
            pipe.fed = false;
        }
    }

    /// What the session printed since last asked: stdout, then stderr.
    pub fn drain(&mut self, io: &ExecIo) -> (Vec<u8>, Vec<u8>) {
        let mut take =
            |pipe: u32| self.kernel.pipes.get_mut(&pipe).map(|held| std::mem::take(&mut held.data)).unwrap_or_default();
        let stdout = take(io.stdout);
        let stderr = if io.stderr == io.stdout { Vec::new() } else { take(io.stderr) };
        (stdout, stderr)
    }

    /// The session's exit status once it is over. When process 1 dies, so does the session.
    pub fn exec_status(&self, io: &ExecIo) -> Option<i32> {
        let over = |over: bool| over.then_some(0);
        match io.with {
            With::Command(pid) => match (self.kernel.zombies.get(&pid), self.kernel.procs.contains_key(&pid)) {
                (Some((_, code)), _) => Some(*code),
                (None, true) => None,
                (None, false) => Some(137),
            },
            With::Console => over(self.kernel.exited.is_some() || !self.kernel.is_attached(io.stdout)),
            With::Connection => over(!self.kernel.is_answered(io.stdout)),
        }
    }

    /// Ends a session and forgets it.
    pub fn end_exec(&mut self, io: &ExecIo, now: Millis) {
        match io.with {
            With::Command(pid) => {
                // Over already: nothing to kill.
                let _ = self.kernel.signal(pid, super::process::SIGKILL, true, now);
                self.kernel.zombies.remove(&pid);
            }
            With::Console => {
                self.kernel.detach(io.stdout);
                if self.console.once && !self.console.tty {
                    self.end_input(io);
                }
            }
            With::Connection => {}
        }
        let own = io.stdin.filter(|_| io.with != With::Console);
        for pipe in [Some(io.stdout), Some(io.stderr), own].into_iter().flatten() {
            self.kernel.pipes.remove(&pipe);
        }
    }

    /// A file's text, for the termination message and for lesson checks.
    pub fn file(&mut self, path: &str, world: &mut SandboxWorld) -> Option<String> {
        let mut lent = world.lend();
        let mut sys = Sys { now: 0, pid: 1, kernel: &mut self.kernel, world: &mut lent };
        match sys.view().stat(path)? {
            FileNode::File { data, .. } => Some(String::from_utf8_lossy(&data).into_owned()),
            FileNode::Dir { .. } | FileNode::Link { .. } => None,
        }
    }
}

fn with_terminal(env: &BTreeMap<String, String>) -> Arc<BTreeMap<String, String>> {
    let mut env = env.clone();
    env.insert("TERM".to_owned(), "xterm".to_owned());
    env.into()
}

/// Files that the kubelet and the runtime put into every container.
fn prepare_files(kernel: &mut Kernel, spec: &Spec, now: Millis, world: &SandboxWorld) {
    let hostname = &world.hostname;
    kernel.fs.put("/etc/hostname", format!("{hostname}\n").as_bytes(), 0o644, now);
    kernel.fs.put("/etc/hosts", world.hosts.as_bytes(), 0o644, now);
    kernel.fs.put("/etc/resolv.conf", world.resolver.as_bytes(), 0o644, now);
    kernel.fs.put("/dev/termination-log", b"", 0o666, now);
    kernel.fs.set_mode("/dev/termination-log", 0o666);
    for mount in spec.mounts.iter().filter(|mount| mount.sub_path.is_empty()) {
        kernel.fs.put_dir(&mount.path, 0o755, now);
    }
    for mount in spec.mounts.iter().filter(|mount| !mount.sub_path.is_empty()) {
        kernel.fs.put_dir(parent_of(&mount.path), 0o755, now);
    }
}
