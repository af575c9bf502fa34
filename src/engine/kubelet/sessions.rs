//! The kubelet's own API: exec, attach, port-forward, and what containers ask of the network.
//!
//! An exec is one more process tree in the container's namespaces; it ends when its command does, whatever
//! becomes of its client's terminal, and is cut off with the container. An attach joins the first process:
//! its output from now on, and its input if the spec has `stdin` (to its end, after `stdinOnce`). A
//! command that cannot be found is refused in runc's words before any stream is open. A port is asked at
//! the pod's own address; connections go to whatever process listens there, and none of it passes Services
//! or policies.
//! Mirrors: pkg/kubelet/server/server.go, pkg/kubelet/kubelet_pods.go `GetExec`, `GetAttach`,
//! `GetPortForward`. Left out: terminals' sizes.

use std::collections::BTreeMap;

use super::agent::Kubelet;
use super::container::{Instance, Slot};
use super::pod_worker::PodWorker;
use super::probes::{exec_error, serve};
use super::runtime::{ExecIo, HttpRequest, HttpResponse, Millis, NetReply, NetRequest, Outbound, Speech};

/// Names a running `exec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(u64);

/// A connection to a port of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialed {
    /// Its program takes requests: [`Kubelet::port`].
    Http,
    /// Its program takes bytes, as a session of [`Kubelet::exec`] does.
    Bytes(SessionId),
    /// Its program speaks what the simulation does not.
    Other,
}

/// Why an exec never began.
#[derive(Debug, Clone, PartialEq)]
pub enum ExecFailure {
    /// The container does not run: the connection is not upgraded.
    ContainerNotFound(String),
    /// The same, of a container to attach to.
    NotInPod { container: String, pod: String },
    /// The runtime could not start the command.
    Runtime(String),
}

impl ExecFailure {
    /// What the client is told.
    pub fn text(&self) -> String {
        match self {
            ExecFailure::ContainerNotFound(name) => format!("container not found (\"{name}\")"),
            ExecFailure::NotInPod { container, pod } => format!("container {container} not found in pod {pod}"),
            ExecFailure::Runtime(text) => text.clone(),
        }
    }
}

/// What an exec printed since last asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExecOutput {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Set once the command is over and everything was read.
    pub exit: Option<i32>,
}

#[derive(Debug, Clone)]
struct Session {
    uid: String,
    container: String,
    instance: String,
    io: ExecIo,
}

#[derive(Debug, Clone, Default)]
pub struct Sessions {
    next: u64,
    open: BTreeMap<u64, Session>,
    outbound: Vec<(String, Outbound)>,
}

impl Sessions {
    fn begin(&mut self, session: Session) -> SessionId {
        self.next += 1;
        self.open.insert(self.next, session);
        SessionId(self.next)
    }

    /// Takes what a pod's processes ask of the network; the pod answers itself what concerns itself.
    pub fn collect(&mut self, uid: &str, worker: &mut PodWorker, now: Millis) {
        for _ in 0..100 {
            let asked = std::mem::take(&mut worker.world.outbox);
            if asked.is_empty() {
                return;
            }
            for outbound in asked {
                match answer_locally(worker, &outbound.request, now) {
                    Some(reply) => hand_over(worker, outbound.token, reply, now),
                    None => self.outbound.push((uid.to_owned(), outbound)),
                }
            }
        }
    }
}

fn is_local(worker: &PodWorker, host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0")
        || host == worker.world.ip
        || host == worker.world.hostname
}

fn answer_locally(worker: &mut PodWorker, request: &NetRequest, now: Millis) -> Option<NetReply> {
    let host = match request {
        NetRequest::Http { host, .. } | NetRequest::Connect { host, .. } | NetRequest::Ping { host } => host,
        NetRequest::Lookup { .. } => return None,
    };
    if !is_local(worker, host) {
        return None;
    }
    let ip = if *host == worker.world.ip || *host == worker.world.hostname {
        worker.world.ip.clone()
    } else {
        "127.0.0.1".to_owned()
    };
    match request {
        NetRequest::Http { port, request, .. } => {
            let request = HttpRequest { client: ip.clone(), ..request.clone() };
            Some(match serve(&mut worker.slots, &mut worker.world, *port, &request, now) {
                Some(response) => NetReply::Http { ip, response },
                None => NetReply::Refused { ip },
            })
        }
        NetRequest::Connect { port, .. } => {
            let open = worker.slots.iter().filter_map(Slot::running).any(|instance| instance.runtime.listens(*port));
            Some(if open { NetReply::Connected { ip } } else { NetReply::Refused { ip } })
        }
        NetRequest::Ping { .. } | NetRequest::Lookup { .. } => Some(NetReply::Connected { ip }),
    }
}

