//! What the page may look at: an immutable picture of the cluster at one instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::order::Gather;
use api::{Kind, Object, Typed};

use super::{Cluster, ProcessId, Traffic};
use crate::apiserver::{ApiServer, Audit};
use crate::scheduler::Traces;
use crate::sim::Millis;

/// The cluster at one instant. Taking one costs a few pointers.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub now: Millis,
    /// Milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// The newest write; equal versions mean equal objects.
    pub version: u64,
    pub processes: BTreeMap<ProcessId, ProcessView>,
    /// What the scheduler saw and decided lately: "why here?", "why nowhere?".
    pub traces: Traces,
    /// The traffic generators, in the order they were started.
    pub traffic: Vec<Traffic>,
    server: ApiServer,
}

/// A process as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessView {
    pub running: bool,
    pub frozen: bool,
    /// When it will do something by itself, if nothing happens before.
    pub next: Option<Millis>,
}

impl Snapshot {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let server = ProcessView { running: cluster.server.is_serving(), frozen: false, next: None };
        let others = cluster.processes.iter().map(|(id, process)| {
            let view = ProcessView { running: process.running, frozen: process.frozen, next: process.armed };
            (id.clone(), view)
        });
        let processes = others.chain([(ProcessId::ApiServer, server)]).into_map();
        Self {
            now: cluster.now(),
            unix_millis: cluster.server.unix_millis(),
            version: cluster.server.version(),
            processes,
            traces: cluster.traces(),
            traffic: cluster.traffic.clone(),
            server: cluster.server.clone(),
        }
    }

    pub fn get<T: Typed>(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        T::cast(self.server.read(T::KIND, namespace, name)?)
    }

    /// All objects of a kind in list order; an empty namespace means all.
    pub fn list<T: Typed>(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        self.server.read_all(T::KIND, namespace).filter_map(T::cast)
    }

    /// Every kind that can be stored.
    pub fn kinds(&self) -> Vec<Kind> {
        self.server.stored_kinds()
    }

    pub fn objects(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        self.server.read_all(kind, namespace)
    }

    /// The columns kubectl would show for an object now, in the order of its kind's table.
    pub fn cells(&self, object: &Object) -> Vec<serde_json::Value> {
        crate::apiserver::printers::cells(object, self.unix_millis)
    }

    /// Writes with a number above `after`, oldest first: what the lanes and captions draw.
    pub fn audit_after(&self, after: u64) -> impl Iterator<Item = &Arc<Audit>> {
        self.server.audit().after(after)
    }

    /// Where what the API server keeps beside the objects disagrees with them, a sentence each. For tests.
    pub fn contradictions(&self) -> Vec<String> {
        self.server.contradictions()
    }

    /// The number of the newest audited write.
    pub fn last_audit(&self) -> u64 {
        self.server.audit().last()
    }
}
