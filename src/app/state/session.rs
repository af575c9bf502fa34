//! One cluster being played with: the signals a workbench draws, and the acts it can ask for.
//! Everything the engine, the shell and the course know reaches the page through here.

use leptos::prelude::*;

use super::{demo, files::Files, saved::Store, view::*};
use crate::{backend::editor::Suggestion, components::terminal::Busy, i18n::I18n};

#[derive(Clone, Copy)]
pub struct Session {
    pub store: Store,
    pub files: Files,
    pub cluster: RwSignal<ClusterView>,
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
    pub chips: RwSignal<Vec<String>>,
}

impl Session {
    pub fn new(store: Store, place: &str) -> Session {
        Session {
            store,
            files: Files::open(store, place, &[]),
            cluster: RwSignal::new(demo::cluster()),
            events: RwSignal::new(Vec::new()),
            lanes: RwSignal::new(Vec::new()),
            lines: RwSignal::new(Vec::new()),
            busy: RwSignal::new(Busy::No),
            playing: RwSignal::new(true),
            speed: RwSignal::new(1),
            skipped: RwSignal::new(None),
            typed: RwSignal::new(None),
            lesson: RwSignal::new(None),
            problems: RwSignal::new(Vec::new()),
            notice: RwSignal::new(Notice::default()),
            chips: RwSignal::new(Vec::new()),
        }
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

    pub fn run(self, _line: String) {}
    pub fn interrupt(self) {}
    pub fn clear(self) {
        self.lines.set(Vec::new());
    }
    pub fn play(self, on: bool) {
        self.playing.set(on);
    }
    pub fn step(self, _i18n: I18n) {}
    pub fn skip(self, _i18n: I18n) {}
    pub fn undo(self, _i18n: I18n) {}
    pub fn reset(self, _i18n: I18n) {}
    pub fn apply(self) {}
    pub fn fix(self, _problem: &DiagnosticView) {}
    pub fn complete(self, _text: &str, _at: usize) -> Completion {
        Completion::default()
    }
    pub fn suggest(self, _text: &str, _at: u32) -> Vec<Suggestion> {
        Vec::new()
    }
    pub fn explain(self, _text: &str, _at: u32) -> Option<String> {
        None
    }
}
