//! Probes: each has its own ticker; a result flips after enough equal answers in a row.
//!
//! A startup probe that has not passed holds back the other two. Before the first answers a readiness
//! probe counts as failed and a liveness probe as passed. Each failed attempt is an event, with what was
//! answered; only a flip changes the container: of readiness its condition, of the other two its life, and
//! then the probe rests until there is a new instance. A new instance starts every count anew, and is left
//! alone for `initialDelaySeconds`. HTTP passes with 200 to 399, TCP with a connection, a command with 0.
//! An attempt that could not be made (nobody can be asked) counts for nothing and says `probe errored`.
//! Mirrors: pkg/kubelet/prober/{worker,prober,prober_manager}.go, pkg/probe/{exec,http,tcp,grpc}. Left
//! out: redirects (to another host a warning, `ProbeWarning`), what certificates say, what a gRPC service
//! answers beyond being there, and the jitter of the first tick after a kubelet's start.

use api::k8s_openapi::api::core::v1::{Container, HTTPGetAction, Pod, Probe};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::container::{Instance, Kind, Slot, spec_of};
use super::runtime::reference::hex_of;
use super::runtime::{ExecIo, HttpRequest, Launch, Millis, SandboxWorld, Speech, canonical};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeKind {
    Startup,
    Readiness,
    Liveness,
}

impl ProbeKind {
    pub fn label(self) -> &'static str {
        match self {
            ProbeKind::Startup => "Startup",
            ProbeKind::Readiness => "Readiness",
            ProbeKind::Liveness => "Liveness",
        }
    }
}

/// A look may be this late and still be made: the kubelet has other pods.
const LATE: Millis = 50;

/// One probe of one container.
#[derive(Debug, Clone)]
pub struct ProbeWorker {
    pub container: String,
    pub kind: ProbeKind,
    spec: Probe,
    /// Its next tick.
    pub next: Millis,
    /// The instance it judges: a new one starts the count again.
    instance: String,
    last: Option<bool>,
    run: i32,
    /// After a liveness or startup failure it rests until there is a new instance.
    on_hold: bool,
    /// A command still running, and when it is given up.
    exec: Option<(ExecIo, Millis)>,
}

/// What a tick came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Tick {
    Nothing,
    /// A single attempt failed: what the event says behind `… probe failed: `.
    Failed {
        output: String,
        flipped: bool,
    },
    Passed {
        flipped: bool,
    },
    /// The attempt itself went wrong: it counts for nothing.
    Errored {
        error: String,
    },
}

/// The probes of a pod's containers, ticking from `now`.
pub fn workers(pod: &Pod, slots: &[Slot], now: Millis) -> Vec<ProbeWorker> {
    let mut workers = Vec::new();
    for slot in slots.iter().filter(|slot| slot.kind != Kind::Init) {
        let Some(spec) = slot.spec(pod) else { continue };
        let spec = &*spec;
        for (kind, probe) in [
            (ProbeKind::Startup, &spec.startup_probe),
            (ProbeKind::Readiness, &spec.readiness_probe),
            (ProbeKind::Liveness, &spec.liveness_probe),
        ] {
            let Some(probe) = probe else { continue };
            workers.push(ProbeWorker {
                container: slot.name.clone(),
                kind,
                spec: probe.clone(),
                next: now,
                instance: String::new(),
                last: None,
                run: 0,
                on_hold: false,
                exec: None,
            });
        }
    }
    workers
}

/// Whether the container's own probes hold it back at its start: (ready, started).
pub fn initial(spec: &Container) -> (bool, bool) {
    (spec.readiness_probe.is_none(), spec.startup_probe.is_none())
}

enum Attempt {
    Passed,
    Failed(String),
    /// The question could not even be asked: nothing is known, and nothing counted.
    Errored(String),
    Running(ExecIo),
}

impl ProbeWorker {
    fn seconds(value: Option<i32>, default: i32) -> Millis {
        u64::from(value.unwrap_or(default).max(0).unsigned_abs()) * 1_000
    }

    pub fn period(&self) -> Millis {
        Self::seconds(self.spec.period_seconds, 10).max(1_000)
    }

    /// Grace for a kill by this probe, if the probe names one.
    pub fn grace(&self) -> Option<i64> {
        self.spec.termination_grace_period_seconds
    }

    /// Whether this instance is to be killed for failing.
    pub fn condemns(&self, instance: &str) -> bool {
        self.on_hold && self.instance == instance
    }

