//! The writes of the audit log, told: marks on lanes, and captions with the way each request took.
//! Captions are shown one after the other, slowly enough to be followed by eye.

use std::collections::{BTreeMap, VecDeque};

use api::Kind;
use api::order::Order;
use engine::Snapshot;
use engine::apiserver::{Audit, AuditVerb};

use super::super::view::*;

/// Marks kept per lane; two per pixel would be a smear.
const MARKS: usize = 90;
/// Captions waiting to be shown. When more happens, the oldest are not told.
const BACKLOG: usize = 12;

#[derive(Default)]
pub struct Story {
    seen: u64,
    marks: BTreeMap<Part, VecDeque<Mark>>,
    captions: VecDeque<CaptionView>,
    /// Writes of the last seconds: when, by whom.
    recent: VecDeque<(Millis, String)>,
}

impl Story {
    /// Reads on in the audit log. `command` is what the learner runs at the moment.
    pub fn follow(&mut self, snapshot: &Snapshot, command: Option<&str>) {
        for audit in snapshot.audit_after(self.seen) {
            self.seen = audit.number;
            self.tell(audit, command);
        }
        while self.recent.front().is_some_and(|(at, _)| at + 3_000 < snapshot.now) {
            self.recent.pop_front();
        }
    }

    /// What has happened up to now is no news: a lesson begins, a past was restored.
    pub fn forget(&mut self, snapshot: &Snapshot) {
        *self = Story { seen: snapshot.last_audit(), ..Story::default() };
    }

    /// The next sentence to show, oldest first.
    pub fn next_caption(&mut self) -> Option<CaptionView> {
        self.captions.pop_front()
    }

    pub fn waiting(&self) -> usize {
        self.captions.len()
    }

    /// Something no request can tell: a plug pulled, a process killed.
    pub fn machine(&mut self, at: Millis, place: &str, what: &str) {
        let part = Part::Node(place.into());
        self.mark(&part, at, MarkKind::Bad);
        self.captions.push_back(CaptionView {
            seq: at.wrapping_mul(1000) + self.seen,
            at,
            actor: part,
            actor_name: "machine".into(),
            object: place.into(),
            change: Change::Machine(what.into()),
            because: None,
            path: Vec::new(),
        });
    }

    pub fn marks(&self, part: &Part) -> Vec<Mark> {
        self.marks.get(part).map(|marks| marks.iter().copied().collect()).unwrap_or_default()
    }

    pub fn writes_lately(&self, now: Millis) -> u32 {
        self.recent.iter().filter(|(at, _)| at + 1_000 > now).count() as u32
    }

    pub fn loops_lately(&self, now: Millis) -> usize {
        let mut who: Vec<&String> = self
            .recent
            .iter()
            .filter(|(at, who)| at + 2_000 > now && who.ends_with("controller"))
            .map(|r| &r.1)
            .collect();
        who.order();
        who.dedup();
        who.len()
    }

    fn mark(&mut self, part: &Part, at: Millis, kind: MarkKind) {
        let marks = self.marks.entry(part.clone()).or_default();
        // Within a third of a second marks cover each other; trouble stays visible.
        if let Some(last) = marks.back_mut().filter(|last| last.at + 300 > at) {
            if kind == MarkKind::Bad {
                last.kind = kind;
            }
            return;
        }
        marks.push_back(Mark { at, kind });
        if marks.len() > MARKS {
            marks.pop_front();
        }
    }