fn hand_over(worker: &mut PodWorker, token: u64, reply: NetReply, now: Millis) {
    let instance =
        worker.slots.iter_mut().filter_map(Slot::running_mut).find(|instance| instance.runtime.awaits(token));
    if let Some(instance) = instance {
        instance.runtime.deliver(token, reply);
        instance.runtime.run(now, &mut worker.world);
    }
}

impl Kubelet {
    pub(super) fn worker_of(&self, namespace: &str, pod: &str) -> Option<&PodWorker> {
        self.workers.values().find(|worker| worker.name() == pod && worker.namespace() == namespace)
    }

    pub(super) fn uid_of(&self, namespace: &str, pod: &str) -> Option<String> {
        self.worker_of(namespace, pod).map(|worker| worker.uid.clone())
    }

    /// Starts a command in a running container.
    ///
    /// # Errors
    /// The container does not run, or has no such program.
    pub fn exec(
        &mut self,
        namespace: &str,
        pod: &str,
        container: &str,
        command: &[String],
        stdin: bool,
        tty: bool,
        now: Millis,
    ) -> Result<SessionId, ExecFailure> {
        let not_found = || ExecFailure::ContainerNotFound(container.to_owned());
        let uid = self.uid_of(namespace, pod).ok_or_else(not_found)?;
        let worker = self.touched(&uid).ok_or_else(not_found)?;
        let slot = worker.slots.iter_mut().find(|slot| slot.name == container);
        // The runtime knows of an end before the kubelet does.
        let alive = slot.and_then(Slot::running_mut).filter(|instance| instance.runtime.exit().is_none());
        let instance = alive.ok_or_else(not_found)?;
        let io = instance.runtime.exec(command, stdin, tty, now, &mut worker.world).map_err(|launch| {
            let error = exec_error(&uid, now, command, launch);
            ExecFailure::Runtime(format!("error executing command in container: {error}"))
        })?;
        let session = Session { uid: uid.clone(), container: container.to_owned(), instance: instance.id.clone(), io };
        let id = self.sessions.begin(session);
        self.after_touch(&uid, now);
        Ok(id)
    }

    /// Joins the streams of a running container's first process; a session as those of [`Kubelet::exec`].
    ///
    /// # Errors
    /// The container does not run.
    pub fn attach(
        &mut self,
        namespace: &str,
        pod: &str,
        container: &str,
        stdin: bool,
    ) -> Result<SessionId, ExecFailure> {
        let not_found = || ExecFailure::NotInPod { container: container.to_owned(), pod: format!("{pod}_{namespace}") };
        let uid = self.uid_of(namespace, pod).ok_or_else(not_found)?;
        let worker = self.workers.get_mut(&uid).ok_or_else(not_found)?;
        let slot = worker.slots.iter_mut().find(|slot| slot.name == container);
        // The runtime knows of an end before the kubelet does.
        let alive = slot.and_then(Slot::running_mut).filter(|instance| instance.runtime.exit().is_none());
        let instance = alive.ok_or_else(not_found)?;
        let io = instance.runtime.attach(stdin);
        let session = Session { uid, container: container.to_owned(), instance: instance.id.clone(), io };
        Ok(self.sessions.begin(session))
    }

    /// Connects to a port of a pod; `None` when nothing listens there.
    pub fn dial(&mut self, namespace: &str, pod: &str, port: u16, now: Millis) -> Option<Dialed> {
        let uid = self.uid_of(namespace, pod)?;
        let PodWorker { slots, world, .. } = self.touched(&uid)?;
        let listening = |slot: &&mut Slot| slot.running().is_some_and(|instance| instance.runtime.listens(port));
        let slot = slots.iter_mut().find(listening)?;
        let container = slot.name.clone();
        let instance = slot.running_mut()?;
        let dialed = match instance.runtime.speech(port)? {
            Speech::Http => Dialed::Http,
            // A connection's bytes are not simulated where they are encrypted.
            Speech::Https | Speech::Other => Dialed::Other,
            Speech::Bytes => {
                let io = instance.runtime.connect(port, now, world)?;
                let session = Session { uid: uid.clone(), container, instance: instance.id.clone(), io };
                Dialed::Bytes(self.sessions.begin(session))
            }
        };
        self.after_touch(&uid, now);
        Some(dialed)
    }

