//! One cluster being played with: the signals a workbench draws, and the acts it can ask for.
//! Everything the engine, the shell and the course know reaches the page through here.

use std::rc::Rc;

use engine::Cluster;
use leptos::prelude::*;

use super::{
    driver::{DEBT_MS, Driver, Frame, Typed},
    files::Files,
    picture::Picture,
    saved::Store,
    view::*,
    why::WhyView,
};
use crate::{
    backend::{
        dom::{self, Again},
        editor::Suggestion,
    },
    components::terminal::Busy,
    i18n::I18n,
};

/// Lines the terminal keeps.
const SCROLLBACK: usize = 1_500;
/// A caption stays this long before the next one, when many wait less.
const CAPTION_MS: f64 = 900.0;
/// After so long without news and without a hand on the page, frames are asked for more seldom.
const CALM_MS: f64 = 1_500.0;
/// Commands remembered for the up arrow.
const HISTORY: usize = 200;

#[derive(Clone, Copy)]
pub struct Session {
    pub store: Store,
    pub files: Files,
    pub i18n: I18n,
    pub name: StoredValue<String>,
    pub cluster: RwSignal<ClusterView>,
    /// The cluster's time, which goes on while the picture stays.
    pub clock: RwSignal<Millis>,
    pub events: RwSignal<Vec<EventView>>,
    pub lanes: RwSignal<Vec<LaneView>>,
    pub lines: RwSignal<Vec<TermLine>>,
    pub busy: RwSignal<Busy>,
    pub playing: RwSignal<bool>,
    pub speed: RwSignal<u32>,
    pub skipped: RwSignal<Option<Millis>>,
    pub typed: RwSignal<Option<(u64, String)>>,
    pub lesson: RwSignal<Option<LessonView>>,
    pub problems: RwSignal<Vec<DiagnosticView>>,
    pub notice: RwSignal<Notice>,
    /// How a pod came to its node, while somebody asks.
    pub why: RwSignal<Option<WhyView>>,
    /// Rises with every reset: the lesson begins anew.
    pub resets: RwSignal<u64>,
    /// What the last command wrote to stderr, with a number per command.
    pub answered: RwSignal<(u64, String)>,
    /// Rises when the cluster's objects changed: the lesson looks again.
    pub looked: RwSignal<u64>,
    pub driver: StoredValue<Driver, LocalStorage>,
    next_line: StoredValue<u64>,
    caption_since: StoredValue<f64>,
    /// When somebody last pressed a key or a button, by the clock on the wall.
    touched: StoredValue<f64>,
    pub(super) picture: StoredValue<Picture>,
}

/// The page's files, as the shell's file system.
struct PageFiles(Files);

impl kubectl::Files for PageFiles {
    fn names(&self) -> Vec<String> {
        self.0.contents().into_iter().map(|file| file.0).collect()
    }

    fn read(&self, name: &str) -> Option<String> {
        let text = self.0.text(name);
        if text.is_some() {
            self.0.mark_applied(name);
        }
        text
    }

    fn write(&self, name: &str, text: &str) {
        self.0.write(name, text.to_string());
    }
}

impl Session {
    /// Around a cluster in working order.
    pub fn new(
        store: Store,
        i18n: I18n,
        place: &str,
        name: &str,
        cluster: Cluster,
        initial: &[(String, String)],
    ) -> Session {
        let files = Files::open(store, place, initial);
        let driver = Driver::on(cluster, Rc::new(PageFiles(files)));
        Session::with(store, i18n, name, files, driver)
    }

    pub fn file_system(files: Files) -> Rc<dyn kubectl::Files> {
        Rc::new(PageFiles(files))
    }

