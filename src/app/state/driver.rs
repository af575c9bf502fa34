//! Owns the engine: the cluster, the commands running on it, and the time that passes. No signals, no
//! browser: `session.rs` calls it once a frame and publishes what came of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use course::pump::{COMMAND_MILLIS, Job, pass_until, switch_on};
use course::slices::Slices;
use engine::{Cluster, ClusterConfig, Fault, Snapshot};
use kubectl::{Env, Out};

use super::look_back::LookBack;
use super::project::Projector;
use super::view::{Millis, TermKind};

/// A slice of engine work, in real milliseconds, between two looks at the keyboard. It must not take more than
/// eight, and a heavy event that nothing foretold may come at its end.
pub const SLICE_MS: f64 = 7.0;
/// Commands hear of what happened after this much of it, in real milliseconds.
const SERVE_MS: f64 = 2.0;
/// What a heavy event is remembered by after the next one: it halves in 350, the light ones of a slice or two.
const FADING: f64 = 0.998;
/// A slow machine may fall behind by this much real time; the rest is let go.
pub const DEBT_MS: f64 = 400.0;
/// How far ahead "next event" looks.
const HORIZON: Millis = 3_600_000;
/// Undo goes back this many actions.
const PAST: usize = 50;

pub struct Driver {
    pub cluster: Cluster,
    pub projector: Projector,
    env: Env,
    foreground: Option<Running>,
    background: Vec<Job>,
    /// Typed ahead while a command was running.
    queue: VecDeque<Typed>,
    past: Vec<Checkpoint>,
    pub look_back: LookBack,
    start: Cluster,
    /// What the heaviest of the latest events took, in real milliseconds: the next may take as long.
    heaviest: f64,
    /// Virtual milliseconds owed to the clock on the wall.
    owed: f64,
    seek: Option<Seek>,
}

/// A line, and whether the map typed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub line: String,
    pub kind: TermKind,
}

struct Running {
    job: Job,
    line: String,
    stderr: String,
    started: Millis,
    before: Checkpoint,
}

#[derive(Clone)]
struct Checkpoint {
    cluster: Cluster,
    action: String,
}

struct Seek {
    from: Millis,
    limit: Millis,
    version: u64,
}

/// What came of a frame.
#[derive(Debug, Default)]
pub struct Frame {
    pub lines: Vec<(TermKind, String)>,
    /// A search for the next event ended: how far it went, and whether there was one.
    pub sought: Option<(Millis, bool)>,
    /// What each command that ended in this frame had written to stderr.
    pub ended: Vec<String>,
}

impl Driver {
    /// On a cluster in working order.
    pub fn on(cluster: Cluster, files: Rc<dyn kubectl::Files>) -> Driver {
        let mut env = Env::new(files, Rc::new(RefCell::new(kubectl::Session::default())));
        env.page = true;
        env.width = 110;
        let mut projector = Projector::default();
        projector.story.forget(&cluster.snapshot());
        Driver {
            start: cluster.clone(),
            cluster,
            projector,
            env,
            foreground: None,
            background: Vec::new(),
            queue: VecDeque::new(),
            past: Vec::new(),
            look_back: LookBack::default(),
            heaviest: 0.0,
            owed: 0.0,
            seek: None,
        }
    }

    /// Where Reset leads, when the learner does not begin at the beginning.
    pub fn begins_at(&mut self, start: Cluster) {
        self.start = start;
    }

    /// What Tab offers at the end of `text`, and where the word begins.
    pub fn complete(&mut self, text: &str) -> (usize, Vec<String>) {
        let mut job = Job::complete(text, self.env.clone());
        job.pump(&mut self.cluster);
        let printed: String = job.take_output().into_iter().map(|(_, text)| text).collect();
        (kubectl::complete::word_start(text), printed.lines().map(String::from).collect())
    }

