//! Connections: accepted up to a limit, each with bounds on what its client may send and how slowly.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use api::Status;
use api::wire::Method;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use crate::exchange::{self, Reply, Style};
use crate::owner::{Answer, Handle};
use crate::patience::Patient;
use crate::{admin, guard, openapi, protobuf, remote};

/// All headers of a request together, in bytes; more is 431.
const HEADERS: usize = 64 * 1024;
/// Said to a connection too many; client-go comes back after that second.
const FULL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 44\r\n\r\nToo many requests, please try again later.\r\n";

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections: usize,
    pub patience: Duration,
    /// Whether [`admin`] is served.
    pub admin: bool,
}

/// Serves until it is told to stop. The connections are tasks of the runtime and end with it.
pub async fn serve(listener: StdListener, cluster: Handle, limits: Limits, stopped: oneshot::Receiver<()>) {
    tokio::select! {
        _ = stopped => {}
        failed = accept(listener, cluster, limits) => {
            let Err(error) = failed;
            eprintln!("the bridge cannot listen: {error}");
        }
    }
}

async fn accept(listener: StdListener, cluster: Handle, limits: Limits) -> io::Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or the client has gone already.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            // Whether it could be said or not, the connection ends here.
            let _ = stream.try_write(FULL);
            continue;
        };
        let cluster = cluster.clone();
        tokio::spawn(async move {
            connection(stream, cluster, limits, Arc::new(place)).await;
        });
    }
}

/// Held by whatever still uses the connection: HTTP, then perhaps a WebSocket.
pub type Place = Arc<tokio::sync::OwnedSemaphorePermit>;

async fn connection(stream: TcpStream, cluster: Handle, limits: Limits, place: Place) {
    // Watches send small things; they should not wait for more.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Patient::new(stream, limits.patience));
    let service = service_fn(|request| exchange(request, &cluster, limits, &place));
    // An error is a client that went away, was too slow or spoke no HTTP; hyper has told it so.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(HEADERS)
        .serve_connection(io, service)
        .with_upgrades()
        .await;
}

/// Nothing listens: the connection is closed without an answer.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the API server is down")
    }
}

impl std::error::Error for Refused {}

async fn exchange(
    request: hyper::Request<Incoming>,
    cluster: &Handle,
    limits: Limits,
    place: &Place,
) -> Result<Reply, Refused> {
    let (head, incoming) = request.into_parts();
    if !guard::admits(&head.headers) {
        let status = Status::failure(403, "Forbidden", "only this machine's own programs are served");
        return Ok(exchange::refusal(status, Style::default()));
    }
    let mut asked = match exchange::request(&head) {
        Ok(asked) => asked,
        Err(status) => return Ok(exchange::refusal(status, Style::default())),
    };
    let style = Style::of(&asked);
    if matches!(asked.method, Method::Post | Method::Put | Method::Patch | Method::Delete) {
        asked.body = match timeout(limits.patience, exchange::body(incoming)).await {
            Ok(Ok(body)) => body,
            Ok(Err(status)) => return Ok(exchange::refusal(status, style)),
            Err(_) => {
                let status = Status::failure(408, "Timeout", "the body of the request did not come in time");
                return Ok(exchange::refusal(status, style));
            }
        };
        if let Err(status) = protobuf::rewrite(&mut asked) {
            return Ok(exchange::refusal(status, style));
        }
    }
    if limits.admin && asked.path.starts_with(admin::PREFIX) {
        return Ok(exchange::reply(admin::answer(asked, cluster).await, None, style));
    }
    let protobuf = openapi::is_wanted(&asked);
    let Some(Answer { mut response, stream }) = cluster.request(asked).await else { return Err(Refused) };
    if protobuf {
        response = openapi::rewrite(response);
    }
    match stream {
        _ if response.is_refused() => Err(Refused),
        Some(stream) if response.status == 101 => Ok(remote::upgrade(head, stream, cluster, place.clone())),
        stream => Ok(exchange::reply(response, stream, style)),
    }
}
