//! Tools that speak to the network: they ask the world outside and wait for its answer.

use super::super::Millis;
use super::super::fs::absolute;
use super::super::http::reason;
use super::super::kernel::{NetReply, NetRequest, Sys};
use super::super::process::{Process, Step, Wait};
use super::{Start, Tool, complain, httpd, netcat, print};

mod arguments;

use arguments::parse;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    Wget,
    Curl,
    Lookup,
    Ping,
    Netcat,
}

/// A tool with a question under way.
#[derive(Debug, Clone)]
pub struct Fetch {
    style: Style,
    flags: String,
    host: String,
    port: u16,
    path: String,
    request: NetRequest,
    output: Option<String>,
    write_out: Option<String>,
    timeout: Option<Millis>,
    left: u32,
    sent: u32,
    token: Option<u64>,
    asked: Millis,
    /// The answer, while its delay passes.
    held: Option<(Millis, NetReply)>,
}

pub fn start(name: &str, args: &[String], process: &mut Process, sys: &mut Sys) -> Start {
    match name {
        "httpd" => httpd::start(args, process),
        "ifconfig" | "ip" => {
            let ip = sys.world.ip.to_owned();
            let text = if name == "ip" {
                format!(
                    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue\n    inet 127.0.0.1/8 scope host lo\n2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue\n    inet {ip}/24 scope global eth0\n"
                )
            } else {
                format!("eth0      Link encap:Ethernet\n          inet addr:{ip}  Mask:255.255.255.0\n")
            };
            print(process, sys, &text);
            Start::Exit(0)
        }
        "netstat" => {
            let mut text = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       \n".to_owned();
            for port in sys.kernel.ports() {
                text.push_str(&format!(
                    "tcp        0      0 {:<23} 0.0.0.0:*               LISTEN      \n",
                    format!("0.0.0.0:{port}")
                ));
            }
            print(process, sys, &text);
            Start::Exit(0)
        }
        "nc" | "telnet" => netcat::start(name, args, process, sys).unwrap_or_else(|| ask(name, args, process, sys)),
        _ => ask(name, args, process, sys),
    }
}

fn ask(name: &str, args: &[String], process: &Process, sys: &mut Sys) -> Start {
    match parse(name, args) {
        Ok(fetch) => Start::Run(Tool::Fetch(Box::new(fetch))),
        Err((text, code)) => {
            complain(process, sys, name, &text);
            Start::Exit(code)
        }
    }
}

impl Fetch {
    pub fn step(&mut self, process: &mut Process, sys: &mut Sys) -> Step {
        if let Some((at, reply)) = self.held.clone() {
            if sys.now < at {
                return Step::Wait(Wait::Until(at));
            }
            self.held = None;
            return self.finish(process, sys, reply);
        }
        let Some(token) = self.token else {
            if self.style == Style::Ping && self.sent == 0 && self.left == 0 {
                return Step::Exit(0);
            }
            let token = sys.ask(self.request.clone());
            self.token = Some(token);
            self.asked = sys.now;
            return Step::Wait(Wait::Reply(token));
        };
        let Some(reply) = sys.kernel.replies.remove(&token) else { return Step::Wait(Wait::Reply(token)) };
        self.token = None;
        // An unanswered connection waits for the tool's own patience.
        let (delay, reply) = match reply {
            NetReply::TimedOut { ip } => (
                self.timeout.unwrap_or(match self.style {
                    Style::Ping | Style::Lookup => 10_000,
                    _ => 130_000,
                }),
                NetReply::TimedOut { ip },
            ),
            NetReply::Http { ip, response } => match self.timeout {
                Some(limit) if response.delay > limit => (limit, NetReply::TimedOut { ip }),
                _ => (response.delay, NetReply::Http { ip, response }),
            },
            other => (0, other),
        };
        if delay == 0 {
            return self.finish(process, sys, reply);
        }
        self.held = Some((sys.now + delay, reply));
        Step::Continue
    }

    fn finish(&mut self, process: &mut Process, sys: &mut Sys, reply: NetReply) -> Step {
        match self.style {
            Style::Wget => self.wget(process, sys, reply),
            Style::Curl => self.curl(process, sys, reply),
            Style::Lookup => self.lookup(process, sys, reply),
            Style::Ping => self.ping(process, sys, reply),
            Style::Netcat => {
                let open = matches!(reply, NetReply::Connected { .. } | NetReply::Http { .. });
                if self.flags.contains('v') {
                    let ip = address(&reply);
                    let text = if open {
                        format!("{} ({ip}:{}) open\n", self.host, self.port)
                    } else {
                        format!("nc: {} ({ip}:{}): Connection refused\n", self.host, self.port)
                    };
                    sys.write(process.fds.get(&2), text.as_bytes());
                } else if matches!(reply, NetReply::NoSuchHost) {
                    complain(process, sys, "nc", &format!("bad address '{}'", self.host));
                }
                Step::Exit(i32::from(!open))
            }
        }
    }