    pub fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.cluster.snapshot()
    }

    /// The line being executed.
    pub fn command(&self) -> Option<&str> {
        self.foreground.as_ref().map(|running| running.line.as_str())
    }

    /// It can only go on when time passes.
    pub fn is_stuck(&self) -> bool {
        self.foreground.as_ref().is_some_and(|running| running.job.is_waiting())
    }

    pub fn is_busy(&self) -> bool {
        self.foreground.is_some()
    }

    pub fn is_seeking(&self) -> bool {
        self.seek.is_some()
    }

    /// There is more to do than fitted into the last slice.
    pub fn is_behind(&self) -> bool {
        self.seek.is_some() || self.owed >= 1.0
    }

    /// Nothing is under way that shows before the cluster itself does something.
    pub fn is_quiet(&self) -> bool {
        (!self.is_busy() || self.is_stuck()) && !self.is_seeking() && self.projector.story.waiting() == 0
    }

    /// Enter was pressed.
    pub fn enter(&mut self, typed: Typed, frame: &mut Frame) {
        // What a running command reads is its input, not the next command.
        if let Some(running) = &mut self.foreground
            && running.job.reads_terminal()
        {
            running.job.typed(&mut self.cluster, Some(&typed.line));
            frame.lines.push((TermKind::Out, typed.line));
            return;
        }
        self.queue.push_back(typed);
        self.next_command(frame);
    }

    fn next_command(&mut self, frame: &mut Frame) {
        while self.foreground.is_none() {
            let Some(Typed { line, kind }) = self.queue.pop_front() else { return };
            frame.lines.push((kind, line.clone()));
            let (text, background) = match line.trim_end().strip_suffix('&') {
                Some(text) if !text.ends_with('&') => (text.trim_end().to_string(), true),
                Some(_) | None => (line.clone(), false),
            };
            if text.trim().is_empty() {
                continue;
            }
            let job = Job::line(&text, self.env.clone());
            if background {
                self.background.push(job);
                frame.lines.push((TermKind::Note, format!("[{}]", self.background.len())));
                continue;
            }
            let before = Checkpoint { cluster: self.cluster.clone(), action: line.clone() };
            self.foreground = Some(Running { job, line, stderr: String::new(), started: self.cluster.now(), before });
        }
    }

    /// Ctrl-C: the command in front, else the newest in the background.
    pub fn interrupt(&mut self, frame: &mut Frame) {
        self.queue.clear();
        let cluster = &mut self.cluster;
        if let Some(running) = &mut self.foreground {
            running.job.interrupt(cluster);
        } else if let Some(mut job) = self.background.pop() {
            job.interrupt(cluster);
        }
        frame.lines.push((TermKind::Note, "^C".into()));
    }

    /// `real_ms` have passed, at `speed`; the work is done later.
    pub fn owe(&mut self, real_ms: f64, speed: f64) {
        self.owed = (self.owed + real_ms * speed).min(DEBT_MS * speed.max(0.0));
    }

    /// One slice: `real_ms` have passed, at `speed`; 0 while paused. `clock` measures slices.
    pub fn frame(&mut self, real_ms: f64, speed: f64, clock: &dyn Fn() -> f64, frame: &mut Frame) {
        let deadline = clock() + SLICE_MS;
        self.look_back.follow(&self.cluster, self.is_busy() || !self.background.is_empty());
        if self.seek.is_some() {
            return self.seek_on(deadline, clock, frame);
        }
        self.owe(real_ms, speed);
        let whole = self.owed.floor().max(0.0);
        let from = self.cluster.now();
        self.advance(from + whole as Millis, deadline, clock, frame, speed <= 0.0);
        self.owed -= (self.cluster.now() - from) as f64;
    }

    /// Towards an instant, in slices; commands are served at every stop.
    fn advance(&mut self, until: Millis, deadline: f64, clock: &dyn Fn() -> f64, frame: &mut Frame, still: bool) {
        loop {
            self.pump(frame, still);
            let now = self.cluster.now();
            if now >= until {
                return;
            }
            let bound = self.next_wake().map_or(until, |wake| wake.clamp(now + 1, until));
            if !self.run_until(bound, deadline.min(clock() + SERVE_MS), clock) && self.is_late(deadline, clock) {
                return;
            }
        }
    }

    /// Event by event towards an instant, while there is time; `false` if there was not enough.
    fn run_until(&mut self, bound: Millis, deadline: f64, clock: &dyn Fn() -> f64) -> bool {
        let mut began = clock();
        loop {
            if self.cluster.run_until(bound, 1).complete {
                return true;
            }
            let now = clock();
            // One that seems to take longer was interrupted by somebody else.
            self.heaviest = (now - began).max(self.heaviest * FADING).min(SLICE_MS / 2.0);
            began = now;
            if now + self.heaviest > deadline {
                return false;
            }
        }
    }

    /// Another event might end after the deadline.
    fn is_late(&self, deadline: f64, clock: &dyn Fn() -> f64) -> bool {
        clock() + self.heaviest > deadline
    }

    /// Everything commands can do at the present instant. `still`: paused, so a command costs no time.
    fn pump(&mut self, frame: &mut Frame, still: bool) {
        for job in &mut self.background {
            job.pump(&mut self.cluster);
            print(job, frame);
        }
        self.background.retain(|job| job.exit_code().is_none());
        while let Some(running) = &mut self.foreground {
            running.job.pump(&mut self.cluster);
            let already = frame.lines.len();
            print(&mut running.job, frame);
            for (_, text) in frame.lines[already..].iter().filter(|(kind, _)| *kind == TermKind::Error) {
                running.stderr.push_str(text);
            }
            // A text editor cannot be opened inside a command here; the files are one panel away.
            if running.job.editing().is_some() {
                running.job.edited(None);
                continue;
            }
            let over = still || self.cluster.now() >= running.started + COMMAND_MILLIS;
            if running.job.exit_code().is_none() || !over {
                return;
            }
            if let Some(running) = self.foreground.take() {
                let changed = running.line.contains(" exec ") || self.wrote_since(&running.before.cluster);
                frame.ended.push(running.stderr);
                if changed {
                    self.remember(running.before);
                }
            }
            self.next_command(frame);
        }
    }

    /// Did the learner's command change anything? Reading does not count as an action.
    fn wrote_since(&self, before: &Cluster) -> bool {
        let after = before.snapshot().last_audit();
        self.snapshot().audit_after(after).any(|audit| &*audit.component == "kubectl" && audit.code < 400)
    }

    fn remember(&mut self, checkpoint: Checkpoint) {
        self.past.push(checkpoint);
        if self.past.len() > PAST {
            self.past.remove(0);
        }
    }

    fn next_wake(&self) -> Option<Millis> {
        let offset = self.cluster.now() as i64 - kubectl_now(&self.cluster);
        let foreground = self.foreground.as_ref();
        let done = foreground.filter(|r| r.job.exit_code().is_some()).map(|r| r.started + COMMAND_MILLIS);
        foreground
            .map(|running| &running.job)
            .into_iter()
            .chain(&self.background)
            .filter_map(Job::next_wake)
            .map(|unix| (unix as i64 + offset).max(0) as Millis)
            .chain(done)
            .min()
    }

    /// Looks for the next thing worth a sentence; frames do the work.
    pub fn seek(&mut self) {
        let now = self.cluster.now();
        self.seek = Some(Seek { from: now, limit: now + HORIZON, version: self.cluster.version() });
    }

    fn seek_on(&mut self, deadline: f64, clock: &dyn Fn() -> f64, frame: &mut Frame) {
        let Some(seek) = &self.seek else { return };
        let (from, limit, mut version) = (seek.from, seek.limit, seek.version);
        while clock() < deadline {
            self.pump(frame, true);
            let wake = self.next_wake();
            let next = self.cluster.next_event_at();
            let Some(at) = next.into_iter().chain(wake).min().filter(|at| *at <= limit) else {
                self.seek = None;
                frame.sought = Some((self.cluster.now() - from, false));
                return;
            };
            self.cluster.run_until(at.max(self.cluster.now()), 1);
            if self.cluster.version() != version {
                version = self.cluster.version();
                let snapshot = self.cluster.snapshot();
                let command = self.foreground.as_ref().map(|running| running.line.as_str());
                let before = self.projector.story.waiting();
                self.projector.story.follow(&snapshot, command);
                if self.projector.story.waiting() > before {
                    self.seek = None;
                    frame.sought = Some((self.cluster.now() - from, true));
                    return;
                }
            }
        }
        if let Some(seek) = &mut self.seek {
            seek.version = version;
        }
    }

    /// A hand at the machines.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn machine(&mut self, fault: Fault, action: String) -> Result<(), String> {
        let before = Checkpoint { cluster: self.cluster.clone(), action };
        self.cluster.inject(fault)?;
        self.look_back.follow(&self.cluster, true);
        self.remember(before);
        Ok(())
    }

    /// Back to before the last action; says which.
    pub fn undo(&mut self) -> Option<String> {
        let checkpoint = self.past.pop()?;
        self.restore(checkpoint.cluster);
        Some(checkpoint.action)
    }

    /// Back to the beginning, which can itself be undone.
    pub fn reset(&mut self) {
        let before = Checkpoint { cluster: self.cluster.clone(), action: "reset".into() };
        self.restore(self.start.clone());
        self.remember(before);
    }

    fn restore(&mut self, cluster: Cluster) {
        self.cluster = cluster;
        self.look_back = LookBack::default();
        self.foreground = None;
        self.background.clear();
        self.queue.clear();
        self.seek = None;
        self.owed = 0.0;
        // kinds may have come and gone with the past
        self.env.session.borrow_mut().discovery = None;
        self.projector = Projector::default();
        self.projector.story.forget(&self.cluster.snapshot());
    }
}

