//! The one pump: drives commands against a cluster, for the page, the shell, replay, lessons and tests alike.
//!
//! A [`Job`] is a command and where it stands. Pumping it does everything that can be done at
//! the present instant; letting time pass is the caller's decision, and [`Job::next_wake`] says
//! what it waits for.

use crate::slices::{at_once, breathe};
use api::wire::{Backend, Body, Chunk, Request, Response, StreamId};
use engine::kubelet::runtime::Catalogue;
use engine::{Cluster, ClusterConfig, Starting};
use kubectl::{Command, Env, Event, Out, Step};

/// Virtual time from Enter to prompt, in milliseconds: enough for controllers and the
/// scheduler to have reacted when the next command runs.
pub const COMMAND_MILLIS: u64 = 100;

/// A running command.
pub struct Job {
    command: Command,
    /// Output in order, until somebody takes it.
    output: Vec<(Out, String)>,
    state: State,
    /// Ports this command forwards: remote port and stream, in the order they were opened.
    forwards: Vec<(u16, StreamId)>,
    /// Answers of forwarded ports: remote port, HTTP status, body.
    answers: Vec<(u16, u16, Vec<u8>)>,
}

enum State {
    /// Resume with this.
    Ready(Event),
    Waiting {
        until: Option<u64>,
        streams: Vec<StreamId>,
    },
    /// The learner's editor is open on (name, text).
    Editing(String, String),
    Done(i32),
}

impl Job {
    /// A line of the shell: kubectl and its friends, pipes and all.
    pub fn line(text: &str, env: Env) -> Self {
        Self::new(Command::line(text, env))
    }

    /// The words after `kubectl`.
    pub fn kubectl(words: Vec<String>, env: Env) -> Self {
        Self::new(Command::start(words, env))
    }

    /// What Tab offers at the end of `text`: prints the candidates, one a line.
    pub fn complete(text: &str, env: Env) -> Self {
        Self::new(Command::complete(text, env))
    }

