//! What the connections of a port-forward carry: bytes on the client's side; on the cluster's, bytes or requests.
//!
//! Simulated programs that speak HTTP take requests and give answers, so a server of HTTP/1 stands
//! before each connection to one: pipelined or chunked, kept alive or not, it is the library's concern.
//! What a slow side has not taken is bounded: then nothing more is read from the client.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use api::wire::{Chunk, Tcp, Upstream};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};

use crate::owner::{Handle, Stream};

/// Larger bodies of requests are refused.
const LARGEST: usize = 3 * 1024 * 1024;
/// Bytes between a client and the server of HTTP before it.
const BUFFER: usize = 64 * 1024;
/// Pieces that may wait in either direction.
const PIECES: usize = 16;

/// What is to be told to the client.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Bytes(Vec<u8>),
    /// Why it could not be done; the end follows.
    Failed(String),
    End,
    /// The pod is gone, and every connection with it.
    Lost,
}

/// What happened, to be handled by [`Lanes::handle`].
pub enum Event {
    /// There is room again for what a connection was given.
    Room,
    Lane(u32, Answer),
    Cluster(Vec<Chunk>),
}

/// What a server of HTTP came to.
pub enum Answer {
    Bytes(Vec<u8>),
    Ask(Tcp, oneshot::Sender<Tcp>),
    End,
}

enum Lane {
    /// Nobody has said yet who listens.
    Connecting {
        held: Vec<u8>,
        shut: bool,
    },
    Http {
        /// `None` when the client has no more to say.
        input: Option<mpsc::Sender<Vec<u8>>>,
        /// Who waits for answers: they come in the order of the questions.
        asked: VecDeque<oneshot::Sender<Tcp>>,
    },
    Bytes,
}

/// All connections of one client.
pub struct Lanes {
    stream: Stream,
    cluster: Handle,
    open: BTreeMap<u32, Lane>,
    teller: mpsc::Sender<(u32, Answer)>,
    told: mpsc::Receiver<(u32, Answer)>,
    /// What a connection has no room for.
    full: Option<(mpsc::Sender<Vec<u8>>, Vec<u8>)>,
}

impl Lanes {
    pub fn new(stream: Stream, cluster: &Handle) -> Self {
        let (teller, told) = mpsc::channel(PIECES);
        Self { stream, cluster: cluster.clone(), open: BTreeMap::new(), teller, told, full: None }
    }

    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Whether the client may say more: what it said was taken.
    pub fn takes_more(&self) -> bool {
        self.full.is_none()
    }

    async fn say(&self, lane: u32, tcp: Tcp) {
        self.cluster.send(self.stream.id, Upstream::Tcp(lane, tcp)).await;
    }

    pub async fn open(&mut self, lane: u32, port: u16) {
        self.open.insert(lane, Lane::Connecting { held: Vec::new(), shut: false });
        self.say(lane, Tcp::Connect { port }).await;
    }

    pub async fn bytes(&mut self, lane: u32, bytes: Vec<u8>) {
        match self.open.get_mut(&lane) {
            Some(Lane::Connecting { held, .. }) if held.len() < LARGEST => held.extend(bytes),
            Some(Lane::Http { input: Some(input), .. }) => {
                if let Err(mpsc::error::TrySendError::Full(bytes)) = input.try_send(bytes) {
                    self.full = Some((input.clone(), bytes));
                }
            }
            Some(Lane::Bytes) => self.say(lane, Tcp::Bytes(bytes)).await,
            // After its end, or more than anybody sends before the first answer.
            Some(Lane::Connecting { .. } | Lane::Http { input: None, .. }) | None => {}
        }
    }

    /// The client has no more to say.
    pub async fn shut(&mut self, lane: u32) {
        match self.open.get_mut(&lane) {
            Some(Lane::Connecting { shut, .. }) => *shut = true,
            Some(Lane::Http { input, .. }) => *input = None,
            Some(Lane::Bytes) => self.say(lane, Tcp::Shut).await,
            None => {}
        }
    }

    /// The client has gone from a connection.
    pub async fn gone(&mut self, lane: u32) {
        if self.open.remove(&lane).is_some() {
            self.say(lane, Tcp::Gone).await;
        }
    }