    /// Around a driver prepared by somebody else.
    pub fn with(store: Store, i18n: I18n, name: &str, files: Files, driver: Driver) -> Session {
        let reduced = store.with_untracked(|saved| saved.settings.reduced_motion());
        let session = Session {
            store,
            files,
            i18n,
            name: StoredValue::new(name.to_string()),
            cluster: RwSignal::new(ClusterView::default()),
            clock: RwSignal::new(0),
            events: RwSignal::new(Vec::new()),
            lanes: RwSignal::new(Vec::new()),
            lines: RwSignal::new(Vec::new()),
            busy: RwSignal::new(Busy::No),
            // Nothing moves by itself for whoever asked for that.
            playing: RwSignal::new(!reduced),
            speed: RwSignal::new(1),
            skipped: RwSignal::new(None),
            typed: RwSignal::new(None),
            lesson: RwSignal::new(None),
            problems: RwSignal::new(Vec::new()),
            notice: RwSignal::new(Notice::default()),
            why: RwSignal::new(None),
            resets: RwSignal::new(0),
            answered: RwSignal::new((0, String::new())),
            looked: RwSignal::new(0),
            driver: StoredValue::new_local(driver),
            next_line: StoredValue::new(0),
            caption_since: StoredValue::new(0.0),
            touched: StoredValue::new(0.0),
            picture: StoredValue::new(Picture::default()),
        };
        session.print(TermKind::Note, i18n.0.get_untracked().text().term.welcome.into());
        session.publish(true);
        session.live();
        session
    }

    /// Frames, and what stops them.
    fn live(self) {
        let last = StoredValue::new(dom::real_ms());
        // One slice a frame leaves half of the time unused: work that does not fit into it comes in tasks of its own.
        let more = dom::soon(move |more| {
            if self.go_on() {
                more.ask();
            }
        });
        let frames = dom::every_frame(move |now| {
            let passed = (now - last.get_value()).clamp(0.0, DEBT_MS);
            last.set_value(now);
            match more {
                Some(more) if self.is_heavy() => {
                    self.driver.update_value(|driver| driver.owe(passed, self.pace()));
                    self.tell(passed);
                    more.ask();
                }
                _ => self.tick(passed),
            }
            if self.is_at_rest() { Again::Later } else { Again::Soon }
        });
        for event in ["keydown", "input", "pointerdown", "click"] {
            dom::listen(&document(), event, move |_| {
                self.touched.set_value(dom::real_ms());
                frames.wake();
            });
        }
        dom::listen(&document(), "visibilitychange", move |_| {
            if dom::tab_is_hidden() && self.playing.get_untracked() {
                self.playing.set(false);
                self.say(self.text().time.away);
            }
        });
        Effect::new(move |_| {
            let active = self.files.active.get();
            let text = self
                .files
                .all
                .with(|all| all.iter().find(|file| Some(&file.name) == active.as_ref()).map(|file| file.text.clone()));
            let found = text.map(|text| diagnose(&text)).unwrap_or_default();
            if self.problems.with_untracked(|old| *old != found) {
                self.problems.set(found);
            }
        });
    }

    fn tick(self, real_ms: f64) {
        self.slice(real_ms);
        self.publish(false);
        self.tell(real_ms);
    }

    /// Nothing moves, and nobody has touched anything for a while.
    pub(super) fn is_at_rest(self) -> bool {
        let moved = self.touched.get_value().max(self.picture.get_value().changed);
        self.driver.with_value(Driver::is_quiet) && self.pace() <= 1.0 && dom::real_ms() - moved > CALM_MS
    }

    /// A frame has no room for what is to be done.
    fn is_heavy(self) -> bool {
        self.picture.get_value().is_heavy() || self.driver.with_value(Driver::is_behind)
    }

    /// A slice, or a picture, between two frames; whether there is still more to do.
    fn go_on(self) -> bool {
        // Disposed of while the message was under way.
        if self.picture.try_get_value().is_none() {
            return false;
        }
        if self.is_due() {
            self.publish(false)
        } else {
            self.slice(0.0)
        }
        self.driver.with_value(Driver::is_behind)
    }

