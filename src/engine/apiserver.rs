//! The API server: decode → default → admit → validate → store → watch. Everybody else is its client.
//!
//! Storage is private to this module. Components come in through [`crate::client`], typed;
//! kubectl, the page and real clients through [`ApiServer::handle`], as HTTP requests.
//! Mirrors: staging/src/k8s.io/apiserver, pkg/registry.

pub mod admission;
pub mod audit;
pub mod bootstrap;
mod delete;
mod discovery;
mod eviction;
mod handler;
mod managed;
mod metrics;
mod openapi;
mod operations;
pub mod printers;
pub mod registry;
mod storage;
mod subresources;
mod table;
mod telemetry;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::wire::{Response, StreamId};
use api::{Kind, Object, Status};

pub use audit::{Audit, AuditVerb, Detail, Level};
pub use delete::{DeleteOptions, Deleted, Propagation};
pub use handler::{PodProxy, Visit};
pub use metrics::{Reading, Usage};
pub use operations::WriteOptions;
pub(crate) use operations::seconds;
pub use storage::{Change, Key, Revision};
pub use telemetry::Health;

use crate::sim::{Millis, Rng};
use registry::service::Allocations;
use storage::Store;

/// How often the API server looks after the Service it is reached by.
const REPAIR: Millis = 10_000;
/// From one cut of the log to the next.
const COMPACTION: Millis = 300_000;

/// Who is asking. One per component; requests from outside carry their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The lane on the timeline: `kubectl`, `scheduler`, `kubelet/worker-1`.
    pub component: Arc<str>,
    /// The authenticated user, `system:kube-scheduler`.
    pub user: Arc<str>,
    /// The field manager of writes that name none.
    pub manager: Arc<str>,
}

impl Identity {
    pub fn new(component: &str, user: &str, manager: &str) -> Self {
        Self { component: component.into(), user: user.into(), manager: manager.into() }
    }
}

/// What a request came to.
#[derive(Debug)]
pub enum Answer {
    Response(Response),
    /// The API server checked it; the pod's kubelet must answer.
    Proxy(PodProxy),
    /// The API server checked it; a program in the cluster must answer.
    Visit(Visit),
}

/// The state behind the API.
#[derive(Debug, Clone)]
pub struct ApiServer {
    store: Store,
    now: Millis,
    /// Milliseconds since the Unix epoch at virtual time 0.
    epoch: u64,
    uids: Rng,
    names: Rng,
    allocations: Allocations,
    watches: BTreeMap<StreamId, watch::Watch>,
    next_stream: u64,
    audit: audit::Log,
    /// Its port is open. What a stopped API server knew is in etcd, so nothing is lost.
    serving: bool,
    /// Kinds from CustomResourceDefinitions, by their number.
    custom: Vec<Arc<registry::custom::CustomResource>>,
    /// What metrics-server measured last, in clusters that have one.
    metrics: Option<Arc<metrics::Metrics>>,
    /// What creators come to own.
    creators: managed::Creators,
    /// Requests answered so far, by kind.
    requests: telemetry::Requests,
    /// How the components beside it were when somebody last asked.
    health: Vec<Health>,
    /// When the log is cut next, and up to which version.
    compaction: (Millis, u64),
    /// When it next looks whether the Service `kubernetes` is still there.
    repair_at: Millis,
    /// The bearer token of the administrator; empty if there is none.
    admin_token: Arc<str>,
    /// The writer of what nobody asked for.
    etcd: Arc<str>,
}

impl ApiServer {
    pub fn new(seed: u64, epoch: u64) -> Self {
        Self {
            store: Store::default(),
            now: 0,
            epoch,
            uids: Rng::stream(seed, "apiserver/uid"),
            names: Rng::stream(seed, "apiserver/name"),
            allocations: Allocations::new(Rng::stream(seed, "apiserver/ip")),
            watches: BTreeMap::new(),
            next_stream: 1,
            audit: audit::Log::default(),
            serving: true,
            custom: Vec::new(),
            metrics: None,
            creators: managed::Creators::default(),
            requests: telemetry::Requests::default(),
            health: Vec::new(),
            compaction: (COMPACTION, 0),
            repair_at: REPAIR,
            admin_token: "".into(),
            etcd: "etcd".into(),
        }
    }

    /// Lets whoever bears this token be the administrator.
    pub fn set_admin_token(&mut self, token: &str) {
        self.admin_token = token.into();
    }

    /// Tells the API server what time it is; it never asks.
    pub fn set_now(&mut self, now: Millis) {
        self.now = now;
        self.store.expire(now, &self.etcd);
        if now >= self.compaction.0 {
            self.compact();
        }
        if now >= self.repair_at && self.serving {
            self.repair_at = (now / REPAIR + 1) * REPAIR;
            self.repair();
        }
    }

    /// Forgets what is older than five minutes, but for what an open watch has not seen yet.
    ///
    /// Mirrors: apiserver/pkg/storage/etcd3/compact.go.
    fn compact(&mut self) {
        let unseen = self.watches.values().map(watch::Watch::cursor).min().unwrap_or(u64::MAX);
        self.store.compact(self.compaction.1.min(unseen));
        // Every five minutes, whenever in between something happened to wake us.
        let next = (self.now / COMPACTION + 1) * COMPACTION;
        self.compaction = (next, self.store.version());
    }

    pub fn now(&self) -> Millis {
        self.now
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(&self) -> u64 {
        self.epoch + self.now
    }

    pub fn is_serving(&self) -> bool {
        self.serving
    }

    /// Stops or starts it; stopping cuts every watch.
    pub fn serve(&mut self, serving: bool) {
        self.serving = serving;
        if !serving {
            self.watches.clear();
        }
    }

    /// Whether a client gets through.
    ///
    /// # Errors
    /// [`Status::unreachable`] while it is stopped.
    pub(crate) fn reached(&self) -> Result<(), Status> {
        if self.serving { Ok(()) } else { Err(Status::unreachable()) }
    }

    /// The version of the newest write.
    pub fn version(&self) -> u64 {
        self.store.version()
    }

    /// Every write after `since`, oldest first; `None` when that is too long ago.
    pub fn revisions(&self, since: u64) -> Option<impl Iterator<Item = &Arc<Revision>>> {
        self.store.since(since)
    }

    pub fn audit(&self) -> &audit::Log {
        &self.audit
    }

    /// How much is kept of each request from now on.
    pub fn set_audit_level(&mut self, level: Level) {
        self.audit.set_level(level);
    }

    /// Reads an object as it is stored, without `managedFields`.
    pub fn read(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Object> {
        self.store.find(kind, namespace, name).map(|stored| &stored.object)
    }

    /// All objects of a kind in list order; an empty namespace means all.
    pub fn read_all(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        self.store.list(kind, namespace).map(|(_, stored)| &stored.object)
    }

    /// Objects whose controller has this UID.
    pub fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.store.owned_by(uid)
    }

    /// Objects without a controller, of the kinds that can be adopted.
    pub fn orphans(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        self.store.orphans(kind, namespace)
    }

    /// Pods bound to a node.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Object> {
        self.store.pods_on(node)
    }

    /// Where what is kept beside the objects disagrees with them: indices, addresses, ports. For tests.
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = self.store.contradictions();
        found.extend(self.lost_allocations());
        found
    }

    fn require(&self, key: &Key) -> Result<&Object, Status> {
        match self.store.get(key) {
            Some(stored) => Ok(&stored.object),
            None => Err(Status::not_found(&self.resource_of(key.kind), &key.name)),
        }
    }
}
