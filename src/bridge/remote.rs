//! exec and attach over WebSocket: a byte in front of each message says which stream it belongs to.
//!
//! Mirrors: apimachinery/pkg/util/remotecommand, apiserver/pkg/util/wsstream (v5 and v4.channel.k8s.io).
//! Left out: SPDY without WebSocket, which kubectl before 1.30 speaks, and the terminal's size, of
//! which no simulated program takes notice. Port-forward begins here and goes on in [`forward`].

use api::Status;
use api::wire::{Chunk, Upstream};
use futures_util::{SinkExt, StreamExt};
use hyper::HeaderMap;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::exchange::{self, Reply, Style};
use crate::forward;
use crate::owner::{Handle, Stream};
use crate::server::Place;
use crate::tty::{self, Terminal, Typed};

/// What is spoken here; v5 can end standard input.
const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// The largest message of a client; kubectl sends 32 KiB at most.
const LARGEST: usize = 1 << 20;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
/// Names another channel, which ends.
const CLOSE: u8 = 255;

/// How a program ends that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Takes over a connection that the cluster has agreed to turn into a stream.
pub fn upgrade(mut head: Parts, stream: Stream, cluster: &Handle, place: Place) -> Reply {
    let (key, protocol) = match handshake(&head) {
        Ok(agreed) => agreed,
        // The stream goes, and is closed with its reader.
        Err(status) => return exchange::refusal(status, Style::default()),
    };
    let Some(upgrade) = head.extensions.remove::<OnUpgrade>() else {
        return exchange::refusal(Status::bad_request("the connection cannot be upgraded"), Style::default());
    };
    let query = crate::target::query(head.uri.query().unwrap_or_default());
    let terminal = query.iter().any(|(key, value)| key == "tty" && matches!(value.as_str(), "true" | "1"));
    let terminal = terminal.then(Terminal::default);
    let cluster = cluster.clone();
    tokio::spawn(async move {
        // Held as long as the connection lives.
        let _place = place;
        if let Ok(upgraded) = upgrade.await {
            let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
            // An error is a client that went away.
            let _ = match protocol {
                forward::PROTOCOL => forward::converse(socket, stream, &cluster).await,
                _ => converse(socket, stream, &cluster, terminal).await,
            };
        }
    });
    let mut reply = exchange::switching();
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    if let Ok(key) = HeaderValue::try_from(key) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    }
    reply
}

/// The key to answer with, and the protocol both speak.
///
/// # Errors
/// What to say to a client that asks for another one.
fn handshake(head: &Parts) -> Result<(String, &'static str), Status> {
    let has = |name, word: &str| words(&head.headers, name).any(|found| found.eq_ignore_ascii_case(word));
    if !has(CONNECTION, "upgrade") {
        return Err(Status::bad_request("Upgrade request required"));
    }
    if !has(UPGRADE, "websocket") {
        let text = "the simulated API server speaks WebSocket, not SPDY: use kubectl 1.30 or later";
        return Err(Status::failure(501, "NotImplemented", text));
    }
    let protocols = if head.uri.path().ends_with("/portforward") { &[forward::PROTOCOL][..] } else { PROTOCOLS };
    let spoken = words(&head.headers, SEC_WEBSOCKET_PROTOCOL)
        .find_map(|offer| protocols.iter().find(|protocol| **protocol == offer))
        .ok_or_else(|| Status::bad_request(format!("the server speaks only {}", protocols.join(" and "))))?;
    let key = head.headers.get(SEC_WEBSOCKET_KEY).ok_or_else(|| Status::bad_request("Sec-WebSocket-Key is missing"))?;
    Ok((derive_accept_key(key.as_bytes()), spoken))
}

/// The words of a header that lists them.
fn words(headers: &HeaderMap, name: hyper::header::HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).map(str::trim)
}

/// Carries both directions until either side ends.
async fn converse(
    mut socket: WebSocketStream<TokioIo<Upgraded>>,
    mut stream: Stream,
    cluster: &Handle,
    mut terminal: Option<Terminal>,
) -> Result<(), Error> {
    let mut said = false;
    loop {
        tokio::select! {
            heard = socket.next() => match heard.transpose()? {
                None | Some(Message::Close(_)) => return Ok(()),
                Some(Message::Binary(bytes)) => match bytes.split_first() {
                    Some((&STDIN, keys)) => {
                        let typed = match &mut terminal {
                            Some(terminal) => terminal.typed(keys),
                            None => Typed { sent: vec![Upstream::Stdin(keys.to_vec())], ..Typed::default() },
                        };
                        if !typed.echo.is_empty() {
                            socket.send(message(STDOUT, typed.echo)).await?;
                        }
                        for data in typed.sent {
                            cluster.send(stream.id, data).await;
                        }
                        if typed.interrupted {
                            socket.send(message(ERROR, outcome(INTERRUPTED).to_string().into_bytes())).await?;
                            return socket.close(Some(done())).await;
                        }
                    }
                    Some((&CLOSE, [STDIN])) => cluster.send(stream.id, Upstream::Eof).await,
                    // Sizes of terminals, and channels that do not exist.
                    _ => {}
                },
                // Pings are answered by the library.
                Some(_) => {}
            },
            batch = stream.batches.recv() => {
                for chunk in batch.unwrap_or_else(|| vec![Chunk::Closed]) {
                    let (channel, bytes) = match chunk {
                        Chunk::Stdout(bytes) if terminal.is_some() => (STDOUT, tty::shown(&bytes)),
                        Chunk::Stdout(bytes) => (STDOUT, bytes),
                        Chunk::Stderr(bytes) => (STDERR, bytes),
                        Chunk::Exit(code) => (ERROR, outcome(code).to_string().into_bytes()),
                        Chunk::Error(status) => (ERROR, status.to_value().to_string().into_bytes()),
                        Chunk::Closed if said => return socket.close(Some(done())).await,
                        Chunk::Closed => {
                            socket.send(message(ERROR, outcome(0).to_string().into_bytes())).await?;
                            return socket.close(Some(done())).await;
                        }
                        Chunk::Event(_) | Chunk::Http { .. } => continue,
                    };
                    said |= channel == ERROR;
                    socket.send(message(channel, bytes)).await?;
                }
            }
        }
    }
}

/// The end that is none to worry about; clients take one without a code for an accident.
fn done() -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: "".into() }
}

fn message(channel: u8, mut bytes: Vec<u8>) -> Message {
    bytes.insert(0, channel);
    Message::Binary(bytes.into())
}

/// How a command ended, as the error stream says it.
fn outcome(code: i32) -> Value {
    if code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "reason": "NonZeroExitCode",
        "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
    })
}
