//! A program described by data: what it logs, serves, needs, and how it ends.
//!
//! The catalogue (and each lesson) says these things in YAML; nothing here knows any
//! image by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::Millis;
use super::fs::{FileNode, absolute};
use super::http::{HttpRequest, HttpResponse, Speech};
use super::kernel::Sys;
use super::process::{Fd, Process, Step, Wait};
use super::text::{Template, deserialize_bytes, deserialize_duration, deserialize_millicpu};

/// What a binary in an image does.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    /// An entrypoint script: prints `greets`, then becomes the command it is given.
    pub passes_through: bool,
    /// Lines printed before passing through, but only to this command (`nginx`).
    pub greets: Vec<String>,
    pub greets_for: String,
    /// With this as its first argument it only prints these lines and is done: `-v`.
    pub asides: BTreeMap<String, Vec<LogSpec>>,
    pub log: Vec<LogSpec>,
    /// Until then its ports refuse connections.
    #[serde(deserialize_with = "deserialize_duration")]
    pub ready_after: Millis,
    pub needs: Vec<Need>,
    pub listen: Vec<Listener>,
    pub exit: Option<ExitSpec>,
    /// How it answers SIGTERM; absent means that it has no handler.
    pub term: Option<ExitSpec>,
    #[serde(deserialize_with = "deserialize_bytes")]
    pub memory: u64,
    /// Memory added per second: a leak.
    #[serde(deserialize_with = "deserialize_bytes")]
    pub leak: u64,
    #[serde(deserialize_with = "deserialize_millicpu")]
    pub cpu: u64,
    /// Millicores for each request per second.
    #[serde(deserialize_with = "deserialize_millicpu")]
    pub cpu_per_request: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSpec {
    #[serde(deserialize_with = "deserialize_duration")]
    pub at: Millis,
    /// Repeats with this period from `at` on.
    #[serde(deserialize_with = "deserialize_duration")]
    pub every: Millis,
    pub text: String,
    pub stderr: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Need {
    pub env: String,
    pub file: String,
    #[serde(deserialize_with = "deserialize_duration")]
    pub after: Millis,
    pub log: String,
    pub exit: i32,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    pub port: u16,
    /// Whether it has a certificate, and understands nobody who asks for none.
    pub tls: bool,
    /// An environment variable that overrides the port.
    pub port_env: String,
    /// Files below this directory are served.
    pub root: String,
    pub routes: Vec<Route>,
    /// The body of a 404; other errors have the same page under another title.
    pub not_found: String,
    pub access_log: String,
    /// What is said of a file that cannot be served, with `{nth}` request and `{problem}`.
    pub error_log: String,
    pub server: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Exact, or a prefix when it ends with `*`.
    pub path: String,
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub content_type: String,
    /// Without this file (or variable) the answer is 500 and `failure_log` is written.
    #[serde(default)]
    pub needs_file: String,
    #[serde(default)]
    pub needs_env: String,
    #[serde(default)]
    pub failure_log: String,
    #[serde(default)]
    pub log: String,
    #[serde(default, deserialize_with = "deserialize_duration")]
    pub delay: Millis,
}

fn ok() -> u16 {
    200
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExitSpec {
    #[serde(deserialize_with = "deserialize_duration")]
    pub after: Millis,
    pub code: i32,
    pub log: String,
}

impl Program {
    pub fn passes_through(&self, rest: &[String]) -> bool {
        self.passes_through && !rest.is_empty()
    }

    pub fn greeting(&self, rest: &[String]) -> &[String] {
        if rest.first().is_some_and(|command| *command == self.greets_for) { &self.greets } else { &[] }
    }
}

/// A running program of the catalogue.
#[derive(Debug, Clone)]
pub struct Server {
    program: Arc<Program>,
    started: Millis,
    /// Log specs already written, by index; repeating ones hold their next moment.
    due: Vec<Option<Millis>>,
    leaving: Option<(Millis, i32)>,
    now: Millis,
    /// Requests in the running ten seconds and in the ten before.
    requests: (Millis, u64, u64),
    /// Requests since the start.
    served: u64,
    port_overrides: BTreeMap<u16, u16>,
    prepared: bool,
}

const WINDOW: Millis = 10_000;

impl Server {
    pub fn start(program: Arc<Program>, now: Millis) -> Server {
        let due = program.log.iter().map(|line| Some(now + line.at)).collect();
        Server {
            program,
            started: now,
            due,
            leaving: None,
            now,
            requests: (now, 0, 0),
            served: 0,
            port_overrides: BTreeMap::new(),
            prepared: false,
        }
    }

    /// A program that only stays: what a profile runs when every image is acceptable.
    pub fn idle(now: Millis) -> Server {
        let term = Some(ExitSpec::default());
        Server::start(Arc::new(Program { term, memory: 4 << 20, ..Program::default() }), now)
    }

    pub fn handles(&self, signal: i32) -> bool {
        self.program.term.is_some()
            && matches!(signal, super::process::SIGTERM | super::process::SIGINT | super::process::SIGQUIT)
    }

    fn port(&self, listener: &Listener) -> u16 {
        self.port_overrides.get(&listener.port).copied().unwrap_or(listener.port)
    }

    pub fn ports(&self) -> Vec<u16> {
        let open = self.now >= self.started + self.program.ready_after;
        if open { self.program.listen.iter().map(|listener| self.port(listener)).collect() } else { Vec::new() }
    }

    pub fn listens(&self, port: u16) -> bool {
        self.leaving.is_none() && self.ports().contains(&port)
    }

    /// Whether it answers requests at that port, or only keeps it open.
    pub fn speech(&self, port: u16) -> Speech {
        match self.program.listen.iter().find(|listener| self.port(listener) == port) {
            Some(listener) if listener.routes.is_empty() && listener.root.is_empty() => Speech::Other,
            Some(listener) if listener.tls => Speech::Https,
            Some(_) => Speech::Http,
            None => Speech::Other,
        }
    }

    pub fn memory(&self) -> u64 {
        let age = (self.now - self.started) / 1_000;
        self.program.memory + self.program.leak * age
    }

    pub fn cpu(&self, now: Millis) -> u64 {
        let (start, current, before) = self.requests;
        let rate = match now.saturating_sub(start) {
            age if age < WINDOW => (current + before) * 1_000 / (age + WINDOW),
            age if age < 2 * WINDOW => current / 10,
            _ => 0,
        };
        self.program.cpu + self.program.cpu_per_request * rate
    }

    fn count_request(&mut self, now: Millis) {
        let (start, current, _) = self.requests;
        let age = now.saturating_sub(start);
        if age >= WINDOW {
            self.requests = (now, 0, if age < 2 * WINDOW { current } else { 0 });
        }
        self.requests.1 += 1;
        self.served += 1;
    }

    /// Answers a request that came to an open port.
    pub fn answer(
        &mut self,
        port: u16,
        request: &HttpRequest,
        env: &BTreeMap<String, String>,
        sys: &mut Sys,
    ) -> Option<HttpResponse> {
        let program = self.program.clone();
        let listener = program.listen.iter().find(|listener| self.port(listener) == port)?;
        self.count_request(sys.now);
        let path = request.path.split('?').next().unwrap_or("/");
        let fits = |route: &&Route| match route.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => route.path == path,
        };
        let mut lines = Vec::new();
        let mut response = match listener.routes.iter().find(fits) {
            Some(route) => {
                let file_missing = !route.needs_file.is_empty() && !sys.view().exists(&route.needs_file);
                let env_missing = !route.needs_env.is_empty() && !env.contains_key(&route.needs_env);
                if file_missing || env_missing {
                    lines.push(route.failure_log.clone());
                    HttpResponse {
                        delay: route.delay,
                        ..HttpResponse::text(500, "text/plain", "Internal Server Error\n")
                    }
                } else {
                    lines.push(route.log.clone());
                    let kind = if route.content_type.is_empty() { "text/plain" } else { &route.content_type };
                    let body = Template { text: &route.body, env, sys, request: Some(request) }.render();
                    HttpResponse { delay: route.delay, ..HttpResponse::text(route.status, kind, &body) }
                }
            }
            None => {
                let (response, problem) = self.file(listener, &request.method, path, sys);
                if let Some(problem) = problem {
                    let nth = self.served.to_string();
                    lines.push(listener.error_log.replace("{nth}", &nth).replace("{problem}", &problem));
                }
                response
            }
        };
        if !listener.server.is_empty() {
            response.headers.insert("Server".to_owned(), listener.server.clone());
        }
        let status = response.status.to_string();
        if request.method == "HEAD" {
            response.headers.insert("Content-Length".to_owned(), response.body.len().to_string());
            response.body.clear();
        }
        let size = response.body.len().to_string();
        lines.push(listener.access_log.replace("{status}", &status).replace("{size}", &size));
        for line in lines.iter().filter(|line| !line.is_empty()) {
            let text = Template { text: line, env, sys, request: Some(request) }.render().replace("{status}", &status);
            sys.log_stdout(&format!("{text}\n"));
        }
        Some(response)
    }

    /// What lies below the listener's directory, and what went wrong if it cannot be had. Left out: the
    /// redirect of a directory's name without the slash behind it.
    fn file(&self, listener: &Listener, method: &str, path: &str, sys: &mut Sys) -> (HttpResponse, Option<String>) {
        let page = |status: u16, title: &str| {
            let body = if listener.not_found.is_empty() { "404 page not found\n" } else { &listener.not_found };
            let kind = if body.starts_with('<') { "text/html" } else { "text/plain" };
            HttpResponse::text(status, kind, &body.replace("404 Not Found", title))
        };
        if listener.root.is_empty() {
            return (page(404, "404 Not Found"), None);
        }
        let mut file = absolute(&listener.root, path.trim_start_matches('/'));
        let in_directory = sys.view().is_dir(&file);
        if in_directory {
            file = absolute(&file, "index.html");
        }
        match sys.view().stat(&file) {
            Some(FileNode::File { .. }) if !matches!(method, "GET" | "HEAD") => (page(405, "405 Not Allowed"), None),
            Some(FileNode::File { data, .. }) => {
                let kind = match file.rsplit('.').next() {
                    Some("html") => "text/html",
                    Some("json") => "application/json",
                    _ => "text/plain",
                };
                (HttpResponse::text(200, kind, &String::from_utf8_lossy(&data)), None)
            }
            _ if in_directory => {
                let directory = file.trim_end_matches("index.html");
                (page(403, "403 Forbidden"), Some(format!("directory index of \"{directory}\" is forbidden")))
            }
            _ => {
                let problem = format!("open() \"{file}\" failed (2: No such file or directory)");
                (page(404, "404 Not Found"), Some(problem))
            }
        }
    }
}

/// Lets a program of the catalogue do what is due.
pub fn step(process: &mut Process, sys: &mut Sys) -> Step {
    let env = process.env.clone();
    let (stdout, stderr) = (process.fds.get(&1).cloned(), process.fds.get(&2).cloned());
    let pending = std::mem::take(&mut process.pending);
    let args = process.argv.clone();
    let super::process::Body::Server(server) = &mut process.body else { return Step::Exit(126) };
    let program = server.program.clone();
    server.now = sys.now;
    if !server.prepared {
        server.prepared = true;
        for listener in program.listen.iter().filter(|listener| !listener.port_env.is_empty()) {
            if let Some(port) = env.get(&listener.port_env).and_then(|text| text.parse().ok()) {
                server.port_overrides.insert(listener.port, port);
            }
        }
    }
    let say = |sys: &mut Sys, text: &str, fd: &Option<Fd>| {
        let line = Template { text, env: &env, sys, request: None }.render();
        let line = fill_args(&line, &args);
        sys.write(fd.as_ref(), format!("{line}\n").as_bytes());
    };
    if let Some(lines) = args.get(1).and_then(|first| program.asides.get(first)) {
        for line in lines {
            say(sys, &line.text, if line.stderr { &stderr } else { &stdout });
        }
        return Step::Exit(0);
    }
    if !pending.is_empty()
        && server.leaving.is_none()
        && let Some(term) = &program.term
    {
        if !term.log.is_empty() {
            say(sys, &term.log, &stdout);
        }
        server.leaving = Some((sys.now + term.after, term.code));
    }
    if let Some((at, code)) = server.leaving {
        return if sys.now >= at { Step::Exit(code) } else { Step::Wait(Wait::Until(at)) };
    }
    let mut next: Option<Millis> = None;
    let mut wake = |at: Millis| next = Some(next.map_or(at, |known| known.min(at)));
    for (index, line) in program.log.iter().enumerate() {
        let Some(at) = server.due[index] else { continue };
        if at > sys.now {
            wake(at);
            continue;
        }
        say(sys, &line.text, if line.stderr { &stderr } else { &stdout });
        server.due[index] = (line.every > 0).then(|| sys.now + line.every);
        server.due[index].into_iter().for_each(&mut wake);
    }
    for need in &program.needs {
        let missing = (!need.env.is_empty() && env.get(&need.env).is_none_or(String::is_empty))
            || (!need.file.is_empty() && !sys.view().exists(&need.file));
        if !missing {
            continue;
        }
        let at = server.started + need.after;
        if at > sys.now {
            wake(at);
            continue;
        }
        if !need.log.is_empty() {
            say(sys, &need.log, &stderr);
        }
        return Step::Exit(need.exit);
    }
    if let Some(exit) = &program.exit {
        let at = server.started + exit.after;
        if at <= sys.now {
            if !exit.log.is_empty() {
                say(sys, &exit.log, &stdout);
            }
            return Step::Exit(exit.code);
        }
        wake(at);
    }
    if sys.now < server.started + program.ready_after {
        wake(server.started + program.ready_after);
    }
    if program.leak > 0 {
        wake(sys.now + 1_000);
    }
    Step::Wait(next.map_or(Wait::Forever, Wait::Until))
}

/// `{arg:-text}` is the value of that argument, written `-text=VALUE` or `-text VALUE`.
fn fill_args(line: &str, args: &[String]) -> String {
    let mut out = line.to_owned();
    while let Some((before, rest)) = out.clone().split_once("{arg:") {
        let Some((name, after)) = rest.split_once('}') else { break };
        let inline = args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
        let next = args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).map(String::as_str);
        out = format!("{before}{}{after}", inline.or(next).unwrap_or_default());
    }
    out
}
