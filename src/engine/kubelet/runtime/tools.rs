//! The programs every image has: busybox's applets, or Debian's, or none.
//!
//! [`launch`] turns an argument list into a running body (or into an exit status at
//! once, for what takes no time). Texts are busybox's unless the image says Debian.

mod digest;
mod files;
mod filter;
mod httpd;
mod ls;
mod net;
mod netcat;
mod printf;
mod processes;
mod sed;
mod system;
mod tar;
mod text;

use super::Millis;
use super::catalogue::ToolSet;
use super::fs::{FileNode, absolute, base_of};
use super::http::{HttpRequest, HttpResponse};
use super::kernel::Sys;
use super::process::{Body, Pid, Process, Step, Wait};
use super::program::Server;
use super::shell::{Dialect, Script, Shell};

pub use printf::{echo, printf};
pub use processes::{kill_arguments, signal_list};
pub use system::civil;

/// What came of starting a program.
pub enum Launch {
    Ready,
    /// It took no time.
    Exited(i32),
    NotFound,
    Denied,
    IsDirectory,
}

/// A program that waits for something.
#[derive(Debug, Clone)]
pub enum Tool {
    Sleep {
        until: Millis,
    },
    Filter(Box<filter::Filter>),
    Fetch(Box<net::Fetch>),
    /// A memory hog: bytes asked for, and how much more each second.
    Hog {
        goal: u64,
        per_second: u64,
        then: Option<String>,
    },
    Yes {
        line: String,
    },
    Httpd {
        port: u16,
        home: String,
    },
    Listen(Box<netcat::Listen>),
    /// `tar`, which reads its input or writes its output whole.
    Tar(Box<tar::Tar>),
    /// `timeout`: kills its sibling when the time comes.
    Killer {
        until: Millis,
        victim: Pid,
    },
    Await {
        child: Pid,
        killer: Pid,
    },
    /// `tail -f`.
    Follow {
        path: String,
        offset: usize,
    },
    /// `top`, `watch`: prints again and again.
    Repeat {
        every: Millis,
        argv: Vec<String>,
    },
    Forever,
}

impl Tool {
    pub fn listens(&self, wanted: u16) -> bool {
        self.ports().contains(&wanted)
    }

    pub fn ports(&self) -> Vec<u16> {
        match self {
            Tool::Httpd { port, .. } => vec![*port],
            Tool::Listen(listen) => vec![listen.port],
            _ => Vec::new(),
        }
    }

    /// Whether it takes connections as bytes.
    pub fn takes_bytes(&self) -> bool {
        matches!(self, Tool::Listen(_))
    }

    /// Somebody connected to it; see [`Tool::takes_bytes`].
    pub fn connected(&mut self, input: u32, output: u32) {
        if let Tool::Listen(listen) = self {
            listen.connected(input, output);
        }
    }

    /// Whether it has a connection that writes to this pipe.
    pub fn holds(&self, output: u32) -> bool {
        matches!(self, Tool::Listen(listen) if listen.holds(output))
    }

    pub fn cpu(&self) -> u64 {
        match self {
            Tool::Hog { .. } | Tool::Yes { .. } => 900,
            _ => 0,
        }
    }
}

const BUSYBOX: &str = "[ arch ash awk base64 basename cat chmod chown clear cp cut date dd df dirname du echo env expr false find free grep egrep \
    head hostname httpd id ifconfig ip kill killall ln ls md5sum mkdir mktemp more mv nc netstat nice nohup nproc nslookup pgrep pidof ping pkill \
    printenv printf ps pwd readlink realpath rm rmdir sed seq sh sha256sum sleep sort stat stress sync tac tail tar tee telnet test time timeout top touch tr true tty \
    uname uniq uptime vi watch wc wget which whoami xargs yes";
const DEBIAN: &str = "[ arch bash base64 basename cat chmod chown cp cut date dd df dirname du echo env expr false find grep egrep head hostname id kill \
    ln ls md5sum mkdir mktemp mv nice nohup nproc printenv printf pwd readlink realpath rm rmdir sed seq sh sha256sum sleep sort stat sync tac tail tar tee test \
    timeout touch tr true tty uname uniq wc which whoami xargs yes awk";

