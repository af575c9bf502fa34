//! The connections of one port-forward: each to a program that takes requests, or to one that takes bytes.
//!
//! Mirrors: containerd/internal/cri/streamingserver `portForward`. Left out: protocols of which only
//! the open port is simulated (databases, DNS); who connects is told so.

use std::collections::BTreeMap;

use api::wire::{Chunk, Tcp};

use super::{LOCAL, Place};
use crate::kubelet::runtime::reference::hex_of;
use crate::kubelet::runtime::{HttpRequest, canonical};
use crate::kubelet::{Dialed, Kubelet, SessionId};

/// Open connections, by the numbers their client gave them.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    open: BTreeMap<u32, Line>,
    /// What is to be said, and when.
    due: Vec<(u64, Chunk)>,
}

#[derive(Debug, Clone)]
enum Line {
    /// Requests to this port.
    Http { port: u16 },
    /// Bytes, until the program has no more to say.
    Bytes { session: SessionId, shut: bool },
}

impl Lines {
    /// What a client says on a connection.
    pub fn hear(&mut self, kubelet: Option<&mut Kubelet>, at: &Place, uid: &str, line: u32, said: Tcp, now: u64) {
        // A machine that is down says nothing, not even that.
        let Some(kubelet) = kubelet else { return };
        match (self.open.get(&line).cloned(), said) {
            (None, Tcp::Connect { port }) => {
                let answer = match kubelet.dial(&at.namespace, &at.pod, port, now) {
                    None => Tcp::Refused(refused(port, uid)),
                    Some(Dialed::Other) => Tcp::Refused(format!(
                        "error forwarding port {port} to pod {uid}: the protocol of what listens there is not simulated, only its open port"
                    )),
                    Some(Dialed::Http) => {
                        self.open.insert(line, Line::Http { port });
                        Tcp::Connected { http: true }
                    }
                    Some(Dialed::Bytes(session)) => {
                        self.open.insert(line, Line::Bytes { session, shut: false });
                        Tcp::Connected { http: false }
                    }
                };
                self.due.push((now, Chunk::Tcp(line, answer)));
            }
            (Some(Line::Http { port }), Tcp::Request { method, target, headers, body }) => {
                let headers = headers.into_iter().map(|(name, value)| (canonical(&name), value)).collect();
                let body = String::from_utf8_lossy(&body).into_owned();
                let request = HttpRequest { method, path: target, headers, body, client: LOCAL.to_owned() };
                let (delay, answer) = match kubelet.port(&at.namespace, &at.pod, port, &request, now) {
                    // It listened a moment ago.
                    None => (0, Tcp::Refused(refused(port, uid))),
                    Some(response) => {
                        let (headers, body) = (response.headers.into_iter().collect(), response.body.into_bytes());
                        (response.delay, Tcp::Response { status: response.status, headers, body })
                    }
                };
                self.due.push((now + delay, Chunk::Tcp(line, answer)));
            }
            (Some(Line::Bytes { session, .. }), Tcp::Bytes(bytes)) => kubelet.exec_stdin(session, &bytes, now),
            (Some(Line::Bytes { session, .. }), Tcp::Shut) => kubelet.exec_eof(session, now),
            (Some(Line::Bytes { session, .. }), Tcp::Gone) => {
                kubelet.exec_close(session, now);
                self.open.remove(&line);
            }
            (Some(Line::Http { .. }), Tcp::Gone) => {
                self.open.remove(&line);
            }
            // What no client says at that point.
            (None | Some(Line::Http { .. } | Line::Bytes { .. }), _) => {}
        }
    }

    /// What is to be said now.
    pub fn poll(&mut self, kubelet: Option<&mut Kubelet>, now: u64) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        self.due.retain(|(at, chunk)| {
            if *at <= now {
                chunks.push(chunk.clone());
            }
            *at > now
        });
        let Some(kubelet) = kubelet else { return chunks };
        for (line, state) in &mut self.open {
            let Line::Bytes { session, shut } = state else { continue };
            let output = kubelet.exec_poll(*session, now);
            chunks
                .extend(Some(output.stdout).filter(|data| !data.is_empty()).map(|b| Chunk::Tcp(*line, Tcp::Bytes(b))));
            if output.exit.is_some() && !std::mem::replace(shut, true) {
                chunks.push(Chunk::Tcp(*line, Tcp::Shut));
            }
        }
        chunks
    }

    /// The sessions behind open connections.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.open.values().filter_map(|line| match line {
            Line::Bytes { session, .. } => Some(*session),
            Line::Http { .. } => None,
        })
    }
}

/// The runtime's words for a port at which nobody listens. It knows a pod by its sandbox and that
/// sandbox's network, not by the uid it has in the API.
pub(super) fn refused(port: u16, uid: &str) -> String {
    let (sandbox, net) = (hex_of(uid), hex_of(&format!("cni/{uid}")));
    let net = format!("{}-{}-{}-{}-{}", &net[..8], &net[8..12], &net[12..16], &net[16..20], &net[20..32]);
    format!(
        "error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network namespace \"/var/run/netns/cni-{net}\": failed to connect to localhost:{port} inside namespace \"{sandbox}\", IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused IPv6 dial tcp6 [::1]:{port}: connect: connection refused "
    )
}
