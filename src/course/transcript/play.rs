//! Playing a case on a virtual clock, through the same kubectl and the same pump as the page.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use api::meta::hash::{FNV64, fnv64a};
use api::wire::{Backend, Method, Request, Upstream};
use api::{Kind, Object};
use engine::{Cluster, Fault, PodFate, ProcessId};
use kubectl::{Env, MemoryFiles, Out, Session};

use super::{Directive, Printed, Transcript, start};
use crate::pump::{COMMAND_MILLIS, Job, run_to_end, step_to};

/// How long a cluster stands before the first command: nodes are Ready, loops are quiet.
const WARM_UP: u64 = 120_000;
/// The time limit of a step that names none.
const TIMEOUT: u64 = 60_000;
/// "Nothing has changed" means this long.
const QUIET: u64 = 3_000;

/// Plays every step; one result per step.
pub fn play(transcript: &Transcript) -> Vec<Option<Printed>> {
    play_whole(transcript).0
}

/// Plays every step; the hash of all that happened on the way, seen or unseen.
pub fn history(transcript: &Transcript) -> u64 {
    play_whole(transcript).1.event_hash()
}

fn play_whole(transcript: &Transcript) -> (Vec<Option<Printed>>, Cluster) {
    let mut player = Player::new(transcript);
    let printed = transcript.steps.iter().map(|step| player.step(transcript, &step.what)).collect();
    (printed, player.cluster)
}

struct Player {
    cluster: Cluster,
    files: Rc<MemoryFiles>,
    session: Rc<RefCell<Session>>,
    variables: BTreeMap<String, String>,
    background: BTreeMap<String, (Job, Printed)>,
    timeout: u64,
}