fn has(set: ToolSet, extra: &[String], name: &str) -> bool {
    let listed = |list: &str| list.split_whitespace().any(|tool| tool == name);
    extra.iter().any(|tool| tool == name)
        || match set {
            ToolSet::Busybox => listed(BUSYBOX),
            ToolSet::Debian => listed(DEBIAN),
            ToolSet::None => false,
        }
}

const BIN_DIRS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where a command would be found, as `which` prints it.
pub fn which(sys: &mut Sys, name: &str) -> Option<String> {
    let image = sys.kernel.binaries.clone();
    if let Some(path) = image.programs.keys().find(|path| base_of(path) == name) {
        return Some(path.clone());
    }
    for dir in BIN_DIRS {
        let path = format!("{dir}/{name}");
        if matches!(sys.view().stat(&path), Some(FileNode::File { .. })) {
            return Some(path);
        }
    }
    has(image.tools, &image.extra_tools, name).then(|| match image.tools {
        ToolSet::Busybox => format!("/bin/{name}"),
        ToolSet::Debian | ToolSet::None => format!("/usr/bin/{name}"),
    })
}

/// Makes `process` run the program its arguments name.
pub fn launch(process: &mut Process, sys: &mut Sys) -> Launch {
    let argv = process.argv.clone();
    let Some(name) = argv.first().filter(|name| !name.is_empty()) else { return Launch::NotFound };
    let image = sys.kernel.binaries.clone();
    let program = image.programs.get(name.as_str()).or_else(|| {
        let by_base = || image.programs.iter().find(|(path, _)| base_of(path) == name).map(|(_, program)| program);
        if name.contains('/') { None } else { by_base() }
    });
    if let Some(program) = program {
        let forwards = program.passes_through(&argv[1..]);
        if forwards && argv.len() > 1 {
            // An entrypoint script: says its lines, then becomes the command it was given.
            for line in program.greeting(&argv[1..]) {
                sys.write(process.fds.get(&1), format!("{line}\n").as_bytes());
            }
            process.argv = argv[1..].to_vec().into();
            return launch(process, sys);
        }
        process.body = Body::Server(Box::new(Server::start(program.clone(), sys.now)));
        return Launch::Ready;
    }
    let base = base_of(name).to_owned();
    let is_path = name.contains('/');
    let path = absolute(&process.cwd, name);
    if let Some(script) = find_script(process, sys, name, &path, is_path) {
        return match script {
            Ok((text, path)) => run_script(process, sys, &text, &path, &argv[1..]),
            Err(launch) => launch,
        };
    }
    let dir_fits = !is_path || BIN_DIRS.contains(&super::fs::parent_of(&path));
    if !dir_fits
        || !(has(image.tools, &image.extra_tools, &base) || (base == "busybox" && image.tools == ToolSet::Busybox))
    {
        let is_dir = is_path && sys.view().is_dir(&path);
        return if is_dir { Launch::IsDirectory } else { Launch::NotFound };
    }
    if base == "busybox" {
        if argv.len() < 2 {
            sys.write(process.fds.get(&1), b"BusyBox v1.36.1 multi-call binary.\n");
            return Launch::Exited(0);
        }
        if !has(image.tools, &image.extra_tools, &argv[1]) {
            sys.write(process.fds.get(&2), format!("{}: applet not found\n", argv[1]).as_bytes());
            return Launch::Exited(127);
        }
        process.argv = argv[1..].to_vec().into();
        return launch(process, sys);
    }
    run_tool(&base, process, sys)
}

type Found = Result<(String, String), Launch>;

/// A shell script on disk, if that is what the name stands for.
fn find_script(process: &Process, sys: &mut Sys, name: &str, path: &str, is_path: bool) -> Option<Found> {
    let mut candidates = Vec::new();
    if is_path {
        candidates.push(path.to_owned());
    } else {
        let search = process.env.get("PATH").cloned().unwrap_or_else(|| BIN_DIRS.join(":"));
        candidates.extend(search.split(':').map(|dir| absolute(dir, name)));
    }
    for candidate in candidates {
        if let Some(FileNode::File { data, mode, .. }) = sys.view().stat(&candidate) {
            if mode & 0o111 == 0 {
                return is_path.then_some(Err(Launch::Denied));
            }
            return Some(Ok((String::from_utf8_lossy(&data).into_owned(), candidate)));
        }
    }
    None
}