    /// When the worker must be looked at again.
    pub fn due(&self) -> Millis {
        self.exec.as_ref().map_or(self.next, |(_, deadline)| *deadline)
    }

    /// Whether the runtime is asked to start something, which takes longer than a connection.
    pub fn runs_a_command(&self) -> bool {
        self.spec.exec.is_some()
    }

    /// An instance was just seen to run without being ready: it is asked at once, the answer is there at
    /// `at`, and the ticker ticks from here.
    pub fn trigger(&mut self, at: Millis) {
        if self.exec.is_none() {
            self.next = at;
        }
    }

    /// Looks at the container if it is time.
    pub fn tick(&mut self, pod: &Pod, slots: &mut [Slot], world: &mut SandboxWorld, now: Millis) -> Tick {
        if let Some((io, deadline)) = self.exec.clone() {
            return self.await_exec(&io, deadline, slots, world, now);
        }
        if now < self.next {
            return Tick::Nothing;
        }
        let late = now - self.next;
        self.next += self.period() * (late / self.period() + 1);
        // The ticker ran on while nothing ran to be asked: such a look came to nothing.
        if late > LATE {
            return Tick::Nothing;
        }
        let Some(instance) = slots.iter_mut().find(|slot| slot.name == self.container).and_then(Slot::running_mut)
        else {
            return Tick::Nothing;
        };
        if self.instance != instance.id {
            self.instance.clone_from(&instance.id);
            (self.last, self.run, self.on_hold) = (None, 0, false);
        }
        let early = now < instance.started_at + Self::seconds(self.spec.initial_delay_seconds, 0);
        let gated = if self.kind == ProbeKind::Startup { instance.started } else { !instance.started };
        if self.on_hold || early || gated || instance.kill.is_some() && self.kind != ProbeKind::Readiness {
            return Tick::Nothing;
        }
        match self.attempt(pod, slots, world, now) {
            Attempt::Passed => self.note(true, String::new(), slots),
            Attempt::Failed(output) => self.note(false, output, slots),
            Attempt::Errored(error) => Tick::Errored { error },
            Attempt::Running(io) => {
                self.exec = Some((io, now + self.timeout()));
                Tick::Nothing
            }
        }
    }

    fn timeout(&self) -> Millis {
        Self::seconds(self.spec.timeout_seconds, 1).max(1_000)
    }

    fn await_exec(
        &mut self,
        io: &ExecIo,
        deadline: Millis,
        slots: &mut [Slot],
        world: &mut SandboxWorld,
        now: Millis,
    ) -> Tick {
        let Some(slot) = slots.iter_mut().find(|slot| slot.name == self.container) else { return Tick::Nothing };
        let Some(instance) = slot.running_mut().filter(|instance| instance.id == self.instance) else {
            // The container ended under the command.
            self.exec = None;
            return Tick::Nothing;
        };
        instance.runtime.run(now, world);
        let status = instance.runtime.exec_status(io);
        if status.is_none() && now < deadline {
            return Tick::Nothing;
        }
        let output = said(instance, io);
        instance.runtime.end_exec(io, now);
        self.exec = None;
        match status {
            Some(0) => self.note(true, output, slots),
            Some(_) => self.note(false, output, slots),
            None => {
                let command = self.command().join(" ");
                let limit = api::meta::time::go_duration(i64::try_from(self.timeout()).unwrap_or(i64::MAX));
                self.note(false, format!("command timed out: \"{command}\" timed out after {limit}"), slots)
            }
        }
    }

    fn command(&self) -> Vec<String> {
        self.spec.exec.as_ref().and_then(|exec| exec.command.clone()).unwrap_or_default()
    }

    /// Counts an answer; the container's state changes when there were enough in a row.
    fn note(&mut self, passed: bool, output: String, slots: &mut [Slot]) -> Tick {
        if self.last == Some(passed) {
            self.run += 1;
        } else {
            (self.last, self.run) = (Some(passed), 1);
        }
        let threshold =
            if passed { self.spec.success_threshold.unwrap_or(1) } else { self.spec.failure_threshold.unwrap_or(3) };
        let reached = self.run >= threshold;
        let instance = slots.iter_mut().find(|slot| slot.name == self.container).and_then(Slot::running_mut);
        let flipped = match (instance, self.kind, reached) {
            (Some(instance), ProbeKind::Readiness, true) => std::mem::replace(&mut instance.ready, passed) != passed,
            (Some(instance), ProbeKind::Startup, true) if passed => !std::mem::replace(&mut instance.started, true),
            (_, ProbeKind::Startup | ProbeKind::Liveness, true) if !passed => {
                // The container will be killed: counting on would double the kill.
                self.on_hold = true;
                self.run = 0;
                true
            }
            _ => false,
        };
        if passed { Tick::Passed { flipped } } else { Tick::Failed { output, flipped } }
    }

