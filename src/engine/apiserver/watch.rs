//! Open watches of HTTP clients: a cursor in the log, a selection, and how to print.
//!
//! A watch that selects sees an object appear when it begins to match and leave when it stops.
//! Mirrors: apiserver/pkg/storage/cacher, apiserver/pkg/endpoints/handlers/watch.go.

use api::wire::{Body, Chunk, Request, Response, StreamId};
use api::{Object, Status};
use serde_json::{Value, json};

use super::ApiServer;
use super::handler::list::{Selection, check_list_options, parse_version};
use super::handler::negotiate::{Shape, not_acceptable, partial};
use super::handler::route::Target;
use super::storage::{Change, Ownership, Revision, Stored};
use crate::sim::Millis;

/// One open watch.
#[derive(Debug, Clone)]
pub struct Watch {
    request: Request,
    target: Target,
    selection: Selection,
    shape: Shape,
    /// The last version seen.
    cursor: u64,
    /// Events that were due when the watch opened.
    initial: Vec<Chunk>,
    /// Tables carry their columns once.
    columns_sent: bool,
    /// When the server ends it.
    deadline: Option<Millis>,
}

impl Watch {
    /// The last version that was seen.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }
}

impl ApiServer {
    /// `GET …?watch=true`: answers with a stream.
    pub(super) fn open_watch(&mut self, request: &Request, target: &Target) -> Result<Response, Status> {
        let mut selection = Selection::of(request, target)?;
        if !target.name.is_empty() {
            selection = selection.and_name(&target.name);
        }
        check_list_options(request, true)?;
        check_streamable(request)?;
        let since = parse_version(request.param("resourceVersion"), 500)?;
        let current = self.store.version();
        if let Some(version) = since.filter(|version| *version > current) {
            let mut status = Status::failure(
                504,
                "Timeout",
                format!("Timeout: Too large resource version: {version}, current: {current}"),
            );
            status.details = Some(api::status::Details { retry_after_seconds: 1, ..Default::default() });
            return Err(status.with_cause("ResourceVersionTooLarge", "Too large resource version", ""));
        }
        let seconds = request.param("timeoutSeconds").and_then(|seconds| seconds.parse::<u64>().ok());
        let mut watch = Watch {
            request: request.clone(),
            target: target.clone(),
            selection,
            shape: Shape::of(request)?,
            cursor: since.filter(|version| *version > 0).unwrap_or(current),
            initial: Vec::new(),
            columns_sent: false,
            deadline: seconds.filter(|seconds| *seconds > 0).map(|seconds| self.now + seconds * 1000),
        };
        let initial = request.param("sendInitialEvents");
        let starts_with_state = match initial {
            Some("true") => true,
            Some(_) => false,
            None => since.unwrap_or(0) == 0,
        };
        if starts_with_state {
            watch.cursor = current;
            let present: Vec<Stored> = self
                .store
                .list(target.resource.kind, &target.namespace)
                .filter(|(_, stored)| watch.selection.matches(&stored.object))
                .map(|(_, stored)| stored.clone())
                .collect();
            for stored in present {
                let object = self.print(&mut watch, &stored);
                watch.initial.push(Chunk::Event("ADDED", object.into()));
            }
            let bookmarks = request.param("allowWatchBookmarks").is_some_and(|word| word != "false");
            if initial == Some("true") && bookmarks {
                watch.initial.push(self.bookmark(&watch, current, true));
            }
        }
        let id = self.open_stream();
        self.watches.insert(id, watch);
        let headers = vec![("content-type".into(), "application/json".into())];
        Ok(Response { status: 200, headers, body: Body::Stream(id) })
    }

    /// A fresh stream name.
    pub fn open_stream(&mut self) -> StreamId {
        self.next_stream += 1;
        StreamId(self.next_stream)
    }