fn run_script(process: &mut Process, sys: &mut Sys, text: &str, path: &str, args: &[String]) -> Launch {
    start_shell(process, sys, Script::File(text), path, args.to_vec(), "")
}

fn start_shell(
    process: &mut Process,
    sys: &mut Sys,
    script: Script,
    name: &str,
    args: Vec<String>,
    flags: &str,
) -> Launch {
    let program = process.argv.first().map_or(name, String::as_str);
    let dialect = Dialect::of(sys.kernel.binaries.tools, program);
    match Shell::start(script, dialect, name, args, &process.env) {
        Ok(mut shell) => {
            shell.set_options(flags);
            shell.set_directory(&process.cwd);
            process.body = Body::Shell(Box::new(shell));
            Launch::Ready
        }
        Err(error) => {
            sys.write(process.fds.get(&2), format!("{error}\n").as_bytes());
            Launch::Exited(2)
        }
    }
}

fn shell_tool(process: &mut Process, sys: &mut Sys) -> Launch {
    let argv = process.argv.clone();
    let (mut flags, mut names) = (String::new(), Vec::new());
    let mut index = 1;
    while let Some(arg) = argv.get(index).filter(|arg| arg.starts_with('-') && arg.len() > 1) {
        index += 1;
        if arg == "--" {
            break;
        }
        let letters = &arg[1..];
        if letters.contains('o') {
            names.extend(argv.get(index).cloned());
            index += 1;
        }
        flags.push_str(&letters.replace('o', ""));
    }
    let launch = if flags.contains('c') {
        let Some(text) = argv.get(index) else {
            sys.write(process.fds.get(&2), b"sh: -c requires an argument\n");
            return Launch::Exited(2);
        };
        let named = argv.get(index + 1);
        let script = Script::Text { text, named: named.is_some() };
        let name = named.unwrap_or(&argv[0]).clone();
        start_shell(process, sys, script, &name, argv.get(index + 2..).unwrap_or_default().to_vec(), &flags)
    } else if let Some(file) = argv.get(index) {
        let path = absolute(&process.cwd, file);
        match sys.file(&path) {
            Ok(data) => {
                let text = String::from_utf8_lossy(&data).into_owned();
                start_shell(process, sys, Script::File(&text), file, argv[index + 1..].to_vec(), &flags)
            }
            Err(_) => {
                let text = format!("{}: can't open '{file}': No such file or directory\n", argv[0]);
                sys.write(process.fds.get(&2), text.as_bytes());
                Launch::Exited(2)
            }
        }
    } else {
        let prompt = process.env.contains_key("TERM");
        let name = argv[0].clone();
        start_shell(process, sys, Script::Stdin { prompt }, &name, Vec::new(), &flags)
    };
    if let Body::Shell(shell) = &mut process.body {
        for name in names {
            shell.set_named_option(&name, true);
        }
    }
    launch
}

/// What a tool's start came to.
enum Start {
    Exit(i32),
    Run(Tool),
    /// The process goes on as another command.
    Become(Vec<String>),
}

fn run_tool(name: &str, process: &mut Process, sys: &mut Sys) -> Launch {
    if matches!(name, "sh" | "ash" | "bash" | "dash") {
        return shell_tool(process, sys);
    }
    let argv = process.argv.clone();
    let args = &argv[1..];
    let start = match name {
        "cat" | "grep" | "egrep" | "head" | "tail" | "wc" | "sort" | "uniq" | "sed" | "tr" | "cut" | "tee" | "tac"
        | "base64" | "awk" | "more" | "md5sum" | "sha256sum" | "xargs" => filter::start(name, args, process, sys),
        "ls" | "touch" | "rm" | "rmdir" | "mkdir" | "cp" | "mv" | "ln" | "chmod" | "chown" | "stat" | "du" | "df"
        | "find" | "readlink" | "realpath" | "basename" | "dirname" | "mktemp" | "pwd" | "sync" => {
            Start::Exit(files::run(name, args, process, sys))
        }
        "tar" => tar::start(args, process, sys),
        "wget" | "curl" | "nslookup" | "ping" | "nc" | "telnet" | "httpd" | "ifconfig" | "ip" | "netstat" => {
            net::start(name, args, process, sys)
        }
        _ => system::start(name, args, process, sys),
    };
    match start {
        Start::Exit(code) => Launch::Exited(code),
        Start::Run(tool) => {
            process.body = Body::Tool(Box::new(tool));
            Launch::Ready
        }
        Start::Become(argv) => {
            process.argv = argv.into();
            match launch(process, sys) {
                Launch::NotFound => {
                    let text = format!("{name}: can't execute '{}': No such file or directory\n", process.argv[0]);
                    sys.write(process.fds.get(&2), text.as_bytes());
                    Launch::Exited(127)
                }
                other => other,
            }
        }
    }
}

