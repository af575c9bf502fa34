//! pods/log, exec, attach and port-forward: the way from the API server to a node's kubelet.
//!
//! The API server only finds the node and hands the stream on; so what is refused here is refused in the
//! kubelet's words, and nothing works while the node's kubelet is down or cut off (what runs there goes on
//! all the same). Streams live here, as positions and session names; what they carry lives in the
//! kubelets. One that nobody reads costs nothing.
//! Mirrors: pkg/kubelet/server behind pkg/registry/core/pod/rest. Left out: logs of the kubelet itself
//! (nodes/proxy), and the protocols below (SPDY, WebSocket), which are the bridge's.

use std::sync::Arc;

use api::Status;
use api::k8s_openapi::api::core::v1::Node;
use api::wire::{Body, Chunk, Request, Response, StreamId, Upstream};

use super::process::{ProcessId, Program};
use super::{Cluster, Fault};
use crate::apiserver::PodProxy;
use crate::kubelet::runtime::HttpRequest;
use crate::kubelet::{ExecFailure, Kubelet, LogOptions, SessionId};

mod tcp;
mod visit;
use tcp::{Lines, refused};

/// Whom access logs name.
const LOCAL: &str = "127.0.0.1";

/// An open stream to a kubelet.
#[derive(Debug, Clone)]
pub(super) enum Stream {
    Log {
        at: Place,
        position: usize,
        timestamps: bool,
        first: String,
        limit: Option<usize>,
    },
    Exec {
        node: Arc<str>,
        session: SessionId,
    },
    Forward {
        at: Place,
        uid: String,
        answers: Vec<Chunk>,
        lines: Lines,
    },
    /// The command could not be started: said once.
    Failed(Status),
}

/// A container of a pod on a node; no container for a whole pod.
#[derive(Debug, Clone)]
pub(super) struct Place {
    node: Arc<str>,
    namespace: String,
    pod: String,
    container: String,
}

impl Cluster {
    /// The kubelet of a node, if it runs.
    pub(super) fn kubelet_mut(&mut self, node: &str) -> Option<&mut Kubelet> {
        let process = self.processes.get_mut(&ProcessId::Kubelet(node.into()))?;
        match &mut process.program {
            Program::Kubelet(kubelet) if process.running && !process.frozen => Some(kubelet),
            _ => None,
        }
    }

    /// The machine of a node, whether anything on it runs or not.
    pub(super) fn machine_mut(&mut self, node: &str) -> Option<&mut Kubelet> {
        match &mut self.processes.get_mut(&ProcessId::Kubelet(node.into()))?.program {
            Program::Kubelet(kubelet) => Some(kubelet),
            _ => None,
        }
    }

    /// Something was asked of a kubelet outside its turn: it looks again at once.
    pub(super) fn nudge(&mut self, node: &str) {
        let now = self.now();
        self.carry(node);
        self.arm(&ProcessId::Kubelet(node.into()), now);
    }

    /// Hands a checked request to the kubelet of the pod's node.
    pub(super) fn proxy(&mut self, proxy: PodProxy) -> Response {
        let node = proxy.node.clone();
        if self.kubelet_mut(&node).is_none() {
            return self.unreachable(&proxy).into();
        }
        let place = Place {
            node: node.as_str().into(),
            namespace: proxy.namespace.clone(),
            pod: proxy.pod.clone(),
            container: proxy.container.clone(),
        };
        let response = match proxy.subresource {
            "log" => self.log(place, &proxy.request),
            "portforward" => self.forward(place),
            "attach" => self.attach(place, &proxy.request),
            _ => self.exec(place, &proxy.request),
        };
        self.nudge(&node);
        response
    }

    fn unreachable(&self, proxy: &PodProxy) -> Status {
        let node: Option<Arc<Node>> = self.snapshot().get::<Node>("", &proxy.node).cloned();
        let addresses = node.and_then(|node| node.status.as_ref().and_then(|status| status.addresses.clone()));
        let internal = addresses.into_iter().flatten().find(|address| address.type_ == "InternalIP");
        let host = internal.map_or_else(|| proxy.node.clone(), |address| address.address);
        let frozen =
            self.processes.get(&ProcessId::Kubelet(proxy.node.as_str().into())).is_some_and(|process| process.frozen);
        let cause = if frozen { "i/o timeout" } else { "connect: connection refused" };
        let call = match proxy.subresource {
            "log" => "containerLogs",
            other => other,
        };
        let path = [call, &proxy.namespace, &proxy.pod, &proxy.container].join("/");
        let path = path.trim_end_matches('/');
        let verb = if call == "containerLogs" { "Get" } else { "error dialing backend: dial tcp" };
        let message = if verb == "Get" {
            format!("Get \"https://{host}:10250/{path}\": dial tcp {host}:10250: {cause}")
        } else {
            format!("{verb} {host}:10250: {cause}")
        };
        Status::failure(500, "InternalError", message)
    }

