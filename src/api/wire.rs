//! What travels between a client and the API server: requests, responses, streams. No transport, no state.
//!
//! Inside one process bodies stay objects and JSON trees; the bridge turns them into bytes.

mod json;

use serde_json::Value;

use crate::status::Status;

pub use json::{Json, WeakJson};

/// HTTP methods the API server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
        }
    }
}

/// A request as HTTP would carry it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: Method,
    /// Starts with `/`, decoded, without the query.
    pub path: String,
    /// Decoded pairs in order; a key may repeat.
    pub query: Vec<(String, String)>,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), body: Body::Empty }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    #[must_use]
    pub fn with_query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    /// Sets a header; the name must be lower-case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn with_json(mut self, body: impl Into<Json>) -> Self {
        self.body = Body::Json(body.into());
        self
    }

    /// The first value of a query key.
    pub fn param(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Whether a query key says yes; see [`says_yes`].
    pub fn flag(&self, key: &str) -> bool {
        self.param(key).is_some_and(says_yes)
    }

    /// All values of a query key, in order.
    pub fn params<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

/// How query parameters say yes: whatever is not a plain no. Python's clients write `True`.
///
/// Mirrors: apimachinery/pkg/runtime/conversion.go `Convert_Slice_string_To_bool`.
pub fn says_yes(value: &str) -> bool {
    value != "0" && !value.eq_ignore_ascii_case("false")
}

/// What a request or response carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Body {
    #[default]
    Empty,
    /// Shared: the server gives out what it has at hand.
    Json(Json),
    /// Anything else: YAML, plain text, bytes of a log. `content-type` says which.
    Bytes(Vec<u8>),
    /// Continues as a stream: read it with [`Backend::poll`].
    Stream(StreamId),
}

/// Names an open stream of one backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// HTTP status code; 0 when there was no answer.
    pub status: u16,
    /// Lower-case names; `warning` may repeat.
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Response {
    pub fn json(status: u16, body: impl Into<Json>) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body.into()) }
    }

    /// Plain text, as `/healthz` and unknown paths answer.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/plain; charset=utf-8".into())],
            body: Body::Bytes(text.into().into_bytes()),
        }
    }

    /// No answer: nothing listens at the address.
    pub fn refused() -> Self {
        Self { status: 0, headers: Vec::new(), body: Body::Empty }
    }

    /// See [`Response::refused`].
    pub fn is_refused(&self) -> bool {
        self.status == 0
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status) || self.status == 101
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The texts of all `Warning: 299 - "…"` headers, unquoted, in order.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(|(k, _)| k == "warning").map(|(_, v)| v.as_str())
    }

    /// The JSON body, or null.
    pub fn value(&self) -> &Value {
        match &self.body {
            Body::Json(value) => value,
            Body::Empty | Body::Bytes(_) | Body::Stream(_) => &Value::Null,
        }
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Self {
        let mut response = Self::json(status.code, status.to_value());
        if let Some(seconds) = status.details.as_ref().map(|details| details.retry_after_seconds).filter(|s| *s > 0) {
            response.headers.push(("retry-after".into(), seconds.to_string()));
        }
        response
    }
}

/// A header of our own clients: they do not read `managedFields` in the rows of this table.
pub const WITHOUT_OWNERS: &str = "x-without-managed-fields";

/// One item of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// A watch event, `{"type": …, "object": …}`: what happened, and to what. Shared as answers are.
    Event(&'static str, Json),
    /// Output of a log or of a remote process.
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    /// A connection to a forwarded port was answered: HTTP status and body.
    Http {
        port: u16,
        status: u16,
        body: Vec<u8>,
    },
    /// A connection to a forwarded port, by the number its client gave it.
    Tcp(u32, Tcp),
    /// The remote process ended. Exec reports its exit code; others 0.
    Exit(i32),
    /// The stream broke with an error the client shows.
    Error(Status),
    /// Nothing will follow.
    Closed,
}

/// What happens on a connection to a forwarded port, in either direction.
///
/// Programs of the simulation that speak HTTP take requests, not bytes: who forwards the connection
/// speaks HTTP with whoever is at its other end.
#[derive(Debug, Clone, PartialEq)]
pub enum Tcp {
    /// Client: to this port.
    Connect {
        port: u16,
    },
    /// Server: somebody listens there.
    Connected {
        http: bool,
    },
    /// Server: nobody does, or nobody who could be spoken with.
    Refused(String),
    /// Client, when it is spoken with in HTTP.
    Request {
        method: String,
        target: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Server, to each request in turn.
    Response {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    Bytes(Vec<u8>),
    /// Nothing more comes from this side.
    Shut,
    /// Client: the connection is gone.
    Gone,
}

/// What a client may send into an open stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Upstream {
    Stdin(Vec<u8>),
    /// End of standard input.
    Eof,
    /// Ask a forwarded port (of the pod) for a path over HTTP.
    Http {
        port: u16,
        method: Method,
        path: String,
    },
    /// On the connection of this number, which the client chooses.
    Tcp(u32, Tcp),
}

/// Virtual time in milliseconds since the cluster's start.
pub type Millis = u64;

/// The other end of the wire, as a client in the same process sees it.
pub trait Backend {
    /// Virtual wall-clock time, milliseconds since the Unix epoch: what ages are computed from.
    fn unix_millis(&self) -> u64;
    /// Answers at the present instant.
    fn submit(&mut self, request: Request) -> Response;
    /// What arrived on the stream since the last call; ends with [`Chunk::Closed`] when it is over.
    fn poll(&mut self, stream: StreamId) -> Vec<Chunk>;
    fn send(&mut self, stream: StreamId, data: Upstream);
    fn close(&mut self, stream: StreamId);
}