    /// A worker whose processes are about to run outside its turn.
    fn touched(&mut self, uid: &str) -> Option<&mut PodWorker> {
        let worker = self.workers.get_mut(uid)?;
        worker.take_shared(&self.host);
        Some(worker)
    }

    /// Something was done to a pod's processes from outside its worker's turn.
    fn after_touch(&mut self, uid: &str, now: Millis) {
        if let Some(worker) = self.workers.get_mut(uid) {
            worker.give_shared(&mut self.host);
            self.sessions.collect(uid, worker, now);
        }
        // The worker looks at once whether a container ended over this.
        self.arm(uid, now);
    }

    fn with_session(
        &mut self,
        id: SessionId,
        now: Millis,
        act: impl FnOnce(&mut Instance, &ExecIo, &mut super::runtime::SandboxWorld),
    ) {
        let Some(session) = self.sessions.open.get(&id.0).cloned() else { return };
        let Some(worker) = self.touched(&session.uid) else { return };
        let slot = worker.slots.iter_mut().find(|slot| slot.name == session.container);
        if let Some(instance) = slot.and_then(Slot::running_mut).filter(|instance| instance.id == session.instance) {
            act(instance, &session.io, &mut worker.world);
        }
        self.after_touch(&session.uid, now);
    }

    pub fn exec_stdin(&mut self, id: SessionId, data: &[u8], now: Millis) {
        self.with_session(id, now, |instance, io, world| instance.runtime.feed(io, data, now, world));
    }

    pub fn exec_eof(&mut self, id: SessionId, now: Millis) {
        self.with_session(id, now, |instance, io, world| instance.runtime.close_stdin(io, now, world));
    }

    /// What the command printed since last asked.
    pub fn exec_poll(&mut self, id: SessionId, now: Millis) -> ExecOutput {
        let Some(session) = self.sessions.open.get(&id.0).cloned() else {
            return ExecOutput { exit: Some(137), ..ExecOutput::default() };
        };
        let gone = ExecOutput { exit: Some(session.io.without_container()), ..ExecOutput::default() };
        let slot = self.touched(&session.uid).and_then(|worker| {
            let PodWorker { slots, world, .. } = worker;
            slots.iter_mut().find(|slot| slot.name == session.container).map(|slot| (slot, world))
        });
        let Some((slot, world)) = slot else { return gone };
        let instance = [slot.current.as_mut(), slot.previous.as_mut()]
            .into_iter()
            .flatten()
            .find(|instance| instance.id == session.instance);
        let Some(instance) = instance else { return gone };
        if instance.end.is_none() {
            instance.runtime.run(now, world);
        }
        let (stdout, stderr) = instance.runtime.drain(&session.io);
        let exit = instance.runtime.exec_status(&session.io);
        // The other end of a connection may have something to say still.
        if exit.is_some() && !session.io.is_connection() {
            instance.runtime.end_exec(&session.io, now);
            self.sessions.open.remove(&id.0);
        }
        if let Some(worker) = self.workers.get(&session.uid) {
            worker.give_shared(&mut self.host);
        }
        ExecOutput { stdout, stderr, exit }
    }

    /// Ends a session, as Ctrl-C in the client does.
    pub fn exec_close(&mut self, id: SessionId, now: Millis) {
        self.with_session(id, now, |instance, io, _| instance.runtime.end_exec(io, now));
        self.sessions.open.remove(&id.0);
    }

    /// Asks a port of a pod; `None` when nothing listens there.
    pub fn port(
        &mut self,
        namespace: &str,
        pod: &str,
        port: u16,
        request: &HttpRequest,
        now: Millis,
    ) -> Option<HttpResponse> {
        let uid = self.uid_of(namespace, pod)?;
        let worker = self.touched(&uid)?;
        let response = serve(&mut worker.slots, &mut worker.world, port, request, now);
        self.after_touch(&uid, now);
        response
    }