    fn new(command: Command) -> Self {
        Self {
            command,
            output: Vec::new(),
            state: State::Ready(Event::Continue),
            forwards: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Does everything that can be done now. `true` if anything happened.
    pub fn pump(&mut self, cluster: &mut Cluster) -> bool {
        let mut moved = false;
        loop {
            let event = match std::mem::replace(&mut self.state, State::Done(0)) {
                State::Ready(event) => event,
                State::Waiting { until, streams } => match arrived(cluster, until, &streams, &mut self.answers) {
                    Some(event) => event,
                    None => {
                        self.state = State::Waiting { until, streams };
                        return moved;
                    }
                },
                still @ (State::Editing(..) | State::Done(_)) => {
                    self.state = still;
                    return moved;
                }
            };
            moved = true;
            self.state = match self.command.resume(event, cluster.unix_millis()) {
                Step::Send(request) => State::Ready(Event::Response(self.submit(cluster, request))),
                Step::Wait { until, streams } => State::Waiting { until, streams },
                Step::Output { stream, text } => {
                    self.output.push((stream, text));
                    State::Ready(Event::Continue)
                }
                Step::Upstream(stream, data) => {
                    cluster.send(stream, data);
                    State::Ready(Event::Continue)
                }
                Step::Close(stream) => {
                    cluster.close(stream);
                    State::Ready(Event::Continue)
                }
                Step::Edit { name, text } => State::Editing(name, text),
                Step::Done(code) => State::Done(code),
            };
        }
    }

    fn submit(&mut self, cluster: &mut Cluster, request: Request) -> Response {
        let ports: Vec<u16> = match request.path.ends_with("/portforward") {
            true => request.params("ports").flat_map(|ports| ports.split(',')).filter_map(|p| p.parse().ok()).collect(),
            false => Vec::new(),
        };
        let response = cluster.submit(request);
        if let Body::Stream(stream) = response.body {
            self.forwards.extend(ports.into_iter().map(|port| (port, stream)));
        }
        response
    }

    /// The stream behind the `index`-th forwarded port, and the remote port.
    pub fn forward(&self, index: usize) -> Option<(u16, StreamId)> {
        self.forwards.get(index).copied()
    }

    /// The answer of a forwarded port, if one has come: HTTP status and body.
    pub fn take_answer(&mut self, remote: u16) -> Option<(u16, Vec<u8>)> {
        let at = self.answers.iter().position(|(port, ..)| *port == remote)?;
        let (_, status, body) = self.answers.remove(at);
        Some((status, body))
    }

    /// What was printed since the last call.
    pub fn take_output(&mut self) -> Vec<(Out, String)> {
        std::mem::take(&mut self.output)
    }

    /// The exit code, once it ended.
    pub fn exit_code(&self) -> Option<i32> {
        match self.state {
            State::Done(code) => Some(code),
            State::Ready(_) | State::Waiting { .. } | State::Editing(..) => None,
        }
    }

    /// Unix milliseconds at which it goes on by itself, if it waits for a time.
    pub fn next_wake(&self) -> Option<u64> {
        match &self.state {
            State::Waiting { until, .. } => *until,
            State::Ready(_) | State::Editing(..) | State::Done(_) => None,
        }
    }

    /// It can only go on when time passes or something happens.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// The file `kubectl edit` wants edited, with its text.
    pub fn editing(&self) -> Option<(&str, &str)> {
        match &self.state {
            State::Editing(name, text) => Some((name, text)),
            State::Ready(_) | State::Waiting { .. } | State::Done(_) => None,
        }
    }

    /// The editor was closed; `None` without saving.
    pub fn edited(&mut self, text: Option<String>) {
        if matches!(self.state, State::Editing(..)) {
            self.state = State::Ready(Event::Edited(text));
        }
    }

    /// Whether what is typed belongs to the command now.
    pub fn reads_terminal(&self) -> bool {
        self.command.reads_terminal()
    }

    /// A line (or the end, `None`) typed into a command that reads the terminal.
    pub fn typed(&mut self, cluster: &mut Cluster, text: Option<&str>) {
        let event = match text {
            Some(text) => Event::Typed(text.as_bytes().to_vec()),
            None => Event::TypedEof,
        };
        self.interject(cluster, event);
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self, cluster: &mut Cluster) {
        self.interject(cluster, Event::Interrupt);
    }

    fn interject(&mut self, cluster: &mut Cluster, event: Event) {
        if !matches!(self.state, State::Done(_)) {
            self.state = State::Ready(event);
            self.pump(cluster);
        }
    }
}

/// What a waiting command is to be woken with, if anything.
///
/// Answers of forwarded ports are for whoever asked; kubectl hears of them to say that it handled one.
fn arrived(
    cluster: &mut Cluster,
    until: Option<u64>,
    streams: &[StreamId],
    answers: &mut Vec<(u16, u16, Vec<u8>)>,
) -> Option<Event> {
    for stream in streams {
        let chunks: Vec<Chunk> = cluster.poll(*stream);
        for chunk in &chunks {
            if let Chunk::Http { port, status, body } = chunk {
                answers.push((*port, *status, body.clone()));
            }
        }
        if !chunks.is_empty() {
            return Some(Event::Chunks(*stream, chunks));
        }
    }
    until.filter(|until| *until <= cluster.unix_millis()).map(|_| Event::Woken)
}

/// Lets virtual time pass until the job ends or `limit` milliseconds are over, letting
/// `each` look at every instant at which something happened. Returns the exit code.
pub fn run_to_end(job: &mut Job, cluster: &mut Cluster, limit: u64, each: impl FnMut(&mut Cluster)) -> Option<i32> {
    at_once(run(job, cluster, limit, each))
}

/// As [`run_to_end`], in slices.
pub async fn run(job: &mut Job, cluster: &mut Cluster, limit: u64, mut each: impl FnMut(&mut Cluster)) -> Option<i32> {
    let started = cluster.now();
    loop {
        job.pump(cluster);
        if let Some(code) = job.exit_code() {
            return Some(code);
        }
        let deadline = started + limit;
        if cluster.now() >= deadline || job.editing().is_some() {
            return None;
        }
        let wake = job.next_wake().map(|unix| cluster.now() + unix.saturating_sub(cluster.unix_millis()));
        let bound = wake.unwrap_or(deadline).min(deadline);
        step_to(cluster, bound);
        each(cluster);
        breathe().await;
    }
}

/// Switches a cluster on, in slices.
pub async fn switch_on(config: ClusterConfig) -> Cluster {
    // The first look into the image catalogue reads it.
    Catalogue::shared();
    breathe().await;
    let mut starting = Starting::new(config);
    breathe().await;
    while starting.step() {
        breathe().await;
    }
    starting.finish()
}

/// Lets virtual time pass up to an instant, in slices.
pub async fn pass_until(cluster: &mut Cluster, bound: u64) {
    while cluster.now() < bound {
        step_to(cluster, bound);
        breathe().await;
    }
}

/// One event, or the whole way to `bound` if none is due before.
pub fn step_to(cluster: &mut Cluster, bound: u64) {
    match cluster.next_event_at() {
        Some(at) if at <= bound => {
            cluster.step_event();
        }
        _ => {
            let span = bound.saturating_sub(cluster.now());
            cluster.run_for(span, usize::MAX);
        }
    }
}
