//! exec, attach and port-forward: how a request becomes a conversation, and which is spoken.
//!
//! Mirrors: apimachinery/pkg/util/{remotecommand,httpstream}, apiserver/pkg/util/wsstream. WebSocket is
//! what kubectl since 1.31, kube-rs and the Python client speak; SPDY on its own is older kubectl's.
//! What is said is in [`channels`] for commands and in [`forward`] for ports.

use api::Status;
use api::wire::says_yes;
use hyper::HeaderMap;
use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::channels::{self, Channels};
use crate::duct::Duct;
use crate::exchange::{self, Reply, Style};
use crate::forward;
use crate::owner::{Handle, Stream};
use crate::server::Place;
use crate::tty::Terminal;

/// Where a client of SPDY says what it speaks inside.
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// What both sides speak.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Agreed {
    /// The answer to a WebSocket's key; without one it is SPDY.
    accept: Option<String>,
    protocol: &'static str,
}

/// Takes over a connection that the cluster has agreed to turn into a stream.
pub fn upgrade(mut head: Parts, stream: Stream, cluster: &Handle, place: Place) -> Reply {
    let agreed = match handshake(&head) {
        Ok(agreed) => agreed,
        // The stream goes, and is closed with its reader.
        Err(status) => return exchange::refusal(status, Style::default()),
    };
    let Some(upgrade) = head.extensions.remove::<OnUpgrade>() else {
        return exchange::refusal(Status::bad_request("the connection cannot be upgraded"), Style::default());
    };
    let query = crate::target::query(head.uri.query().unwrap_or_default());
    let cluster = cluster.clone();
    let Agreed { accept, protocol } = agreed.clone();
    tokio::spawn(async move {
        // Held as long as the connection lives.
        let _place = place;
        let Ok(upgraded) = upgrade.await else { return };
        let duct = if accept.is_some() { Duct::web(upgraded).await } else { Duct::raw(upgraded) };
        let yes = |name: &str| query.iter().any(|(key, value)| key == name && says_yes(value));
        // An error is a client that went away.
        let _ = match protocol {
            forward::TUNNELLED | forward::SPDY => forward::spdy(duct, stream, &cluster).await,
            forward::CHANNELS if head.uri.path().ends_with(FORWARD) => {
                forward::channels(duct, stream, &cluster, forward::ports(&query)).await
            }
            _ => {
                let channels = if accept.is_some() { Channels::web() } else { Channels::spdy(yes) };
                channels::converse(duct, channels, stream, &cluster, yes("tty").then(Terminal::default)).await
            }
        };
    });
    switching(&agreed)
}

const FORWARD: &str = "/portforward";

fn switching(agreed: &Agreed) -> Reply {
    let mut reply = exchange::switching();
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    let protocol = HeaderValue::from_static(agreed.protocol);
    match &agreed.accept {
        Some(key) => {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
            if let Ok(key) = HeaderValue::try_from(key) {
                headers.insert(SEC_WEBSOCKET_ACCEPT, key);
            }
        }
        None => {
            headers.insert(UPGRADE, HeaderValue::from_static("SPDY/3.1"));
            headers.insert(STREAM_PROTOCOL, protocol);
        }
    }
    reply
}

/// What both speak.
///
/// # Errors
/// What to say to a client that speaks something else.
fn handshake(head: &Parts) -> Result<Agreed, Status> {
    let has = |name, word: &str| words(&head.headers, name).any(|found| found.eq_ignore_ascii_case(word));
    if !has(CONNECTION, "upgrade") {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let forwards = head.uri.path().ends_with(FORWARD);
    let choose = |name: HeaderName, known: &[&'static str]| {
        words(&head.headers, name)
            .find_map(|offer| known.iter().find(|protocol| **protocol == offer).copied())
            .ok_or_else(|| Status::bad_request(format!("the server speaks only {}", known.join(" and "))))
    };
    if has(UPGRADE, "websocket") {
        let known = if forwards { &[forward::TUNNELLED, forward::CHANNELS][..] } else { channels::WEB };
        let protocol = choose(SEC_WEBSOCKET_PROTOCOL, known)?;
        let key = head.headers.get(SEC_WEBSOCKET_KEY);
        let key = key.ok_or_else(|| Status::bad_request("Sec-WebSocket-Key is missing"))?;
        return Ok(Agreed { accept: Some(derive_accept_key(key.as_bytes())), protocol });
    }
    if !has(UPGRADE, "SPDY/3.1") {
        return Err(Status::bad_request("unable to upgrade: the server speaks WebSocket and SPDY/3.1"));
    }
    let known = if forwards { &[forward::SPDY][..] } else { channels::SPDY };
    Ok(Agreed { accept: None, protocol: choose(STREAM_PROTOCOL, known)? })
}

/// The words of a header that lists them.
fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).map(str::trim)
}