    /// What happens next. Nothing is lost when this is given up halfway.
    pub async fn event(&mut self) -> Event {
        let room = async {
            match &self.full {
                // Who does not take it any more needs no room for it.
                Some((input, _)) => drop(input.reserve().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = room => Event::Room,
            // There is always a teller: our own.
            Some((lane, answer)) = self.told.recv() => Event::Lane(lane, answer),
            batch = self.stream.batches.recv() => Event::Cluster(batch.unwrap_or_else(|| vec![Chunk::Closed])),
        }
    }

    /// Does what an event asks for; gives what the client is to be told.
    pub async fn handle(&mut self, event: Event) -> Vec<(u32, Said)> {
        let mut out = Vec::new();
        match event {
            Event::Room => {
                if let Some((input, bytes)) = self.full.take()
                    && let Err(mpsc::error::TrySendError::Full(bytes)) = input.try_send(bytes)
                {
                    self.full = Some((input, bytes));
                }
            }
            // An answer that is still due finds no lane, and goes nowhere.
            Event::Lane(lane, _) if !self.open.contains_key(&lane) => {}
            Event::Lane(lane, Answer::Bytes(bytes)) => out.push((lane, Said::Bytes(bytes))),
            Event::Lane(lane, Answer::End) => self.end(lane, &mut out).await,
            Event::Lane(lane, Answer::Ask(request, tell)) => {
                if let Some(Lane::Http { asked, .. }) = self.open.get_mut(&lane) {
                    asked.push_back(tell);
                }
                self.say(lane, request).await;
            }
            Event::Cluster(chunks) => {
                for chunk in chunks {
                    match chunk {
                        Chunk::Tcp(lane, tcp) => self.answered(lane, tcp, &mut out).await,
                        Chunk::Error(_) | Chunk::Closed => out.push((0, Said::Lost)),
                        Chunk::Event(..)
                        | Chunk::Stdout(_)
                        | Chunk::Stderr(_)
                        | Chunk::Http { .. }
                        | Chunk::Exit(_) => {}
                    }
                }
            }
        }
        out
    }

    async fn end(&mut self, lane: u32, out: &mut Vec<(u32, Said)>) {
        if self.open.remove(&lane).is_some() {
            self.say(lane, Tcp::Gone).await;
            out.push((lane, Said::End));
        }
    }

    async fn answered(&mut self, lane: u32, tcp: Tcp, out: &mut Vec<(u32, Said)>) {
        match (self.open.get_mut(&lane), tcp) {
            (Some(state @ Lane::Connecting { .. }), Tcp::Connected { http }) => {
                let fresh = if http { Lane::Http { input: None, asked: VecDeque::new() } } else { Lane::Bytes };
                let Lane::Connecting { held, shut } = std::mem::replace(state, fresh) else { return };
                if let Lane::Http { input, .. } = state {
                    *input = Some(serve(lane, self.teller.clone()));
                }
                if !held.is_empty() {
                    self.bytes(lane, held).await;
                }
                if shut {
                    self.shut(lane).await;
                }
            }
            (Some(Lane::Http { asked, .. }), response @ Tcp::Response { .. }) => {
                if let Some(tell) = asked.pop_front() {
                    // Whoever asked may be gone by now.
                    let _ = tell.send(response);
                }
            }
            (Some(_), Tcp::Refused(why)) => {
                out.push((lane, Said::Failed(why)));
                self.end(lane, out).await;
            }
            (Some(Lane::Bytes), Tcp::Bytes(bytes)) => out.push((lane, Said::Bytes(bytes))),
            // Clients take a connection for over when one side is.
            (Some(Lane::Bytes), Tcp::Shut) => self.end(lane, out).await,
            (None | Some(Lane::Connecting { .. } | Lane::Http { .. } | Lane::Bytes), _) => {}
        }
    }
}

/// Puts a server of HTTP before a connection; gives the way to it.
fn serve(lane: u32, teller: mpsc::Sender<(u32, Answer)>) -> mpsc::Sender<Vec<u8>> {
    let (client, server) = tokio::io::duplex(BUFFER);
    let (input, pieces) = mpsc::channel(PIECES);
    let asks = teller.clone();
    tokio::spawn(async move {
        let service = service_fn(move |request| answer(request, lane, asks.clone()));
        // An error is a client that spoke no HTTP, and was told so, or went away.
        let _ = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(server), service).await;
    });
    tokio::spawn(carry(client, pieces, lane, teller));
    input
}

/// Carries bytes between a client and the server of HTTP before its connection, until that ends.
async fn carry(
    client: DuplexStream,
    mut pieces: mpsc::Receiver<Vec<u8>>,
    lane: u32,
    teller: mpsc::Sender<(u32, Answer)>,
) {
    let (mut output, mut input) = tokio::io::split(client);
    let inward = async move {
        while let Some(piece) = pieces.recv().await {
            // The server may have hung up; then the other direction ends.
            if input.write_all(&piece).await.is_err() {
                break;
            }
        }
        let _ = input.shutdown().await;
        // Nothing follows, and nobody else decides when it is over.
        std::future::pending::<()>().await;
    };
    let outward = async {
        let mut piece = Vec::with_capacity(BUFFER);
        while output.read_buf(&mut piece).await.is_ok_and(|count| count > 0) {
            let bytes = std::mem::replace(&mut piece, Vec::with_capacity(BUFFER));
            if teller.send((lane, Answer::Bytes(bytes))).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
    // The tunnel may be gone, too.
    let _ = teller.send((lane, Answer::End)).await;
}

async fn answer(
    request: Request<Incoming>,
    lane: u32,
    asks: mpsc::Sender<(u32, Answer)>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let request = Tcp::Request {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: body.to_bytes().into(),
    };
    let (tell, told) = oneshot::channel();
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    asks.send((lane, Answer::Ask(request, tell))).await.map_err(|_| gone())?;
    let Ok(Tcp::Response { status, headers, body }) = told.await else { return Err(gone()) };
    let mut response = Response::builder().status(status);
    for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
        response = response.header(name, value);
    }
    response.body(Full::from(body)).map_err(io::Error::other)
}
