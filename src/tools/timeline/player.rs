//! Plays a timeline: commands at their times, and what the audit log says meanwhile.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use api::Kind;
use course::pump::{Job, run_to_end};
use engine::apiserver::{Audit, AuditVerb, Level};
use engine::client::Profile;
use engine::sim::Millis;
use engine::{Cluster, ClusterConfig, Fault, NodeConfig, ProcessId};
use kubectl::{Env, MemoryFiles, Session};

use super::body;

/// The node is Ready and quiet before the first command.
const WARM_UP: Millis = 120_000;
/// From Enter until kubectl's first request: it starts, and reads its configuration and discovery.
const KUBECTL_STARTS: Millis = 60;
/// No command takes longer.
const PATIENCE: Millis = 60_000;
/// 2026-01-01T00:00:00Z.
const MIDNIGHT: u64 = 1_767_225_600_000;

/// One line of a timeline.
pub struct Line {
    pub at: Millis,
    pub what: What,
}

pub enum What {
    /// A command, its output, or a note.
    Said(String),
    Request {
        component: String,
        verb: &'static str,
        /// `pods/status/web`.
        object: String,
        code: u16,
        body: String,
    },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3}  ", self.at as f64 / 1000.0)?;
        match &self.what {
            What::Said(text) => write!(f, "{text}"),
            What::Request { component, verb, object, code, body } => {
                write!(f, "{component:<42} {verb:<7} {object} {code}  {body}")
            }
        }
    }
}

pub struct Player {
    cluster: Cluster,
    session: Rc<RefCell<Session>>,
    start: Millis,
    seen: u64,
    lines: Vec<Line>,
}

impl Player {
    /// A cluster of one node; it has run for a while when the first command comes at `second` of the day.
    pub fn new(seed: u64, profile: Profile, second: u64) -> Self {
        let config = ClusterConfig {
            seed,
            epoch_unix_millis: MIDNIGHT + second * 1000 - WARM_UP,
            nodes: vec![NodeConfig::worker("worker-1")],
            profile,
            metrics_server: false,
            ..ClusterConfig::default()
        };
        let mut cluster = Cluster::new(config);
        cluster.run_for(WARM_UP, usize::MAX);
        cluster.set_audit_level(Level::Request);
        let (start, seen) = (cluster.now(), cluster.snapshot().last_audit());
        Self { cluster, session: Rc::default(), start, seen, lines: Vec::new() }
    }

    pub fn until(&mut self, at: Millis) {
        // In pieces, so that the log is read before it is cut.
        while self.cluster.now() < self.start + at {
            let rest = self.start + at - self.cluster.now();
            self.cluster.run_for(rest.min(10_000), usize::MAX);
            self.collect();
        }
    }

    fn say(&mut self, text: String) {
        self.lines.push(Line { at: self.cluster.now() - self.start, what: What::Said(text) });
    }

    pub fn command(&mut self, text: &str, stdin: Option<String>) {
        self.say(format!("$ {text}"));
        self.cluster.run_for(KUBECTL_STARTS, usize::MAX);
        let env = Env::new(Rc::new(MemoryFiles::default()), self.session.clone()).with_stdin(stdin);
        let mut job = Job::line(text, env);
        if run_to_end(&mut job, &mut self.cluster, PATIENCE, |_| {}).is_none() {
            job.interrupt(&mut self.cluster);
        }
        self.collect();
        let printed: String = job.take_output().into_iter().map(|(_, text)| text).collect();
        if !printed.is_empty() {
            self.say(format!("  {}", printed.trim_end().replace('\n', "\n              ")));
        }
    }

    pub fn kubelet(&mut self, stops: bool) {
        let id = ProcessId::Kubelet("worker-1".into());
        self.say(format!("# kubelet process {}", if stops { "stops" } else { "starts" }));
        // The node is always there.
        let _ = self.cluster.inject(if stops { Fault::Stop(id) } else { Fault::Start(id) });
        self.collect();
    }

    /// What was written since the last look.
    fn collect(&mut self) {
        let snapshot = self.cluster.snapshot();
        let entries = snapshot.audit_after(self.seen).filter(|entry| !is_heartbeat(entry));
        self.lines.extend(entries.map(|entry| line(entry, self.start)));
        self.seen = snapshot.last_audit();
    }

    /// All lines in the order of time.
    pub fn finish(mut self) -> Vec<Line> {
        self.lines.sort_by_key(|line| line.at);
        self.lines
    }
}

/// Leases, and a kubelet's reports that everything is as it was.
fn is_heartbeat(entry: &Audit) -> bool {
    let report = entry.kind == Kind::Node && entry.subresource == "status" && entry.verb == AuditVerb::Patch;
    entry.kind == Kind::Lease || (report && entry.summary.is_empty())
}

fn line(entry: &Audit, start: Millis) -> Line {
    let plural = entry.kind.resource().map_or("", |resource| resource.plural);
    let object = match entry.subresource {
        "" => format!("{plural}/{}", entry.name),
        subresource => format!("{plural}/{subresource}/{}", entry.name),
    };
    // A stream to a container begins as a read.
    let verb = if entry.verb == AuditVerb::Connect { "get" } else { entry.verb.as_str() };
    let component = entry.component.split('/').next().unwrap_or_default().to_owned();
    let body = body::of(entry);
    Line { at: entry.at - start, what: What::Request { component, verb, object, code: entry.code, body } }
}
