//! Where a learner stands in a lesson: the step, what holds, what was answered, which hints were asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::Snapshot;

use super::action::duration;
use super::check::{Baseline, World};
use super::format::{Lesson, Locale, Step};

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckLine {
    pub done: bool,
    pub title: String,
    /// What the cluster says instead; empty when the check holds.
    pub detail: String,
}

/// A learner in a lesson.
#[derive(Debug, Clone)]
pub struct Run {
    lesson: Arc<Lesson>,
    /// Index of the current step.
    step: usize,
    /// Steps that were passed, by id; they stay passed.
    passed: Vec<String>,
    answers: BTreeMap<String, String>,
    orders: BTreeMap<String, Vec<String>>,
    pub prediction: Option<String>,
    hints: BTreeMap<String, usize>,
    solutions: Vec<String>,
    baseline: Baseline,
    last_error: String,
    holds_since: Option<u64>,
}

impl Run {
    pub fn new(lesson: Arc<Lesson>, cluster: &Snapshot) -> Self {
        Self {
            lesson,
            step: 0,
            passed: Vec::new(),
            answers: BTreeMap::new(),
            orders: BTreeMap::new(),
            prediction: None,
            hints: BTreeMap::new(),
            solutions: Vec::new(),
            baseline: Baseline::of(cluster),
            last_error: String::new(),
            holds_since: None,
        }
    }

    pub fn lesson(&self) -> &Arc<Lesson> {
        &self.lesson
    }

    /// Index of the current step, from 0.
    pub fn index(&self) -> usize {
        self.step
    }

    pub fn step(&self) -> &Step {
        &self.lesson.front.steps[self.step]
    }

    pub fn is_passed(&self, id: &str) -> bool {
        self.passed.iter().any(|passed| passed == id)
    }

    pub fn step_done(&self) -> bool {
        self.is_passed(&self.step().id)
    }

    /// Every step was passed.
    pub fn finished(&self) -> bool {
        self.lesson.front.steps.iter().all(|step| self.is_passed(&step.id))
    }

    /// To another step; what was there when it begins is its "before".
    pub fn go_to(&mut self, index: usize, cluster: &Snapshot) {
        self.step = index.min(self.lesson.front.steps.len().saturating_sub(1));
        self.baseline = Baseline::of(cluster);
        self.last_error.clear();
        self.holds_since = None;
    }

    /// A command ended: what it wrote to stderr is the last answer.
    pub fn command_ended(&mut self, stderr: &str) {
        self.last_error = stderr.into();
    }

    pub fn answer(&mut self, text: &str) {
        let id = self.step().id.clone();
        self.answers.insert(id, text.into());
    }

    /// What was answered, and whether it is right.
    pub fn answered(&self) -> Option<(&str, bool)> {
        let step = self.step();
        let given = self.answers.get(&step.id)?;
        Some((given, step.answer.as_ref().is_some_and(|answer| answer.accepts(given))))
    }

    pub fn order(&mut self, keys: Vec<String>) {
        let id = self.step().id.clone();
        self.orders.insert(id, keys);
    }

    pub fn ordered(&self) -> &[String] {
        self.orders.get(&self.step().id).map_or(&[], Vec::as_slice)
    }

    /// Looks at the cluster; `true` when the current step has just been passed.
    pub fn observe(&mut self, cluster: &Snapshot) -> bool {
        if self.step_done() {
            return false;
        }
        let holds = self.holds(cluster);
        if !holds {
            self.holds_since = None;
            return false;
        }
        let since = *self.holds_since.get_or_insert(cluster.now);
        let wanted = duration(&self.step().hold).unwrap_or(0);
        if cluster.now < since + wanted {
            return false;
        }
        let id = self.step().id.clone();
        self.passed.push(id);
        true
    }

    fn holds(&self, cluster: &Snapshot) -> bool {
        let step = self.step();
        let world = self.world(cluster);
        let answered = step.answer.is_none() || self.answered().is_some_and(|(_, right)| right);
        let ordered = step.order.is_empty() || self.ordered() == step.order.as_slice();
        let something = !step.checks.is_empty() || step.answer.is_some() || !step.order.is_empty();
        something && answered && ordered && step.checks.iter().all(|check| check.gap(&world).is_none())
    }

    fn world<'a>(&'a self, cluster: &'a Snapshot) -> World<'a> {
        World { cluster, baseline: &self.baseline, last_error: &self.last_error }
    }

    /// The checklist of the current step; a passed step's lines stay ticked.
    pub fn checks(&self, cluster: &Snapshot, locale: Locale) -> Vec<CheckLine> {
        let passed = self.step_done();
        let world = self.world(cluster);
        self.step()
            .checks
            .iter()
            .map(|check| {
                let gap = if passed { None } else { check.gap(&world) };
                CheckLine {
                    done: gap.is_none(),
                    title: check.title(locale),
                    detail: gap.map(|gap| gap.sentence(locale)).unwrap_or_default(),
                }
            })
            .collect()
    }

    /// The hints asked for so far: first those that fit the state, then the ladder.
    pub fn hints(&self, locale: Locale) -> Vec<String> {
        let shown = self.hints.get(&self.step().id).copied().unwrap_or(0);
        self.hint_texts(locale).into_iter().take(shown).collect()
    }

    pub fn more_hints(&self, locale: Locale) -> bool {
        self.hints(locale).len() < self.hint_texts(locale).len()
    }

    /// One more hint: the first one that fits the state comes before the next of the ladder.
    pub fn ask_hint(&mut self, cluster: &Snapshot, locale: Locale) {
        let total = self.hint_texts(locale).len();
        let step = self.step();
        let world = self.world(cluster);
        let shown = self.hints.get(&step.id).copied().unwrap_or(0);
        let fits = |index: usize| {
            let when = step.hints.get(index).and_then(|hint| hint.when.as_ref());
            when.is_none_or(|clause| clause.gap(&world).is_none())
        };
        let next = (shown..total).find(|index| fits(*index)).unwrap_or(shown);
        let id = step.id.clone();
        self.hints.insert(id, (next + 1).min(total));
    }

    fn hint_texts(&self, locale: Locale) -> Vec<String> {
        let prose = self.lesson.prose(locale);
        prose.steps.get(&self.step().id).map(|step| step.hints.clone()).unwrap_or_default()
    }

    pub fn show_solution(&mut self) {
        let id = self.step().id.clone();
        if !self.solutions.contains(&id) {
            self.solutions.push(id);
        }
    }

    pub fn solution_shown(&self) -> bool {
        self.solutions.contains(&self.step().id)
    }
}
