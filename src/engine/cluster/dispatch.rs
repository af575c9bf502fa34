//! Who hears of which write, and when each process takes its next step.

use std::sync::Arc;

use api::Object;

use super::process::{Process, ProcessId};
use super::{Cluster, Due};
use crate::apiserver::Revision;
use crate::client::{Client, Component, Context, Next};
use crate::sim::Millis;

/// From a commit until a watcher acts on it, at least.
const WATCH_LATENCY: Millis = 2;
/// The scheduler's handlers do less than the controllers' queues: it is the first to act.
const SCHEDULER_LATENCY: Millis = 1;
/// So much longer it may take, where the profile allows chance.
const WATCH_SPREAD: Millis = 3;
/// From one step of a busy process to its next.
const STEP: Millis = 1;

impl Cluster {
    /// Tells every running process what was written since the last announcement.
    pub(super) fn announce(&mut self) {
        let version = self.server.version();
        if version == self.announced {
            return;
        }
        // A log that was cut off this far is impossible: announcements follow each write.
        let news: Vec<Arc<Revision>> =
            self.server.revisions(self.announced).map(|log| log.cloned().collect()).unwrap_or_default();
        self.announced = version;
        let now = self.now();
        let mut woken: Vec<ProcessId> = Vec::new();
        for revision in news {
            for id in audience(&revision) {
                let Some(process) = self.processes.get_mut(&id) else { continue };
                if process.running {
                    process.inbox.push(revision.clone());
                    if !woken.contains(&id) {
                        woken.push(id);
                    }
                }
            }
        }
        let jitter = self.config.profile.jitter;
        for id in woken {
            let least = if id == ProcessId::Scheduler { SCHEDULER_LATENCY } else { WATCH_LATENCY };
            let pace = self.processes.get_mut(&id).map(|process| &mut process.pace).filter(|_| jitter);
            let more = pace.map_or(0, |pace| pace.below(WATCH_SPREAD + 1));
            self.arm(&id, now + least + more);
        }
    }

    /// Wakes a process at a time, unless it wakes earlier anyway.
    pub(super) fn arm(&mut self, id: &ProcessId, at: Millis) {
        let Some(process) = self.processes.get_mut(id) else { return };
        if process.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        process.armed = Some(at);
        process.ticket += 1;
        self.timeline.at(at, Due::Wake(id.clone(), process.ticket));
    }

    pub(super) fn start(&mut self, id: &ProcessId) {
        let Some(process) = self.processes.get_mut(id) else { return };
        process.running = true;
        process.inbox.clear();
        self.turn(id, true);
    }

    /// Plugs a machine in: its kubelet starts, and registers it.
    pub(super) fn join(&mut self, node: super::NodeConfig) {
        let index = self.processes.keys().filter(|id| matches!(id, ProcessId::Kubelet(_))).count() + 1;
        let (id, process) = super::process::kubelet(&self.config, index, node);
        self.processes.insert(id.clone(), process);
        self.start(&id);
    }

    pub(super) fn step(&mut self, id: &ProcessId, ticket: u64) {
        let current = self.processes.get(id).is_some_and(|process| process.ticket == ticket && process.running);
        if current {
            self.turn(id, false);
        }
    }

    fn turn(&mut self, id: &ProcessId, start: bool) {
        let now = self.now();
        let config = self.config.clone();
        let Some(process) = self.processes.get_mut(id) else { return };
        process.armed = None;
        process.starts |= start;
        if process.frozen {
            return;
        }
        let start = std::mem::take(&mut process.starts);
        let news = std::mem::take(&mut process.inbox);
        let Process { program, identity, rng, pace, .. } = process;
        let mut cx = Context { now, api: Client::new(&mut self.server, identity), rng, pace, profile: &config.profile };
        let next = if start { program.start(&mut cx) } else { program.wake(&news, &mut cx) };
        if let ProcessId::Kubelet(node) = id {
            self.carry(node);
        }
        self.announce();
        match next {
            Next::Again => self.arm(id, now + STEP),
            Next::At(at) => self.arm(id, at.max(now + STEP)),
            Next::Idle => {}
        }
    }
}

/// The processes that watch what this write touched. A kubelet watches the pods bound to its node.
fn audience(revision: &Revision) -> Vec<ProcessId> {
    let mut audience = Vec::with_capacity(4);
    if !matches!(revision.object, Object::Event(_)) {
        audience.push(ProcessId::ControllerManager);
        audience.push(ProcessId::Scheduler);
    }
    let node = |object: &Object| match object {
        Object::Pod(pod) => pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).filter(|name| !name.is_empty()),
        Object::Node(node) => node.metadata.name.clone(),
        _ => None,
    };
    if let Some(name) = node(&revision.object) {
        audience.push(ProcessId::Kubelet(name.into()));
    }
    audience
}