    pub fn has_pod(&self, uid: &str) -> bool {
        self.workers.get(uid).is_some_and(PodWorker::any_running)
    }

    /// Whether a pod accepts connections on a port.
    pub fn listens(&self, namespace: &str, pod: &str, port: u16) -> bool {
        let worker = self.worker_of(namespace, pod);
        worker.is_some_and(|worker| {
            worker.slots.iter().filter_map(Slot::running).any(|instance| instance.runtime.listens(port))
        })
    }

    /// What containers have asked of the network since last called: pod UID and request.
    pub fn take_outbound(&mut self) -> Vec<(String, Outbound)> {
        std::mem::take(&mut self.sessions.outbound)
    }

    /// The network's answer to a request of [`Kubelet::take_outbound`].
    pub fn deliver(&mut self, uid: &str, token: u64, reply: NetReply, now: Millis) {
        if let Some(worker) = self.touched(uid) {
            hand_over(worker, token, reply, now);
        }
        self.after_touch(uid, now);
    }

    /// Namespace and address of a pod by UID, so that the network knows who asks.
    pub fn pod_of(&self, uid: &str) -> Option<(&str, &str)> {
        self.workers.get(uid).map(|worker| (worker.namespace(), worker.world.ip.as_str()))
    }

    /// Ends a container's process at once with this code: the crash button.
    pub fn crash(&mut self, namespace: &str, pod: &str, container: Option<&str>, code: i32, now: Millis) -> bool {
        self.with_container(namespace, pod, container, now, |instance| instance.runtime.crash(code, now))
    }

    /// The machine lost its power: whatever ran ends, and nobody is there to report it.
    pub fn power_cut(&mut self, now: Millis) {
        // What a runtime says of containers that did not survive a reboot.
        const UNKNOWN: i32 = 255;
        let uids: Vec<String> = self.workers.keys().cloned().collect();
        for uid in uids {
            let Some(worker) = self.workers.get_mut(&uid) else { continue };
            for instance in worker.slots.iter_mut().filter_map(Slot::running_mut) {
                instance.runtime.crash(UNKNOWN, now);
            }
            self.after_touch(&uid, now);
        }
    }

    /// As if the container had reached its memory limit.
    pub fn out_of_memory(&mut self, namespace: &str, pod: &str, container: Option<&str>, now: Millis) -> bool {
        self.with_container(namespace, pod, container, now, |instance| instance.runtime.out_of_memory(now))
    }

    fn with_container(
        &mut self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        now: Millis,
        act: impl FnOnce(&mut Instance),
    ) -> bool {
        let Some(uid) = self.uid_of(namespace, pod) else { return false };
        let Some(worker) = self.workers.get_mut(&uid) else { return false };
        let fits = |slot: &&mut Slot| container.is_none_or(|name| slot.name == name) && slot.running().is_some();
        let main_first = worker.slots.iter_mut().rev();
        let Some(instance) = main_first.filter(fits).last().and_then(Slot::running_mut) else { return false };
        act(instance);
        self.after_touch(&uid, now);
        true
    }

    /// CPU in millicores and memory in bytes of each running container, for metrics.
    pub fn usage(&self, now: Millis) -> Vec<(String, String, String, u64, u64)> {
        let mut rows = Vec::new();
        for worker in self.workers.values() {
            for slot in &worker.slots {
                if let Some(instance) = slot.running() {
                    let (cpu, memory) = (instance.runtime.cpu(now), instance.runtime.memory());
                    rows.push((
                        worker.namespace().to_owned(),
                        worker.name().to_owned(),
                        slot.name.clone(),
                        cpu,
                        memory,
                    ));
                }
            }
        }
        rows
    }

    /// The text of a file in a pod's container, for lesson checks.
    pub fn file(&mut self, namespace: &str, pod: &str, path: &str) -> Option<String> {
        let uid = self.uid_of(namespace, pod)?;
        let PodWorker { slots, world, .. } = self.touched(&uid)?;
        slots.iter_mut().filter_map(Slot::running_mut).find_map(|instance| instance.runtime.file(path, world))
    }
}
