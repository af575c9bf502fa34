//! The audit log: who wrote what, when, in answer to what. Feeds the page's lanes, captions and `timeline`.

use std::fmt::Write;
use std::sync::Arc;

use api::meta::hash::{FNV64, fnv64a};
use api::{Kind, Object};
use imbl::Vector;

use super::delete::DeleteOptions;
use crate::sim::Millis;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditVerb {
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
    Get,
    List,
    Watch,
    Connect,
}

impl AuditVerb {
    pub const fn as_str(self) -> &'static str {
        match self {
            AuditVerb::Create => "create",
            AuditVerb::Update => "update",
            AuditVerb::Patch => "patch",
            AuditVerb::Delete => "delete",
            AuditVerb::DeleteCollection => "deletecollection",
            AuditVerb::Get => "get",
            AuditVerb::List => "list",
            AuditVerb::Watch => "watch",
            AuditVerb::Connect => "connect",
        }
    }
}

/// One request, as the timeline shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Rises by one with each entry, for followers.
    pub number: u64,
    pub at: Millis,
    /// The lane: `kubectl`, `scheduler`, `kubelet/worker-1`.
    pub component: Arc<str>,
    pub verb: AuditVerb,
    pub kind: Kind,
    pub subresource: &'static str,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    /// HTTP status.
    pub code: u16,
    /// A few words on what changed, for people: `→ worker-1`, `Normal Scheduled on pod/web: …`.
    pub summary: Arc<str>,
    /// What came with it and what it did, where the log keeps that.
    pub detail: Option<Box<Detail>>,
}

/// The content of a request. It costs memory, so only a log at the level `Request` keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    Written { old: Option<Object>, new: Object },
    Deleted(DeleteOptions),
}

/// Hashes what is written, as it is written.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = fnv64a(self.0, text.bytes());
        Ok(())
    }
}

/// The last few thousand entries, and a running hash over all of them.
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: Vector<Arc<Audit>>,
    written: u64,
    hash: u64,
    level: Level,
    /// The detail of the entry that comes next.
    detail: Option<Box<Detail>>,
}

/// How much is kept of each request. Mirrors: apiserver/pkg/apis/audit `Level`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// Writes, without their content.
    #[default]
    Metadata,
    /// Writes with their content, and reads of single objects by clients outside.
    Request,
}

const LIMIT: usize = 4_000;

impl Log {
    pub(super) fn push(&mut self, mut entry: Audit) {
        self.written += 1;
        entry.number = self.written;
        entry.detail = self.detail.take();
        let mut hash = Fnv(self.hash ^ FNV64);
        // Hashing cannot fail.
        let _ = write!(
            hash,
            "{} {} {} {:?}/{} {}/{} {} {}",
            entry.at,
            entry.component,
            entry.verb.as_str(),
            entry.kind,
            entry.subresource,
            entry.namespace,
            entry.name,
            entry.code,
            entry.summary
        );
        self.hash = hash.0;
        self.entries.push_back(Arc::new(entry));
        if self.entries.len() > LIMIT {
            self.entries.pop_front();
        }
    }

    pub fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Keeps what the next entry is about, if the level asks for it.
    pub(super) fn keep(&mut self, detail: impl FnOnce() -> Option<Detail>) {
        if self.level == Level::Request {
            self.detail = detail().map(Box::new);
        }
    }

    /// Entries with a number above `after`, oldest first.
    pub fn after(&self, after: u64) -> impl Iterator<Item = &Arc<Audit>> {
        let first = self.entries.front().map_or(0, |entry| entry.number);
        let skip = (after + 1).saturating_sub(first) as usize;
        self.entries.iter().skip(skip.min(self.entries.len()))
    }

    /// All entries, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Audit>> {
        self.entries.iter().rev()
    }

    /// The number of the newest entry.
    pub fn last(&self) -> u64 {
        self.written
    }

    /// Equal for equal histories: the event hash of a session.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}
