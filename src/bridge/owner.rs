//! The thread that owns the cluster: real time drives virtual time, requests and streams come by channel.
//!
//! Every question is answered before its asker may put another, so what waits here is bounded by
//! the connections. A stream is polled only while its reader takes what it gets: what a slow reader
//! has not taken stays a cursor in the engine, and a watch that falls behind the log is told so (410).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use api::Status;
use api::wire::{Backend, Body, Chunk, Method, Request, Response, StreamId, Upstream};
use engine::Cluster;
use engine::sim::Millis;
use tokio::sync::{mpsc, oneshot};

/// Events handled before requests are looked at again.
const BUDGET: usize = 500;
/// Requests answered before time goes on.
const TURN: usize = 64;
/// Polls that a reader may be behind.
const BATCHES: usize = 4;
/// The longest sleep: how late a cut connection is noticed.
const TICK: Duration = Duration::from_millis(50);
/// Virtual time may be behind by this much real time before it gives up catching up.
const LATE: Duration = Duration::from_secs(1);
/// Deep documents recurse.
const STACK: usize = 64 << 20;

/// What connections ask of the cluster.
enum Ask {
    Request(Box<Request>, oneshot::Sender<Answer>),
    Send(StreamId, Upstream, oneshot::Sender<()>),
    Look(Box<dyn FnOnce(&mut Cluster) + Send>),
    Traffic(Sender<Traffic>),
}

/// What goes between the cluster and its clients, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, and messages on streams.
    pub asked: u64,
    /// Batches put on streams.
    pub told: u64,
    /// Streams that are open.
    pub open: usize,
    /// Whether a reader has yet to take what it was told.
    pub behind: bool,
}

/// A response, and the stream it continues as.
pub struct Answer {
    pub response: Response,
    pub stream: Option<Stream>,
}

/// The reading end of a stream. Dropping it closes the stream.
pub struct Stream {
    pub id: StreamId,
    pub batches: mpsc::Receiver<Vec<Chunk>>,
}

/// A connection's way to the cluster. With the last one the thread ends.
#[derive(Clone)]
pub struct Handle(Sender<Ask>);

impl Handle {
    /// `None` when the cluster is gone.
    pub async fn request(&self, request: Request) -> Option<Answer> {
        let (tell, told) = oneshot::channel();
        self.0.send(Ask::Request(Box::new(request), tell)).ok()?;
        told.await.ok()
    }

    /// Returns when the cluster has taken it: a flood waits in its own connection.
    pub async fn send(&self, stream: StreamId, data: Upstream) {
        let (tell, told) = oneshot::channel();
        if self.0.send(Ask::Send(stream, data, tell)).is_ok() {
            // A cluster that is gone takes nothing; the stream's end says so.
            let _ = told.await;
        }
    }

    /// Does something to the cluster between two requests, and waits until it is done.
    /// `None` when the cluster is gone.
    pub fn look<R: Send + 'static>(&self, look: impl FnOnce(&mut Cluster) -> R + Send + 'static) -> Option<R> {
        let (tell, told) = channel();
        let look = move |cluster: &mut Cluster| {
            // Whoever has gone meanwhile wants no answer.
            let _ = tell.send(look(cluster));
        };
        self.0.send(Ask::Look(Box::new(look))).ok()?;
        told.recv().ok()
    }

    /// `None` when the cluster is gone.
    pub fn traffic(&self) -> Option<Traffic> {
        let (tell, told) = channel();
        self.0.send(Ask::Traffic(tell)).ok()?;
        told.recv().ok()
    }
}

/// # Errors
/// The system gives no thread.
pub fn start(cluster: Cluster, speed: u32) -> std::io::Result<(Handle, JoinHandle<()>)> {
    let (sender, asks) = channel();
    let thread = std::thread::Builder::new().name("cluster".into()).stack_size(STACK).spawn(move || {
        let clock = Clock { real: Instant::now(), at: cluster.now(), speed };
        Owner { cluster, clock, streams: Vec::new(), traffic: Traffic::default() }.run(&asks);
    })?;
    Ok((Handle(sender), thread))
}

/// Which virtual instant it is now.
struct Clock {
    real: Instant,
    at: Millis,
    /// 0: it stands still.
    speed: u32,
}