    fn wget(&self, process: &mut Process, sys: &mut Sys, reply: NetReply) -> Step {
        let quiet = self.flags.contains('q');
        let say = |sys: &mut Sys, process: &Process, text: &str| {
            if !quiet {
                sys.write(process.fds.get(&2), text.as_bytes());
            }
        };
        let ip = address(&reply);
        // BusyBox keeps host and port together, as they were written.
        let named = if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) };
        if !ip.is_empty() {
            say(sys, process, &format!("Connecting to {named} ({ip}:{})\n", self.port));
        }
        let response = match reply {
            NetReply::Http { response, .. } => response,
            NetReply::NoSuchHost => {
                return Step::Exit(complain(process, sys, "wget", &format!("bad address '{named}'")));
            }
            NetReply::TimedOut { .. } if self.timeout.is_some() => {
                return Step::Exit(complain(process, sys, "wget", "download timed out"));
            }
            NetReply::TimedOut { .. } => {
                return Step::Exit(complain(
                    process,
                    sys,
                    "wget",
                    &format!("can't connect to remote host ({ip}): Connection timed out"),
                ));
            }
            _ => {
                return Step::Exit(complain(
                    process,
                    sys,
                    "wget",
                    &format!("can't connect to remote host ({ip}): Connection refused"),
                ));
            }
        };
        if response.status >= 400 {
            let text = format!("server returned error: HTTP/1.1 {} {}", response.status, reason(response.status));
            return Step::Exit(complain(process, sys, "wget", &text));
        }
        if self.flags.contains('S') {
            say(sys, process, "remote file exists\n");
            return Step::Exit(0);
        }
        let name = self.output.clone().unwrap_or_else(|| {
            let last = self.path.split('?').next().unwrap_or("/").rsplit('/').next().unwrap_or("");
            if last.is_empty() { "index.html".to_owned() } else { last.to_owned() }
        });
        let size = response.body.len();
        let bar = |name: &str| format!("{name:<20} 100% |********************************| {size:>5}  0:00:00 ETA\n");
        if name == "-" {
            say(sys, process, "writing to stdout\n");
            print(process, sys, &response.body);
            say(sys, process, &format!("{}written to stdout\n", bar("-")));
        } else {
            say(sys, process, &format!("saving to '{name}'\n"));
            let path = absolute(&process.cwd, &name);
            let now = sys.now;
            if path != "/dev/null"
                && let Err(error) = sys.view().write(&path, response.body.as_bytes(), false, now)
            {
                return Step::Exit(complain(process, sys, "wget", &format!("can't open '{name}': {}", error.text())));
            }
            say(sys, process, &format!("{}'{name}' saved\n", bar(&name)));
        }
        Step::Exit(0)
    }

    fn curl(&self, process: &mut Process, sys: &mut Sys, reply: NetReply) -> Step {
        let silent = self.flags.contains(['s', 'q']) && !self.flags.contains('S');
        let fail = |sys: &mut Sys, process: &Process, code: i32, text: String| {
            if !silent {
                sys.write(process.fds.get(&2), format!("curl: ({code}) {text}\n").as_bytes());
            }
            code
        };
        let code = match &reply {
            NetReply::NoSuchHost => fail(sys, process, 6, format!("Could not resolve host: {}", self.host)),
            NetReply::TimedOut { .. } => {
                let waited = sys.now - self.asked;
                fail(sys, process, 28, format!("Connection timed out after {waited} milliseconds"))
            }
            NetReply::Http { response, .. } if self.flags.contains('f') && response.status >= 400 => {
                fail(sys, process, 22, format!("The requested URL returned error: {}", response.status))
            }
            NetReply::Http { .. } => 0,
            _ => fail(
                sys,
                process,
                7,
                format!("Failed to connect to {} port {} after 0 ms: Couldn't connect to server", self.host, self.port),
            ),
        };
        let mut status = 0;
        if let (NetReply::Http { response, .. }, 0) = (&reply, code) {
            status = response.status;
            let mut text = String::new();
            if self.flags.contains(['i', 'I']) {
                text.push_str(&format!("HTTP/1.1 {} {}\r\n", response.status, reason(response.status)));
                let date = i64::try_from(sys.now).ok().and_then(|now| jiff::Timestamp::from_millisecond(now).ok());
                let date = date.unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                let mut headers = response.headers.clone();
                headers.entry("Date".to_owned()).or_insert(date);
                headers.entry("Content-Length".to_owned()).or_insert_with(|| response.body.len().to_string());
                for name in ["Server", "Date", "Content-Type", "Content-Length"] {
                    let value = headers.remove(name);
                    value.iter().for_each(|value| text.push_str(&format!("{name}: {value}\r\n")));
                }
                headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
                text.push_str("\r\n");
            }
            if !self.flags.contains('I') {
                text.push_str(&response.body);
            }
            match self.output.as_deref() {
                None | Some("-") => print(process, sys, &text),
                Some("/dev/null") => {}
                Some(name) => {
                    let path = absolute(&process.cwd, name);
                    let now = sys.now;
                    if sys.view().write(&path, text.as_bytes(), false, now).is_err() {
                        return Step::Exit(fail(sys, process, 23, "Failure writing output to destination".to_owned()));
                    }
                }
            }
        }
        if let Some(format) = &self.write_out {
            let total = (sys.now - self.asked) as f64 / 1_000.0;
            let text = super::printf::unescape(format)
                .replace("%{http_code}", &format!("{status:03}"))
                .replace("%{response_code}", &format!("{status:03}"))
                .replace("%{time_total}", &format!("{total:.6}"));
            print(process, sys, &text);
        }
        Step::Exit(code)
    }

    fn lookup(&self, process: &Process, sys: &mut Sys, reply: NetReply) -> Step {
        let server = match &self.request {
            NetRequest::Lookup { server: Some(server), .. } => server.clone(),
            _ => sys.world.nameserver.to_owned(),
        };
        // A server that has not answered is not named.
        if !matches!(reply, NetReply::TimedOut { .. }) {
            print(process, sys, &format!("Server:\t\t{server}\nAddress:\t{server}:53\n\n"));
        }
        let (text, code) = match reply {
            NetReply::Found { name, ips } => {
                let rows: String = ips.iter().map(|ip| format!("Name:\t{name}\nAddress: {ip}\n")).collect();
                (format!("{rows}\n"), 0)
            }
            NetReply::TimedOut { .. } => (";; connection timed out; no servers could be reached\n\n".to_owned(), 1),
            _ => (format!("** server can't find {}: NXDOMAIN\n\n", self.host), 1),
        };
        print(process, sys, &text);
        Step::Exit(code)
    }

    fn ping(&mut self, process: &Process, sys: &mut Sys, reply: NetReply) -> Step {
        let ip = match &reply {
            NetReply::NoSuchHost => {
                return Step::Exit(complain(process, sys, "ping", &format!("bad address '{}'", self.host)));
            }
            other => address(other),
        };
        let answered = !matches!(reply, NetReply::TimedOut { .. });
        if self.sent == 0 {
            print(process, sys, &format!("PING {} ({ip}): 56 data bytes\n", self.host));
        }
        if answered {
            print(
                process,
                sys,
                &format!("64 bytes from {ip}: seq={} ttl=64 time=0.0{}0 ms\n", self.sent, 5 + self.sent % 4),
            );
        }
        self.sent += 1;
        if self.sent < self.left && answered {
            self.held = Some((sys.now + 1_000, reply));
            return Step::Continue;
        }
        let (received, loss) = if answered { (self.sent, 0) } else { (0, 100) };
        let mut text = format!(
            "\n--- {} ping statistics ---\n{} packets transmitted, {received} packets received, {loss}% packet loss\n",
            self.host, self.sent
        );
        if answered {
            text.push_str("round-trip min/avg/max = 0.050/0.060/0.080 ms\n");
        }
        print(process, sys, &text);
        Step::Exit(i32::from(!answered))
    }
}

fn address(reply: &NetReply) -> String {
    match reply {
        NetReply::Http { ip, .. }
        | NetReply::Connected { ip }
        | NetReply::Refused { ip }
        | NetReply::TimedOut { ip } => ip.clone(),
        NetReply::Found { ips, .. } => ips.first().cloned().unwrap_or_default(),
        NetReply::NoSuchHost => String::new(),
    }
}
