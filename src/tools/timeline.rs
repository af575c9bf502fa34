//! `timeline NAME --scenarios DIR`: who wrote what, when, in answer to what, in the form of the recorded timelines.
//!
//! `DIR/NAME.txt` is a recording: its lines `$ command` and `# kubelet process …` are the scenario,
//! the rest is what to hold ours against. `DIR/inputs.yaml` has what goes into `apply -f -`, in
//! order. Not shown, as in the recordings: leases and the regular reports of nodes. Of a write only
//! the summary is known here, never the patch.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use api::Kind;
use course::pump::{Job, run_to_end};
use engine::client::Profile;
use engine::sim::Millis;
use engine::{Cluster, ClusterConfig, Fault, NodeConfig, ProcessId};
use kubectl::{Env, MemoryFiles, Session};

/// The node is Ready and quiet before the first command.
const WARM_UP: Millis = 120_000;
/// No recorded command takes longer.
const PATIENCE: Millis = 60_000;

/// # Errors
/// A missing word, or a file that cannot be read.
pub fn main(words: &[String]) -> Result<(), String> {
    let usage = "usage: timeline NAME --scenarios DIR";
    let name = words.first().filter(|word| !word.starts_with("--")).ok_or(usage)?;
    let at = words.iter().position(|word| word == "--scenarios").ok_or(usage)?;
    let folder = Path::new(words.get(at + 1).ok_or(usage)?);
    let read = |file: String| fs::read_to_string(folder.join(&file)).map_err(|error| format!("{file}: {error}"));
    let recorded = read(format!("{name}.txt"))?;
    let inputs = read("inputs.yaml".into())?;
    let inputs = api::yaml::parse_document(&inputs).map_err(|error| error.converting())?.to_json();
    let inputs = inputs[name.as_str()].as_array().cloned().unwrap_or_default();
    let mut inputs = inputs.iter().map(|text| text.as_str().unwrap_or_default().to_owned());
    recorded.lines().take_while(|line| line.starts_with('#')).for_each(|line| println!("{line}"));
    let mut player = Player::new();
    let mut end = 0;
    for line in recorded.lines() {
        let Some((at, what)) = timed(line) else { continue };
        end = at;
        if let Some(command) = what.strip_prefix("$ ") {
            player.until(at);
            player.command(command, &mut inputs);
        } else if let Some(note) = what.strip_prefix("# ") {
            player.until(at);
            player.kubelet(note);
        }
    }
    player.until(end + 500);
    player.lines.sort_by_key(|(at, _)| *at);
    player.lines.iter().for_each(|(at, line)| println!("{:>9.3}  {line}", *at as f64 / 1000.0));
    Ok(())
}

/// `    8.078  $ kubectl …` → 8078 and the rest.
fn timed(line: &str) -> Option<(Millis, &str)> {
    let (seconds, what) = line.trim_start().split_once("  ")?;
    let seconds: f64 = seconds.parse().ok()?;
    Some(((seconds * 1000.0) as Millis, what.trim_start()))
}

struct Player {
    cluster: Cluster,
    session: Rc<RefCell<Session>>,
    start: Millis,
    seen: u64,
    lines: Vec<(Millis, String)>,
}

impl Player {
    fn new() -> Self {
        let config = ClusterConfig {
            nodes: vec![NodeConfig::worker("worker-1")],
            profile: Profile::kubelet(),
            metrics_server: false,
            ..ClusterConfig::default()
        };
        let mut cluster = Cluster::new(config);
        cluster.run_for(WARM_UP, usize::MAX);
        let (start, seen) = (cluster.now(), cluster.snapshot().last_audit());
        Self { cluster, session: Rc::default(), start, seen, lines: Vec::new() }
    }

    fn until(&mut self, at: Millis) {
        // In pieces, so that the log is read before it is cut.
        while self.cluster.now() < self.start + at {
            let rest = self.start + at - self.cluster.now();
            self.cluster.run_for(rest.min(10_000), usize::MAX);
            self.collect();
        }
    }

    fn say(&mut self, text: String) {
        self.lines.push((self.cluster.now() - self.start, text));
    }

    fn command(&mut self, text: &str, inputs: &mut impl Iterator<Item = String>) {
        self.say(format!("$ {text}"));
        let stdin = if text.ends_with("-f -") { inputs.next() } else { None };
        let env = Env::new(Rc::new(MemoryFiles::default()), self.session.clone()).with_stdin(stdin);
        let mut job = Job::line(text, env);
        if run_to_end(&mut job, &mut self.cluster, PATIENCE, |_| {}).is_none() {
            job.interrupt(&mut self.cluster);
        }
        self.collect();
        for (_, text) in job.take_output() {
            self.say(format!("  {}", text.trim_end().replace('\n', "\n             ")));
        }
    }

    fn kubelet(&mut self, note: &str) {
        let id = ProcessId::Kubelet("worker-1".into());
        let fault = if note.ends_with("stops") { Fault::Stop(id) } else { Fault::Start(id) };
        self.say(format!("# {note}"));
        // The node is always there.
        let _ = self.cluster.inject(fault);
        self.collect();
    }

    /// What was written since the last look.
    fn collect(&mut self) {
        let snapshot = self.cluster.snapshot();
        for entry in snapshot.audit_after(self.seen) {
            if entry.kind == Kind::Lease
                || (entry.kind == Kind::Node && entry.subresource == "status" && entry.summary.is_empty())
            {
                continue;
            }
            let plural = entry.kind.resource().map_or("", |resource| resource.plural);
            let what = match entry.subresource {
                "" => format!("{plural}/{}", entry.name),
                subresource => format!("{plural}/{subresource}/{}", entry.name),
            };
            let component = entry.component.split('/').next().unwrap_or_default();
            let verb = entry.verb.as_str();
            let line = format!("{component:<42} {verb:<7} {what} {}  {}", entry.code, entry.summary);
            self.lines.push((entry.at - self.start, line.trim_end().to_owned()));
        }
        self.seen = snapshot.last_audit();
    }
}