    fn log(&mut self, at: Place, request: &Request) -> Response {
        let flag = |name: &str| request.flag(name);
        let number = |name: &str| request.param(name).and_then(|text| text.parse::<i64>().ok());
        let now = i64::try_from(self.server.unix_millis()).unwrap_or(i64::MAX);
        let since_seconds = number("sinceSeconds").map(|seconds| now - seconds * 1_000);
        let since_time = request.param("sinceTime").and_then(api::meta::time::parse_rfc3339);
        let options = LogOptions {
            previous: flag("previous"),
            since: since_seconds.or(since_time).and_then(|at| u64::try_from(at).ok()),
            timestamps: flag("timestamps"),
            tail: number("tailLines"),
            limit_bytes: number("limitBytes"),
        };
        let Some(kubelet) = self.kubelet_mut(&at.node) else { return Status::internal("no kubelet answers").into() };
        match kubelet.logs(&at.namespace, &at.pod, &at.container, &options) {
            Err(status) => status.into(),
            Ok((text, position)) if flag("follow") && !options.previous => {
                let limit = options
                    .limit_bytes
                    .and_then(|limit| usize::try_from(limit).ok())
                    .map(|limit| limit.saturating_sub(text.len()));
                self.open(200, Stream::Log { at, position, timestamps: options.timestamps, first: text, limit })
            }
            Ok((text, _)) => Response::text(200, text),
        }
    }

    fn attach(&mut self, at: Place, request: &Request) -> Response {
        let stdin = request.flag("stdin");
        let Some(kubelet) = self.kubelet_mut(&at.node) else { return Status::internal("no kubelet answers").into() };
        match kubelet.attach(&at.namespace, &at.pod, &at.container, stdin) {
            Ok(session) => self.open(101, Stream::Exec { node: at.node, session }),
            Err(failure) => Response::text(404, failure.text()),
        }
    }

    fn exec(&mut self, at: Place, request: &Request) -> Response {
        let flag = |name: &str| request.flag(name);
        let command: Vec<String> = request.params("command").map(str::to_owned).collect();
        let now = self.server.unix_millis();
        let Some(kubelet) = self.kubelet_mut(&at.node) else { return Status::internal("no kubelet answers").into() };
        match kubelet.exec(&at.namespace, &at.pod, &at.container, &command, flag("stdin"), flag("tty"), now) {
            Ok(session) => self.open(101, Stream::Exec { node: at.node, session }),
            // The kubelet speaks no Status, and its words pass through the API server as they are.
            Err(failure @ (ExecFailure::ContainerNotFound(_) | ExecFailure::NotInPod { .. })) => {
                Response::text(404, failure.text())
            }
            Err(failure @ ExecFailure::Runtime(_)) => {
                self.open(101, Stream::Failed(Status::internal(format!("Internal error occurred: {}", failure.text()))))
            }
        }
    }

    fn forward(&mut self, at: Place) -> Response {
        let uid = self
            .snapshot()
            .get::<api::k8s_openapi::api::core::v1::Pod>(&at.namespace, &at.pod)
            .and_then(|pod| pod.metadata.uid.clone());
        let (answers, lines) = (Vec::new(), Lines::default());
        self.open(101, Stream::Forward { at, uid: uid.unwrap_or_default(), answers, lines })
    }

    fn open(&mut self, status: u16, stream: Stream) -> Response {
        let id = self.server.open_stream();
        self.streams.insert(id, stream);
        Response { status, headers: Vec::new(), body: Body::Stream(id) }
    }

    /// What came over a kubelet's stream; `None` when this is not one.
    pub(super) fn poll_proxy(&mut self, id: StreamId) -> Option<Vec<Chunk>> {
        let mut stream = self.streams.remove(&id)?;
        let now = self.server.unix_millis();
        let mut chunks = Vec::new();
        let over = match &mut stream {
            Stream::Failed(status) => {
                chunks.push(Chunk::Error(status.clone()));
                true
            }
            Stream::Log { at, position, timestamps, first, limit } => {
                let mut text = std::mem::take(first);
                let over = match self.kubelet_mut(&at.node) {
                    None => false,
                    Some(kubelet) => {
                        let (more, end, over) =
                            kubelet.follow(&at.namespace, &at.pod, &at.container, *position, *timestamps);
                        let keep = limit.map_or(more.len(), |limit| limit.min(more.len()));
                        text.push_str(more.get(..keep).unwrap_or(&more));
                        *limit = limit.map(|limit| limit - keep);
                        *position = end;
                        over
                    }
                };
                if !text.is_empty() {
                    chunks.push(Chunk::Stdout(text.into_bytes()));
                }
                over
            }
            Stream::Exec { node, session } => {
                let (node, session) = (node.clone(), *session);
                match self.kubelet_mut(&node) {
                    None => false,
                    Some(kubelet) => {
                        let output = kubelet.exec_poll(session, now);
                        chunks.extend(Some(output.stdout).filter(|data| !data.is_empty()).map(Chunk::Stdout));
                        chunks.extend(Some(output.stderr).filter(|data| !data.is_empty()).map(Chunk::Stderr));
                        chunks.extend(output.exit.map(Chunk::Exit));
                        output.exit.is_some()
                    }
                }
            }
            Stream::Forward { at, uid, answers, lines } => {
                chunks.append(answers);
                chunks.extend(lines.poll(self.kubelet_mut(&at.node), now));
                let gone = self.kubelet_mut(&at.node).is_some_and(|kubelet| !kubelet.has_pod(uid));
                if gone {
                    chunks.push(Chunk::Error(Status::failure(500, "InternalError", "lost connection to pod")));
                }
                gone
            }
        };
        if over {
            chunks.push(Chunk::Closed);
        } else {
            self.streams.insert(id, stream);
        }
        Some(chunks)
    }