/// One step of a waiting tool.
pub fn step(process: &mut Process, sys: &mut Sys) -> Step {
    let Body::Tool(mut tool) = std::mem::replace(&mut process.body, Body::Lent) else { return Step::Exit(126) };
    let step = match &mut *tool {
        Tool::Sleep { until } if sys.now >= *until => Step::Exit(0),
        Tool::Sleep { until } => Step::Wait(Wait::Until(*until)),
        Tool::Filter(filter) => filter.step(process, sys),
        Tool::Fetch(fetch) => fetch.step(process, sys),
        Tool::Hog { goal, per_second, then } => system::hog(process, sys, *goal, *per_second, then.as_deref()),
        Tool::Yes { line } => system::yes(process, sys, line),
        Tool::Listen(listen) => listen.step(process, sys),
        Tool::Tar(tar) => tar.step(process, sys),
        Tool::Httpd { .. } | Tool::Forever => Step::Wait(Wait::Forever),
        Tool::Killer { until, victim } if sys.now >= *until => {
            // Gone already: then there is nothing to kill.
            let _ = sys.kernel.signal(*victim, super::process::SIGTERM, false, sys.now);
            Step::Exit(0)
        }
        Tool::Killer { until, .. } => Step::Wait(Wait::Until(*until)),
        Tool::Await { child, killer } => match sys.kernel.zombies.remove(child) {
            Some((_, code)) => {
                // A killer that already ran is gone.
                let _ = sys.kernel.signal(*killer, super::process::SIGKILL, false, sys.now);
                if sys.kernel.slain.remove(child) {
                    sys.kernel.slain.insert(sys.pid);
                }
                Step::Exit(code)
            }
            None if sys.kernel.procs.contains_key(child) => Step::Wait(Wait::Child(*child)),
            None => Step::Exit(0),
        },
        Tool::Follow { path, offset } => {
            let data = sys.file(path).unwrap_or_default();
            let fresh = data.get(*offset..).unwrap_or_default().to_vec();
            *offset = data.len();
            sys.write(process.fds.get(&1), &fresh);
            Step::Wait(Wait::Until(sys.now + 1_000))
        }
        Tool::Repeat { every, argv } => {
            let (every, argv) = (*every, argv.clone());
            processes::repeat(process, sys, &argv);
            Step::Wait(Wait::Until(sys.now + every))
        }
    };
    // Unless the process has become another program.
    if matches!(process.body, Body::Lent) {
        process.body = Body::Tool(tool);
    }
    step
}

/// Lets a listening tool answer.
pub fn answer(process: &mut Process, request: &HttpRequest, sys: &mut Sys) -> Option<HttpResponse> {
    let Body::Tool(tool) = &process.body else { return None };
    match &**tool {
        Tool::Httpd { home, .. } => {
            let home = home.clone();
            Some(httpd::answer(process, &home, request, sys))
        }
        Tool::Listen(_) => Some(HttpResponse::text(200, "text/plain", "")),
        _ => None,
    }
}

/// Prints `name: text` as an applet does.
fn complain(process: &Process, sys: &mut Sys, name: &str, text: &str) -> i32 {
    sys.write(process.fds.get(&2), format!("{name}: {text}\n").as_bytes());
    1
}

fn print(process: &Process, sys: &mut Sys, text: &str) {
    sys.write(process.fds.get(&1), text.as_bytes());
}

/// A copy of the process for a helper of its own.
fn helper(process: &Process, argv: Vec<String>, body: Body, now: Millis) -> Process {
    Process {
        pid: 0,
        parent: process.pid,
        argv: argv.into(),
        env: process.env.clone(),
        cwd: process.cwd.clone(),
        fds: process.fds.clone(),
        body,
        wait: Wait::Ready,
        started: now,
        heap: 0,
        pending: Vec::new(),
        burned: 0,
    }
}
