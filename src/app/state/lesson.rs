//! A lesson being played: the course's run beside a session. It decides nothing about what counts as
//! done; it carries acts to the run and the run's findings to the column.

use std::sync::Arc;

use course::lesson::{Action, Lesson, Panel, Run, Stage, file, to_html};
use course::slices::Slices;
use engine::Cluster;
use leptos::prelude::*;

use super::{
    driver::Driver,
    files::Files,
    lessons::{self, course_locale},
    route::{self, Route},
    saved::Store,
    session::Session,
    view::*,
};
use crate::{
    components::lesson_panel::LessonAct,
    i18n::{I18n, Text},
};
use api::order::Order;

#[derive(Clone, Copy)]
pub struct Play {
    pub session: Session,
    run: StoredValue<Run, LocalStorage>,
}

/// A lesson's start: the cluster at its beginning, the cluster where the learner goes on, and the run there.
pub struct Begun {
    lesson: Arc<Lesson>,
    start: Cluster,
    here: Cluster,
    run: Run,
}

/// Prepares a lesson where its learner left it, in slices.
///
/// # Errors
/// A sentence for the lesson's author.
pub fn prepare(store: Store, lesson: Arc<Lesson>) -> Slices<Result<Begun, String>> {
    let progress = store.with_untracked(|saved| saved.progress.get(lesson.id()).cloned()).unwrap_or_default();
    // A finished lesson opened again begins at its first step.
    let passed = if progress.done { 0 } else { progress.step };
    Slices::of(async move {
        let mut begun = begin(&lesson, passed).await?;
        begun.run.prediction = progress.predicted;
        Ok(begun)
    })
}

/// Plays the solutions of the steps a learner has already passed, so that a reload keeps the place.
async fn begin(lesson: &Arc<Lesson>, passed: usize) -> Result<Begun, String> {
    let mut stage = Stage::prepare(lesson).await?;
    let start = stage.cluster.clone();
    let mut run = Run::new(lesson.clone(), &stage.snapshot());
    let begun = |here: Cluster, run: Run| Begun { lesson: lesson.clone(), start: start.clone(), here, run };
    let fresh = begun(start.clone(), run.clone());
    for index in 0..passed.min(lesson.front.steps.len().saturating_sub(1)) {
        run.go_to(index, &stage.snapshot());
        for action in &lesson.front.steps[index].solution {
            if stage.perform(action, Some(&mut run), lesson).await.is_err() {
                return Ok(fresh);
            }
        }
        run.observe(&stage.snapshot());
    }
    run.go_to(passed, &stage.snapshot());
    Ok(begun(stage.cluster, run))
}

impl Play {
    pub fn open(store: Store, i18n: I18n, begun: Begun) -> Play {
        let Begun { lesson, start, here, run } = begun;
        let id = lesson.id().to_string();
        let files = Files::open(store, &format!("lesson/{id}"), &initial(&lesson));
        files.provide(&initial(&lesson));
        let mut driver = Driver::on(here, Session::file_system(files));
        driver.begins_at(start);
        let session = Session::with(store, i18n, &lesson.front.cluster, files, driver);
        if lesson.front.time.mode == "paused" {
            session.playing.set(false);
        }
        store.update(|saved| saved.last = Some(id));
        let play = Play { session, run: StoredValue::new_local(run) };
        play.show();
        play.follow(&lesson);
        play
    }

    /// Looks at the cluster whenever something changed, a second passed, or the language did.
    fn follow(self, lesson: &Arc<Lesson>) {
        let session = self.session;
        let second = Memo::new(move |_| session.clock.get() / 1000);
        Effect::new(move |_| {
            session.looked.track();
            second.track();
            session.i18n.0.track();
            self.look();
        });
        Effect::new(move |before: Option<u64>| {
            let (number, stderr) = session.answered.get();
            if before.is_some_and(|before| before != number) {
                self.run.update_value(|run| run.command_ended(&stderr));
                self.look();
            }
            number
        });
        let files = initial(lesson);
        let again = lesson.clone();
        Effect::new(move |before: Option<u64>| {
            let resets = session.resets.get();
            if before.is_some_and(|before| before != resets) {
                session.files.restart(&files);
                let snapshot = session.driver.with_value(Driver::snapshot);
                self.run.set_value(Run::new(again.clone(), &snapshot));
                self.save();
                self.look();
            }
            resets
        });
        let reasons = lesson.front.time.auto_pause.clone();
        Effect::new(move |before: Option<usize>| {
            // The deciding moment is not to be missed: the clock stops at it.
            let decided = session.events.with(|events| events.iter().filter(|e| reasons.contains(&e.reason)).count());
            if before.is_some_and(|before| decided > before) {
                session.playing.set(false);
            }
            decided
        });
    }