    fn tell(&mut self, audit: &Audit, command: Option<&str>) {
        let (actor, name) = actor(&audit.component);
        let failed = audit.code >= 400;
        self.recent.push_back((audit.at, name.clone()));
        let warning = audit.kind == Kind::Event && audit.summary.starts_with("Warning");
        let kind = match (&actor, failed || warning) {
            (_, true) => MarkKind::Bad,
            (Part::You, false) => MarkKind::You,
            (_, false) if is_routine(audit) => MarkKind::Quiet,
            (_, false) => MarkKind::Hot,
        };
        self.mark(&actor, audit.at, kind);
        self.mark(&Part::ApiServer, audit.at, if kind == MarkKind::You { MarkKind::Hot } else { kind });
        if is_routine(audit) || (failed && actor != Part::You) {
            return;
        }
        let change = match audit.verb {
            _ if failed => Change::Set(audit.code.to_string()),
            AuditVerb::Create if audit.subresource == "binding" => {
                Change::Bound(audit.summary.trim_start_matches("-> ").to_string())
            }
            AuditVerb::Create => Change::Created,
            // A namespace is being emptied of what it may or may not hold.
            AuditVerb::DeleteCollection if audit.summary.is_empty() => return,
            AuditVerb::Delete | AuditVerb::DeleteCollection => Change::Deleted,
            AuditVerb::Update | AuditVerb::Patch if audit.summary.is_empty() => Change::Updated,
            AuditVerb::Update | AuditVerb::Patch => match audit.summary.strip_prefix("-> ") {
                Some(node) => Change::Bound(node.into()),
                None => Change::Set(audit.summary.to_string()),
            },
            // Reads change nothing.
            AuditVerb::Get | AuditVerb::List | AuditVerb::Watch | AuditVerb::Connect => return,
        };
        let mut path = vec![actor.clone(), Part::ApiServer];
        path.extend(if failed { None } else { listener(audit, &change) }.filter(|to| *to != actor));
        let kind = format!("{:?}", audit.kind).to_lowercase();
        self.captions.push_back(CaptionView {
            seq: audit.number,
            at: audit.at,
            because: command.filter(|_| actor == Part::You).map(str::to_string),
            actor,
            actor_name: name,
            object: format!("{kind}/{}", audit.name),
            change,
            path,
        });
        while self.captions.len() > BACKLOG {
            self.captions.pop_front();
        }
    }
}

/// A node says that it is well: its Lease every ten seconds, its status every five minutes. That changes
/// nothing but how long ago it was.
pub fn is_heartbeat(audit: &Audit) -> bool {
    let by_kubelet = audit.component.starts_with("kubelet/");
    audit.kind == Kind::Lease || audit.kind == Kind::Node && by_kubelet && is_silent(audit)
}

/// Nothing in it that a learner would look for was changed.
fn is_silent(audit: &Audit) -> bool {
    audit.summary.is_empty() && matches!(audit.verb, AuditVerb::Update | AuditVerb::Patch)
}

/// Heartbeats, events and other housekeeping: on the lanes, but no sentence.
fn is_routine(audit: &Audit) -> bool {
    let silent = is_silent(audit);
    match audit.kind {
        Kind::Lease | Kind::Event | Kind::ServiceAccount | Kind::ConfigMap if &*audit.component != "kubectl" => true,
        Kind::Node => silent,
        Kind::Pod | Kind::Deployment | Kind::ReplicaSet => silent && &*audit.component != "kubectl",
        // Everything else is rare enough to be told.
        _ => false,
    }
}

/// The lane's name as a place on the map, and the name to call it by.
fn actor(component: &str) -> (Part, String) {
    match component.split_once('/') {
        Some(("kubelet", node)) => (Part::Node(node.into()), "kubelet".into()),
        Some(("controller-manager", controller)) => (Part::Controllers, controller.into()),
        Some(_) | None => match component {
            "kubectl" => (Part::You, "kubectl".into()),
            "scheduler" => (Part::Scheduler, "scheduler".into()),
            "apiserver" => (Part::ApiServer, "apiserver".into()),
            other => (Part::Controllers, other.into()),
        },
    }
}

/// Who has been watching for this and acts on it next.
fn listener(audit: &Audit, change: &Change) -> Option<Part> {
    match (audit.kind, change) {
        (Kind::Pod, Change::Bound(node)) => Some(Part::Node(node.clone())),
        (Kind::Pod, Change::Created) => Some(Part::Scheduler),
        (Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet | Kind::StatefulSet | Kind::Job | Kind::Service, _) => {
            Some(Part::Controllers)
        }
        // Others may watch, too; nobody in particular is waiting.
        _ => None,
    }
}
