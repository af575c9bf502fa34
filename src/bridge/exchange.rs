//! HTTP in bytes on one side, the wire's requests, responses and chunks on the other.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/responsewriters. Left out: gzip, and answers in protobuf:
//! whoever asks for it gets JSON, and client libraries read what the answer says it is.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use api::Status;
use api::wire::{Body, Chunk, Json, Request, Response};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use crate::owner::Stream;
use crate::{protobuf, target};

/// Larger bodies are not even read.
const LARGEST: usize = 3 * 1024 * 1024;

pub type Reply = hyper::Response<Either<Full<Bytes>, Batches>>;

/// The request without its body.
///
/// # Errors
/// 405 for a method, 400 for a path that nobody can mean.
pub fn request(head: &Parts) -> Result<Request, Status> {
    let method = target::method(head.method.as_str()).ok_or_else(|| {
        Status::failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    })?;
    let path = target::decode(head.uri.path()).filter(|path| path.starts_with('/'));
    let mut request = Request::new(method, path.ok_or_else(|| Status::bad_request("invalid request target"))?);
    request.query = target::query(head.uri.query().unwrap_or_default());
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    request.headers = head.headers.iter().map(|(name, value)| (name.as_str().into(), text(value))).collect();
    let readable = !is_custom(&request.path);
    for (_, accept) in request.headers.iter_mut().filter(|(name, _)| name == "accept") {
        if readable && accept.contains(protobuf::MEDIA) && !accept.contains("application/json") {
            accept.push_str(", application/json");
        }
    }
    Ok(request)
}

/// Whether the path leads to what learners define: for that there is no protobuf upstream either, and who
/// asks for nothing else is refused.
fn is_custom(path: &str) -> bool {
    let Some(group) = path.strip_prefix("/apis/").and_then(|rest| rest.split('/').nth(2).and(rest.split('/').next()))
    else {
        return false;
    };
    api::scheme::RESOURCES.iter().chain(api::scheme::METRICS).all(|resource| resource.group != group)
}

/// The request's body, whole.
///
/// # Errors
/// 413 for large ones, 400 for one that was cut.
pub async fn body(incoming: Incoming) -> Result<Body, Status> {
    match Limited::new(incoming, LARGEST).collect().await {
        Ok(body) => {
            let bytes = body.to_bytes();
            Ok(if bytes.is_empty() { Body::Empty } else { Body::Bytes(bytes.into()) })
        }
        Err(error) if error.is::<LengthLimitError>() => {
            let text = format!("Request entity too large: limit is {LARGEST}");
            Err(Status::failure(413, "RequestEntityTooLarge", text))
        }
        Err(_) => Err(Status::bad_request("the body of the request ended early")),
    }
}

/// How a client wants JSON trees written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    yaml: bool,
    pretty: bool,
}

impl Style {
    /// People's own tools get indented answers unasked, as upstream decides it.
    pub fn of(request: &Request) -> Self {
        let accept = request.header("accept").unwrap_or_default();
        let media = accept.split(',').map(|offer| offer.split(';').next().unwrap_or_default().trim());
        let known = media
            .filter(|media| matches!(*media, "application/json" | "application/yaml" | "application/*" | "*/*" | ""));
        let agent = request.header("user-agent").unwrap_or_default();
        let pretty = match request.param("pretty") {
            Some(word) => matches!(word, "" | "1" | "true"),
            None => ["curl", "Wget", "Mozilla/5.0"].iter().any(|known| agent.starts_with(known)),
        };
        Self { yaml: known.into_iter().next() == Some("application/yaml"), pretty }
    }

    fn write(self, json: &Json) -> String {
        match self {
            Self { yaml: true, .. } => api::yaml::to_yaml(json),
            Self { pretty: true, .. } => format!("{json:#}\n"),
            Self { .. } => format!("{}\n", json.text()),
        }
    }
}

