//! Playing a case on a virtual clock: the one way, whoever's kubectl it is.

use std::collections::BTreeMap;

use api::meta::hash::{FNV64, fnv64a};
use api::{Kind, Object};
use engine::{Cluster, Fault};
use kubectl::Out;

use super::{Bench, Directive, InPage, Printed, Transcript, start};
use crate::pump::{COMMAND_MILLIS, step_to};

/// The time limit of a step that names none.
const TIMEOUT: u64 = 60_000;
/// "Nothing has changed" means this long.
const QUIET: u64 = 3_000;

/// Plays every step with the kubectl of the page; one result per step.
pub fn play(transcript: &Transcript) -> Vec<Option<Printed>> {
    play_on(transcript, InPage::new(transcript)).0
}

/// Plays every step; the hash of all that happened on the way, seen or unseen.
pub fn history(transcript: &Transcript) -> u64 {
    play_on(transcript, InPage::new(transcript)).1.cluster.event_hash()
}

/// Plays every step on a bench in the start state of the case.
pub fn play_on<B: Bench>(transcript: &Transcript, bench: B) -> (Vec<Option<Printed>>, B) {
    let mut player = Player { bench, variables: BTreeMap::new(), background: BTreeMap::new(), timeout: TIMEOUT };
    let printed = transcript.steps.iter().map(|step| player.step(transcript, &step.what)).collect();
    (printed, player.bench)
}

struct Player<B: Bench> {
    bench: B,
    variables: BTreeMap<String, String>,
    background: BTreeMap<String, (B::Run, Printed)>,
    timeout: u64,
}

impl<B: Bench> Player<B> {
    fn step(&mut self, transcript: &Transcript, what: &Directive) -> Option<Printed> {
        match what {
            Directive::Silent | Directive::Cluster(_) | Directive::Node(..) | Directive::File { .. } => None,
            Directive::Timeout(millis) => {
                self.timeout = *millis;
                None
            }
            Directive::Command { line, stdin } => {
                let stdin = stdin.as_ref().map(|text| self.fill(text));
                let limit = std::mem::replace(&mut self.timeout, TIMEOUT);
                Some(self.command(line, stdin, limit))
            }
            Directive::Let { name, line } => {
                let printed = self.command(line, None, TIMEOUT);
                self.variables.insert(name.clone(), printed.stdout.trim().to_string());
                None
            }
            Directive::Until { max, line, operator, value } => {
                let value = self.fill(value);
                self.until(*max, line, operator, &value);
                None
            }
            Directive::Advance(millis) => {
                self.pass(*millis);
                None
            }
            Directive::Settle(max) => {
                self.settle(*max);
                None
            }
            Directive::Background { id, line } => {
                self.begin(id, line);
                None
            }
            Directive::End(id) => Some(self.end(id)),
            Directive::Http { port, path } => Some(self.http(*port, path)),
            Directive::Fault(words) => {
                let fault = self.fill(&words.join(" "));
                let happened = self.bench.inject(&fault);
                // A started component works again a second or two later.
                self.pass(1_000);
                let note = |why| Printed { status: "0".into(), notes: vec![why], ..Printed::default() };
                happened.err().map(note)
            }
            Directive::AddNode(name, pairs) => {
                let config = start::added(transcript, name, pairs);
                let joined = self.bench.cluster(|cluster| cluster.inject(Fault::Join(Box::new(config))));
                debug_assert!(joined.is_ok(), "a join needs nothing: {joined:?}");
                let end = self.now() + 60_000;
                while self.now() < end && !self.is_ready(name) {
                    self.tick(end);
                }
                // The recorder looked once a second whether the node had become ready.
                self.pass(1_000);
                None
            }
        }
    }