fn print(job: &mut Job, frame: &mut Frame) {
    for (out, text) in job.take_output() {
        let kind = match out {
            Out::Stdout => TermKind::Out,
            Out::Stderr => TermKind::Error,
        };
        frame.lines.push((kind, text));
    }
}

fn kubectl_now(cluster: &Cluster) -> i64 {
    use api::wire::Backend;
    cluster.unix_millis() as i64
}

/// A cluster switched on and left alone until its nodes have reported and its system pods run, so
/// that a learner finds it in working order.
pub fn settled(config: ClusterConfig) -> Slices<Cluster> {
    const FIRST_MINUTE: Millis = 60_000;
    Slices::of(async move {
        let mut cluster = switch_on(config).await;
        pass_until(&mut cluster, FIRST_MINUTE).await;
        cluster
    })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn driver() -> Driver {
        let files = kubectl::MemoryFiles::new([]);
        let cluster = settled(ClusterConfig::default()).advance(|| true).expect("there is time enough");
        Driver::on(cluster, Rc::new(files))
    }

    fn type_in(driver: &mut Driver, line: &str) -> String {
        let mut frame = Frame::default();
        driver.enter(Typed { line: line.into(), kind: TermKind::Command }, &mut frame);
        for _ in 0..400 {
            driver.frame(16.0, 10.0, &|| 0.0, &mut frame);
            if !driver.is_busy() {
                break;
            }
        }
        frame.lines.into_iter().skip(1).map(|(_, text)| text).collect()
    }

    #[wasm_bindgen_test]
    fn a_command_is_answered_and_costs_a_tenth_of_a_second() {
        let mut driver = driver();
        let before = driver.cluster.now();
        assert!(type_in(&mut driver, "kubectl get nodes").contains("worker-1"));
        assert!(driver.cluster.now() >= before + COMMAND_MILLIS);
    }

    #[wasm_bindgen_test]
    fn undo_goes_back_before_the_last_change_and_reading_does_not_count() {
        let mut driver = driver();
        type_in(&mut driver, "kubectl create namespace bakery");
        type_in(&mut driver, "kubectl get namespaces");
        assert_eq!(driver.undo().as_deref(), Some("kubectl create namespace bakery"));
        assert!(!type_in(&mut driver, "kubectl get namespaces").contains("bakery"));
    }
}
