//! The cluster: one virtual clock, the API server, and every process beside it. The engine's only way in.
//!
//! Requests and faults come in at the present instant; `run_for` lets time pass.
//! Same configuration, same inputs at the same times: the same history, natively and in wasm.

mod config;
mod dispatch;
mod faults;
mod metrics;
mod network;
mod process;
mod proxy;
mod snapshot;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::wire::{Backend, Chunk, Request, Response, StreamId, Upstream};

use crate::apiserver::{Answer, ApiServer, Identity, Level};
use crate::sim::{Millis, Timeline};

pub use config::{ClusterConfig, NodeConfig};
pub use faults::{Fault, PodFate, Scarce};
pub use process::ProcessId;
pub use snapshot::{ProcessView, Snapshot};
pub use traffic::{Second, Traffic};

use process::Process;

/// What is due on the timeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A process is to take a step; stale unless it still carries the process's ticket.
    Wake(ProcessId, u64),
    /// metrics-server asks the kubelets.
    Scrape,
    /// A request to the Service of this namespace and name, under the generator's ticket.
    Ask(Arc<str>, Arc<str>, u64),
}

/// How much of a `run_for` was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// Events handled.
    pub events: usize,
    /// The whole span was run; otherwise the budget ended first.
    pub complete: bool,
}

/// A whole simulated cluster. Cloning it is a checkpoint: state is in persistent maps and shared objects.
#[derive(Clone)]
pub struct Cluster {
    config: Arc<ClusterConfig>,
    timeline: Timeline<Due>,
    server: ApiServer,
    processes: BTreeMap<ProcessId, Process>,
    /// Writes up to this version were announced to the processes.
    announced: u64,
    /// Who types the commands.
    user: Identity,
    /// Open streams to kubelets.
    streams: BTreeMap<StreamId, proxy::Stream>,
    /// Connections through Services so far: endpoints take turns.
    connections: usize,
    /// Who keeps asking which Service.
    traffic: Vec<Traffic>,
}

/// A cluster being switched on, one process after the other: a page draws in between.
pub struct Starting {
    cluster: Cluster,
    waiting: std::vec::IntoIter<ProcessId>,
}

impl Starting {
    /// The API server and what it finds in its own store; nobody talks to it yet.
    pub fn new(config: ClusterConfig) -> Self {
        let mut server = ApiServer::new(config.seed, config.epoch_unix_millis);
        server.bootstrap();
        server.set_admin_token(&config.admin_token);
        let cluster = Cluster {
            timeline: Timeline::default(),
            server,
            processes: process::all(&config),
            announced: 0,
            user: Identity::new("kubectl", "kubernetes-admin", "kubectl"),
            streams: BTreeMap::new(),
            connections: 0,
            traffic: Vec::new(),
            config: Arc::new(config),
        };
        let waiting = cluster.processes.keys().cloned().collect::<Vec<_>>().into_iter();
        Self { cluster, waiting }
    }

    /// Starts the next process; `false` when there is none left to start.
    pub fn step(&mut self) -> bool {
        match self.waiting.next() {
            Some(id) => {
                self.cluster.start(&id);
                true
            }
            None => false,
        }
    }

    /// The cluster, with whatever has not been started yet.
    pub fn finish(mut self) -> Cluster {
        while self.step() {}
        if self.cluster.config.metrics_server {
            self.cluster.scrape();
        }
        self.cluster
    }
}

impl Cluster {
    /// A cluster that has just been switched on: components start, nodes register.
    pub fn new(config: ClusterConfig) -> Self {
        Starting::new(config).finish()
    }

    pub fn now(&self) -> Millis {
        self.timeline.now()
    }

    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// When the next event is due, if anything will happen by itself.
    pub fn next_event_at(&self) -> Option<Millis> {
        self.timeline.next_due()
    }

    /// Lets up to `span` of virtual time pass, handling at most `budget` events.
    /// What is left waits for the next call, at the same virtual instant.
    pub fn run_for(&mut self, span: Millis, budget: usize) -> Ran {
        let deadline = self.now() + span;
        self.run_until(deadline, budget)
    }

    /// As [`Cluster::run_for`], to an instant.
    pub fn run_until(&mut self, deadline: Millis, budget: usize) -> Ran {
        let mut events = 0;
        while events < budget {
            let Some(due) = self.timeline.pop_until(deadline) else {
                self.server.set_now(self.timeline.now());
                return Ran { events, complete: true };
            };
            self.server.set_now(self.timeline.now());
            events += 1;
            match due {
                Due::Wake(id, ticket) => self.step(&id, ticket),
                Due::Scrape => self.scrape(),
                Due::Ask(namespace, service, ticket) => self.ask(&namespace, &service, ticket),
            }
        }
        Ran { events, complete: false }
    }

    /// Handles exactly one event, wherever in time it is due; `false` when nothing will ever happen by itself.
    pub fn step_event(&mut self) -> bool {
        match self.next_event_at() {
            Some(at) => self.run_until(at, 1).events == 1,
            None => false,
        }
    }

    /// A request by the learner, at the present instant.
    pub fn request(&mut self, request: Request) -> Response {
        if !self.server.is_serving() {
            return Response::refused();
        }
        let who = self.user.clone();
        self.request_as(&who, request)
    }

    /// A request over a network: only its own headers say who it is.
    pub fn request_from_network(&mut self, request: Request) -> Response {
        let who = Identity::new("kubectl", "system:anonymous", "kubectl");
        self.request_as(&who, request)
    }

    fn request_as(&mut self, who: &Identity, request: Request) -> Response {
        if request.path.starts_with("/api/v1/componentstatuses") {
            let health = self.health();
            self.server.examine(health);
        }
        let response = match self.server.handle(who, request) {
            Answer::Response(response) => response,
            Answer::Proxy(proxy) => self.proxy(proxy),
            Answer::Visit(visit) => self.visit(&visit),
        };
        self.announce();
        response
    }

    /// How much the audit log keeps of each request from now on.
    pub fn set_audit_level(&mut self, level: Level) {
        self.server.set_audit_level(level);
    }

    /// The cluster as it stands, cheap to take and safe to keep.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot::of(self))
    }

    /// Equal for equal histories.
    pub fn event_hash(&self) -> u64 {
        self.server.audit().hash()
    }

    /// The newest version of the store: rises with every write.
    pub fn version(&self) -> u64 {
        self.server.version()
    }
}

impl Backend for Cluster {
    fn unix_millis(&self) -> u64 {
        self.server.unix_millis()
    }

    fn submit(&mut self, request: Request) -> Response {
        self.request(request)
    }

    fn poll(&mut self, stream: StreamId) -> Vec<Chunk> {
        let watched = self.server.poll_watch(stream);
        watched.or_else(|| self.poll_proxy(stream)).unwrap_or_else(|| vec![Chunk::Closed])
    }

    fn send(&mut self, stream: StreamId, data: Upstream) {
        self.send_proxy(stream, data);
    }

    fn close(&mut self, stream: StreamId) {
        self.server.close_watch(stream);
        self.close_proxy(stream);
    }
}

#[cfg(test)]
mod tests;