impl Player {
    fn new(transcript: &Transcript) -> Self {
        let mut cluster = Cluster::new(start::config(transcript));
        cluster.run_for(WARM_UP, usize::MAX);
        // A case begins without events in `default`: on a cluster that stood for hours they have expired.
        cluster.submit(Request::new(Method::Delete, "/api/v1/namespaces/default/events"));
        let files = transcript.steps.iter().filter_map(|step| match &step.what {
            Directive::File { name, text } => Some((name.clone(), text.clone())),
            _ => None,
        });
        // Transcripts mask the API server's address, which differs from cluster to cluster.
        let mut session = Session::default();
        session.kubeconfig.server = "<server>".into();
        Self {
            cluster,
            files: Rc::new(MemoryFiles::new(files)),
            session: Rc::new(RefCell::new(session)),
            variables: BTreeMap::new(),
            background: BTreeMap::new(),
            timeout: TIMEOUT,
        }
    }

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
                let end = self.cluster.now() + millis;
                while self.cluster.now() < end {
                    self.tick(end);
                }
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
                let words: Vec<String> = words.iter().map(|word| self.fill(word)).collect();
                self.fault(&words);
                None
            }
            Directive::AddNode(name, pairs) => {
                let config = start::added(transcript, name, pairs);
                let joined = self.cluster.inject(Fault::Join(Box::new(config)));
                debug_assert!(joined.is_ok(), "a join needs nothing: {joined:?}");
                let end = self.cluster.now() + 60_000;
                while self.cluster.now() < end && !self.is_ready(name) {
                    self.tick(end);
                }
                // The recorder looked once a second whether the node had become ready.
                let looked = self.cluster.now() + 1_000;
                while self.cluster.now() < looked {
                    self.tick(looked);
                }
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

    fn job(&self, line: &str, stdin: Option<String>) -> Job {
        let line = self.fill(line);
        let files: Rc<dyn kubectl::Files> = self.files.clone();
        let env = Env::new(files, self.session.clone()).with_stdin(stdin);
        let mut words = super::words::split(&line);
        if words.first().map(String::as_str) == Some("kubectl") {
            words.remove(0);
        }
        Job::kubectl(words, env)
    }

    fn command(&mut self, line: &str, stdin: Option<String>, limit: u64) -> Printed {
        let started = self.cluster.now();
        let mut job = self.job(line, stdin);
        let background = &mut self.background;
        let code = run_to_end(&mut job, &mut self.cluster, limit, |cluster| pump_all(background, cluster));
        if code.is_none() {
            job.interrupt(&mut self.cluster);
        }
        let mut printed = Printed::default();
        collect(&mut job, &mut printed);
        printed.status = code.map_or("timeout".into(), |code| code.to_string());
        let end = started + COMMAND_MILLIS;
        while self.cluster.now() < end {
            self.tick(end);
        }
        printed
    }

    /// One instant further; background commands see it.
    fn tick(&mut self, bound: u64) {
        let wake = self.background.values().filter_map(|(job, _)| job.next_wake()).min();
        let wake = wake.map(|unix| self.cluster.now() + unix.saturating_sub(self.cluster.unix_millis()).max(1));
        step_to(&mut self.cluster, wake.unwrap_or(bound).min(bound));
        pump_all(&mut self.background, &mut self.cluster);
    }

    fn until(&mut self, max: u64, line: &str, operator: &str, value: &str) {
        let end = self.cluster.now() + max;
        loop {
            let mut job = self.job(line, None);
            run_to_end(&mut job, &mut self.cluster, 5_000, |_| {});
            let mut printed = Printed::default();
            collect(&mut job, &mut printed);
            let got = printed.stdout.trim();
            let holds = match operator {
                "==" => got == value,
                "!=" => got != value,
                _ => regex_lite::Regex::new(value).is_ok_and(|regex| regex.is_match(got)),
            };
            if holds || self.cluster.now() >= end {
                return;
            }
            // Judged after every instant at which something was written.
            let version = self.cluster.version();
            while self.cluster.version() == version && self.cluster.now() < end {
                self.tick(end);
            }
        }
    }

    fn settle(&mut self, max: u64) {
        let end = self.cluster.now() + max;
        let mut before = self.fingerprint();
        let mut since = self.cluster.now();
        while self.cluster.now() < end && self.cluster.now() < since + QUIET {
            let version = self.cluster.version();
            self.tick(end.min(since + QUIET));
            if self.cluster.version() != version {
                let now = self.fingerprint();
                if now != before {
                    before = now;
                    since = self.cluster.now();
                }
            }
        }
    }

    /// Every object's version but those of Events, Leases and heartbeats.
    fn fingerprint(&self) -> u64 {
        let snapshot = self.cluster.snapshot();
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

    fn begin(&mut self, id: &str, line: &str) {
        let mut job = self.job(line, None);
        let mut printed = Printed::default();
        let end = self.cluster.now() + 2_000;
        loop {
            job.pump(&mut self.cluster);
            collect(&mut job, &mut printed);
            let said = !printed.stdout.is_empty() || !printed.stderr.is_empty();
            if said || job.exit_code().is_some() || self.cluster.now() >= end {
                break;
            }
            self.tick(end);
        }
        self.background.insert(id.into(), (job, printed));
    }

    fn end(&mut self, id: &str) -> Printed {
        let Some((mut job, mut printed)) = self.background.remove(id) else { return Printed::default() };
        job.pump(&mut self.cluster);
        collect(&mut job, &mut printed);
        job.interrupt(&mut self.cluster);
        collect(&mut job, &mut printed);
        printed.status = "0".into();
        printed
    }

    fn http(&mut self, port: u16, path: &str) -> Printed {
        let mut printed = Printed { status: "0".into(), ..Printed::default() };
        let forward = self.background.iter().find_map(|(id, (job, output))| {
            let index = forwarded(&output.stdout).iter().position(|local| *local == port)?;
            job.forward(index).map(|(remote, stream)| (id.clone(), remote, stream))
        });
        let Some((id, remote, stream)) = forward else {
            printed.stderr = "connection refused\n".into();
            printed.status = "7".into();
            return printed;
        };
        self.cluster.send(stream, Upstream::Http { port: remote, method: Method::Get, path: path.into() });
        let end = self.cluster.now() + 5_000;
        while self.cluster.now() < end {
            pump_all(&mut self.background, &mut self.cluster);
            let answer = self.background.get_mut(&id).and_then(|(job, _)| job.take_answer(remote));
            if let Some((status, body)) = answer {
                printed.stdout = format!("HTTP {status}\n{}", String::from_utf8_lossy(&body));
                return printed;
            }
            self.tick(end);
        }
        printed
    }

    fn is_ready(&self, name: &str) -> bool {
        let snapshot = self.cluster.snapshot();
        snapshot.get::<api::k8s_openapi::api::core::v1::Node>("", name).is_some_and(|node| {
            let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions.is_some_and(|list| list.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
        })
    }

    fn fault(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let namespace = words.iter().position(|word| *word == "-n").and_then(|at| words.get(at + 1)).copied();
        let namespace = namespace.unwrap_or("default").to_string();
        let pod_status = |pod: &str, to: PodFate| Fault::PodStatus { namespace, pod: pod.into(), to };
        let fault = match words.as_slice() {
            ["node-down", node] => Fault::Freeze { node: (*node).into() },
            ["node-up", node] => Fault::Thaw { node: (*node).into() },
            ["stop", "kubelet", node] => Fault::Stop(ProcessId::Kubelet((*node).into())),
            ["start", "kubelet", node] => Fault::Start(ProcessId::Kubelet((*node).into())),
            ["stop", "apiserver"] => Fault::Stop(ProcessId::ApiServer),
            ["start", "apiserver"] => Fault::Start(ProcessId::ApiServer),
            ["stop", "scheduler"] => Fault::Stop(ProcessId::Scheduler),
            ["start", "scheduler"] => Fault::Start(ProcessId::Scheduler),
            ["stop", "controller-manager"] => Fault::Stop(ProcessId::ControllerManager),
            ["start", "controller-manager"] => Fault::Start(ProcessId::ControllerManager),
            ["pod-succeed", pod, ..] => pod_status(pod, PodFate::Succeeded),
            ["pod-ready", pod, ..] => pod_status(pod, PodFate::Ready),
            ["pod-unready", pod, ..] => pod_status(pod, PodFate::NotReady),
            ["pod-fail", pod, rest @ ..] => {
                let exit = rest.iter().find_map(|word| word.strip_prefix("exit=")).and_then(|code| code.parse().ok());
                let reason = rest.first().filter(|word| !word.contains('=') && **word != "-n").copied();
                pod_status(pod, PodFate::Failed { reason: reason.unwrap_or("").into(), exit_code: exit.unwrap_or(1) })
            }
            _ => return,
        };
        // A fault on something that is not there changes nothing, as on a real bench.
        let _ = self.cluster.inject(fault);
        self.settle_fault();
    }

    /// A started component works again a second or two later.
    fn settle_fault(&mut self) {
        let end = self.cluster.now() + 1_000;
        while self.cluster.now() < end {
            self.tick(end);
        }
    }
}

/// Local ports in the order kubectl names them; IPv4 and IPv6 lines say each twice.
fn forwarded(output: &str) -> Vec<u16> {
    let locals = output.lines().filter_map(|line| line.strip_prefix("Forwarding from 127.0.0.1:"));
    locals.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
}

fn pump_all(background: &mut BTreeMap<String, (Job, Printed)>, cluster: &mut Cluster) {
    for (job, printed) in background.values_mut() {
        job.pump(cluster);
        collect(job, printed);
    }
}

fn collect(job: &mut Job, printed: &mut Printed) {
    for (stream, text) in job.take_output() {
        match stream {
            Out::Stdout => printed.stdout.push_str(&text),
            Out::Stderr => printed.stderr.push_str(&text),
        }
    }
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