    /// What a client sends into a kubelet's stream.
    pub(super) fn send_proxy(&mut self, id: StreamId, data: Upstream) {
        let now = self.server.unix_millis();
        let Some(stream) = self.streams.get(&id).cloned() else { return };
        match (stream, data) {
            (Stream::Exec { node, session }, Upstream::Stdin(data)) => {
                if let Some(kubelet) = self.kubelet_mut(&node) {
                    kubelet.exec_stdin(session, &data, now);
                }
                self.nudge(&node);
            }
            (Stream::Exec { node, session }, Upstream::Eof) => {
                if let Some(kubelet) = self.kubelet_mut(&node) {
                    kubelet.exec_eof(session, now);
                }
                self.nudge(&node);
            }
            (Stream::Forward { at, uid, .. }, Upstream::Http { port, method, path }) => {
                let answer = self.ask_port(&at, &uid, port, method.as_str(), &path, now);
                if let Some(Stream::Forward { answers, .. }) = self.streams.get_mut(&id) {
                    answers.push(answer);
                }
                self.nudge(&at.node);
            }
            (Stream::Forward { at, uid, .. }, Upstream::Tcp(line, said)) => {
                let Some(Stream::Forward { mut lines, answers, .. }) = self.streams.remove(&id) else { return };
                lines.hear(self.kubelet_mut(&at.node), &at, &uid, line, said, now);
                self.streams.insert(id, Stream::Forward { at: at.clone(), uid, answers, lines });
                self.nudge(&at.node);
            }
            // Nothing else can be sent into these.
            (Stream::Log { .. } | Stream::Failed(_) | Stream::Exec { .. } | Stream::Forward { .. }, _) => {}
        }
        self.announce();
    }

    fn ask_port(&mut self, at: &Place, uid: &str, port: u16, method: &str, path: &str, now: u64) -> Chunk {
        let request = HttpRequest { method: method.to_owned(), ..HttpRequest::get(path, LOCAL) };
        let answer =
            self.kubelet_mut(&at.node).and_then(|kubelet| kubelet.port(&at.namespace, &at.pod, port, &request, now));
        match answer {
            Some(response) => Chunk::Http { port, status: response.status, body: response.body.into_bytes() },
            None => Chunk::Error(Status::failure(500, "InternalError", refused(port, uid))),
        }
    }

    pub(super) fn close_proxy(&mut self, id: StreamId) {
        let (node, sessions) = match self.streams.remove(&id) {
            Some(Stream::Exec { node, session }) => (node, vec![session]),
            Some(Stream::Forward { at, lines, .. }) => (at.node, lines.sessions().collect()),
            Some(Stream::Log { .. } | Stream::Failed(_)) | None => return,
        };
        let now = self.server.unix_millis();
        if let Some(kubelet) = self.kubelet_mut(&node) {
            sessions.into_iter().for_each(|session| kubelet.exec_close(session, now));
        }
        self.nudge(&node);
    }

    /// Faults that happen inside a node's containers.
    pub(super) fn container_fault(
        &mut self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        fault: &Fault,
    ) -> Result<(), String> {
        let object = self.snapshot().get::<api::k8s_openapi::api::core::v1::Pod>(namespace, pod).cloned();
        let node = object.and_then(|pod| pod.spec.as_ref().and_then(|spec| spec.node_name.clone()));
        let missing = || format!("there is no running container in pod {namespace}/{pod}");
        let node = node.ok_or_else(missing)?;
        let now = self.server.unix_millis();
        let kubelet = self.kubelet_mut(&node).ok_or_else(missing)?;
        let done = match fault {
            Fault::OutOfMemory { .. } => kubelet.out_of_memory(namespace, pod, container, now),
            Fault::Crash { exit_code, .. } => kubelet.crash(namespace, pod, container, *exit_code, now),
            _ => false,
        };
        self.nudge(&node);
        if done { Ok(()) } else { Err(missing()) }
    }
}