    fn attempt(&self, pod: &Pod, slots: &mut [Slot], world: &mut SandboxWorld, now: Millis) -> Attempt {
        if let Some(action) = &self.spec.exec {
            let command = action.command.clone().unwrap_or_default();
            let Some(instance) = slots.iter_mut().find(|slot| slot.name == self.container).and_then(Slot::running_mut)
            else {
                return Attempt::Failed(String::new());
            };
            return exec(instance, &command, world, now, &pod.metadata);
        }
        let Some(spec) = spec_of(pod, &self.container) else { return Attempt::Passed };
        let spec = &*spec;
        if let Some(action) = &self.spec.http_get {
            let port = match probed_port(&action.port, spec) {
                Ok(port) => port,
                Err(error) => return Attempt::Errored(error),
            };
            let target = Target::of(action, port, &world.ip);
            let request = target.request(action);
            let url = target.url();
            let speech = speech(slots, port);
            return match serve(slots, world, port, &request, now) {
                None => Attempt::Failed(target.refused()),
                Some(_) if target.scheme == "https" && speech != Some(Speech::Https) => {
                    Attempt::Failed(format!("Get \"{url}\": http: server gave HTTP response to HTTPS client"))
                }
                // Go's servers say in plain words that they speak TLS.
                Some(_) if target.scheme == "http" && speech == Some(Speech::Https) => {
                    Attempt::Failed("HTTP probe failed with statuscode: 400".to_owned())
                }
                Some(response) if response.delay > self.timeout() => Attempt::Failed(format!(
                    "Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                )),
                Some(response) if (200..400).contains(&response.status) => Attempt::Passed,
                Some(response) => Attempt::Failed(format!("HTTP probe failed with statuscode: {}", response.status)),
            };
        }
        let (port, grpc) = match (&self.spec.tcp_socket, &self.spec.grpc) {
            (Some(action), _) => match probed_port(&action.port, spec) {
                Ok(port) => (port, false),
                Err(error) => return Attempt::Errored(error),
            },
            (None, Some(action)) => (u16::try_from(action.port).unwrap_or(0), true),
            (None, None) => return Attempt::Passed,
        };
        let mut listening = slots.iter().filter_map(Slot::running).filter(|instance| instance.runtime.listens(port));
        // Who answers HTTP/1.1 does not understand what a gRPC client says first, and hangs up.
        let open = listening.next().is_some_and(|instance| {
            !grpc || !matches!(instance.runtime.speech(port), Some(Speech::Http | Speech::Https))
        });
        let ip = &world.ip;
        match (open, grpc) {
            (true, _) => Attempt::Passed,
            (false, false) => Attempt::Failed(format!("dial tcp {ip}:{port}: connect: connection refused")),
            (false, true) => {
                let limit = api::meta::time::go_duration(i64::try_from(self.timeout()).unwrap_or(i64::MAX));
                Attempt::Failed(format!(
                    "timeout: failed to connect service \"{ip}:{port}\" within {limit}: context deadline exceeded"
                ))
            }
        }
    }
}

/// Where an HTTP probe or hook goes.
///
/// Mirrors: pkg/probe/http/request.go.
pub struct Target {
    pub scheme: String,
    pub host: String,
    pub port: u16,
    pub path: String,
}

impl Target {
    pub fn of(action: &HTTPGetAction, port: u16, ip: &str) -> Target {
        let path = action.path.as_deref().unwrap_or("/");
        Target {
            scheme: action.scheme.as_deref().unwrap_or("HTTP").to_lowercase(),
            host: action.host.clone().filter(|host| !host.is_empty()).unwrap_or_else(|| ip.to_owned()),
            port,
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        }
    }

    fn url(&self) -> String {
        format!("{}://{}:{}{}", self.scheme, self.host, self.port, self.path)
    }

    /// Go's words for a port at which nobody listens.
    pub fn refused(&self) -> String {
        format!("Get \"{}\": dial tcp {}:{}: connect: connection refused", self.url(), self.host, self.port)
    }

    /// A probe's request, with the headers the probe asks for.
    fn request(&self, action: &HTTPGetAction) -> HttpRequest {
        let mut request = HttpRequest::get(&self.path, "10.244.0.1");
        request.headers.insert("User-Agent".to_owned(), "kube-probe/1.36".to_owned());
        for header in action.http_headers.iter().flatten() {
            request.headers.insert(canonical(&header.name), header.value.clone());
        }
        request
    }
}

/// What a command wrote to its output and to its errors.
pub fn collect(instance: &mut Instance, io: &ExecIo) -> (String, String) {
    let (out, err) = instance.runtime.drain(io);
    (text(&out), text(&err))
}

/// The most that is read of what a probed program says.
///
/// Mirrors: pkg/probe/exec/exec.go `maxReadLength`.
const MOST: usize = 10 << 10;

/// What a probe's command said, as its event tells it: both streams, one after the other.
fn said(instance: &mut Instance, io: &ExecIo) -> String {
    let (out, err) = collect(instance, io);
    let mut all = out + &err;
    let end = (0..=MOST.min(all.len())).rev().find(|at| all.is_char_boundary(*at)).unwrap_or(0);
    all.truncate(end);
    all
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn exec(
    instance: &mut Instance,
    command: &[String],
    world: &mut SandboxWorld,
    now: Millis,
    meta: &ObjectMeta,
) -> Attempt {
    match instance.runtime.exec(command, false, false, now, world) {
        Err(launch) => {
            let uid = meta.uid.as_deref().unwrap_or_default();
            let error = exec_error(uid, now, command, launch);
            Attempt::Errored(format!("rpc error: code = Unknown desc = {error}"))
        }
        Ok(io) => match instance.runtime.exec_status(&io) {
            None => Attempt::Running(io),
            Some(code) => {
                let output = said(instance, &io);
                instance.runtime.end_exec(&io, now);
                if code == 0 { Attempt::Passed } else { Attempt::Failed(output) }
            }
        },
    }
}

/// The runtime's words for a command that it could not start in a container.
pub fn exec_error(uid: &str, now: Millis, command: &[String], launch: Launch) -> String {
    let name = command.first().map_or("", String::as_str);
    let cause = cannot_start(name, launch);
    // Each try has an identity of its own.
    let id = hex_of(&format!("{uid}/{now}/{name}"));
    format!(
        "failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: unable to start container process: {cause}"
    )
}

/// runc's words for what is no program.
pub fn cannot_start(name: &str, launch: Launch) -> String {
    let why = match launch {
        Launch::Denied => "permission denied".to_owned(),
        Launch::IsDirectory => "is a directory".to_owned(),
        Launch::NotFound | Launch::Running if name.contains('/') => format!("stat {name}: no such file or directory"),
        Launch::NotFound | Launch::Running => "executable file not found in $PATH".to_owned(),
    };
    format!("exec: {name:?}: {why}")
}

/// Lets whichever container of the pod listens on the port answer: they share one network.
pub fn serve(
    slots: &mut [Slot],
    world: &mut SandboxWorld,
    port: u16,
    request: &HttpRequest,
    now: Millis,
) -> Option<super::runtime::HttpResponse> {
    let instance = slots.iter_mut().filter_map(Slot::running_mut).find(|instance| instance.runtime.listens(port))?;
    instance.runtime.serve(now, world, port, request)
}

/// How the container that listens on a port is spoken with; `None` when none does.
pub fn speech(slots: &[Slot], port: u16) -> Option<Speech> {
    slots.iter().filter_map(Slot::running).find_map(|instance| instance.runtime.speech(port))
}

/// A port by number, or by the name it has in the container.
///
/// # Errors
/// Go's words for a name that is no port, as the kubelet takes it for a number in the end.
pub fn probed_port(port: &IntOrString, spec: &Container) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let named = spec
                .ports
                .iter()
                .flatten()
                .find(|known| known.name.as_deref() == Some(name))
                .map(|known| known.container_port);
            let number = named.or_else(|| name.parse().ok());
            Some(number.ok_or_else(|| format!("strconv.Atoi: parsing {name:?}: invalid syntax"))?)
        }
    };
    Ok(number.and_then(|number| u16::try_from(number).ok()).unwrap_or(0))
}