    /// `${NAME}` → its value.
    fn fill(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (name, value) in &self.variables {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        text
    }

    fn now(&mut self) -> u64 {
        self.bench.cluster(|cluster| cluster.now())
    }

    fn version(&mut self) -> u64 {
        self.bench.cluster(|cluster| cluster.version())
    }

    fn start(&mut self, line: &str, stdin: Option<String>) -> B::Run {
        let mut words = super::words::split(&self.fill(line));
        if words.first().map(String::as_str) == Some("kubectl") {
            words.remove(0);
        }
        self.bench.start(words, stdin)
    }

    fn command(&mut self, line: &str, stdin: Option<String>, limit: u64) -> Printed {
        let end = self.now() + COMMAND_MILLIS;
        let printed = self.run(line, stdin, limit);
        while self.now() < end {
            self.tick(end);
        }
        printed
    }

    /// Lets virtual time pass until the command ends or `limit` milliseconds are over.
    fn run(&mut self, line: &str, stdin: Option<String>, limit: u64) -> Printed {
        let deadline = self.now() + limit;
        let mut run = self.start(line, stdin);
        let mut printed = Printed { status: "timeout".into(), ..Printed::default() };
        loop {
            self.bench.pump(&mut run);
            if let Some(code) = self.bench.exit_code(&run) {
                printed.status = code.to_string();
                break;
            }
            let now = self.now();
            if now >= deadline {
                self.bench.interrupt(&mut run);
                break;
            }
            let wake = self.bench.wakes_in(&run).map(|millis| now + millis.max(1));
            self.tick(wake.unwrap_or(deadline).min(deadline));
        }
        collect(&mut self.bench, &mut run, &mut printed);
        printed
    }

    /// One instant further; background commands see it.
    fn tick(&mut self, bound: u64) {
        let wake = self.background.values().filter_map(|(run, _)| self.bench.wakes_in(run)).min();
        self.bench.cluster(move |cluster| {
            let wake = wake.map(|millis| cluster.now() + millis.max(1));
            step_to(cluster, wake.unwrap_or(bound).min(bound));
        });
        self.pump_all();
    }

    /// So many milliseconds pass.
    fn pass(&mut self, millis: u64) {
        let end = self.now() + millis;
        while self.now() < end {
            self.tick(end);
        }
    }

    fn pump_all(&mut self) {
        for (run, printed) in self.background.values_mut() {
            self.bench.pump(run);
            collect(&mut self.bench, run, printed);
        }
    }

    fn until(&mut self, max: u64, line: &str, operator: &str, value: &str) {
        let end = self.now() + max;
        loop {
            let printed = self.run(line, None, 5_000);
            let got = printed.stdout.trim();
            let holds = match operator {
                "==" => got == value,
                "!=" => got != value,
                _ => regex_lite::Regex::new(value).is_ok_and(|regex| regex.is_match(got)),
            };
            if holds || self.now() >= end {
                return;
            }
            // Judged after every instant at which something was written.
            let version = self.version();
            while self.version() == version && self.now() < end {
                self.tick(end);
            }
        }
    }

    fn settle(&mut self, max: u64) {
        let end = self.now() + max;
        let mut before = self.bench.cluster(|cluster| fingerprint(cluster));
        let mut since = self.now();
        while self.now() < end && self.now() < since + QUIET {
            let version = self.version();
            self.tick(end.min(since + QUIET));
            if self.version() != version {
                let now = self.bench.cluster(|cluster| fingerprint(cluster));
                if now != before {
                    before = now;
                    since = self.now();
                }
            }
        }
    }

    fn begin(&mut self, id: &str, line: &str) {
        let mut run = self.start(line, None);
        let mut printed = Printed::default();
        let end = self.now() + 2_000;
        loop {
            self.bench.pump(&mut run);
            collect(&mut self.bench, &mut run, &mut printed);
            let said = !printed.stdout.is_empty() || !printed.stderr.is_empty();
            if said || self.bench.exit_code(&run).is_some() || self.now() >= end {
                break;
            }
            self.tick(end);
        }
        self.background.insert(id.into(), (run, printed));
    }

    fn end(&mut self, id: &str) -> Printed {
        let Some((mut run, mut printed)) = self.background.remove(id) else { return Printed::default() };
        self.bench.pump(&mut run);
        collect(&mut self.bench, &mut run, &mut printed);
        self.bench.interrupt(&mut run);
        collect(&mut self.bench, &mut run, &mut printed);
        printed.status = "0".into();
        printed
    }

    fn http(&mut self, port: u16, path: &str) -> Printed {
        let mut printed = Printed { status: "0".into(), ..Printed::default() };
        let bench = &mut self.bench;
        let asked = self.background.iter_mut().find_map(|(id, (run, output))| {
            let index = forwarded(&output.stdout).iter().position(|local| *local == port)?;
            bench.ask(run, index, port, path).then(|| id.clone())
        });
        let Some(id) = asked else {
            printed.stderr = "connection refused\n".into();
            printed.status = "7".into();
            return printed;
        };
        let end = self.now() + 5_000;
        while self.now() < end {
            self.pump_all();
            let answer = self.background.get_mut(&id).and_then(|(run, _)| self.bench.answer(run));
            if let Some((status, body)) = answer {
                printed.stdout = format!("HTTP {status}\n{}", String::from_utf8_lossy(&body));
                return printed;
            }
            self.tick(end);
        }
        printed
    }

    fn is_ready(&mut self, name: &str) -> bool {
        let name = name.to_owned();
        self.bench.cluster(move |cluster| {
            let snapshot = cluster.snapshot();
            snapshot.get::<api::k8s_openapi::api::core::v1::Node>("", &name).is_some_and(|node| {
                let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
                conditions.is_some_and(|list| list.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
            })
        })
    }
}

/// Local ports in the order kubectl names them; IPv4 and IPv6 lines say each twice.
fn forwarded(output: &str) -> Vec<u16> {
    let locals = output.lines().filter_map(|line| line.strip_prefix("Forwarding from 127.0.0.1:"));
    locals.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
}

fn collect<B: Bench>(bench: &mut B, run: &mut B::Run, printed: &mut Printed) {
    for (stream, text) in bench.take_output(run) {
        match stream {
            Out::Stdout => printed.stdout.push_str(&text),
            Out::Stderr => printed.stderr.push_str(&text),
        }
    }
}

/// Every object's version but those of Events, Leases and heartbeats.
fn fingerprint(cluster: &Cluster) -> u64 {
    let snapshot = cluster.snapshot();
    let mut sum: u64 = 0;
    for kind in snapshot.kinds() {
        if matches!(kind, Kind::Event | Kind::Lease) {
            continue;
        }
        for object in snapshot.objects(kind, "") {
            let text = match object {
                Object::Node(node) => node_fingerprint(node),
                other => other.meta().resource_version.clone().unwrap_or_default(),
            };
            let line = format!("{kind:?}/{}/{}={text}", object.namespace(), object.name());
            sum = sum.wrapping_add(fnv64a(FNV64, line.bytes()));
        }
    }
    sum
}

fn node_fingerprint(node: &api::k8s_openapi::api::core::v1::Node) -> String {
    let conditions: Vec<String> = node
        .status
        .iter()
        .filter_map(|status| status.conditions.as_ref())
        .flatten()
        .map(|c| format!("{}={}", c.type_, c.status))
        .collect();
    format!("{:?} {:?} {conditions:?}", node.metadata.labels, node.spec)
}