    fn look(self) {
        let snapshot = self.session.driver.with_value(Driver::snapshot);
        let mut passed = false;
        self.run.update_value(|run| passed = run.observe(&snapshot));
        if passed {
            self.save();
        }
        self.show();
    }

    fn show(self) {
        let snapshot = self.session.driver.with_value(Driver::snapshot);
        let locale = self.session.i18n.0.get_untracked();
        let view = self.run.with_value(|run| view(run, &snapshot, course_locale(locale), locale.text()));
        if self.session.lesson.with_untracked(|old| old.as_ref() != Some(&view)) {
            self.session.lesson.set(Some(view));
        }
    }

    fn save(self) {
        let (id, step, done, predicted) = self.run.with_value(|run| {
            let step = run.index() + usize::from(run.step_done());
            (run.lesson().id().to_string(), step, run.finished(), run.prediction.clone())
        });
        self.session.store.update(|saved| {
            let progress = saved.progress.entry(id).or_default();
            progress.step = step;
            // Once done stays done, however often it is played again.
            progress.done |= done;
            progress.predicted = predicted;
        });
    }

    pub fn act(self, act: LessonAct) {
        let session = self.session;
        let snapshot = session.driver.with_value(Driver::snapshot);
        let locale = course_locale(session.i18n.0.get_untracked());
        match act {
            LessonAct::Predict(key) => self.run.update_value(|run| run.prediction = Some(key)),
            LessonAct::Type(line) => session.type_line(line),
            LessonAct::Answer(text) => self.run.update_value(|run| run.answer(&text)),
            LessonAct::Order(key) => self.run.update_value(|run| {
                let mut keys = run.ordered().to_vec();
                match keys.iter().position(|old| *old == key) {
                    Some(at) => keys.truncate(at),
                    None => keys.push(key),
                }
                run.order(keys);
            }),
            LessonAct::OrderAgain => self.run.update_value(|run| run.order(Vec::new())),
            LessonAct::Press(id) => self.press(&id),
            LessonAct::Hint => self.run.update_value(|run| run.ask_hint(&snapshot, locale)),
            LessonAct::Solution => self.run.update_value(Run::show_solution),
            LessonAct::Back => self.run.update_value(|run| {
                let index = run.index().saturating_sub(1);
                run.go_to(index, &snapshot);
            }),
            LessonAct::Next => {
                let (last, finished, id) = self.run.with_value(|run| {
                    let last = run.index() + 1 >= run.lesson().front.steps.len();
                    (last, run.finished(), run.lesson().id().to_string())
                });
                self.save();
                if last && finished {
                    return route::go(&lessons::after(&id).map_or(Route::Home, Route::Lesson));
                }
                self.run.update_value(|run| {
                    let next = run.index() + 1;
                    run.go_to(next, &snapshot);
                });
            }
        }
        self.save();
        self.look();
    }

    /// A fault the lesson offers as a button.
    fn press(self, id: &str) {
        let locale = course_locale(self.session.i18n.0.get_untracked());
        let found = self.run.with_value(|run| {
            let lesson = run.lesson();
            let fault = lesson.front.faults.iter().find(|fault| fault.id == id)?;
            Some((fault.clone(), lesson.fault_label(fault, locale)))
        });
        let Some((fault, label)) = found else { return };
        let place = if fault.node.is_empty() { fault.pod.clone() } else { fault.node.clone() };
        match course::lesson::fault_of(&fault.what, &fault.node, &fault.pod) {
            Ok(event) => self.session.machine(event, &place, &label),
            Err(problem) => self.session.print(TermKind::Note, problem),
        }
    }
}

/// The files a lesson lays out.
fn initial(lesson: &Lesson) -> Vec<(String, String)> {
    let front = &lesson.front;
    front
        .files
        .iter()
        .filter_map(|(name, path)| Some((name.clone(), file(&format!("{}/{path}", front.id))?.to_string())))
        .collect()
}