/// The response as HTTP.
pub fn reply(response: Response, stream: Option<Stream>, style: Style) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    for (name, value) in &response.headers {
        let value = if name == "warning" { warning(value) } else { value.clone() };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let (media, body) = match (response.body, stream) {
        (_, Some(stream)) => ("text/plain", Either::Right(Batches { stream: Some(stream) })),
        (Body::Json(value), None) => {
            let media = if style.yaml { "application/yaml" } else { "application/json" };
            (media, Either::Left(Full::from(style.write(&value))))
        }
        (Body::Bytes(bytes), None) => ("text/plain; charset=utf-8", Either::Left(Full::from(bytes))),
        (Body::Empty | Body::Stream(_), None) => ("", Either::Left(Full::default())),
    };
    if !media.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    let mut reply = hyper::Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *reply.headers_mut() = headers;
    reply
}

/// Status 101 and nothing else; what follows is no HTTP.
pub fn switching() -> Reply {
    let mut reply = hyper::Response::new(Either::Left(Full::default()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    reply
}

/// A refusal that never reached the cluster.
pub fn refusal(status: Status, style: Style) -> Reply {
    reply(status.into(), None, style)
}

/// `299 - "text"`, as RFC 7234 has it.
fn warning(text: &str) -> String {
    if text.starts_with("299 ") {
        return text.into();
    }
    let quoted: String = text
        .chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain(std::iter::once(c)))
        .collect();
    format!("299 - \"{quoted}\"")
}

/// A stream as a chunked body: events a line each, logs as they come.
pub struct Batches {
    /// None after the last batch.
    stream: Option<Stream>,
}

impl hyper::body::Body for Batches {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
            let chunks = ready!(stream.batches.poll_recv(context)).unwrap_or_else(|| vec![Chunk::Closed]);
            if chunks.contains(&Chunk::Closed) {
                self.stream = None;
            }
            let bytes: Vec<u8> = chunks.into_iter().flat_map(line).collect();
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
            }
        }
    }
}

fn line(chunk: Chunk) -> Vec<u8> {
    match chunk {
        Chunk::Event(what, object) => format!("{{\"type\":\"{what}\",\"object\":{}}}\n", object.text()).into_bytes(),
        Chunk::Stdout(bytes) | Chunk::Stderr(bytes) => bytes,
        Chunk::Error(status) => format!("{}\n", status.to_value()).into_bytes(),
        Chunk::Http { .. } | Chunk::Tcp(..) | Chunk::Exit(_) | Chunk::Closed => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(accept: &str, agent: &str) -> Request {
        Request::get("/api/v1/pods").with_header("accept", accept).with_header("user-agent", agent)
    }

    #[test]
    fn the_first_media_type_that_can_be_made_decides() {
        for (accept, yaml) in [
            ("application/yaml", true),
            ("application/json, application/yaml", false),
            ("application/vnd.kubernetes.protobuf, application/yaml", true),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", false),
            ("*/*", false),
            ("", false),
        ] {
            assert_eq!(Style::of(&asking(accept, "kubectl/v1.36.0")).yaml, yaml, "{accept}");
        }
    }

    #[test]
    fn json_is_made_for_whoever_asks_for_protobuf_but_of_custom_resources() {
        for (path, custom) in [
            ("/apis/apps/v1/namespaces/default/deployments", false),
            ("/apis/metrics.k8s.io/v1beta1/pods", false),
            ("/apis/stable.example.com/v1", false),
            ("/apis/stable.example.com/v1/crontabs", true),
            ("/apis/stable.example.com/v1/namespaces/default/crontabs/a", true),
            ("/api/v1/pods", false),
        ] {
            assert_eq!(is_custom(path), custom, "{path}");
        }
    }

    #[test]
    fn people_get_indented_answers() {
        for (agent, pretty, indented) in [
            ("curl/8.5.0", None, true),
            ("curl/8.5.0", Some("false"), false),
            ("kubectl/v1.36.0", None, false),
            ("k9s", Some("1"), true),
        ] {
            let mut request = asking("*/*", agent);
            request.query = pretty.map(|word| ("pretty".into(), word.into())).into_iter().collect();
            assert_eq!(Style::of(&request).pretty, indented, "{agent} {pretty:?}");
        }
    }

    #[test]
    fn warnings_are_quoted_once() {
        assert_eq!(warning("unknown field \"spec.x\""), r#"299 - "unknown field \"spec.x\"""#);
        assert_eq!(warning("299 - \"said\""), "299 - \"said\"");
    }
}