    /// Virtual milliseconds in a real one.
    fn pace(self) -> f64 {
        if self.playing.get_untracked() { f64::from(self.speed.get_untracked()) } else { 0.0 }
    }

    fn slice(self, real_ms: f64) {
        let (speed, mut frame) = (self.pace(), Frame::default());
        self.driver.update_value(|driver| driver.frame(real_ms, speed, &dom::real_ms, &mut frame));
        if let Some((skipped, found)) = frame.sought {
            self.skipped.set(Some(skipped));
            if !found {
                self.say(self.text().time.nothing_ahead);
            }
        }
        self.deliver(frame);
    }

    pub(super) fn text(self) -> &'static crate::i18n::Text {
        self.i18n.0.get_untracked().text()
    }

    fn deliver(self, frame: Frame) {
        for (kind, text) in frame.lines {
            self.print(kind, text);
        }
        for stderr in frame.ended {
            self.answered.update(|answered| *answered = (answered.0 + 1, stderr));
        }
        let busy = self.driver.with_value(|driver| match (driver.is_busy(), driver.is_stuck()) {
            (false, _) => Busy::No,
            (true, true) if !self.playing.get_untracked() => Busy::Stuck,
            (true, _) => Busy::Running,
        });
        if self.busy.get_untracked() != busy {
            self.busy.set(busy);
        }
    }

    /// Shows the next caption when the present one has been readable for a while.
    fn tell(self, real_ms: f64) {
        let waited = self.caption_since.get_value() + real_ms;
        self.caption_since.set_value(waited);
        let waiting = self.driver.with_value(|driver| driver.projector.story.waiting());
        if waiting == 0 {
            return;
        }
        // The more wait, the faster they go by; never so fast that they flicker.
        let patience = (CAPTION_MS / (1.0 + waiting as f64 / 4.0)).max(350.0);
        if waited < patience {
            return;
        }
        self.caption_since.set_value(0.0);
        let mut next = None;
        self.driver.update_value(|driver| next = driver.projector.story.next_caption());
        self.cluster.update(|cluster| cluster.caption = next);
    }

    pub fn print(self, kind: TermKind, text: String) {
        let text = text.strip_suffix('\n').map_or(text.clone(), str::to_string);
        let id = self.next_line.get_value();
        self.next_line.set_value(id + 1);
        self.lines.update(|lines| {
            lines.push(TermLine { id, kind, text });
            if lines.len() > SCROLLBACK {
                lines.drain(..lines.len() - SCROLLBACK);
            }
        });
    }

    /// Puts a line into the terminal for the learner to run.
    pub fn type_line(self, line: String) {
        self.typed.update(|typed| {
            let number = typed.as_ref().map_or(1, |typed| typed.0 + 1);
            *typed = Some((number, line));
        });
    }

    pub fn say(self, text: &str) {
        self.notice.update(|notice| *notice = Notice { id: notice.id + 1, text: text.into() });
    }

    /// What the learner entered. A few words are the page's, all others the shell's.
    pub fn run(self, line: String) {
        let word = line.trim();
        if !word.is_empty() {
            self.store.update(|saved| {
                saved.history.retain(|old| old != word);
                saved.history.push(word.to_string());
                let over = saved.history.len().saturating_sub(HISTORY);
                saved.history.drain(..over);
            });
        }
        match word {
            "clear" => return self.clear(),
            "undo" => {
                self.print(TermKind::Command, line);
                return self.undo();
            }
            "reset" => {
                self.print(TermKind::Command, line);
                return self.reset();
            }
            "" => return self.print(TermKind::Command, String::new()),
            _ => {}
        }
        self.enter(Typed { line, kind: TermKind::Command });
    }

    /// An action on the map that kubectl can do: its line is shown, greyed.
    pub fn run_from_map(self, line: String) {
        self.enter(Typed { line, kind: TermKind::Map });
    }

    fn enter(self, typed: Typed) {
        let mut frame = Frame::default();
        self.driver.update_value(|driver| driver.enter(typed, &mut frame));
        self.deliver(frame);
    }

    pub fn interrupt(self) {
        let mut frame = Frame::default();
        self.driver.update_value(|driver| driver.interrupt(&mut frame));
        self.deliver(frame);
    }

    pub fn clear(self) {
        self.lines.set(Vec::new());
    }

    pub fn play(self, on: bool) {
        self.playing.set(on);
        self.skipped.set(None);
    }

    /// One event on, and stop there.
    pub fn step(self) {
        self.playing.set(false);
        self.skip();
    }

    /// Over the waiting, to the next thing that happens.
    pub fn skip(self) {
        self.skipped.set(None);
        self.driver.update_value(|driver| {
            if !driver.is_seeking() {
                driver.seek();
            }
        });
    }

    pub fn undo(self) {
        let mut undone = None;
        self.driver.update_value(|driver| undone = driver.undo());
        match undone {
            Some(action) => {
                self.print(TermKind::Note, format!("↶ {action}"));
                self.after_restore();
                self.say(self.text().common.undone);
            }
            None => self.say(self.text().common.nothing_to_undo),
        }
    }

    pub fn reset(self) {
        self.driver.update_value(Driver::reset);
        self.resets.update(|resets| *resets += 1);
        self.after_restore();
        self.say(self.text().common.was_reset);
    }

    fn after_restore(self) {
        self.cluster.update(|cluster| cluster.caption = None);
        self.skipped.set(None);
        self.publish(true);
    }

    /// Applies the open file, as the learner would.
    pub fn apply(self) {
        if let Some(name) = self.files.active.get_untracked() {
            self.run(format!("kubectl apply -f {name}"));
        }
    }

    /// Accepts a "did you mean".
    pub fn fix(self, problem: &DiagnosticView) {
        let (Some(name), Some(word)) = (self.files.active.get_untracked(), &problem.suggestion) else { return };
        let Some(text) = self.files.text(&name) else { return };
        let units: Vec<u16> = text.encode_utf16().collect();
        let (from, to) = (problem.from as usize, problem.to as usize);
        if from <= to && to <= units.len() {
            let fixed =
                format!("{}{word}{}", String::from_utf16_lossy(&units[..from]), String::from_utf16_lossy(&units[to..]));
            self.files.write(&name, fixed);
        }
    }

    pub fn complete(self, text: &str, at: usize) -> Completion {
        let mut found = (at, Vec::new());
        self.driver.update_value(|driver| found = driver.complete(&text[..at]));
        let candidates = found.1.into_iter().map(|text| Candidate { text, hint: String::new() }).collect();
        Completion { from: found.0, candidates }
    }

    pub fn suggest(self, text: &str, at: u32) -> Vec<Suggestion> {
        api::schema::complete(text, at as usize)
            .into_iter()
            .map(|found| Suggestion {
                label: found.label,
                detail: found.detail,
                info: found.documentation,
                apply: found.insert,
                from: found.start as u32,
            })
            .collect()
    }

    pub fn explain(self, text: &str, at: u32) -> Option<String> {
        let hover = api::schema::hover(text, at as usize)?;
        let values = if hover.values.is_empty() { String::new() } else { format!("\n\n{}", hover.values.join(" | ")) };
        Some(format!("{} <{}>\n\n{}{values}", hover.path, hover.type_name, hover.text))
    }
}

/// What the API server would not understand, as the editor shows it.
fn diagnose(text: &str) -> Vec<DiagnosticView> {
    api::schema::lint(text)
        .into_iter()
        .map(|found| DiagnosticView {
            from: found.start as u32,
            to: found.end as u32,
            line: found.line as u32 + 1,
            warning: found.severity == api::schema::Severity::Warning,
            message: found.message,
            suggestion: found.suggestion,
        })
        .collect()
}