impl Clock {
    fn now(&self) -> Millis {
        let passed = self.real.elapsed().as_millis().saturating_mul(u128::from(self.speed));
        self.at.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// How long it really takes until then.
    fn until(&self, at: Millis) -> Duration {
        Duration::from_millis(at.saturating_sub(self.now()).div_ceil(u64::from(self.speed.max(1))))
    }

    /// Goes on from here: what could not be simulated in time is not caught up with.
    fn restart(&mut self, at: Millis) {
        (self.real, self.at) = (Instant::now(), at);
    }
}

/// The writing end of a stream.
struct Open {
    id: StreamId,
    reader: mpsc::Sender<Vec<Chunk>>,
}

struct Owner {
    cluster: Cluster,
    clock: Clock,
    streams: Vec<Open>,
    traffic: Traffic,
}

impl Owner {
    fn run(mut self, asks: &Receiver<Ask>) {
        loop {
            let idle = self.pass();
            self.deliver();
            let mut next = asks.recv_timeout(idle);
            for _ in 0..TURN {
                match next {
                    Ok(ask) => self.answer(ask),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                next = asks.recv_timeout(Duration::ZERO);
            }
            // The one that was taken when the turn ended.
            match next {
                Ok(ask) => self.answer(ask),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Lets time pass up to now; how long nothing is due then.
    fn pass(&mut self) -> Duration {
        if self.clock.speed == 0 {
            return TICK;
        }
        let target = self.clock.now().max(self.cluster.now());
        let ran = self.cluster.run_until(target, BUDGET);
        let late = Duration::from_millis(target.saturating_sub(self.cluster.now()) / u64::from(self.clock.speed));
        if late > LATE {
            self.clock.restart(self.cluster.now());
        }
        match self.cluster.next_event_at() {
            _ if !ran.complete => Duration::ZERO,
            Some(at) => self.clock.until(at).min(TICK),
            None => TICK,
        }
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Look(look) => {
                look(&mut self.cluster);
                self.clock.restart(self.cluster.now());
            }
            Ask::Traffic(tell) => {
                self.deliver();
                let behind = self.streams.iter().any(|open| open.reader.capacity() < BATCHES);
                // Whoever has gone meanwhile wants no answer.
                let _ = tell.send(Traffic { open: self.streams.len(), behind, ..self.traffic });
            }
            Ask::Request(request, tell) => {
                self.traffic.asked += 1;
                let response = self.submit(*request);
                let stream = match response.body {
                    Body::Stream(id) => {
                        let (reader, batches) = mpsc::channel(BATCHES);
                        self.streams.push(Open { id, reader });
                        Some(Stream { id, batches })
                    }
                    Body::Empty | Body::Json(_) | Body::Bytes(_) => None,
                };
                // Whoever has gone meanwhile gets no answer; the next delivery closes their stream.
                let _ = tell.send(Answer { response, stream });
            }
            Ask::Send(stream, data, tell) => {
                self.traffic.asked += 1;
                self.cluster.send(stream, data);
                let _ = tell.send(());
            }
        }
    }

    /// A request that the engine chokes on has not happened, and costs nobody else the cluster.
    fn submit(&mut self, request: Request) -> Response {
        // A checkpoint costs by the node; whoever only reads leaves nothing half done.
        let reads = request.method == Method::Get && request.header("upgrade").is_none();
        let before = (!reads).then(|| self.cluster.clone());
        let cluster = &mut self.cluster;
        match catch_unwind(AssertUnwindSafe(|| cluster.submit(request))) {
            Ok(response) => response,
            Err(_) => {
                if let Some(before) = before {
                    self.cluster = before;
                }
                Status::internal("the simulated API server panicked; nothing was changed").into()
            }
        }
    }

    /// Hands out what arrived on the streams, and closes those nobody reads any more.
    fn deliver(&mut self) {
        let (cluster, told) = (&mut self.cluster, &mut self.traffic.told);
        self.streams.retain(|open| {
            if open.reader.is_closed() {
                cluster.close(open.id);
                return false;
            }
            let Ok(room) = open.reader.try_reserve() else { return true };
            let chunks = cluster.poll(open.id);
            let over = chunks.contains(&Chunk::Closed);
            if !chunks.is_empty() {
                room.send(chunks);
                *told += 1;
            }
            !over
        });
    }
}