fn view(run: &Run, snapshot: &engine::Snapshot, locale: course::lesson::Locale, t: &Text) -> LessonView {
    let lesson = run.lesson();
    let step = run.step();
    let prose = lesson.prose(locale);
    let words = prose.steps.get(&step.id).cloned().unwrap_or_default();
    let finished = run.finished();
    // Asked on the first step; what came of it is said when everything has been seen.
    let asked = lesson.predict(locale).filter(|_| run.index() == 0 || finished);
    let predict = asked.map(|predict| PredictView {
        ask: inline(&predict.ask),
        options: predict.options.into_iter().map(|(key, label)| (key, inline(&label))).collect(),
        chosen: run.prediction.clone(),
        truth: Some(predict.truth).filter(|_| finished && predict.opens_in.is_empty()),
        kept: !predict.opens_in.is_empty(),
    });
    let (situation, task) = match (&predict, prose.predict.is_empty()) {
        (Some(_), false) if run.index() == 0 => (to_html(&prose.predict), to_html(&words.text)),
        (Some(_), _) | (None, _) => (to_html(&words.text), String::new()),
    };
    let answer = step.answer.as_ref().map(|_| {
        let (given, done) = run.answered().unwrap_or_default();
        AnswerView {
            label: lesson.answer_label(step, locale),
            given: given.to_string(),
            done,
            feedback: (!done && !given.is_empty()).then(|| t.lesson.answer_wrong.to_string()),
        }
    });
    let order = (!step.order.is_empty()).then(|| {
        let mut keys = step.order.clone();
        // The right order must not be the order of the buttons.
        keys.order();
        OrderView {
            options: keys.into_iter().map(|key| (key.clone(), part_name(&key, t))).collect(),
            chosen: run.ordered().to_vec(),
            done: run.ordered() == step.order.as_slice(),
        }
    });
    LessonView {
        id: lesson.id().to_string(),
        title: lesson.title(locale).to_string(),
        kills: lesson.kills(locale).to_string(),
        minutes: lesson.front.minutes,
        editor: lesson.front.shows(Panel::Editor),
        events: lesson.front.shows(Panel::Events),
        step: run.index(),
        steps: lesson.front.steps.len(),
        predict,
        step_title: words.title,
        situation,
        task,
        commands: words.commands,
        checks: run
            .checks(snapshot, locale)
            .into_iter()
            .map(|check| CheckView { done: check.done, title: check.title, detail: check.detail })
            .collect(),
        answer,
        order,
        buttons: lesson
            .front
            .faults
            .iter()
            .filter(|fault| fault.at == "button")
            .map(|fault| FaultButton { id: fault.id.clone(), label: lesson.fault_label(fault, locale) })
            .collect(),
        hints: run.hints(locale).iter().map(|hint| to_html(hint)).collect(),
        more_hints: run.more_hints(locale),
        solution: run.solution_shown().then(|| step.solution.iter().map(line).collect()),
        because: (run.step_done() && !words.because.is_empty()).then(|| to_html(&words.because)),
        step_done: run.step_done(),
        finished,
        stale: lesson.is_stale(locale),
    }
}

/// Markdown within a line: `code`, *stress*; no paragraph around it.
fn inline(markdown: &str) -> Html {
    let html = to_html(markdown);
    let html = html.trim();
    html.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>")).unwrap_or(html).to_string()
}

/// A line of a solution, and whether it can be typed.
fn line(action: &Action) -> (String, bool) {
    match action {
        Action::Command(line) => (line.clone(), true),
        Action::Edit { file, set, text } => {
            let fields: Vec<String> = set.iter().map(|(path, value)| format!("{path}: {value}")).collect();
            (format!("{file}\n{}", text.clone().unwrap_or_else(|| fields.join("\n"))), false)
        }
        Action::Answer(text) => (text.clone(), false),
        Action::Order(keys) => (keys.join(" → "), false),
        Action::Machine { what, node, pod } => (format!("⚡ {what} {node}{pod}"), false),
        Action::Press(id) => (format!("⚡ {id}"), false),
        Action::Wait(ms) => (format!("▶ {} s", ms / 1000), false),
        Action::WaitFor(_) => ("▶ …".into(), false),
    }
}

fn part_name(key: &str, t: &Text) -> String {
    match key {
        "api-server" => t.map.api_server.into(),
        "scheduler" => t.map.scheduler.into(),
        "controller-manager" => t.map.controllers.into(),
        other => other.into(),
    }
}
