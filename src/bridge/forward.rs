//! port-forward: a SPDY connection inside a WebSocket, a pair of streams for each connection to a port.
//!
//! Mirrors: apimachinery/pkg/util/portforward, kubelet/pkg/cri/streaming/portforward. Programs in the
//! simulation answer HTTP and nothing else, so what a client sends is read as one HTTP request and
//! its connection ends with the answer; bytes that are no HTTP are an error of the forwarding.

use std::collections::{BTreeMap, VecDeque};

use api::wire::{Chunk, Method, Upstream};
use futures_util::{SinkExt, StreamExt};
use hyper::StatusCode;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::owner::{Handle, Stream};
use crate::spdy::{self, Decoder, Frame};
use crate::target;

/// As kubectl offers it.
pub const PROTOCOL: &str = "SPDY/3.1+portforward.k8s.io";
/// Connections that one kubectl carries at a time.
const LANES: usize = 256;
/// The longest head of a request.
const HEAD: usize = 64 * 1024;

/// A connection to a port of the pod.
struct Lane {
    port: u16,
    /// Where its errors go.
    errors: Option<u32>,
    bytes: Vec<u8>,
    asked: bool,
}

/// What to do next about a lane.
enum Next {
    Wait,
    Ask(Method, String),
    Fail(&'static str),
}

impl Lane {
    fn next(&self, last: bool) -> Next {
        if self.asked {
            return Next::Wait;
        }
        let text = String::from_utf8_lossy(&self.bytes);
        match text.split_once("\r\n\r\n") {
            Some((head, _)) => {
                let mut words = head.lines().next().unwrap_or_default().split(' ');
                let method = words.next().and_then(target::method);
                match (method, words.next(), words.next()) {
                    (Some(method), Some(path), Some(version)) if version.starts_with("HTTP/1.") => {
                        Next::Ask(method, path.to_owned())
                    }
                    _ => Next::Fail("simulated programs answer only HTTP/1"),
                }
            }
            None if self.bytes.len() > HEAD || (last && !self.bytes.is_empty()) => {
                Next::Fail("simulated programs answer only HTTP/1")
            }
            None if last => Next::Fail(""),
            None => Next::Wait,
        }
    }
}

/// All connections of one kubectl.
struct Tunnel {
    socket: WebSocketStream<TokioIo<Upgraded>>,
    decoder: Decoder,
    begun: bool,
    /// Error streams by the number of their request.
    errors: BTreeMap<String, u32>,
    lanes: BTreeMap<u32, Lane>,
    /// Lanes that were asked, in order: answers come in the same.
    waiting: VecDeque<u32>,
}

/// Carries connections until either side ends.
pub async fn converse(
    socket: WebSocketStream<TokioIo<Upgraded>>,
    mut stream: Stream,
    cluster: &Handle,
) -> Result<(), Error> {
    let mut tunnel = Tunnel {
        socket,
        decoder: Decoder::default(),
        begun: false,
        errors: BTreeMap::new(),
        lanes: BTreeMap::new(),
        waiting: VecDeque::new(),
    };
    loop {
        tokio::select! {
            message = tunnel.socket.next() => match message.transpose()? {
                None | Some(Message::Close(_)) => return Ok(()),
                Some(Message::Binary(bytes)) => {
                    tunnel.decoder.push(&bytes);
                    loop {
                        match tunnel.decoder.frame() {
                            Ok(Some(frame)) => tunnel.heard(frame, &stream, cluster).await?,
                            Ok(None) => break,
                            // There is no way to say that within SPDY.
                            Err(spdy::Broken) => return tunnel.socket.close(None).await,
                        }
                    }
                }
                // Pings are answered by the library.
                Some(_) => {}
            },
            batch = stream.batches.recv() => {
                for chunk in batch.unwrap_or_else(|| vec![Chunk::Closed]) {
                    match chunk {
                        Chunk::Http { status, body, .. } => tunnel.answered(status, &body).await?,
                        Chunk::Error(status) => match tunnel.waiting.pop_front() {
                            Some(id) => tunnel.fail(id, &status.message).await?,
                            // The pod is gone.
                            None => return tunnel.socket.close(None).await,
                        },
                        Chunk::Closed => return tunnel.socket.close(None).await,
                        Chunk::Event(_) | Chunk::Stdout(_) | Chunk::Stderr(_) | Chunk::Exit(_) => {}
                    }
                }
            }
        }
    }
}

impl Tunnel {
    async fn say(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.socket.send(Message::Binary(bytes.into())).await
    }

    async fn heard(&mut self, frame: Frame, stream: &Stream, cluster: &Handle) -> Result<(), Error> {
        match frame {
            Frame::Open { id, headers } => {
                let header =
                    |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
                let request = header("requestid").unwrap_or_default().to_owned();
                let first = !std::mem::replace(&mut self.begun, true);
                let kind = header("streamtype");
                if kind == Some("error") && self.errors.len() < LANES {
                    self.errors.insert(request, id);
                } else if kind == Some("data") && self.lanes.len() < LANES {
                    let port = header("port").and_then(|text| text.parse().ok()).unwrap_or(0);
                    let errors = self.errors.remove(&request);
                    self.lanes.insert(id, Lane { port, errors, bytes: Vec::new(), asked: false });
                }
                self.say(spdy::reply(id, first)).await
            }
            Frame::Data { id, bytes, last } => {
                let Some(lane) = self.lanes.get_mut(&id) else { return Ok(()) };
                if !lane.asked {
                    lane.bytes.extend(bytes);
                }
                match lane.next(last) {
                    Next::Wait => Ok(()),
                    Next::Fail(why) => self.fail(id, why).await,
                    Next::Ask(method, path) => {
                        lane.asked = true;
                        lane.bytes = Vec::new();
                        let port = lane.port;
                        self.waiting.push_back(id);
                        cluster.send(stream.id, Upstream::Http { port, method, path }).await;
                        Ok(())
                    }
                }
            }
            // An answer that is still due finds no lane, and goes nowhere.
            Frame::Reset(id) => {
                self.lanes.remove(&id);
                Ok(())
            }
            Frame::Ping(bytes) => self.say(bytes).await,
        }
    }

    async fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), Error> {
        let Some(id) = self.waiting.pop_front() else { return Ok(()) };
        let Some(lane) = self.lanes.remove(&id) else { return Ok(()) };
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        self.say(spdy::data(id, head.as_bytes(), false)).await?;
        for part in body.chunks(1 << 16) {
            self.say(spdy::data(id, part, false)).await?;
        }
        self.end(id, &lane, "").await
    }

    /// Ends a lane with a word on why, or without one.
    async fn fail(&mut self, id: u32, why: &str) -> Result<(), Error> {
        let Some(lane) = self.lanes.remove(&id) else { return Ok(()) };
        self.end(id, &lane, why).await
    }

    async fn end(&mut self, id: u32, lane: &Lane, why: &str) -> Result<(), Error> {
        if let Some(errors) = lane.errors {
            self.say(spdy::data(errors, why.as_bytes(), true)).await?;
        }
        self.say(spdy::data(id, b"", true)).await
    }
}