    /// What a watch has to say since the last call; `None` if no such watch is open.
    pub fn poll_watch(&mut self, stream: StreamId) -> Option<Vec<Chunk>> {
        let mut watch = self.watches.remove(&stream)?;
        let mut chunks: Vec<Chunk> = std::mem::take(&mut watch.initial);
        let Some(news) = self.store.since(watch.cursor) else {
            let (asked, oldest) = (watch.cursor, self.store.compacted());
            let status = Status::expired(format!("too old resource version: {asked} ({oldest})"));
            chunks.push(Chunk::Event("ERROR", status.to_value().into()));
            chunks.push(Chunk::Closed);
            return Some(chunks);
        };
        let news: Vec<_> = news
            .filter(|revision| {
                revision.key.kind == watch.target.resource.kind
                    && (watch.target.namespace.is_empty() || *revision.key.namespace == *watch.target.namespace)
            })
            .cloned()
            .collect();
        watch.cursor = self.store.version();
        for revision in news {
            let matches = |object: &Object| watch.selection.matches(object);
            let before = revision.previous.as_ref().is_some_and(matches);
            let after = revision.change != Change::Deleted && matches(&revision.object);
            let (what, object) = match (before, after) {
                (false, false) => continue,
                (false, true) => ("ADDED", revision.object.clone()),
                (true, true) => ("MODIFIED", revision.object.clone()),
                (true, false) if revision.change == Change::Deleted => ("DELETED", revision.object.clone()),
                (true, false) => {
                    // It left the selection: its last matching state, with the new version.
                    let mut last = revision.previous.clone().unwrap_or_else(|| revision.object.clone());
                    last.meta_mut().resource_version = Some(revision.version.to_string());
                    ("DELETED", last)
                }
            };
            // Many may watch, and read what is still there.
            if watch.shape == Shape::Object
                && self.store.get(&revision.key).is_some_and(|stored| stored.object.is(&object))
                && let Some(shared) = self.shared(&watch.target.resource, &revision.key)
            {
                chunks.push(Chunk::Event(what, shared));
                continue;
            }
            let ownership = match (before, after) {
                (true, false) => revision.previous_ownership.clone(),
                _ => self.settled(&revision).unwrap_or_else(|| revision.ownership.clone()),
            };
            let object = self.print(&mut watch, &Stored::new(object, ownership));
            chunks.push(Chunk::Event(what, object.into()));
        }
        if watch.deadline.is_some_and(|deadline| deadline <= self.now) {
            chunks.push(Chunk::Closed);
            return Some(chunks);
        }
        self.watches.insert(stream, watch);
        Some(chunks)
    }

    /// Who owned what after a write, if the object still is as it was written and somebody has settled that.
    fn settled(&self, revision: &Revision) -> Option<Ownership> {
        let stored = self.store.get(&revision.key)?;
        let same = stored.object.meta().resource_version == revision.object.meta().resource_version;
        (same && stored.ownership.pending.is_empty()).then(|| stored.ownership.clone())
    }

    pub fn close_watch(&mut self, stream: StreamId) {
        self.watches.remove(&stream);
    }

    /// When the next open watch ends by itself.
    pub fn next_watch_deadline(&self) -> Option<Millis> {
        self.watches.values().filter_map(|watch| watch.deadline).min()
    }

    fn print(&self, watch: &mut Watch, stored: &Stored) -> Value {
        let resource = &watch.target.resource;
        match watch.shape {
            Shape::Object => self.to_client(resource, stored),
            Shape::Partial => partial(self.to_client(resource, stored)),
            Shape::Table => {
                let version = stored.object.meta().resource_version.clone().unwrap_or_default();
                let with_columns = !std::mem::replace(&mut watch.columns_sent, true);
                self.table(
                    &watch.request,
                    resource,
                    std::iter::once(stored),
                    json!({ "resourceVersion": version }),
                    with_columns,
                )
            }
        }
    }

    fn bookmark(&self, watch: &Watch, version: u64, initial: bool) -> Chunk {
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let object = json!({
            "kind": watch.target.resource.kind_name,
            "apiVersion": watch.target.resource.api_version(),
            "metadata": metadata,
        });
        Chunk::Event("BOOKMARK", object.into())
    }
}

/// # Errors
/// 406 for YAML: it cannot be sent event by event.
fn check_streamable(request: &Request) -> Result<(), Status> {
    let accept = request.header("accept").unwrap_or("application/json");
    let media = |offer: &str| offer.split(';').next().unwrap_or_default().trim().to_string();
    if accept.split(',').any(|offer| matches!(media(offer).as_str(), "application/json" | "application/*" | "*/*" | ""))
    {
        return Ok(());
    }
    Err(not_acceptable(
        "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
    ))
}
